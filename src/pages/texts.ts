import type { ProblemCode } from './problem-texts.ts';
import type {
  FormTexts,
  AccountTexts,
  EmailChangeTexts,
  SessionsTexts,
  DataTexts,
  MailboxTexts,
} from './account-texts.ts';
import { english } from './english.ts';
import type { EventsTexts } from './event-texts.ts';
import type { KeysTexts } from './key-texts.ts';
import type { ProvidersTexts } from './provider-texts.ts';
import { german } from './german.ts';
import type { MailsTexts } from './mail-texts.ts';
import type { RecoveryTexts } from './recovery-texts.ts';
import type {
  AuthenticatorsTexts,
  FirstPasskeyTexts,
  PasskeysTexts,
  SecondFactorTexts,
} from './authenticator-texts.ts';
import type { Surroundings, TenantsTexts } from './tenant-texts.ts';
import type { InvitationsTexts, JoinTexts, TeamsTexts } from './team-texts.ts';

export { english };

/** The languages that there are, complete, each by its BCP 47 tag. */
export type Language = 'en' | 'de';

export const languages: Readonly<Record<Language, Texts>> = { en: english, de: german };

/** The fields that forms ask for; their names in the form, in errors and in element ids. */
export type FieldName =
  | 'email'
  | 'password'
  | 'displayName'
  | 'currentPassword'
  | 'newPassword'
  | 'code'
  | 'passkeyName'
  | 'confirm'
  | 'name'
  | 'slug'
  | 'title'
  | 'idleMinutes'
  | 'proofMinutes'
  | 'authenticators';

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
  | 'password-compromised'
  | 'password-personal'
  | 'password-repeated'
  | 'password-sequence'
  | 'wrong-password'
  | 'wrong-code'
  | 'out-of-range'
  | 'unusable'
  | 'same-address'
  | 'malformed-slug'
  | 'slug-taken'
  | 'malformed-role-name'
  | 'role-name-taken'
  | 'unknown-role'
  | 'unknown-level'
  | 'unknown-permission'
  | 'too-many-roles'
  | 'malformed-cursor'
  | 'other';

export type { ProblemCode } from './problem-texts.ts';

/** What has just been done, told at the top of the account page that follows. */
export type AccountNotice =
  | 'saved'
  | 'email-requested'
  | 'email-reverted'
  | 'password-changed'
  | 'second-factor-missing'
  | 'tenant-factor-missing'
  | 'totp-removed'
  | 'passkey-removed'
  | 'password-removed'
  | 'provider-linked'
  | 'provider-unlinked'
  | 'last-way-in'
  | 'session-ended'
  | 'sessions-ended'
  | 'kept';

/** The pages of an account. */
export type AccountSection =
  | 'profile'
  | 'email'
  | 'password'
  | 'authenticators'
  | 'sessions'
  | 'events'
  | 'data';

export interface FieldTexts {
  readonly label: string;
  readonly hint?: string;
  /** What fits this field better than the general text of the same reason. */
  readonly errors: Readonly<Partial<Record<FieldReason, string>>>;
}

export interface ProblemTexts {
  readonly title: string;
  readonly explanation: string;
  readonly action: 'home' | 'sign-in' | 'account' | 'tenants' | 're-authenticate';
}

export interface TitledText {
  readonly title: string;
  readonly text: string;
}

/** All visible text in one language. Another language is another object of this type. */
export interface Texts extends Surroundings {
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
    readonly tenants: string;
    readonly reAuthenticate: string;
    readonly cancel: string;
    readonly change: string;
  };
  /** On the button beside a password field; it is pressed or not, and its text stays. */
  readonly showPassword: string;
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
    /** Where the link is opened in another browser than that of the sign-up. */
    readonly withPassword: { readonly lead: string; readonly notYou: string };
  };
  readonly emailConfirmed: TitledText;
  readonly join: JoinTexts;
  readonly teams: TeamsTexts;
  readonly invitations: InvitationsTexts;
  readonly invalidLink: TitledText & { readonly next: string };
  readonly signIn: {
    readonly title: string;
    readonly failed: string;
    readonly submit: string;
    readonly noAccount: string;
  };
  readonly recovery: RecoveryTexts;
  readonly secondFactor: SecondFactorTexts;
  readonly signedOut: TitledText & { readonly again: string };
  readonly account: AccountTexts;
  readonly profile: FormTexts;
  readonly emailChange: EmailChangeTexts;
  readonly passwordChange: FormTexts & {
    /** Where there is no password, and how one is added. */
    readonly absent: string;
    readonly add: string;
    readonly remove: string;
    readonly removeTitle: string;
    readonly removeLead: string;
  };
  readonly authenticators: AuthenticatorsTexts;
  readonly passkeys: PasskeysTexts;
  readonly firstPasskey: FirstPasskeyTexts;
  readonly sessions: SessionsTexts;
  readonly events: EventsTexts;
  readonly data: DataTexts;
  readonly reauthentication: FormTexts & {
    readonly tenantLead: string;
    readonly title: string;
    readonly failed: string;
    readonly failedWithCode: string;
    readonly codeHint: string;
  };
  readonly emailChanged: TitledText;
  readonly emailRevert: FormTexts & { readonly title: string; readonly notYou: string };
  readonly emailReverted: TitledText & { readonly next: string };
  readonly deletionRequested: TitledText & { readonly keep: string };
  readonly landing: TitledText & { readonly link: string };
  readonly mailbox: MailboxTexts;
  readonly providers: ProvidersTexts;
  readonly keys: KeysTexts;
  readonly tenants: TenantsTexts;
  readonly problems: Readonly<Record<ProblemCode, ProblemTexts>>;
  readonly reference: string;
  readonly mails: MailsTexts;
}
