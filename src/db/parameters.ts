/** How a bind parameter goes to the server: text, bytes or NULL. */
export type WireValue = string | Buffer | null;

/**
 * The text form of a bind parameter. Throws a TypeError on what has none, before anything is sent.
 */
export function toWireValue(value: unknown): WireValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value);
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return toArrayLiteral(value);
  throw new TypeError(`a ${typeof value} cannot be a bind parameter; send JSON as text`);
}

function toArrayLiteral(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return toArrayLiteral(value);
    const wire = toWireValue(value);
    if (wire === null) return 'NULL';
    const text = Buffer.isBuffer(wire) ? `\\x${wire.toString('hex')}` : wire;
    return `"${text.replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${elements.join(',')}}`;
}
