import type { Check } from '../check.ts';
import { type Json, leavesOf, type Scalar } from '../json.ts';
import type { Granted } from '../knowledge.ts';
import type { Actor } from '../actor.ts';
import { shows } from '../canary.ts';
import { isRefused } from '../exchange.ts';
import { type Run, send } from '../run.ts';
import { lostSession } from '../still-signed-in.ts';
import { notTested, sound, step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

/**
 * Fields of answers that hold what no client needs, and lists that show what the detail refuses.
 */
export const secretFields: Check = {
  id: 'secret-fields',
  title: 'Answers that show more than they should',
  cwe: [213, 200],
  owaspApi: ['API3:2023'],
  asvs: ['8.2.3', '15.3.1'],
  phase: 'reads',
  needs: ['a', 'identity'],
  effect: 'reads',
  repair: {
    fastapi:
      'Declare a `response_model` with the fields that the caller may see, never the model of the table, and put the same predicate on the list as on the detail.',
    fastify:
      'Declare a response schema: Fastify leaves out what is not in it. Put the same predicate on the list as on the detail.',
    sallyport:
      'Credential columns are in tables that the application role has no privilege on, and one policy holds for lists and details alike.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a === null) return [notTested('reads', 'account A is not signed in')];
    const reads = run.knowledge.reads.filter(({ actor }) => actor.role === 'a');
    if (reads.length === 0) return [notTested('reads', 'nothing was granted to A')];
    const lost = await lostSession(run, a, 'reads');
    if (lost !== null) return [lost];
    const found = reads.flatMap(secretsIn);
    found.push(...(await wideLists(run, a)));
    return found.length > 0
      ? found
      : [
          sound(
            `${reads.length} reads`,
            'no answer holds a credential, and no list shows more than its detail',
          ),
        ];
  },
};

/** Hashes of passwords by their form. PHC strings, crypt, Werkzeug, Django. */
const HASH =
  /^(\$2[abxy]?\$\d\d\$|\$argon2(id|i|d)\$|\$(5|6|scrypt|pbkdf2)[$-]|(pbkdf2|scrypt)[:_]|pbkdf2_sha)/;

const HASH_FIELD =
  /(^|_)(password|passwd|pwd|pass)(_?(hash|digest|salt|hashed))?$|^hashed_password$/;

const OTHERS_FIELD =
  /(^|_)(secret|api_?key|private_?key|reset_?(token|code)|recovery_?codes?|otp_?secret|totp_?secret|card_?number|cvv|cvc|ssn)$/;

function secretsIn(read: Granted): readonly Verdict[] {
  const subject = read.call.operation.id;
  const leaves = leavesOf(read.exchange.answer?.json);
  const hash = leaves.find(({ key, value }) => isHash(snake(key), value));
  if (hash !== undefined) {
    return [
      finding(
        read,
        `${subject} shows passwords`,
        `Answers of ${subject} hold passwords or their hashes in the field ${hash.key}`,
      ),
    ];
  }
  // Own secrets are shown to their owner; those in a list of others are not the caller's.
  const identity = read.actor.identity.filter((value) => value.length >= 3);
  const inLists = leaves.filter(({ path }) => path.some((part) => typeof part === 'number'));
  const others = inLists.find(
    ({ key, value, path }) =>
      OTHERS_FIELD.test(snake(key)) &&
      isText(value) &&
      !isMasked(value) &&
      isOthers(inLists, path, identity),
  );
  if (others === undefined) return [];
  return [
    finding(
      read,
      `${subject} shows secrets of others`,
      `The list of ${subject} holds secrets of other accounts in the field ${others.key}`,
    ),
  ];
}

/** Whether the element of the list names somebody, and nobody in it is the caller. */
function isOthers(
  leaves: readonly {
    readonly path: readonly (string | number)[];
    readonly value: Scalar;
    readonly key: string;
  }[],
  path: readonly (string | number)[],
  identity: readonly string[],
): boolean {
  const element = path
    .slice(0, path.findLastIndex((part) => typeof part === 'number') + 1)
    .join('.');
  const beside = leaves.filter((leaf) => leaf.path.join('.').startsWith(`${element}.`));
  const namesSomebody = beside.some(({ key }) =>
    /^(email|username|user_name|user|owner|login)$/.test(snake(key)),
  );
  return namesSomebody && !beside.some(({ value }) => identity.includes(String(value)));
}

function isHash(key: string, value: Json): boolean {
  if (!isText(value) || isMasked(value)) return false;
  if (HASH.test(value)) return true;
  return HASH_FIELD.test(key) && value.length >= 4 && !/\s/.test(value);
}

function isText(value: Json): value is string {
  return typeof value === 'string' && value !== '';
}

function isMasked(value: string): boolean {
  return /[*\u2022]{3,}|^\[?(redacted|hidden|removed|filtered)\]?$/i.test(value);
}

function finding(read: Granted, cause: string, title: string): Verdict {
  return {
    verdict: 'finding',
    cause,
    severity: 'high',
    confidence: 'confirmed',
    title,
    detail:
      'The field was in an answer to an ordinary account. What a hash is made of can be guessed at leisure, and a secret of somebody else is used as it is.',
    subjects: [read.call.operation.id],
    evidence: [step('The answer with the field in it', read.exchange)],
    controls: [],
  };
}

/**
 * Objects that their own read refuses to somebody, while a list shows them to the same account
 * with what only they have in them.
 */
async function wideLists(run: Run, a: Actor): Promise<readonly Verdict[]> {
  const lookers = [run.actors.b, run.actors.stranger].filter((actor) => actor !== null);
  const lists = run.knowledge.reads.filter(({ actor }) => actor.role === 'a');
  const verdicts: Verdict[] = [];
  const done = new Set<string>();
  for (const object of run.knowledge.objects) {
    const list = lists.find(({ call }) => call.operation.path === object.collection);
    if (list === undefined || done.has(object.collection)) continue;
    const own = await send(run, object.read.call, a);
    const selectors = Object.values(object.read.call.path);
    const planted = run.knowledge.planted.filter(
      (value) => shows(own.answer, value) && !selectors.includes(value),
    );
    if (planted.length === 0) continue;
    done.add(object.collection);
    for (const looker of lookers) {
      const detail = await send(run, object.read.call, looker);
      const shown = await send(run, list.call, looker);
      // A list that leaves something out is one that was thought of: titles, and not what is in it.
      if (!isRefused(detail) || !planted.every((value) => shows(shown.answer, value))) continue;
      const whom = looker.role === 'stranger' ? 'another tenant' : 'another account';
      verdicts.push({
        verdict: 'finding',
        cause: `${list.call.operation.id} shows what ${object.read.call.operation.id} refuses`,
        severity: 'high',
        confidence: 'confirmed',
        title: `A list shows ${whom} what the detail refuses`,
        detail: `The object of A's is refused to ${looker.role} at its own address, and the list shows ${looker.role} a value that only it has.`,
        subjects: [list.call.operation.id],
        evidence: [step(`The list as ${looker.role}`, shown)],
        controls: [
          step(`The detail is refused to ${looker.role}`, detail),
          step('A reads it', own),
        ],
      });
    }
  }
  return verdicts;
}
