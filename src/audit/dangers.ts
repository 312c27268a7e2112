import type { Operation } from './operation.ts';
import { singular, snake, wordsOf } from './words.ts';

/**
 * Names of operations that nobody should call unasked: they wipe, run or pay for something. A GET
 * is not safe by definition, so the method plays no part.
 */
const DANGEROUS =
  /\b(reset|wipe|purge|truncate|drop|seed|populate|create ?db|init ?db|reinit\w*|import|restore|exec|execute|eval|shell|command|debug|shutdown|restart|reboot|kill|payment|payments|pay|charge|refund|payout|checkout|purchase|deploy|backup|migrate|flush|factory|unregister|self destruct)\b/;

/** Nouns among them: a GET of payments, or of what a debugger shows, lists them. */
const NOUNS =
  /\b(payments?|charges|refunds|payouts|purchases|imports|backups|commands|factory|factories|debug)\b/g;

export function isDangerous({ method, path, name }: Operation): boolean {
  const words = [path, name].flatMap(wordsOf).join(' ');
  return DANGEROUS.test(method === 'GET' ? words.replaceAll(NOUNS, '') : words);
}

/** What these words name is not called to find out what it is: a GET is not safe by definition. */
const SUSPICIOUS =
  /\b(log ?out|sign ?out|delete|remove|create|add|update|set|send|run|trigger|generate|clear|start|stop|revoke|unsubscribe|activate|deactivate|toggle|confirm|verify|archive|unarchive|publish|unpublish|approve|reject|close|lock|unlock|mark|like|unlike|follow|unfollow|accept|decline|cancel|complete|finish|pin|unpin|hide|expire|enable|disable|stream|ws|websocket|download|export)\b/;

/** Whether a GET may be called to find out what it answers: nothing says that it does something. */
export function isReadable(operation: Operation): boolean {
  const last =
    operation.path.split('/').findLast((part) => part !== '' && !part.includes('{')) ?? '';
  const words = [...wordsOf(last), ...wordsOf(operation.name)].join(' ');
  return (
    operation.method === 'GET' &&
    !isDangerous(operation) &&
    !SUSPICIOUS.test(words) &&
    !isAction(operation)
  );
}

const READS =
  /^(get|gets|list|lists|show|shows|read|reads|find|finds|fetch|fetches|view|views|retrieve|retrieves|search|query|count|check|checks|describe|describes|look|lookup|load|return|returns|browse|see|display)$/;

/** Words that end as verbs do, and the nouns and adjectives that end so, too. */
const VERB_FORM = /(ise|ize|ify|ate)$/;
const NO_VERB =
  /^(exercise|enterprise|franchise|promise|premise|merchandise|expertise|noise|size|prize|estate|state|rate|date|template|climate|certificate|candidate|estimate|aggregate|duplicate|delegate|plate|gate|affiliate|associate|private|corporate|coordinate|debate|mandate|graduate|predicate|late|advocate|intermediate|alternate|separate|appropriate)$/;

/**
 * Whether a GET below an item does something with it, by signs that need no list of what can be
 * done: `GET /orders/{id}/vaporise` that is called "vaporise an order", a verb before its object;
 * one that documents no answer but 202 or 204; a word in a verb's form without documented content.
 */
function isAction({ path, name, summary, answers }: Operation): boolean {
  const [, items = '', last = ''] = /([^/{}]+)\/\{[^{}]+\}\/([^/{}]+)\/?$/.exec(path) ?? [];
  const [verb = ''] = wordsOf(last);
  const phrases = [wordsOf(name), wordsOf(summary)];
  if (verb === '' || phrases.some(([first = '']) => READS.test(first))) return false;
  const item = singular(wordsOf(items).at(-1) ?? '');
  const isOfItem = ([first, ...others]: readonly string[]) =>
    first === verb &&
    singular(others.find((word) => !/^(a|an|the|this|that|one|my|your)$/.test(word)) ?? '') ===
      item;
  if (phrases.some(isOfItem)) return true;
  const successes = Object.entries(answers).filter(([status]) => status.startsWith('2'));
  if (successes.length > 0 && successes.every(([status]) => /^20[245]$/.test(status))) return true;
  const hasContent = successes.some(([, schema]) => Object.keys(schema ?? {}).length > 0);
  return !hasContent && VERB_FORM.test(verb) && !NO_VERB.test(verb);
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
