import type { Texts } from '../texts.ts';

export const gatewayProblems: Pick<
  Texts['problems'],
  'upstream-failed' | 'upstream-unavailable' | 'upstream-timeout' | 'ambiguous-request'
> = {
  'upstream-failed': {
    title: 'Der Dienst hat nicht richtig geantwortet',
    explanation: 'Das liegt an uns. Ob etwas getan wurde, ist nicht sicher.',
    action: 'home',
  },
  'upstream-unavailable': {
    title: 'Der Dienst ist nicht erreichbar',
    explanation: 'Das liegt an uns. Versuchen Sie es in einigen Minuten noch einmal.',
    action: 'home',
  },
  'upstream-timeout': {
    title: 'Der Dienst hat zu lange gebraucht',
    explanation: 'Das liegt an uns. Ob etwas getan wurde, ist nicht sicher.',
    action: 'home',
  },
  'ambiguous-request': {
    title: 'Wir konnten diese Anfrage nicht lesen',
    explanation: 'Sie ist doppeldeutig, deshalb geschah nichts. Prüfen Sie die Adresse.',
    action: 'home',
  },
};
