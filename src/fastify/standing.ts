import type { FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { runAuthorized } from '../db/authorization.ts';
import { requirementFor } from './access.ts';

/**
 * Whether whoever a request serves might send it still: for answers that go on for long. That a
 * proof was fresh when it began is enough, and what it changes was authorized when it began.
 */
export async function stillStands(core: Core, request: FastifyRequest): Promise<boolean> {
  const { role, proof, permission, team, selection, bearer } = requirementFor(request);
  const requirement = {
    role,
    proof,
    permission,
    ...(team && { team }),
    ...(selection !== undefined && { selection }),
    ...(bearer && { bearer }),
  };
  return !('refusal' in (await runAuthorized(core.database, requirement, [])));
}
