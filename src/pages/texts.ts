export { english } from './english.ts';

/** The fields that forms ask for; their names in the form, in errors and in element ids. */
export type FieldName = 'email' | 'password' | 'displayName';

/** What may be wrong with a field. `other` stands for every reason that is not in this list. */
export type FieldReason =
  | 'required'
  | 'malformed-address'
  | 'too-long'
  | 'too-short'
  | 'invisible-characters'
  | 'not-text'
  | 'unknown-field'
  | 'password-too-short'
  | 'password-too-long'
  | 'password-common'
  | 'password-personal'
  | 'password-repeated'
  | 'password-sequence'
  | 'other';

/** Why a request was refused or failed. `refused` and `internal` also stand for unlisted codes. */
export type ProblemCode =
  | 'foreign-origin'
  | 'synchronizer-token-mismatch'
  | 'not-found'
  | 'not-signed-in'
  | 'forbidden'
  | 'busy'
  | 'database-unavailable'
  | 'outcome-unknown'
  | 'malformed-request'
  | 'unsupported-media-type'
  | 'body-too-large'
  | 'method-not-allowed'
  | 'duplicate-cookie'
  | 'internal'
  | 'refused';

export interface FieldTexts {
  readonly label: string;
  readonly hint?: string;
  /** What fits this field better than the general text of the same reason. */
  readonly errors: Readonly<Partial<Record<FieldReason, string>>>;
}

export interface ProblemTexts {
  readonly title: string;
  readonly explanation: string;
  readonly action: 'home' | 'sign-in' | 'account';
}

interface TitledText {
  readonly title: string;
  readonly text: string;
}

/**
 * The paragraphs of a mail before and after its link. No value of a person stands in any of them,
 * so that nobody can make this service mail their words to a stranger (CVE-2022-31127).
 */
interface MailTexts<Values extends readonly unknown[] = []> {
  readonly subject: string;
  readonly before: (...values: Values) => readonly string[];
  readonly action: string;
  readonly after: readonly string[];
}

/** All visible text in one language. Another language is another object of this type. */
export interface Texts {
  /** BCP 47, for the `lang` attribute and for the way dates are written. */
  readonly language: string;
  readonly productName: string;
  readonly skipToContent: string;
  readonly footer: string;
  readonly errorTitle: (title: string) => string;
  readonly actions: {
    readonly home: string;
    readonly signIn: string;
    readonly signUp: string;
    readonly signUpAgain: string;
    readonly signOut: string;
    readonly account: string;
  };
  readonly fields: Readonly<Record<FieldName, FieldTexts>>;
  readonly errors: Readonly<Record<FieldReason, string>>;
  readonly errorSummary: string;
  readonly home: {
    readonly title: string;
    readonly lead: string;
    readonly facts: readonly TitledText[];
  };
  readonly signUp: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly haveAccount: string;
  };
  readonly checkMail: {
    readonly title: string;
    readonly sentTo: string;
    readonly next: string;
    readonly noMailTitle: string;
    readonly noMail: readonly string[];
    readonly otherAddress: string;
  };
  readonly emailConfirmation: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly notYou: string;
  };
  readonly emailConfirmed: TitledText;
  readonly invalidLink: TitledText & { readonly next: string };
  readonly signIn: {
    readonly title: string;
    readonly failed: string;
    readonly submit: string;
    readonly noAccount: string;
  };
  readonly signedOut: TitledText & { readonly again: string };
  readonly account: {
    readonly title: string;
    readonly signedInAs: string;
    readonly saved: string;
    readonly profileTitle: string;
    readonly profileLead: string;
    readonly submit: string;
    readonly sessionTitle: string;
    readonly sessionLead: string;
    readonly authenticatedAt: string;
    readonly expiresAt: string;
  };
  readonly problems: Readonly<Record<ProblemCode, ProblemTexts>>;
  readonly reference: string;
  readonly mails: {
    readonly signUp: MailTexts<[expiresInHours: number]>;
    readonly existingAccount: MailTexts;
  };
}
