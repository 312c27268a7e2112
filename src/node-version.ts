/** As in the manifest's `engines`. */
const minimum = { major: 22, minor: 19 };

/** Says in one line why this version of Node.js will not do, or returns null. */
export function refuseNodeVersion(version: string): string | null {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > minimum.major || (major === minimum.major && minor >= minimum.minor)) return null;
  return `Sallyport needs Node.js ${minimum.major}.${minimum.minor} or newer; this is ${version}.`;
}
