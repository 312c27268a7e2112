/** A sentence with a moment in it, which stands where the text says `{time}`. */
type MomentText = string;

/** The words of the pages on which a person proves more than a password. */
export interface SecondFactorTexts {
  readonly title: string;
  readonly totpLead: string;
  readonly recoveryLead: string;
  readonly signingInAs: string;
  readonly submit: string;
  readonly failed: string;
  readonly useRecoveryCode: string;
  readonly useTotp: string;
  readonly usePasskey: string;
  readonly passkeyLead: string;
  readonly noneLeft: string;
  readonly startAgain: string;
}

/** The words of the pages on which a person sees and changes how they prove who they are. */
export interface AuthenticatorsTexts {
  readonly lead: string;
  readonly totp: {
    readonly title: string;
    readonly absent: string;
    readonly created: MomentText;
    readonly lastUsed: MomentText;
    readonly add: string;
    readonly remove: string;
  };
  readonly setup: {
    readonly title: string;
    readonly steps: readonly string[];
    readonly qrCode: string;
    readonly secret: string;
    readonly submit: string;
  };
  readonly removal: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
  };
  readonly recoveryCodes: {
    readonly title: string;
    readonly left: (count: number) => string;
    readonly absent: string;
    readonly renew: string;
    readonly renewTitle: string;
    readonly renewLead: string;
    readonly shownTitle: string;
    readonly shownLead: string;
    readonly addedLead: Readonly<Record<'totp' | 'passkey', string>>;
    readonly kept: string;
    readonly done: string;
    readonly endOthers: string;
  };
}

/** The words of passkeys, wherever they are asked for, made and shown. */
export interface PasskeysTexts {
  readonly title: string;
  readonly lead: string;
  readonly add: string;
  readonly created: MomentText;
  readonly lastUsed: MomentText;
  readonly synced: string;
  readonly bound: string;
  readonly rename: string;
  readonly renameTitle: string;
  readonly remove: string;
  readonly removeTitle: string;
  readonly removeLead: string;
  readonly newTitle: string;
  readonly newLead: string;
  readonly create: string;
  readonly refused: string;
  readonly signIn: string;
  readonly orPassword: string;
  /** On the host of a tenant, where no passkey works. */
  readonly atMain: string;
  readonly prove: string;
  /** When the browser has answered with nothing. */
  readonly failed: string;
  /** What to do without a script, or without passkeys in the browser. */
  readonly instead: Readonly<
    Record<'signIn' | 'secondFactor' | 'prove' | 'add' | 'signUp', string>
  >;
}

/** The words with which somebody new gets a passkey, and with it an account without a password. */
export interface FirstPasskeyTexts {
  /** Leads from the form with a password to the one without. */
  readonly offer: string;
  readonly orPassword: string;
  readonly title: string;
  readonly lead: string;
  readonly submit: string;
  readonly join: string;
  /** Behind the mailed link. */
  readonly choose: {
    readonly title: string;
    readonly lead: string;
    readonly create: string;
    readonly refused: string;
    readonly submit: string;
  };
}
