/**
 * A line of CSV (RFC 4180), every field quoted. A field that a spreadsheet would take for a formula
 * gets an apostrophe before it: an address may begin with `=`, and whoever opens the file would run
 * what somebody else has written there (CWE-1236).
 */
export function csvLine(fields: readonly (string | number | null)[]): string {
  return `${fields.map(fieldOf).join(',')}\r\n`;
}

function fieldOf(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  const harmless = /^[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}
