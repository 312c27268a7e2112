/** The words of signing in with somebody else's account; `{time}` stands for a moment. */
export interface ProvidersTexts {
  readonly title: string;
  readonly lead: string;
  readonly signIn: (name: string) => string;
  readonly signUp: (name: string) => string;
  readonly prove: (name: string) => string;
  readonly link: (name: string) => string;
  readonly linkedAs: string;
  readonly linked: string;
  readonly lastUsed: string;
  readonly unlink: string;
  readonly unlinkTitle: string;
  readonly unlinkLead: string;
  /** Of an account at a provider that is not offered any more. */
  readonly notOffered: string;
  readonly leaving: {
    readonly title: (name: string) => string;
    readonly lead: string;
    readonly go: string;
  };
  readonly back: {
    readonly title: string;
    readonly lead: string;
    readonly codeLead: string;
    readonly go: string;
  };
}

/** Why nobody was signed in, or nothing linked, with somebody else's account. */
export type ProviderProblemCode =
  | 'provider-refused'
  | 'provider-unreachable'
  | 'provider-address-unproved'
  | 'provider-not-linked'
  | 'provider-taken';
