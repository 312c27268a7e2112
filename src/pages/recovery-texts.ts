/** A forgotten password, from the link on the sign-in page to the new one. */
export interface RecoveryTexts {
  readonly link: string;
  readonly forgot: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly remembered: string;
  };
  readonly mailed: {
    readonly title: string;
    readonly sentTo: string;
    readonly next: string;
    readonly noMail: readonly string[];
    readonly again: string;
  };
  readonly reset: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly notYou: string;
  };
  readonly recovered: { readonly title: string; readonly text: string };
  readonly factors: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly notYou: string;
    readonly done: { readonly title: string; readonly text: string };
  };
  readonly invalid: { readonly next: string; readonly again: string };
  /** On the button that has the mail of a sign-up sent once more. */
  readonly resend: string;
}
