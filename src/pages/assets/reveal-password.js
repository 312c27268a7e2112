/*
 * Puts a button beside each password field that shows what was typed. The page has no such button of
 * its own, since without this script it would do nothing. ASVS 6.2.6.
 */

/** @param {HTMLInputElement} field */
function addButton(field) {
  const button = document.createElement('button');
  const text = field.dataset.show ?? '';
  const label = field.labels?.[0]?.textContent ?? '';
  button.type = 'button';
  button.className = 'button reveal';
  button.textContent = text;
  button.setAttribute('aria-label', `${text}: ${label}`);
  button.setAttribute('aria-controls', field.id);

  /** @param {boolean} shown */
  const show = (shown) => {
    field.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(shown));
  };
  show(false);
  button.addEventListener('click', () => show(field.type === 'password'));
  // A field that is sent as text would be offered again to whoever types into it next.
  field.form?.addEventListener('submit', () => show(false));
  field.after(button);
}

for (const field of document.querySelectorAll('input[data-show]')) {
  if (field instanceof HTMLInputElement) addButton(field);
}
