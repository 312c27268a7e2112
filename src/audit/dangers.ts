import type { Operation } from './operation.ts';
import { snake, wordsOf } from './words.ts';

/**
 * Names of operations that nobody should call unasked: they wipe, run or pay for something. A GET
 * is not safe by definition, so the method plays no part.
 */
const DANGEROUS =
  /\b(reset|wipe|purge|truncate|drop|seed|populate|create ?db|init ?db|reinit\w*|import|restore|exec|execute|eval|shell|command|debug|shutdown|restart|reboot|kill|payment|payments|pay|charge|refund|payout|checkout|purchase|deploy|backup|migrate|flush|factory|unregister|self destruct)\b/;

export function isDangerous(operation: Operation): boolean {
  // Words of the summary count only for operations that change something: "list of payments" reads.
  const words = [operation.path, operation.name].flatMap(wordsOf).join(' ');
  return DANGEROUS.test(words);
}

/** Whether an operation takes values that are not known beforehand. */
export function needsInput(operation: Operation): boolean {
  return (
    operation.path.includes('{') ||
    operation.parameters.some(
      ({ required, in: place, name }) => required && place !== 'header' && !isCredentialName(name),
    )
  );
}

function isCredentialName(name: string): boolean {
  return /^(authorization|cookie|session(_id)?|token|access_token|api_key)$/.test(snake(name));
}
