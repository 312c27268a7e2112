/** Values that stand in no log, report or message; each has the name of a shell variable. */
export interface Secrets {
  /** Values of fewer than four characters are not masked: they would be found everywhere. */
  add(variable: string, value: string): void;
  /** The text with each secret, plain or percent-encoded, as `$VARIABLE`. */
  mask(text: string): string;
  variables(): readonly string[];
}

const LENGTH_MIN = 4;

export function createSecrets(): Secrets {
  const variables = new Map<string, string>();
  return {
    add(variable, value) {
      if (value.length < LENGTH_MIN || variables.has(value)) return;
      // A later value under a name that is taken (a second session of A) gets a number.
      const taken = new Set(variables.values());
      let name = variable;
      for (let count = 2; taken.has(name); count += 1) name = `${variable}_${count}`;
      variables.set(value, name);
    },
    mask(text) {
      // Longer ones first: a token may have another one in it.
      const known = [...variables].toSorted(([one], [other]) => other.length - one.length);
      let masked = text;
      for (const [value, name] of known) {
        masked = masked.replaceAll(value, `$${name}`);
        const encoded = encodeURIComponent(value);
        if (encoded !== value) masked = masked.replaceAll(encoded, `$${name}`);
      }
      return masked;
    },
    variables: () => [...new Set(variables.values())],
  };
}
