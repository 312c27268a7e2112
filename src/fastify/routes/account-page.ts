import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ownDeletion } from '../../db/identities.ts';
import { loadedBy, principalOf } from '../access.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';

/** What the routes of an account's pages and forms have in common. */
export const PAGE = { access: 'signed-in', page: true, role: 'sallyport_identity' } as const;
export const FORM = { access: 'signed-in', page: true, bodyType: 'form' } as const;
export const withDeletion = { load: () => ({ deletion: ownDeletion }) };
export const NO_FIELDS = z.strictObject({ _csrf: text });

/** What every page of the account is given. */
export function accountValues(request: FastifyRequest) {
  const { email, displayName } = principalOf(request);
  const deletesAt = loadedBy(request, 'deletion')?.rows[0]?.['deletesAt'] as
    | Date
    | null
    | undefined;
  return {
    csrfToken: csrfTokenFor(request),
    email,
    displayName,
    deletesAt: deletesAt ?? undefined,
  };
}

/** A page's own notices, as they come back in its address. */
export function noticeOf<const Notice extends string>(...notices: readonly [Notice, ...Notice[]]) {
  return z.object({ notice: z.enum(notices).optional().catch(undefined) });
}
