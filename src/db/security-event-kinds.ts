/** What a detail may be: an id, a stable code, or a number. Never what a person typed. */
export type DetailForm = 'id' | 'code' | 'count';

interface KindDeclaration {
  /** Whether what was asked for came about. */
  readonly outcome: 'success' | 'failure';
  /** Whose log it belongs to: the person's alone, or a tenant's, which is then named. */
  readonly scope: 'person' | 'tenant';
  readonly details: Readonly<Record<string, DetailForm>>;
}

/**
 * Every kind of security event (ASVS 16.1.1, 16.3.1 to 16.3.3). docs/security-events.md says when
 * each is written, and with which reasons.
 */
export const SECURITY_EVENTS = {
  'signed-up': { outcome: 'success', scope: 'person', details: {} },
  'address-proved': { outcome: 'success', scope: 'person', details: {} },
  'address-proof-failed': { outcome: 'failure', scope: 'person', details: {} },
  'signed-in': { outcome: 'success', scope: 'person', details: {} },
  'sign-in-failed': { outcome: 'failure', scope: 'person', details: {} },
  'device-added': { outcome: 'success', scope: 'person', details: {} },
  'guesses-limited': { outcome: 'failure', scope: 'person', details: { factor: 'code' } },
  'authenticator-closed': { outcome: 'failure', scope: 'person', details: { factor: 'code' } },
  'second-factor-asked': { outcome: 'success', scope: 'person', details: {} },
  'second-factor-failed': { outcome: 'failure', scope: 'person', details: {} },
  'passkey-suspected': { outcome: 'success', scope: 'person', details: { passkey: 'id' } },
  'recovery-code-used': { outcome: 'success', scope: 'person', details: { left: 'count' } },
  'authenticators-changed': { outcome: 'success', scope: 'person', details: {} },
  'signed-out': { outcome: 'success', scope: 'person', details: {} },
  'session-ended': { outcome: 'success', scope: 'person', details: { session: 'id' } },
  reauthenticated: { outcome: 'success', scope: 'person', details: {} },
  'reauthentication-failed': { outcome: 'failure', scope: 'person', details: {} },
  'password-changed': { outcome: 'success', scope: 'person', details: {} },
  'password-change-failed': { outcome: 'failure', scope: 'person', details: {} },
  'recovery-requested': { outcome: 'success', scope: 'person', details: {} },
  'password-compromised': { outcome: 'failure', scope: 'person', details: {} },
  'password-recovered': { outcome: 'success', scope: 'person', details: {} },
  'factor-reset-granted': { outcome: 'success', scope: 'tenant', details: {} },
  'factors-reset': { outcome: 'success', scope: 'tenant', details: {} },
  'confirmation-resent': { outcome: 'success', scope: 'person', details: {} },
  'email-change-requested': { outcome: 'success', scope: 'person', details: {} },
  'email-changed': { outcome: 'success', scope: 'person', details: {} },
  'email-reverted': { outcome: 'success', scope: 'person', details: {} },
  'request-refused': { outcome: 'failure', scope: 'person', details: {} },
  'api-key-made': { outcome: 'success', scope: 'tenant', details: { key: 'id' } },
  'api-key-revoked': { outcome: 'success', scope: 'tenant', details: { key: 'id' } },
  'external-tokens-revoked': { outcome: 'success', scope: 'person', details: {} },
  'deletion-requested': { outcome: 'success', scope: 'person', details: {} },
  'deletion-called-off': { outcome: 'success', scope: 'person', details: {} },
  'tenant-created': { outcome: 'success', scope: 'tenant', details: {} },
  'tenant-changed': { outcome: 'success', scope: 'tenant', details: {} },
  'tenant-policy-changed': {
    outcome: 'success',
    scope: 'tenant',
    details: { proof: 'code', idle: 'count', age: 'count' },
  },
  'tenant-deletion-requested': { outcome: 'success', scope: 'tenant', details: {} },
  'tenant-restored': { outcome: 'success', scope: 'tenant', details: {} },
  'tenant-entered': { outcome: 'success', scope: 'tenant', details: {} },
  'member-role-changed': {
    outcome: 'success',
    scope: 'tenant',
    details: { from: 'code', to: 'code' },
  },
  'member-removed': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'member-left': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'role-created': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'role-changed': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'role-deleted': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'team-created': { outcome: 'success', scope: 'tenant', details: { team: 'id' } },
  'team-changed': { outcome: 'success', scope: 'tenant', details: { team: 'id' } },
  'team-deleted': { outcome: 'success', scope: 'tenant', details: { team: 'id' } },
  'team-member-changed': {
    outcome: 'success',
    scope: 'tenant',
    details: { team: 'id', from: 'code', to: 'code' },
  },
  'invitation-sent': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'invitation-withdrawn': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
  'member-joined': { outcome: 'success', scope: 'tenant', details: { role: 'code' } },
} as const satisfies Readonly<Record<string, KindDeclaration>>;

export type SecurityEventKind = keyof typeof SECURITY_EVENTS;

type DeclarationOf<K extends SecurityEventKind> = (typeof SECURITY_EVENTS)[K];

interface Detail {
  readonly id: string;
  readonly code: string;
  readonly count: number;
}

/** What a kind's details hold: each that is declared, and no other. */
export type DetailsOf<K extends SecurityEventKind> = {
  readonly [
    Name in keyof DeclarationOf<K>['details']
  ]: DeclarationOf<K>['details'][Name] extends DetailForm
    ? Detail[DeclarationOf<K>['details'][Name]]
    : never;
};

export type ScopeOf<K extends SecurityEventKind> = DeclarationOf<K>['scope'];

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** What a reason and a code look like: a name of ours, never a sentence. */
const CODE = /^[a-z\d](?:[a-z\d._:-]{0,98}[a-z\d])?$/;

const FITS: Readonly<Record<DetailForm, (value: unknown) => boolean>> = {
  id: (value) => typeof value === 'string' && UUID.test(value),
  code: (value) => typeof value === 'string' && CODE.test(value),
  count: (value) => Number.isSafeInteger(value),
};

/**
 * The compiler holds events to their kinds; this holds them once more, before the database does: a
 * detail that was widened somewhere on its way could be what a person typed (CWE-117, CWE-532,
 * ASVS 16.2.5). @throws TypeError which names the detail, and not what it held.
 */
export function checkEvent(
  kind: SecurityEventKind,
  reason: string | undefined,
  details: Readonly<Record<string, unknown>>,
): void {
  const declared: Readonly<Record<string, DetailForm>> = SECURITY_EVENTS[kind].details;
  if (reason !== undefined && !FITS.code(reason)) {
    throw new TypeError(`the reason of ${kind} is not a code`);
  }
  for (const name of new Set([...Object.keys(declared), ...Object.keys(details)])) {
    const form = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (!form) throw new TypeError(`${kind} declares no detail ${name}`);
    if (!FITS[form](details[name]))
      throw new TypeError(`${name} of ${kind} is not of form ${form}`);
  }
}
