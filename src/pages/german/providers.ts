import type { ProviderProblemCode } from '../provider-texts.ts';
import type { ProviderMails } from '../mail-texts.ts';
import type { Texts } from '../texts.ts';

export const providers: Texts['providers'] = {
  title: 'Konten anderswo',
  lead: 'Mit einem Konto, das Sie anderswo haben, können Sie sich auch hier anmelden. Ihre anderen Wege bleiben.',
  signIn: (name) => `Mit ${name} anmelden`,
  signUp: (name) => `Mit ${name} registrieren`,
  prove: (name) => `Mit ${name} bestätigen`,
  link: (name) => `${name} verknüpfen`,
  linkedAs: 'als',
  linked: 'Verknüpft: {time}',
  lastUsed: 'Benutzt: {time}',
  unlink: 'Lösen',
  unlinkTitle: 'Diese Verknüpfung lösen?',
  unlinkLead: 'Niemand kann sich dann mehr damit hier anmelden.',
  notOffered: 'Wird hier nicht mehr angeboten',
  leaving: {
    title: (name) => `Weiter zu ${name}`,
    lead: 'Dort melden Sie sich an und kommen danach hierher zurück.',
    go: 'Weiter',
  },
  back: {
    title: 'Fast fertig',
    lead: 'Sie kommen von der anderen Seite zurück.',
    codeLead: 'Geben Sie einen Code Ihrer Authenticator-App ein, oder einen Notfallcode.',
    go: 'Weiter',
  },
};

export const providerProblems: Pick<Texts['problems'], ProviderProblemCode> = {
  'provider-refused': {
    title: 'Die andere Seite hat nicht gesagt, wer Sie sind',
    explanation:
      'Niemand wurde angemeldet und nichts geändert. Versuchen Sie es noch einmal oder auf einem anderen Weg.',
    action: 'sign-in',
  },
  'provider-unreachable': {
    title: 'Die andere Seite ist nicht erreichbar',
    explanation: 'Versuchen Sie es später wieder, oder melden Sie sich auf einem anderen Weg an.',
    action: 'sign-in',
  },
  'provider-address-unproved': {
    title: 'Die andere Seite hat Ihre E-Mail-Adresse nicht geprüft',
    explanation: 'Bestätigen Sie dort Ihre Adresse, und versuchen Sie es dann wieder.',
    action: 'sign-in',
  },
  'provider-not-linked': {
    title: 'Mit Ihrer Adresse gibt es schon ein Konto',
    explanation:
      'Melden Sie sich dort so an wie immer. Verknüpfen Sie dann Ihr anderes Konto auf der Seite Ihrer Anmeldewege.',
    action: 'sign-in',
  },
  'provider-taken': {
    title: 'Das ließ sich nicht verknüpfen',
    explanation:
      'Jemand hat dieses Konto schon verknüpft, oder Sie haben ein anderes desselben Anbieters verknüpft.',
    action: 'account',
  },
};

export const providerMails = (after: readonly string[]): ProviderMails => ({
  'provider-linked': {
    subject: 'Mit Ihrem Sallyport-Konto wurde ein anderes Konto verknüpft',
    before: () => [
      'Mit Ihrem Sallyport-Konto wurde soeben ein Konto einer anderen Seite verknüpft. ' +
        'Von nun an kann man sich damit anmelden.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after,
  },
  'provider-unlinked': {
    subject: 'Eine Verknüpfung Ihres Sallyport-Kontos wurde gelöst',
    before: () => [
      'Die Verknüpfung Ihres Sallyport-Kontos mit einem Konto einer anderen Seite wurde soeben gelöst. ' +
        'Niemand kann sich mehr damit anmelden.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after,
  },
});
