/** The texts of the security events. */
export interface EventsTexts {
  readonly lead: string;
  readonly notYouTitle: string;
  readonly notYou: string;
  readonly endSessions: string;
  readonly changePassword: string;
  readonly none: string;
  readonly newest: string;
  readonly olderOnes: string;
  readonly failed: string;
  readonly succeeded: string;
  readonly from: (address: string) => string;
  readonly noAddress: string;
  readonly bySomebodyElse: string;
  readonly about: (person: string) => string;
  readonly by: (person: string) => string;
  readonly formerMember: string;
  readonly onlyPerson: string;
  readonly tenantLead: string;
  readonly reference: string;
  readonly kindLabel: string;
  readonly everyKind: string;
  readonly outcomeLabel: string;
  readonly everyOutcome: string;
  readonly fromLabel: string;
  readonly untilLabel: string;
  readonly filter: string;
  readonly reset: string;
  readonly exportTitle: string;
  readonly exportLead: string;
  readonly exportAs: (format: string) => string;
  /** With %1 done and %2 in all, which a script fills in. */
  readonly running: string;
  readonly finished: string;
  readonly broken: string;
  /** What happened, by its kind; test/docs.test.ts holds them complete. */
  readonly kinds: Readonly<Record<string, string>>;
}
