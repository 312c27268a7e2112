import type { FormTexts } from './account-texts.ts';
import type { TitledText } from './texts.ts';

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
