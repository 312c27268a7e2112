import type { Texts } from '../texts.ts';
import { providerMails } from './providers.ts';

export const NICHT_SIE = [
  'Waren Sie es nicht, war jemand anderes in Ihrem Namen angemeldet: Ändern Sie Ihr Passwort, ' +
    'beenden Sie alle anderen Sitzungen, und sehen Sie Ihre Anmeldewege an.',
];

export const authenticatorsChanged: Texts['mails']['authenticatorsChanged'] = {
  ...providerMails(NICHT_SIE),
  'totp-added': {
    subject: 'Für Ihr Sallyport-Konto wurde eine Authenticator-App eingerichtet',
    before: () => [
      'Für Ihr Sallyport-Konto wurde soeben eine Authenticator-App eingerichtet. ' +
        'Von nun an wird bei der Anmeldung nach ihren Codes gefragt.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'totp-removed': {
    subject: 'Die Authenticator-App Ihres Sallyport-Kontos wurde entfernt',
    before: () => [
      'Die Authenticator-App Ihres Sallyport-Kontos wurde soeben entfernt. ' +
        'Nach ihren Codes wird nicht mehr gefragt.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'passkey-added': {
    subject: 'Ihrem Sallyport-Konto wurde ein Passkey hinzugefügt',
    before: () => [
      'Ihrem Sallyport-Konto wurde soeben ein Passkey hinzugefügt. Von nun an kann man sich damit anmelden.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'passkey-removed': {
    subject: 'Ein Passkey Ihres Sallyport-Kontos wurde entfernt',
    before: () => [
      'Ein Passkey Ihres Sallyport-Kontos wurde soeben entfernt. Niemand kann sich mehr damit anmelden.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'passkey-suspected': {
    subject: 'Ein Passkey Ihres Sallyport-Kontos wurde vielleicht kopiert',
    before: () => [
      'Jemand, wahrscheinlich Sie selbst, hat soeben einen Passkey Ihres Sallyport-Kontos benutzt. ' +
        'Sein Zähler ist zurückgegangen; es könnte eine Kopie davon geben.',
      'Wenn Sie nicht sicher sind, entfernen Sie den Passkey in Ihrem Konto und fügen Sie einen neuen hinzu:',
    ],
    action: 'Zu Ihren Passkeys',
    after: NICHT_SIE,
  },
  'password-added': {
    subject: 'Ihrem Sallyport-Konto wurde ein Passwort hinzugefügt',
    before: () => [
      'Ihrem Sallyport-Konto wurde soeben ein Passwort hinzugefügt.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'password-removed': {
    subject: 'Das Passwort Ihres Sallyport-Kontos wurde entfernt',
    before: () => [
      'Das Passwort Ihres Sallyport-Kontos wurde soeben entfernt. ' +
        'Von nun an meldet man sich mit einem Passkey an.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'factors-kept': {
    subject: 'Die zweiten Faktoren Ihres Sallyport-Kontos wurden nicht zurückgesetzt',
    before: () => [
      'Ein Besitzer eines Mandanten hat um einen Link gebeten, mit dem Sie einen verlorenen ' +
        'zweiten Faktor ersetzen könnten. Ihr Sallyport-Konto gehört nicht zu diesem Mandanten ' +
        'allein, und er kann das nicht allein entscheiden: Es wurde nichts geändert.',
      'Haben Sie Ihren zweiten Faktor verloren, benutzen Sie einen Notfallcode, oder fragen Sie, ' +
        'wer diesen Dienst betreibt. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: [],
  },
  'factors-reset': {
    subject: 'Die zweiten Faktoren Ihres Sallyport-Kontos wurden zurückgesetzt',
    before: () => [
      'Über einen zugesandten Link wurde für Ihr Sallyport-Konto ein neues Passwort gewählt; alle ' +
        'Passkeys, die Authenticator-App und die Notfallcodes gelten nicht mehr.',
      'Waren Sie es, melden Sie sich an und richten Sie einen zweiten Faktor ein:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
  'recovery-codes-replaced': {
    subject: 'Ihr Sallyport-Konto hat neue Notfallcodes',
    before: () => [
      'Für Ihr Sallyport-Konto wurden soeben neue Notfallcodes erzeugt. ' +
        'Alle früheren gelten nicht mehr.',
      'Waren Sie es, ist nichts zu tun. Ihr Konto finden Sie hier:',
    ],
    action: 'Zu Ihrem Konto',
    after: NICHT_SIE,
  },
};
