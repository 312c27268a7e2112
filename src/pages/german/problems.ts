import type { Texts } from '../texts.ts';
import { tenantProblems } from './tenant-problems.ts';
import { gatewayProblems } from './gateway.ts';
import { providerProblems } from './providers.ts';

export const problems: Texts['problems'] = {
  ...tenantProblems,
  'foreign-origin': {
    title: 'Diese Anfrage kam von woanders',
    explanation:
      'Ihr Browser sagt, dass eine andere Website sie gesendet hat. Wir haben deshalb nichts ' +
      'getan. Falls Sie das tun wollten, beginnen Sie noch einmal auf unseren eigenen Seiten.',
    action: 'home',
  },
  'foreign-host': {
    title: 'Das ist nicht unsere Adresse',
    explanation:
      'Unter dem Namen in der Adresszeile antworten wir nicht. ' +
      'Öffnen Sie die Adresse, die Sie kennen, statt einem Link zu folgen.',
    action: 'home',
  },
  'main-origin-only': {
    title: 'Das geschieht unter der Hauptadresse',
    explanation:
      'In der Adresszeile steht der Name eines Mandanten. Passkeys, neue Mandanten und den Weg ' +
      'von einem Mandanten in einen anderen finden Sie unter der Hauptadresse.',
    action: 'home',
  },
  'synchronizer-token-mismatch': {
    title: 'Dieses Formular war veraltet',
    explanation:
      'Es wurde geöffnet, bevor Sie sich zuletzt an- oder abgemeldet haben, oder es ist zu lange ' +
      'her. Deshalb wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und senden ' +
      'Sie es noch einmal.',
    action: 'home',
  },
  'account-exists': {
    title: 'Zu dieser Adresse gibt es ein Konto',
    explanation: 'Melden Sie sich an, und nehmen Sie dann die Einladung an.',
    action: 'sign-in',
  },
  'not-found': {
    title: 'Hier ist nichts',
    explanation:
      'Vielleicht ist die Adresse falsch geschrieben, oder was hier war, gibt es nicht mehr.',
    action: 'home',
  },
  'not-signed-in': {
    title: 'Melden Sie sich an, um fortzufahren',
    explanation: 'Sie sind nicht angemeldet, oder Ihre Sitzung ist abgelaufen.',
    action: 'sign-in',
  },
  'wrong-credentials': {
    title: 'Das hat nicht geklappt',
    explanation: 'Prüfen Sie E-Mail-Adresse und Passwort und versuchen Sie es noch einmal.',
    action: 'sign-in',
  },
  'step-up-required': {
    title: 'Bestätigen Sie, dass Sie es sind',
    explanation:
      'Diese Änderung ist wichtig, und Ihre Anmeldung liegt eine Weile zurück. Noch wurde nichts ' +
      'geändert. Geben Sie Ihr Passwort ein und wiederholen Sie dann die Änderung.',
    action: 're-authenticate',
  },
  'second-factor-required': {
    title: 'Bestätigen Sie, dass Sie es sind',
    explanation:
      'Diese Änderung ist wichtig. Noch wurde nichts geändert. ' +
      'Zeigen Sie Ihr Passwort und Ihren zweiten Faktor, und wiederholen Sie sie dann.',
    action: 're-authenticate',
  },
  'second-factor-missing': {
    title: 'Dafür brauchen Sie einen zweiten Faktor',
    explanation:
      'Richten Sie in Ihrem Konto einen ein, und versuchen Sie es dann wieder. Noch wurde nichts geändert.',
    action: 'account',
  },
  'sign-in-over': {
    title: 'Melden Sie sich noch einmal an',
    explanation: 'Die Anmeldung hat zu lange gedauert, oder es waren zu viele Versuche.',
    action: 'sign-in',
  },
  ...providerProblems,
  'too-many': {
    title: 'Mehr davon geht nicht',
    explanation:
      'Entfernen Sie zuerst, was Sie nicht mehr brauchen, und versuchen Sie es dann wieder.',
    action: 'account',
  },
  'last-way-in': {
    title: 'Das ist der einzige Weg in Ihr Konto',
    explanation: 'Fügen Sie zuerst einen weiteren hinzu. Es wurde nichts geändert.',
    action: 'account',
  },
  'already-set-up': {
    title: 'Das ist schon eingerichtet',
    explanation: 'Entfernen Sie es zuerst in Ihrem Konto, wenn Sie es neu einrichten wollen.',
    action: 'account',
  },
  forbidden: {
    title: 'Das dürfen Sie nicht',
    explanation:
      'Ihrem Konto fehlt die Berechtigung. Fragen Sie jemanden, der sie Ihnen geben kann.',
    action: 'account',
  },
  'password-compromised': {
    title: 'Dieses Passwort ist nicht mehr sicher',
    explanation:
      'Es steht in einer Liste von Passwörtern, die hier oder anderswo bekannt geworden sind, und ' +
      'öffnet deshalb nichts mehr. Folgen Sie auf der Anmeldeseite "Passwort vergessen?" und ' +
      'wählen Sie ein neues.',
    action: 'sign-in',
  },
  'too-many-attempts': {
    title: 'Das wurde zu oft versucht',
    explanation:
      'Damit niemand raten kann, haben wir Ihre Eingabe nicht geprüft. ' +
      'Warten Sie eine Weile, oder nehmen Sie einen Browser, in dem Sie sich schon einmal ' +
      'angemeldet haben.',
    action: 'sign-in',
  },
  busy: {
    title: 'Bei uns ist gerade sehr viel los',
    explanation: 'Es wurde nichts geändert. Warten Sie kurz und versuchen Sie es noch einmal.',
    action: 'home',
  },
  'database-unavailable': {
    title: 'Wir kommen nicht an unsere Daten',
    explanation:
      'Das liegt an uns, nicht an Ihnen. ' +
      'Warten Sie einige Minuten und versuchen Sie es noch einmal.',
    action: 'home',
  },
  'outcome-unknown': {
    title: 'Wir wissen nicht, ob das gespeichert wurde',
    explanation:
      'Die Verbindung ist im letzten Augenblick abgebrochen. ' +
      'Sehen Sie nach, ob Ihre Änderung da ist, bevor Sie sie noch einmal senden.',
    action: 'account',
  },
  ...gatewayProblems,
  'malformed-request': {
    title: 'Wir konnten diese Anfrage nicht lesen',
    explanation:
      'Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu ' +
      'und versuchen Sie es noch einmal.',
    action: 'home',
  },
  'invalid-fields': {
    title: 'Im Formular hat etwas gefehlt',
    explanation:
      'Es wurde nichts geändert. Gehen Sie zurück, füllen Sie alle Felder aus ' +
      'und senden Sie es noch einmal.',
    action: 'home',
  },
  'invalid-token': {
    title: 'Dieser Link gilt nicht mehr',
    explanation:
      'Vielleicht ist er abgelaufen, wurde schon benutzt oder nicht vollständig kopiert.',
    action: 'home',
  },
  'malformed-authorization': {
    title: 'Wir konnten nicht lesen, wer da fragt',
    explanation:
      'Das Programm, das diese Anfrage geschickt hat, zeigte etwas vor, das weder Schlüssel noch Token ist.',
    action: 'home',
  },
  'bearer-not-accepted': {
    title: 'Das kann nur ein Mensch tun',
    explanation:
      'Der Schlüssel oder das Token eines Programms genügt hier nicht. Melden Sie sich stattdessen an.',
    action: 'sign-in',
  },
  'two-principals': {
    title: 'Diese Anfrage kam von zwei Personen zugleich',
    explanation:
      'Sie trug eine Sitzung und den Schlüssel von jemand anderem, also haben wir nichts getan.',
    action: 'home',
  },
  'idempotency-key-malformed': {
    title: 'Wir konnten diese Anfrage nicht lesen',
    explanation:
      'Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es ' +
      'noch einmal.',
    action: 'home',
  },
  'idempotency-key-reused': {
    title: 'Dies trug das Kennzeichen einer anderen Anfrage',
    explanation:
      'Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es ' +
      'noch einmal.',
    action: 'home',
  },
  'idempotency-key-in-use': {
    title: 'Dies wurde zweimal gesendet',
    explanation: 'Es wurde einmal ausgeführt. Warten Sie kurz und sehen Sie sich das Ergebnis an.',
    action: 'home',
  },
  'idempotency-answer-not-kept': {
    title: 'Dies wurde schon ausgeführt',
    explanation: 'Es wurde noch einmal gesendet und nicht ein zweites Mal ausgeführt.',
    action: 'home',
  },
  'request-timeout': {
    title: 'Das hat zu lange gedauert',
    explanation:
      'Ihre Anfrage ist nicht vollständig angekommen, und es wurde nichts geändert. ' +
      'Prüfen Sie Ihre Verbindung und senden Sie sie noch einmal.',
    action: 'home',
  },
  'header-too-large': {
    title: 'Ihr Browser hat zu viel gesendet',
    explanation:
      'Seine Cookies oder die Adresse, die er abgerufen hat, sind zu lang. ' +
      'Löschen Sie die Cookies dieser Website und versuchen Sie es noch einmal.',
    action: 'home',
  },
  'unsupported-media-type': {
    title: 'Wir konnten diese Anfrage nicht lesen',
    explanation: 'Sie kam in einer Form, die diese Seite nicht annimmt. Es wurde nichts geändert.',
    action: 'home',
  },
  'body-too-large': {
    title: 'Das war zu viel auf einmal',
    explanation:
      'Es wurde nichts geändert. Gehen Sie zurück, kürzen Sie Ihre Eingaben ' +
      'und senden Sie sie noch einmal.',
    action: 'home',
  },
  'method-not-allowed': {
    title: 'So lässt sich diese Seite nicht benutzen',
    explanation:
      'Es wurde nichts geändert. Beginnen Sie noch einmal auf der Seite, ' +
      'die Sie hierher geführt hat.',
    action: 'home',
  },
  'duplicate-cookie': {
    title: 'Ihr Browser hat zwei Sitzungen gesendet',
    explanation:
      'Er hat dasselbe Cookie zweimal gesendet, und wir raten nicht, welches Ihres ist. ' +
      'Löschen Sie die Cookies dieser Website und melden Sie sich dann wieder an.',
    action: 'sign-in',
  },
  internal: {
    title: 'Etwas ist schiefgegangen',
    explanation: 'Das liegt an uns, nicht an Ihnen. Versuchen Sie es gleich noch einmal.',
    action: 'home',
  },
  refused: {
    title: 'Das hat nicht funktioniert',
    explanation:
      'Wir konnten die Anfrage nicht annehmen. Gehen Sie zurück, laden Sie die Seite neu ' +
      'und versuchen Sie es noch einmal.',
    action: 'home',
  },
};
