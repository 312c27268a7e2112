import type { AccountNotice, AccountSection, TitledText } from './texts.ts';

/** A sentence with a moment in it, which stands where the text says `{time}`. */
export type MomentText = string;

export interface FormTexts {
  readonly lead: string;
  readonly submit: string;
}

export interface AccountTexts {
  readonly title: string;
  readonly sections: Readonly<Record<AccountSection, string>>;
  readonly notices: Readonly<Record<AccountNotice, string>>;
  readonly deletion: { readonly deletesAt: MomentText; readonly keep: string };
}

export interface EmailChangeTexts extends FormTexts {
  readonly current: string;
  readonly fieldLabel: string;
  readonly pendingTitle: string;
  readonly pendingUntil: MomentText;
  readonly pendingNext: string;
}

export interface SessionsTexts {
  readonly lead: string;
  readonly onlyThis: string;
  readonly current: string;
  readonly lastSeen: MomentText;
  readonly created: MomentText;
  readonly end: string;
  readonly endTitle: string;
  readonly endOthers: string;
  readonly endOthersTitle: string;
  readonly endOthersLead: string;
  readonly device: {
    readonly known: (browser: string, system: string) => string;
    readonly browserOnly: (browser: string) => string;
    readonly systemOnly: (system: string) => string;
    readonly unknown: string;
  };
}

export interface DataTexts {
  readonly exportTitle: string;
  readonly exportLead: string;
  readonly exportSubmit: string;
  readonly deletionTitle: string;
  readonly deletionHint: string;
  /** On the link to the page that asks once more. */
  readonly deletionOpen: string;
  readonly deletionLead: string;
  readonly deletionSteps: (graceDays: number) => readonly string[];
  readonly deletionSubmit: string;
  readonly alreadyRequested: string;
}

export interface MailboxTexts {
  readonly title: string;
  readonly lead: string;
  readonly json: string;
  readonly to: string;
  readonly links: string;
  readonly empty: TitledText;
}
