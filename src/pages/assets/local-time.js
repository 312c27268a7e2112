/*
 * Shows each moment in the reader's own time zone, in the way of their region. Pages say it in UTC,
 * which stays as the title, and all that readers without scripts see.
 */

/** The reader's variety of the page's language, such as en-GB for en, or the language itself. */
function readersLanguage() {
  const language = document.documentElement.lang;
  const own = navigator.languages.find((tag) => tag.split('-')[0] === language);
  return own ?? language;
}

const format = new Intl.DateTimeFormat(readersLanguage(), {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
});

for (const time of document.querySelectorAll('time')) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = time.textContent;
  time.textContent = format.format(at);
}
