import type { Actor } from './actor.ts';
import { rolesOf, setField, setsRole } from './after-demotion.ts';
import { describe, isGranted } from './exchange.ts';
import { type Run, send } from './run.ts';
import { inconclusive, sound, step, type Verdict } from './verdict.ts';
import { fieldIn } from './window.ts';
import { ROLE_FIELD } from './words.ts';

/**
 * Lets an ordinary account give itself the superior's role by each operation that sets the role of
 * whom it names. Who-am-I says whether it has it then; it is taken away again.
 */
export async function attackRoles(
  run: Run,
  actor: Actor,
  superior: Actor,
): Promise<readonly Verdict[]> {
  const { control } = run.knowledge;
  if (!run.settings.allowWrites || control === null) return [];
  const operations = run.operations.filter((one) => setsRole(run, one));
  const roles = operations.length === 0 ? null : await rolesOf(run, superior, actor);
  if (roles === null) return [];
  const verdicts: Verdict[] = [];
  for (const operation of operations) {
    const before = await send(run, control.call, actor);
    const raised = await setField(run, actor, actor, operation, ROLE_FIELD, roles.high);
    const after = await send(run, control.call, actor);
    const role = fieldIn(after, ROLE_FIELD)?.value;
    if (!isGranted(after)) {
      verdicts.push(inconclusive(operation.id, `it cannot look afterwards: ${describe(after)}`));
    } else if (role !== roles.high) {
      verdicts.push(sound(operation.id, `${actor.role} cannot give itself the role`));
    } else {
      const isBack =
        (await setField(run, superior, actor, operation, ROLE_FIELD, roles.low)) !== null ||
        (await setField(run, actor, actor, operation, ROLE_FIELD, roles.low)) !== null;
      verdicts.push({
        verdict: 'finding',
        cause: operation.id,
        severity: 'critical',
        confidence: 'confirmed',
        title: `An ordinary account can give itself a higher role: ${operation.id}`,
        detail: `Its role was ${JSON.stringify(roles.low)}; it set ${JSON.stringify(roles.high)}, the superior's, and has it.${isBack ? ' It was put back.' : ' It could not be put back.'}`,
        subjects: [operation.id],
        evidence: [
          ...(raised === null ? [] : [step(`${actor.role} sets its role`, raised.exchange)]),
          step('who-am-I says that it has it', after),
        ],
        controls: [step('before', before)],
      });
    }
  }
  return verdicts;
}
