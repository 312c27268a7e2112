import type { Page } from 'playwright-core';

/**
 * What the browser has to complain about from now on: a refused style or script, a failed file, an
 * exception. A refused form is a page with a status of 400 or 401, which Chromium notes as an
 * error.
 */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    const refusedForm = /responded with a status of 40[013]/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !refusedForm) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    // What a page still loaded when the next one was opened, and a download, which opens none.
    const aborted = request.failure()?.errorText === 'net::ERR_ABORTED';
    if (!aborted) complaints.push(`failed: ${request.url()}`);
  });
  return complaints;
}
