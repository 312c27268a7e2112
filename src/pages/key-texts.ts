/** The words of a tenant's API keys; `{time}` stands for a moment. */
export interface KeysTexts {
  readonly lead: string;
  readonly none: string;
  readonly by: (maker: string) => string;
  readonly created: string;
  readonly expires: string;
  readonly lastUsed: string;
  readonly neverUsed: string;
  readonly may: (permissions: number) => string;
  readonly mayNothing: string;
  readonly makeTitle: string;
  readonly makeLead: string;
  readonly permissions: string;
  readonly permissionsHint: string;
  readonly lifetime: string;
  readonly days: (days: number) => string;
  readonly make: string;
  readonly madeTitle: string;
  readonly madeLead: string;
  readonly madeUse: string;
  readonly kept: string;
  readonly revoke: string;
  readonly revokeTitle: string;
  readonly revokeLead: string;
}
