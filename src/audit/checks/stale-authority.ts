import type { Check } from '../check.ts';
import { afterDisabling } from '../after-disabling.ts';
import { afterPasswordChange } from '../after-password-change.ts';
import { afterDeletion } from '../after-deletion.ts';
import { afterDemotion } from '../after-demotion.ts';
import { afterRemoval } from '../after-removal.ts';
import { afterRenaming } from '../after-renaming.ts';
import { afterRoleDeletion, afterRoleRenaming } from '../after-role-end.ts';
import { afterSignOut } from '../after-sign-out.ts';
import { renewed } from '../sessions.ts';
import type { Verdict } from '../verdict.ts';

const ENDINGS = [
  afterSignOut,
  afterPasswordChange,
  afterDemotion,
  afterRoleDeletion,
  afterRoleRenaming,
  afterDisabling,
  afterRemoval,
  afterDeletion,
  afterRenaming,
];

/**
 * What goes on working after it was ended: a session after its sign-out or after the password was
 * changed, a role after it was taken away, deleted or renamed, a member after its removal, an
 * account after it was switched off, deleted or renamed. The window is measured, on an operation
 * that refuses nobody else's credential.
 */
export const staleAuthority: Check = {
  id: 'stale-authority',
  title: 'Authority that outlives its end',
  cwe: [613, 863],
  owaspApi: ['API2:2023'],
  asvs: ['7.4.1', '7.4.2', '7.4.3', '8.3.2'],
  phase: 'endings',
  needs: ['a', 'identity', 'sign-in'],
  effect: 'writes',
  repair: {
    fastapi:
      'Keep sessions in a table and look the session, the account and its role up with each request. A token that carries them is valid until it expires, whatever happened since.',
    fastify:
      'Look the session and the membership up in the same query as the data. If tokens must be self-contained, keep them to a few minutes and refuse to renew one whose session has ended.',
    sallyport:
      'Session, membership and data are read in one snapshot of the database; nothing is cached, so a request that begins after the change is refused.',
  },
  run: async (run) => {
    const verdicts: Verdict[] = [];
    for (const attempt of ENDINGS) {
      // The one before may have ended sessions that the next one works with.
      verdicts.push(await attempt(await renewed(run)));
    }
    return verdicts;
  },
};
