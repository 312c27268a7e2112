import type { Call } from '../call.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isGranted } from '../exchange.ts';
import { bodyFieldsOf } from '../fields.ts';
import { isObject, type Json, leavesOf, type Leaf, withValueAt } from '../json.ts';
import type { ProvenWrite } from '../knowledge.ts';
import { attackRegistration } from '../registration-fields.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { ROLE_FIELD, snake } from '../words.ts';

/** Fields that only the server sets, beside those of roles. */
const SERVER_FIELD =
  /^((is_)?(verified|email_verified|approved|staff|premium|active|featured|paid)|status|balance|credit|credits|available_credit|wallet|price_paid|owner|owner_id|user|user_id|author|author_id|created_by|tenant|tenant_id|org_id|organization_id|team_id|company_id|plan|tier|quota)$/;

/**
 * A field that the caller should not set, and that the target takes from its body all the same.
 *
 * Candidates are fields of A's own answers that are not in the request's schema, and roles in any
 * case. One is added to A's own change; it counts only if A's next read shows the new value, and
 * the same change without it leaves the old one.
 */
export const massAssignment: Check = {
  id: 'mass-assignment',
  title: 'Mass assignment',
  cwe: [915],
  owaspApi: ['API3:2023'],
  asvs: ['8.2.3', '15.3.3'],
  phase: 'writes',
  needs: ['a', 'identity', 'writes'],
  effect: 'writes',
  repair: {
    fastapi:
      'Declare a model for what may be changed, with `extra="forbid"`, and never pass `**body.dict()` of another one to the row.',
    fastify:
      'Give the body a schema with `additionalProperties: false` (or a zod `strictObject`) that has only what the caller may set.',
    sallyport:
      'Body schemas are strict: a field that a route does not declare is refused with 400.',
  },
  run: async (run) => {
    const verdicts: Verdict[] = [];
    for (const write of run.knowledge.writes) {
      if (write.kind === 'changes') verdicts.push(...(await attack(run, write)));
    }
    verdicts.push(...(await attackRegistration(run)));
    if (verdicts.length > 0) return verdicts;
    return [notTested('all changes', "no change of A's whose effect can be read has such a field")];
  },
};

async function attack(run: Run, write: ProvenWrite): Promise<readonly Verdict[]> {
  const { a } = run.actors;
  const { call } = write.granted;
  if (a === null || !isObject(call.body)) return [];
  const before = await send(run, write.reader, a);
  if (!isGranted(before))
    return [inconclusive(call.operation.id, `A is no longer answered: ${describe(before)}`)];
  const verdicts: Verdict[] = [];
  for (const leaf of candidatesIn(before, call)) {
    const value = otherValue(run, leaf);
    if (value !== undefined) verdicts.push(await attempt(run, { write, leaf, value, before }));
  }
  return verdicts;
}

/** Fields of the answer that belong to the server: of one object, not of a list. */
function candidatesIn(before: Exchange, call: Call): readonly Leaf[] {
  const said = new Set(bodyFieldsOf(call.operation).map(({ name }) => snake(name)));
  const found = leavesOf(before.answer?.json).filter(({ key, path }) => {
    if (path.some((one) => typeof one === 'number') || path.length > 2) return false;
    const name = snake(key);
    return ROLE_FIELD.test(name) || (SERVER_FIELD.test(name) && !said.has(name));
  });
  return [...new Map(found.map((leaf) => [leaf.key, leaf])).values()].slice(0, 8);
}

function otherValue(run: Run, { key, value }: Leaf): Json | undefined {
  const name = snake(key);
  if (typeof value === 'boolean') return !value;
  if (/^(owner|user|author|created_by)/.test(name)) {
    const b = run.actors.b ?? run.actors.stranger;
    const other = b?.identity.find(
      (one) =>
        /^\d+$/.test(one) === /^\d+$/.test(String(value)) &&
        one.includes('@') === String(value).includes('@'),
    );
    return other === undefined ? undefined : typeof value === 'number' ? Number(other) : other;
  }
  if (/^(tenant|org|organization|team|company)/.test(name)) {
    const other = run.actors.stranger?.tenant;
    return other === undefined || other === null || other === String(value)
      ? undefined
      : typeof value === 'number'
        ? Number(other)
        : other;
  }
  if (typeof value === 'number') return value + 4_242;
  if (typeof value === 'string' && ROLE_FIELD.test(name))
    return roleOfSuperior(run, key) ?? 'admin';
  return undefined;
}

function roleOfSuperior(run: Run, key: string): Json | undefined {
  const views = run.knowledge.views.superior ?? [];
  const names = run.actors.superior?.identity ?? [];
  for (const { exchange } of views) {
    const leaves = leavesOf(exchange.answer?.json);
    const isOwn = leaves.some(
      ({ value, path }) =>
        names.includes(String(value)) && !path.some((one) => typeof one === 'number'),
    );
    const found = isOwn ? leaves.find((leaf) => leaf.key === key) : undefined;
    if (found !== undefined) return found.value;
  }
  return undefined;
}

async function attempt(
  run: Run,
  seen: {
    readonly write: ProvenWrite;
    readonly leaf: Leaf;
    readonly value: Json;
    readonly before: Exchange;
  },
): Promise<Verdict> {
  const { write, leaf, value, before } = seen;
  const { call } = write.granted;
  const subject = `${call.operation.id}: ${leaf.key}`;
  const a = run.actors.a ?? write.granted.actor;
  const valueNow = (exchange: Exchange) =>
    leavesOf(exchange.answer?.json).find(({ path }) => path.join('.') === leaf.path.join('.'))
      ?.value;
  const at = [...write.field.slice(0, -1), leaf.key];
  const plain = await send(run, call, a);
  const unchanged = await send(run, write.reader, a);
  if (!isGranted(plain) || valueNow(unchanged) !== leaf.value) {
    return inconclusive(
      subject,
      'the value changes without being sent too',
      step('the change without it', plain),
    );
  }
  const sent = await send(run, { ...call, body: withValueAt(call.body, at, value) }, a);
  const after = await send(run, write.reader, a);
  if (!isGranted(after))
    return inconclusive(
      subject,
      `A cannot look afterwards: ${describe(after)}`,
      step('the attempt', sent),
    );
  if (valueNow(after) !== value) return sound(subject, 'what was sent is not there afterwards');
  await send(run, { ...call, body: withValueAt(call.body, at, leaf.value) }, a);
  const isRole = ROLE_FIELD.test(snake(leaf.key));
  return {
    verdict: 'finding',
    cause: subject,
    severity: isRole ? 'critical' : 'high',
    confidence: 'confirmed',
    title: `An account can set its own ${leaf.key}: ${call.operation.id}`,
    detail: `The field was ${JSON.stringify(leaf.value)}; A sent ${JSON.stringify(value)} beside its own change, and that is what A reads afterwards. It was put back.`,
    subjects: [call.operation.id],
    evidence: [step(`A sends ${leaf.key}`, sent), step('A reads the new value', after)],
    controls: [
      step('before', before),
      step('the same change without it leaves the value', unchanged),
    ],
  };
}
