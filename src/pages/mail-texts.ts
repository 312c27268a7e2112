/**
 * The paragraphs of a mail before and after its link. No value of a person stands in any of them,
 * so that nobody can make this service mail their words to a stranger (CVE-2022-31127). The one
 * exception is a masked address, told to the owner of the account that it shall belong to.
 */
export interface MailTexts<Values extends readonly unknown[] = []> {
  readonly subject: string;
  readonly before: (...values: Values) => readonly string[];
  readonly action: string;
  readonly after: readonly string[];
}

/** What somebody can guess to sign in as another. */
export type GuessedFactor = 'password' | 'one-time-password' | 'recovery-code';

/** The words of the mails, one entry a mail. */
export interface MailsTexts {
  readonly signUp: MailTexts<[expiresInHours: number]>;
  readonly existingAccount: MailTexts;
  readonly factorReset: MailTexts<[expiresInHours: number]>;
  readonly invitation: MailTexts<[expiresInDays: number]>;
  readonly emailChange: MailTexts<[expiresInHours: number]>;
  readonly emailChangeNotice: MailTexts<[newAddressMasked: string, expiresInDays: number]>;
  readonly passwordChanged: MailTexts;
  readonly authenticatorsChanged: Readonly<
    Record<
      | 'totp-added'
      | 'totp-removed'
      | 'passkey-added'
      | 'passkey-removed'
      | 'passkey-suspected'
      | 'recovery-codes-replaced'
      | 'password-added'
      | 'password-removed'
      | 'provider-linked'
      | 'provider-unlinked'
      | 'factors-reset'
      | 'factors-kept',
      MailTexts
    >
  >;
  readonly recoveryCodeUsed: MailTexts<[left: number]>;
  readonly accountDeletion: MailTexts<[deletesAt: string]>;
  readonly newDevice: MailTexts<[device: string]>;
  readonly passwordRecovery: MailTexts<[expiresInMinutes: number]>;
  readonly passwordRecovered: MailTexts;
  readonly passwordCompromised: MailTexts;
  readonly guessesLimited: MailTexts;
  readonly authenticatorClosed: Readonly<Record<GuessedFactor, MailTexts>>;
}

/** The mails about accounts elsewhere. */
export type ProviderMails = Pick<
  MailsTexts['authenticatorsChanged'],
  'provider-linked' | 'provider-unlinked'
>;
