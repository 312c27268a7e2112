import { ANONYMOUS } from './actor.ts';
import { shows } from './canary.ts';
import { refreshed } from './creation.ts';
import { type Exchange, isRefused } from './exchange.ts';
import { type Json, leavesOf, type Scalar, withValueAt } from './json.ts';
import { plainRegistration, type Registration } from './registering.ts';
import { type Run, send } from './run.ts';
import { openSession } from './sessions.ts';
import { inconclusive, sound, step, type Verdict } from './verdict.ts';
import { ROLE_FIELD, snake } from './words.ts';

/** Fields that are tried; each one registers an account. */
const FIELDS_MAX = 3;

/**
 * Registers accounts with a role that nobody gave them. Only fields that some answer shows are
 * tried, for only there can be read whether it was taken: by the new account about itself, or by
 * whoever may list the accounts.
 */
export async function attackRegistration(run: Run): Promise<readonly Verdict[]> {
  const operation = run.knowledge.chosen.registration?.operation;
  if (operation === undefined || !run.settings.allowWrites) return [];
  const fields = roleFieldsOf(run);
  if (fields.size === 0) return [];
  const plain = await plainRegistration(run);
  if (plain === null) return [];
  const verdicts: Verdict[] = [];
  for (const [key, value] of [...fields].slice(0, FIELDS_MAX)) {
    const subject = `${operation.id}: ${key}`;
    const before = await look(run, plain, key);
    if (before === null || before.value === value) continue;
    const raised = renamed(run, plain);
    const sent = await send(run, withField(raised, key, value), ANONYMOUS);
    if (isRefused(sent) || sent.answer?.status === 422 || sent.answer?.status === 400) {
      verdicts.push(sound(subject, `a registration with it is answered ${sent.answer?.status}`));
      continue;
    }
    const after = await look(run, raised, key);
    if (after === null) {
      verdicts.push(
        inconclusive(subject, 'an account with it was not registered', step('the attempt', sent)),
      );
      continue;
    }
    if (after.value !== value) {
      verdicts.push(sound(subject, 'what was sent is not there afterwards'));
      continue;
    }
    verdicts.push({
      verdict: 'finding',
      cause: subject,
      severity: 'critical',
      confidence: 'confirmed',
      title: `Whoever registers can choose ${key}: ${operation.id}`,
      detail: `An account that was registered without the field has ${JSON.stringify(before.value)} there; one that was registered with ${JSON.stringify(value)} has that.`,
      subjects: [operation.id],
      evidence: [step(`An account is registered with ${key}`, sent), step('It has it', after.seen)],
      controls: [step('An account that was registered without it', before.seen)],
    });
  }
  return verdicts;
}

/** The roles that answers show, each with the value of the highest that was seen. */
function roleFieldsOf(run: Run): ReadonlyMap<string, Scalar> {
  const fields = new Map<string, Scalar>();
  const names = (run.actors.superior?.identity ?? []).filter((value) => value.length >= 3);
  for (const view of Object.values(run.knowledge.views)) {
    for (const { exchange } of view) {
      const leaves = leavesOf(exchange.answer?.json);
      for (const { key, path, value } of leaves) {
        if (!ROLE_FIELD.test(snake(key))) continue;
        if (typeof value === 'boolean') fields.set(key, true);
        if (typeof value !== 'string') continue;
        const above = path.slice(0, -1).join('.');
        const isHigh = leaves.some(
          (one) => one.path.slice(0, -1).join('.') === above && names.includes(String(one.value)),
        );
        if (isHigh || !fields.has(key)) fields.set(key, isHigh ? value : 'admin');
      }
    }
  }
  return fields;
}

/** What the new account, or a list that it stands in, says in this field. */
async function look(
  run: Run,
  { account }: Registration,
  key: string,
): Promise<{ readonly value: Scalar; readonly seen: Exchange } | null> {
  const { control, views } = run.knowledge;
  const session = await openSession(run, account, 'registered');
  if (control !== null && session !== null) {
    const seen = await send(run, control.call, {
      label: 'registered',
      credential: session.credential,
    });
    const leaf = leavesOf(seen.answer?.json).find((one) => one.key === key);
    if (leaf !== undefined && shows(seen.answer, account.username))
      return { value: leaf.value, seen };
  }
  for (const { call, actor } of [views.superior, views.a, views.anonymous].flatMap(
    (view) => view ?? [],
  )) {
    if (Object.keys(call.path).length > 0) continue;
    const seen = await send(run, call, run.actors[actor.role as 'a' | 'superior'] ?? actor);
    const leaves = leavesOf(seen.answer?.json);
    const named = leaves.find(({ value }) => value === account.username);
    const above = named?.path.slice(0, -1).join('.');
    const leaf = leaves.find((one) => one.key === key && one.path.slice(0, -1).join('.') === above);
    if (named !== undefined && leaf !== undefined) return { value: leaf.value, seen };
  }
  return null;
}

/** The registration of somebody else: other values wherever the audit has planted one. */
function renamed(run: Run, { recipe, account, name }: Registration): Registration {
  const other = run.canary();
  const fresh = refreshed(run, recipe);
  const text = JSON.stringify(fresh.call.body ?? null).replaceAll(name, other);
  return {
    recipe: { ...fresh, call: { ...fresh.call, body: JSON.parse(text) as Json } },
    account: { ...account, username: account.username.replaceAll(name, other) },
    name: other,
  };
}

/** The field beside the name that is registered, however deep that stands. */
function withField({ recipe: { call }, account, name }: Registration, key: string, value: Scalar) {
  const beside = leavesOf(call.body).find(
    (leaf) => leaf.value === account.username || leaf.value === name,
  );
  const at = [...(beside?.path ?? []).slice(0, -1), key];
  return { ...call, body: withValueAt(call.body, at, value) };
}
