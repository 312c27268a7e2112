import type { FormTexts } from './account-texts.ts';
import type { TitledText } from './texts.ts';

/** The texts of the pages of teams and invitations. */
export interface TeamsTexts {
  readonly lead: string;
  readonly none: string;
  readonly members: (count: number) => string;
  readonly roles: Readonly<Record<'lead' | 'member', string>>;
  readonly makeTitle: string;
  readonly slugHint: string;
  readonly make: string;
  readonly all: string;
  readonly empty: string;
  readonly role: string;
  readonly change: string;
  readonly takeOut: string;
  readonly addTitle: string;
  readonly addHint: string;
  readonly find: string;
  readonly add: string;
  readonly nobody: string;
  readonly nameTitle: string;
  readonly save: string;
  readonly deleteOpen: string;
  readonly deleteTitle: string;
  readonly deleteLead: string;
  readonly deleteSubmit: string;
  readonly next: string;
}

export interface InvitationsTexts {
  readonly lead: string;
  readonly none: string;
  readonly makeTitle: string;
  readonly makeHint: string;
  readonly role: string;
  readonly make: string;
  readonly invitedBy: (name: string) => string;
  readonly expires: string;
  readonly resend: string;
  readonly withdraw: string;
  readonly next: string;
}

/** The texts of the pages behind the link of an invitation. */
export interface JoinTexts extends FormTexts {
  readonly title: string;
  readonly tenant: string;
  readonly invited: string;
  readonly signInLead: string;
  readonly acceptLead: string;
  readonly accept: string;
  readonly notYou: string;
  readonly dead: TitledText;
}
