/*
 * Puts a button beside each password field that shows what was typed. The page has no such button of
 * its own, since without this script it would do nothing. ASVS 6.2.6.
 */

/** An eye, and the stroke that crosses it while the password is hidden. */
const SHAPES = [
  'M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z',
  'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  'M4 4l16 16',
];

function eye() {
  const space = 'http://www.w3.org/2000/svg';
  const image = document.createElementNS(space, 'svg');
  image.setAttribute('viewBox', '0 0 24 24');
  image.setAttribute('aria-hidden', 'true');
  for (const shape of SHAPES) {
    const path = document.createElementNS(space, 'path');
    path.setAttribute('d', shape);
    image.append(path);
  }
  return image;
}

/** @param {HTMLInputElement} field */
function addButton(field) {
  const button = document.createElement('button');
  const text = field.dataset.show ?? '';
  const label = field.labels?.[0]?.textContent ?? '';
  button.type = 'button';
  button.className = 'button reveal';
  button.append(eye());
  button.title = text;
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
