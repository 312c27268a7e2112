import * as account from './german/account.ts';
import { authenticators, firstPasskey, passkeys, secondFactor } from './german/authenticators.ts';
import { events } from './german/events.ts';
import { errors, fields } from './german/forms.ts';
import { mails } from './german/mails.ts';
import { problems } from './german/problems.ts';
import { invitations, teams } from './german/teams.ts';
import { tenants } from './german/tenants.ts';
import { keys } from './german/keys.ts';
import { providers } from './german/providers.ts';
import { recovery } from './german/recovery.ts';
import type { Texts } from './texts.ts';

export const german: Texts = {
  language: 'de',
  productName: 'Sallyport',
  skipToContent: 'Zum Inhalt springen',
  footer: 'Niemand von uns wird Sie jemals nach Ihrem Passwort fragen.',
  errorTitle: (title) => `Fehler: ${title}`,
  actions: {
    home: 'Zur Startseite',
    signIn: 'Anmelden',
    signUp: 'Konto anlegen',
    signUpAgain: 'Erneut registrieren',
    signOut: 'Abmelden',
    account: 'Zu Ihrem Konto',
    tenants: 'Ihre Mandanten',
    reAuthenticate: 'Identität bestätigen',
    cancel: 'Abbrechen',
    change: 'Ändern',
  },
  showPassword: 'Anzeigen',
  events,
  providers,
  keys,
  fields,
  errors,
  errorSummary: 'Bitte sehen Sie sich das noch einmal an',
  home: {
    title: 'Jede Anfrage geht durch zwei Türen',
    lead:
      'Eine Sally Port ist ein Torgang mit zwei Türen: Die zweite öffnet sich erst, wenn die ' +
      'erste geschlossen ist. Sallyport ist der Eingang zu diesem Dienst. Hier wird geprüft, ' +
      'wer etwas möchte, und die Datenbank dahinter prüft es noch einmal.',
    facts: [
      {
        title: 'Kunden bleiben getrennt',
        text: 'Die Datenbank selbst weigert sich, einem Kunden zu zeigen, was einem anderen gehört.',
      },
      {
        title: 'Abgemeldet ist abgemeldet',
        text: 'Wenn Sie sich abmelden, endet die Sitzung sofort und nicht irgendwann später.',
      },
      {
        title: 'Geheimnisse bleiben bei Ihnen',
        text:
          'Wir speichern weder Ihr Passwort noch das Geheimnis Ihrer Sitzung, ' +
          'sondern nur, was nötig ist, um beides zu prüfen.',
      },
    ],
  },
  signUp: {
    title: 'Konto anlegen',
    lead: 'Wir schicken Ihnen eine E-Mail, um sicherzugehen, dass die Adresse Ihnen gehört.',
    submit: 'Konto anlegen',
    haveAccount: 'Sie haben schon ein Konto?',
  },
  checkMail: {
    title: 'Sehen Sie in Ihr Postfach',
    sentTo: 'Wir senden eine Nachricht an',
    next:
      'Folgen Sie dem Link in der Nachricht. ' +
      'Falls es zu dieser Adresse bereits ein Konto gibt, steht es darin.',
    noMailTitle: 'Keine Nachricht?',
    noMail: [
      'Warten Sie einige Minuten.',
      'Sehen Sie im Spam-Ordner nach.',
      'Prüfen Sie, ob die Adresse oben richtig geschrieben ist.',
    ],
    otherAddress: 'Erneut registrieren',
  },
  emailConfirmation: {
    title: 'E-Mail-Adresse bestätigen',
    lead: 'Ein Klick, und wir wissen, dass sie Ihnen gehört.',
    submit: 'E-Mail-Adresse bestätigen',
    notYou:
      'Fahren Sie nur fort, wenn Sie sich gerade selbst registriert oder Ihre Adresse geändert ' +
      'haben. War es jemand anderes, schließen Sie diese Seite, und es geschieht nichts.',
    withPassword: {
      lead:
        'Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben. ' +
        'Wir fragen, weil das nicht in diesem Browser war oder schon länger her ist.',
      notYou:
        'Wenn Sie sich nicht registriert haben, hat jemand anderes Ihre Adresse angegeben. ' +
        'Schließen Sie diese Seite: Ohne dessen Passwort geschieht nichts.',
    },
  },
  emailConfirmed: {
    title: 'Ihre Adresse ist bestätigt',
    text: 'Ihr Konto ist bereit. Melden Sie sich mit dem Passwort an, das Sie gewählt haben.',
  },
  join: {
    title: 'Sie sind eingeladen',
    tenant: 'Zu',
    invited: 'Gesendet an',
    lead: 'Wählen Sie einen Namen und ein Passwort, und Sie sind dabei.',
    submit: 'Konto anlegen und beitreten',
    signInLead:
      'Zu dieser Adresse gibt es ein Konto. Melden Sie sich an, dann können Sie beitreten.',
    acceptLead:
      'Möchten Sie beitreten? Was Sie dort sehen, gehört den anderen; ' +
      'sie sehen Ihren Namen und Ihre Adresse.',
    accept: 'Beitreten',
    notYou:
      'Wenn Sie nicht wissen, wer Sie eingeladen hat, schließen Sie diese Seite. ' +
      'Dann geschieht nichts.',
    dead: {
      title: 'Diese Einladung gilt nicht',
      text:
        'Sie ist vielleicht abgelaufen, benutzt, ersetzt oder zurückgenommen worden, oder sie ging ' +
        'an eine andere Adresse als die Ihres Kontos. Bitten Sie um eine neue.',
    },
  },
  invalidLink: {
    title: 'Dieser Link gilt nicht mehr',
    text: 'Vielleicht ist er abgelaufen, wurde schon benutzt oder nicht vollständig kopiert.',
    next:
      'Wenn Sie ihn schon einmal benutzt haben, hat er seinen Zweck erfüllt: Melden Sie sich an. ' +
      'Sonst fordern Sie einen neuen an: Registrieren Sie sich erneut, oder ändern Sie Ihre ' +
      'Adresse noch einmal in Ihrem Konto.',
  },
  signIn: {
    title: 'Anmelden',
    failed:
      'Das hat nicht geklappt. Prüfen Sie E-Mail-Adresse und Passwort, ' +
      'und ob Sie Ihre Adresse bestätigt haben.',
    submit: 'Anmelden',
    noAccount: 'Neu hier?',
  },
  recovery,
  signedOut: {
    title: 'Sie sind abgemeldet',
    text: 'Ihre Sitzung ist beendet, hier und bei uns.',
    again: 'Wieder anmelden',
  },
  secondFactor,
  ...account,
  authenticators,
  tenants,
  passkeys,
  firstPasskey,
  teams,
  invitations,
  problems,
  reference: 'Wenn Sie um Hilfe bitten, nennen Sie diese Kennung:',
  mails,
};
