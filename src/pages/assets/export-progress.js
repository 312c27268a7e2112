/*
 * Shows how far an export is. Without this script the browser downloads the same file by itself; the
 * file is kept in pieces, which browsers put on the disk, until all of it is there.
 */

for (const link of document.querySelectorAll('a[data-progress]')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    if (link.getAttribute('aria-disabled') === 'true') return;
    link.setAttribute('aria-disabled', 'true');
    void download(link).finally(() => link.removeAttribute('aria-disabled'));
  });
}

/** Reads the file and counts its lines, one an event, against the total that the header says. */
async function download(link) {
  const output = document.getElementById('export-progress');
  const bar = output.querySelector('progress');
  const text = output.querySelector('span');
  const say = (words, done, total) => {
    text.textContent = words.replace('%1', count(done)).replace('%2', count(total));
  };
  output.hidden = false;
  let done = 0;
  let total = 0;
  try {
    const answer = await fetch(link.href, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(String(answer.status));
    total = Number(answer.headers.get('x-total-count'));
    bar.max = Math.max(total, 1);
    const pieces = [];
    const reader = answer.body.getReader();
    for (;;) {
      const { value, done: over } = await reader.read();
      if (over) break;
      pieces.push(new Blob([value]));
      for (const byte of value) if (byte === 10) done++;
      bar.value = Math.min(done, total);
      say(output.dataset.running, bar.value, total);
    }
    save(new Blob(pieces, { type: answer.headers.get('content-type') }), link.dataset.progress);
    bar.value = bar.max;
    say(output.dataset.finished, total, total);
  } catch {
    say(output.dataset.failed, Math.min(done, total), total);
  }
}

function count(number) {
  return number.toLocaleString(document.documentElement.lang);
}

function save(file, name) {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(anchor.href);
}
