import type { Texts } from '../texts.ts';
import { authenticatorsChanged, NICHT_SIE } from './authenticator-mails.ts';

export const mails: Texts['mails'] = {
  signUp: {
    subject: 'Bestätigen Sie Ihre E-Mail-Adresse für Sallyport',
    before: (expiresInHours) => [
      'Jemand, vermutlich Sie selbst, hat sich mit dieser E-Mail-Adresse bei Sallyport registriert.',
      `Wenn Sie es waren, bestätigen Sie die Adresse innerhalb von ${hours(expiresInHours)}. ` +
        'Der Link öffnet eine Seite, auf der Sie es abschließen. ' +
        'In einem anderen Browser fragt sie auch nach dem Passwort, das Sie gewählt haben, falls es eines gibt.',
    ],
    action: 'E-Mail-Adresse bestätigen',
    after: [
      'Wenn Sie es nicht waren, folgen Sie dem Link nicht und löschen Sie diese Nachricht. ' +
        'Ohne den Link kann sich niemand mit Ihrer Adresse anmelden.',
    ],
  },
  existingAccount: {
    subject: 'Sie haben bereits ein Konto bei Sallyport',
    before: () => [
      'Jemand, vielleicht Sie selbst, wollte diese E-Mail-Adresse für ein neues oder ein anderes ' +
        'Konto bei Sallyport verwenden. Es gibt dazu bereits ein Konto, ' +
        'deshalb wurde nichts geändert.',
      'Wenn Sie es waren, melden Sie sich mit Ihrem bisherigen Passwort an.',
    ],
    action: 'Anmelden',
    after: [
      'Wenn Sie es nicht waren, müssen Sie nichts tun. Ihr Konto ist unverändert, ' +
        'und wer immer es war, hat nicht erfahren, dass es existiert.',
    ],
  },
  invitation: {
    subject: 'Sie sind zu Sallyport eingeladen',
    before: (expiresInDays) => [
      'Jemand, der mit Sallyport arbeitet, hat diese E-Mail-Adresse eingeladen, dazuzukommen.',
      `Der Link sagt, wer es ist. Er gilt einmal, ${days(expiresInDays)} lang.`,
    ],
    action: 'Einladung ansehen',
    after: [
      'Wenn Sie nichts erwarten, müssen Sie nichts tun: ' +
        'Nur wenn Sie dem Link folgen und zustimmen, kommen Sie dazu.',
    ],
  },
  emailChange: {
    subject: 'Bestätigen Sie die neue Adresse für Ihr Konto bei Sallyport',
    before: (expiresInHours) => [
      'Jemand, vermutlich Sie selbst, möchte diese E-Mail-Adresse für sein Konto bei Sallyport ' +
        'verwenden.',
      `Wenn Sie es waren, bestätigen Sie die Adresse innerhalb von ${hours(expiresInHours)}. ` +
        'Der Link öffnet eine Seite mit einer einzigen Schaltfläche. ' +
        'Danach melden Sie sich mit dieser Adresse an.',
    ],
    action: 'E-Mail-Adresse bestätigen',
    after: [
      'Wenn Sie es nicht waren, folgen Sie dem Link nicht und löschen Sie diese Nachricht. ' +
        'Ohne den Link wird Ihre Adresse nicht verwendet.',
    ],
  },
  emailChangeNotice: {
    subject: 'Die Adresse Ihres Kontos bei Sallyport soll sich ändern',
    before: (newAddressMasked, expiresInDays) => [
      'Jemand, vermutlich Sie selbst, möchte die E-Mail-Adresse Ihres Kontos bei Sallyport ' +
        `ändern in ${newAddressMasked}. ` +
        'Sie ändert sich, sobald die neue Adresse bestätigt ist.',
      'Wenn Sie es waren, müssen Sie nichts tun.',
      'Wenn Sie es nicht waren, behalten Sie diese Adresse: ' +
        `Der Link nimmt die Änderung zurück, ${days(expiresInDays)} lang.`,
    ],
    action: 'Diese Adresse behalten',
    after: [
      'Der Link beendet auch alle Sitzungen, denn wer die Änderung wollte, war in Ihrem Namen ' +
        'angemeldet. Wenn Sie es nicht waren, melden Sie sich danach an und wählen Sie ein neues ' +
        'Passwort.',
    ],
  },
  passwordChanged: {
    subject: 'Das Passwort Ihres Kontos bei Sallyport wurde geändert',
    before: () => [
      'Das Passwort Ihres Kontos bei Sallyport wurde soeben geändert, ' +
        'und alle anderen Sitzungen Ihres Kontos sind beendet.',
      'Wenn Sie es waren, müssen Sie nichts tun. Hier finden Sie Ihr Konto:',
    ],
    action: 'Zu Ihrem Konto',
    after: [
      'Wenn Sie es nicht waren, kennt jemand anderes Ihr Passwort. ' +
        'Sagen Sie es sofort denen, die diesen Dienst betreiben.',
    ],
  },
  authenticatorsChanged,
  recoveryCodeUsed: {
    subject: 'Ein Notfallcode Ihres Sallyport-Kontos wurde benutzt',
    before: (left) => [
      'Jemand, wahrscheinlich Sie selbst, hat soeben einen Notfallcode Ihres Sallyport-Kontos ' +
        'anstelle des zweiten Faktors benutzt.',
      left === 0
        ? 'Es sind keine Codes mehr übrig: Erzeugen Sie in Ihrem Konto neue.'
        : `Noch übrige Codes: ${left}. Neue erzeugen Sie in Ihrem Konto.`,
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  accountDeletion: {
    subject: 'Ihr Konto bei Sallyport wird gelöscht',
    before: (deletesAt) => [
      'Jemand, vermutlich Sie selbst, hat die Löschung Ihres Kontos bei Sallyport beauftragt. ' +
        'Sie sind überall abgemeldet.',
      `Am ${deletesAt} wird das Konto mit allem, was darin ist, gelöscht. ` +
        'Wenn Sie es behalten möchten, melden Sie sich vorher an.',
    ],
    action: 'Anmelden und das Konto behalten',
    after: [
      'Wenn Sie es nicht waren, melden Sie sich an, behalten Sie das Konto und wählen Sie ein ' +
        'neues Passwort: Jemand anderes war in Ihrem Namen angemeldet.',
    ],
  },
  factorReset: {
    subject: 'Ihr Sallyport-Konto neu einrichten',
    before: (expiresInHours) => [
      'Jemand, dem ein Mandant gehört, in dem Sie sind, lässt Sie einen verlorenen zweiten Faktor Ihres Sallyport-Kontos ersetzen.',
      `Wenn Sie darum gebeten haben, folgen Sie dem Link innerhalb von ${hours(expiresInHours)} und wählen Sie ein neues Passwort. ` +
        'Ihre Passkeys, Ihre Authenticator-App und Ihre Notfallcodes gelten dann nicht mehr.',
    ],
    action: 'Neues Passwort wählen',
    after: [
      'Wenn Sie nicht darum gebeten haben, folgen Sie dem Link nicht: Ihr Konto bleibt, wie es ist. ' +
        'Sagen Sie es denen, die sich um den Mandanten kümmern.',
    ],
  },
  passwordRecovery: {
    subject: 'Neues Passwort für Sallyport wählen',
    before: (expiresInMinutes) => [
      'Jemand, vermutlich Sie selbst, hat angegeben, das Passwort Ihres Kontos bei Sallyport ' +
        'vergessen zu haben.',
      `Wenn Sie es waren, wählen Sie innerhalb von ${expiresInMinutes} Minuten ein neues. ` +
        'Der Link gilt einmal, und nur der neueste.',
    ],
    action: 'Neues Passwort wählen',
    after: [
      'Wenn Sie es nicht waren, folgen Sie dem Link nicht und löschen Sie diese Nachricht. ' +
        'Ihr Passwort bleibt, wie es ist.',
    ],
  },
  passwordRecovered: {
    subject: 'Sie haben ein neues Passwort für Sallyport',
    before: () => [
      'Für Ihr Konto bei Sallyport wurde ein neues Passwort gewählt, mit einem Link, den wir an ' +
        'diese Adresse geschickt haben. Alle Sitzungen Ihres Kontos sind beendet.',
      'Wenn Sie es waren, melden Sie sich mit dem neuen Passwort an:',
    ],
    action: 'Anmelden',
    after: [
      'Wenn Sie es nicht waren, liest jemand anderes Ihre E-Mails. Sichern Sie zuerst Ihr ' +
        'Postfach, wählen Sie dann ein anderes Passwort, und sagen Sie es denen, die diesen ' +
        'Dienst betreiben.',
    ],
  },
  passwordCompromised: {
    subject: 'Ihr Passwort bei Sallyport ist bekannt geworden',
    before: () => [
      'Das Passwort Ihres Kontos bei Sallyport steht in einer Liste von Passwörtern, die hier ' +
        'oder anderswo bekannt geworden sind. Es öffnet nichts mehr, und alle Sitzungen sind ' +
        'beendet.',
      'Wählen Sie ein neues, das Sie sonst nirgends verwenden:',
    ],
    action: 'Neues Passwort wählen',
    after: [
      'Das fiel auf, als sich jemand mit dem richtigen Passwort anmelden wollte. ' +
        'Wenn Sie es nicht waren, kennt es jemand anderes: Sehen Sie sich Ihr Konto an, ' +
        'sobald Sie ein neues haben.',
    ],
  },
  newDevice: {
    subject: 'Neue Anmeldung in Ihrem Konto bei Sallyport',
    before: (device) => [
      'Jemand, vermutlich Sie selbst, hat sich in Ihrem Konto bei Sallyport angemeldet, ' +
        `und zwar in einem Browser, in dem Sie noch nie angemeldet waren: ${device}.`,
      'Wenn Sie es waren, müssen Sie nichts tun. Wenn Sie es nicht waren, wählen Sie sofort ein ' +
        'neues Passwort; das beendet auch alle Sitzungen:',
    ],
    action: 'Neues Passwort wählen',
    after: [],
  },
  guessesLimited: {
    subject: 'Jemand versucht, sich bei Sallyport als Sie anzumelden',
    before: () => [
      'Jemand hat zehnmal nacheinander mit falschen Angaben versucht, sich als Sie anzumelden. ' +
        'Eine Weile sehen wir uns keine weiteren Versuche an, außer in Browsern, in denen Sie ' +
        'schon einmal angemeldet waren.',
      'Wenn Sie es waren und Ihr Passwort nicht mehr wissen, wählen Sie ein neues:',
    ],
    action: 'Neues Passwort wählen',
    after: [
      'Wenn Sie es nicht waren, müssen Sie nichts tun: Niemand ist hineingekommen. ' +
        'Wir schreiben Ihnen deswegen höchstens einmal am Tag.',
    ],
  },
  authenticatorClosed: {
    password: {
      subject: 'Ihr Passwort bei Sallyport gilt nicht mehr',
      before: () => [
        'Es gab so viele falsche Versuche mit Ihrem Passwort nacheinander, dass es nicht mehr ' +
          'angenommen wird. Niemand ist hineingekommen.',
        'Wählen Sie ein neues; bis dahin gilt das alte nur noch in einem Browser, in dem Sie ' +
          'schon einmal angemeldet waren, und nach zehn weiteren falschen Versuchen auch dort nicht:',
      ],
      action: 'Neues Passwort wählen',
      after: ['Wenn Sie es nicht waren, will jemand in Ihr Konto. Wählen Sie auch dann ein neues.'],
    },
    'one-time-password': closed('Ihrer Authenticator-App', 'richten Sie sie neu ein'),
    'recovery-code': closed('Ihrer Wiederherstellung', 'erzeugen Sie neue'),
  },
};

function closed(whose: string, todo: string): Texts['mails']['guessesLimited'] {
  return {
    subject: `Sallyport: Codes ${whose} gelten nicht mehr`,
    before: () => [
      `Es gab so viele falsche Versuche mit Codes ${whose} nacheinander, dass keiner mehr ` +
        'angenommen wird. Niemand ist hineingekommen. Wer es versucht, kennt Ihr Passwort.',
      'Melden Sie sich in einem Browser an, in dem Sie schon einmal angemeldet waren, ' +
        `oder auf einem anderen Weg, und ${todo}:`,
    ],
    action: 'Zu Ihrem Konto',
    after: ['Wenn Sie es nicht waren, wählen Sie auch ein neues Passwort.'],
  };
}

function hours(count: number): string {
  return count === 1 ? 'einer Stunde' : `${count} Stunden`;
}

function days(count: number): string {
  return count === 1 ? 'einen Tag' : `${count} Tage`;
}
