import { type Actor, ANONYMOUS } from '../actor.ts';
import type { Call } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, isBroken } from '../exchange.ts';
import type { Granted } from '../knowledge.ts';
import { privateValues } from '../private-values.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

/** Parameters that say whose data is meant. */
const TENANT =
  /^(x_)?(tenant|org|organi[sz]ation|company|workspace|team|group|account|customer)(_?(id|uuid|slug|name|key|code))?$/;

const OWNER =
  /^(x_)?(user|owner|author|account|customer|member|created_by)(_?(id|uuid|name))?$|^username$|^email$/;

/** Headers that say so without being in the document. */
const HEADERS = [
  'x-tenant-id',
  'x-tenant',
  'x-org-id',
  'x-organization-id',
  'x-team-id',
  'x-user-id',
];

/**
 * A request in which the caller names the tenant or the owner itself, and is believed.
 *
 * Each list that shows A what A planted is asked for by another account, once as it is and once
 * with A's tenant or identity in every parameter and header that looks like a selector. It is a
 * hole where the second answer shows A's values and the first does not.
 */
export const foreignSelector: Check = {
  id: 'foreign-selector',
  title: 'Tenant or owner chosen by the caller',
  cwe: [566, 639],
  owaspApi: ['API1:2023'],
  asvs: ['8.4.1'],
  phase: 'writes',
  needs: ['a', 'b-or-stranger', 'identity'],
  effect: 'reads',
  repair: {
    fastapi:
      'Take the tenant from the session in a dependency, and drop the parameter. Where people belong to several, look the membership up for each request.',
    fastify:
      'Take the tenant from the session in a hook, and drop the parameter. Where people belong to several, look the membership up for each request.',
    sallyport:
      'The tenant is that of the session, in the database itself (`sallyport.current_tenant()`); a parameter has no part in it.',
  },
  run: async (run) => {
    const attackers = [run.actors.stranger, run.actors.b].filter((one) => one !== null);
    const verdicts: Verdict[] = [];
    for (const read of run.knowledge.reads) {
      const secret = privateValues(run, read.exchange);
      if (secret.length === 0 || Object.keys(read.call.path).length > 0) continue;
      for (const attacker of attackers) verdicts.push(await attack(run, read, attacker, secret));
    }
    if (verdicts.length > 0) return verdicts;
    return [notTested('all lists', "no list shows A anything that is A's alone")];
  },
};

async function attack(
  run: Run,
  { call, exchange }: Granted,
  attacker: Actor,
  secret: readonly string[],
): Promise<Verdict> {
  const subject = call.operation.id;
  const plain = await send(run, call, attacker);
  if (isBroken(plain))
    return inconclusive(subject, `no judgement from ${describe(plain)}`, step('as it is', plain));
  const hidden = secret.filter((value) => !shows(plain.answer, value));
  if (hidden.length === 0) return sound(subject, `shared with ${attacker.role} anyway`);
  const attempts = attemptsFor(run, call);
  if (attempts.length === 0)
    return notTested(subject, 'no selector, or nothing of A to put into one');
  let broken = null;
  for (const { changed, name } of attempts) {
    const other = await send(run, changed, attacker);
    if (isBroken(other)) broken = other;
    const shown = hidden.filter((value) => shows(other.answer, value));
    if (shown.length === 0) continue;
    const nobody = await send(run, changed, ANONYMOUS);
    if (shown.some((value) => shows(nobody.answer, value))) return sound(subject, 'public');
    const across = attacker.role === 'stranger';
    return {
      verdict: 'finding',
      cause: `${subject}: ${name} is believed`,
      severity: across ? 'critical' : 'high',
      confidence: 'confirmed',
      title: `${across ? 'An account of another tenant' : 'Another account'} reads A's data by naming it in ${name}: ${subject}`,
      detail: `With ${name} set to A's, the answer to ${attacker.role} holds ${shown.length} of A's values; without it, none.`,
      subjects: [subject],
      evidence: [
        step(`${attacker.role} names A's`, other),
        step(`${attacker.role} names nothing`, plain),
      ],
      controls: [step('A reads its own', exchange), step('nobody is refused it', nobody)],
    };
  }
  if (broken !== null)
    return inconclusive(
      subject,
      `no judgement from ${describe(broken)}`,
      step('the attempt', broken),
    );
  return sound(subject, `no selector is believed (${attempts.length} tried)`);
}

interface Attempt {
  readonly changed: Call;
  readonly name: string;
}

function attemptsFor(run: Run, call: Call): readonly Attempt[] {
  const { a } = run.actors;
  if (a === null) return [];
  const tenants = a.tenant === null ? [] : [a.tenant];
  const attempts: Attempt[] = [];
  for (const { name, in: place, schema } of call.operation.parameters) {
    const key = snake(name);
    const values = [
      ...(TENANT.test(key) ? tenants : []),
      ...(OWNER.test(key) ? a.identity : []),
    ].filter((value) => schema['type'] !== 'integer' || /^\d+$/.test(value));
    for (const value of values.slice(0, 4)) {
      if (place === 'query')
        attempts.push({ changed: { ...call, query: { ...call.query, [name]: value } }, name });
      if (place === 'header')
        attempts.push({ changed: { ...call, headers: { ...call.headers, [name]: value } }, name });
    }
  }
  for (const name of HEADERS) {
    const value = name.includes('user')
      ? a.identity.find((one) => /^\d+$|^[0-9a-f-]{36}$/.test(one))
      : a.tenant;
    if (value !== undefined && value !== null)
      attempts.push({ changed: { ...call, headers: { ...call.headers, [name]: value } }, name });
  }
  return attempts;
}
