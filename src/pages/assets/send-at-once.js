/*
 * Sends a form that needs nobody to fill it in. Without this script the page has a button for it.
 */

document.querySelector('form[data-at-once]')?.requestSubmit();
