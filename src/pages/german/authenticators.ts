import type { Texts } from '../texts.ts';

export const secondFactor: Texts['secondFactor'] = {
  title: 'Noch ein Schritt',
  totpLead:
    'Öffnen Sie Ihre Authenticator-App und geben Sie den Code ein, den sie für diese Seite zeigt.',
  recoveryLead:
    'Geben Sie einen der Notfallcodes ein, die Sie aufbewahrt haben. Jeder gilt einmal.',
  signingInAs: 'Sie melden sich an als',
  submit: 'Anmelden',
  failed:
    'Dieser Code stimmt nicht, oder er wurde schon benutzt. Warten Sie auf den nächsten, und prüfen Sie, ob die Uhr Ihres Geräts richtig geht.',
  useRecoveryCode: 'Stattdessen einen Notfallcode benutzen',
  usePasskey: 'Stattdessen einen Passkey benutzen',
  passkeyLead: 'Bestätigen Sie mit Ihrem Passkey, dass Sie es sind.',
  useTotp: 'Stattdessen die Authenticator-App benutzen',
  noneLeft: 'Sie haben keine Notfallcodes mehr.',
  startAgain:
    'Das hat zu lange gedauert, oder es waren zu viele Versuche. Melden Sie sich noch einmal an.',
};

export const authenticators: Texts['authenticators'] = {
  lead: 'Mit einem zweiten Faktor kann sich niemand anmelden, der nur Ihr Passwort kennt.',
  totp: {
    title: 'Authenticator-App',
    absent: 'Eine App auf Ihrem Telefon oder Computer zeigt alle 30 Sekunden einen neuen Code.',
    created: 'Eingerichtet: {time}',
    lastUsed: 'Zuletzt benutzt: {time}',
    add: 'Einrichten',
    remove: 'Entfernen',
  },
  setup: {
    title: 'Authenticator-App einrichten',
    steps: [
      'Öffnen Sie eine Authenticator-App oder einen Passwortmanager, der das kann.',
      'Scannen Sie damit das Bild, oder geben Sie das Geheimnis darunter ein.',
      'Geben Sie den Code ein, den die App zeigt.',
    ],
    qrCode: 'QR-Code mit dem Geheimnis, das darunter steht',
    secret: 'Geheimnis',
    submit: 'Bestätigen',
  },
  removal: {
    title: 'Authenticator-App entfernen?',
    lead:
      'Danach wird beim Anmelden nicht mehr nach der App gefragt. ' +
      'Ist sie Ihr einziger zweiter Faktor, gelten auch Ihre Notfallcodes nicht mehr.',
    submit: 'Jetzt entfernen',
  },
  recoveryCodes: {
    title: 'Notfallcodes',
    left: (count) => (count === 1 ? 'Noch 1 Code' : `Noch ${count} Codes`),
    absent: 'Sie erhalten sie, wenn Sie einen zweiten Faktor einrichten. Jeder ersetzt ihn einmal.',
    renew: 'Neue Codes',
    renewTitle: 'Neue Notfallcodes erzeugen?',
    renewLead: 'Alle Codes, die Sie jetzt haben, gelten dann nicht mehr.',
    shownTitle: 'Ihre Notfallcodes',
    shownLead:
      'Drucken Sie sie aus oder bewahren Sie sie sicher auf, getrennt von Ihrem Passwort. ' +
      'Wir zeigen sie kein zweites Mal und können es nicht: Wir behalten nur, was zum Prüfen nötig ist.',
    addedLead: {
      totp: 'Ihre Authenticator-App ist eingerichtet. Von nun an wird bei jeder Anmeldung danach gefragt.',
      passkey:
        'Ihr Passkey ist bereit. Mit ihm melden Sie sich ohne Passwort an; nach einem Passwort wird auch nach ihm gefragt.',
    },
    kept: 'Ihre Notfallcodes bleiben, wie sie sind.',
    done: 'Ich habe sie aufbewahrt',
    endOthers: 'Ihre anderen Sitzungen beenden',
  },
};

export const passkeys: Texts['passkeys'] = {
  title: 'Ihre Passkeys',
  lead: 'Mit einem Passkey melden Sie sich an, indem Sie Ihr Gerät entsperren. Niemand kann ihn erraten oder Ihnen entlocken.',
  add: 'Passkey hinzufügen',
  created: 'Hinzugefügt: {time}',
  lastUsed: 'Benutzt: {time}',
  synced: 'Auf mehreren Geräten',
  bound: 'Auf einem Gerät',
  rename: 'Umbenennen',
  renameTitle: 'Passkey umbenennen',
  remove: 'Passkey entfernen',
  removeTitle: 'Diesen Passkey entfernen?',
  removeLead: 'Danach kann sich niemand mehr damit anmelden. Löschen Sie ihn auch auf dem Gerät.',
  newTitle: 'Einen Passkey hinzufügen',
  newLead: 'Ihr Gerät oder Ihr Passwortmanager erzeugt ihn und bittet Sie, es zu entsperren.',
  create: 'Passkey erzeugen',
  refused:
    'Dieser Passkey konnte nicht hinzugefügt werden. Versuchen Sie es noch einmal, oder mit einem anderen Gerät.',
  signIn: 'Mit einem Passkey anmelden',
  orPassword: 'Oder mit Ihrem Passwort',
  atMain: 'Einen Passkey unter der Hauptadresse verwenden',
  prove: 'Mit einem Passkey bestätigen',
  failed:
    'Der Browser hat keinen Passkey gegeben. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
  instead: {
    signIn:
      'Passkeys brauchen JavaScript und einen Browser, der sie kennt. Melden Sie sich unten mit Ihrem Passwort an.',
    secondFactor:
      'Passkeys brauchen JavaScript und einen Browser, der sie kennt. Wählen Sie unten einen anderen Weg.',
    prove:
      'Passkeys brauchen JavaScript und einen Browser, der sie kennt. Nehmen Sie Ihr Passwort, falls Sie eines haben.',
    add: 'Passkeys brauchen JavaScript und einen Browser, der sie kennt. Eine Authenticator-App geht ohne.',
    signUp:
      'Passkeys brauchen JavaScript und einen Browser, der sie kennt. Wählen Sie stattdessen ein Passwort.',
  },
};

export const firstPasskey: Texts['firstPasskey'] = {
  offer: 'Mit einem Passkey registrieren',
  orPassword: 'Oder mit einem Passwort',
  title: 'Konto mit einem Passkey anlegen',
  lead:
    'Wir schicken Ihnen eine Nachricht, um sicher zu sein, dass die Adresse Ihnen gehört. ' +
    'Der Link darin führt dorthin, wo Ihr Gerät den Passkey erzeugt. Ein Passwort brauchen Sie nicht.',
  submit: 'Link senden',
  join: 'Mit einem Passkey beitreten',
  choose: {
    title: 'Ein letzter Schritt',
    lead:
      'Ihr Gerät erzeugt einen Passkey für Ihr Konto und bittet Sie, es zu entsperren. ' +
      'Das Konto ist',
    create: 'Passkey erzeugen',
    refused:
      'Dieser Passkey kann nicht benutzt werden. Versuchen Sie es noch einmal, oder wählen Sie ein Passwort.',
    submit: 'Dieses Passwort nehmen',
  },
};
