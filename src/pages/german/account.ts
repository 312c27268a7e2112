import type { Texts } from '../texts.ts';

export const account: Texts['account'] = {
  title: 'Ihr Konto',
  sections: {
    profile: 'Profil',
    email: 'E-Mail-Adresse',
    password: 'Passwort',
    authenticators: 'Anmeldewege',
    sessions: 'Sitzungen',
    events: 'Aktivität',
    data: 'Ihre Daten',
  },
  notices: {
    saved: 'Ihre Änderungen sind gespeichert.',
    'email-requested':
      'Wir senden einen Link an die neue Adresse. Erst wenn Sie ihm folgen, ändert sich Ihre Adresse.',
    'email-reverted': 'Die Änderung ist zurückgenommen. Ihr Konto behält seine Adresse.',
    'password-changed': 'Ihr Passwort ist geändert, Ihre anderen Sitzungen sind beendet.',
    'second-factor-missing':
      'Dafür brauchen Sie einen zweiten Faktor. Richten Sie hier zuerst einen ein.',
    'passkey-removed': 'Der Passkey ist entfernt. Niemand kann sich mehr damit anmelden.',
    'last-way-in':
      'Das ist der einzige Weg in Ihr Konto. Fügen Sie zuerst einen Passkey oder ein Passwort hinzu.',
    'tenant-factor-missing':
      'Der Mandant verlangt von seinen Mitgliedern einen zweiten Faktor oder einen Passkey. Richten Sie hier einen ein, und gehen Sie dann zurück.',
    'provider-linked': 'Das Konto ist verknüpft. Sie können sich von nun an damit anmelden.',
    'provider-unlinked': 'Die Verknüpfung ist gelöst. Niemand kann sich mehr damit anmelden.',
    'password-removed':
      'Ihr Passwort ist entfernt, Ihre anderen Sitzungen sind beendet. Sie melden sich mit einem Passkey an.',
    'totp-removed': 'Die Authenticator-App ist entfernt. Sie wird nicht mehr verlangt.',
    'session-ended': 'Die Sitzung ist beendet.',
    'sessions-ended': 'Alle anderen Sitzungen sind beendet.',
    kept: 'Ihr Konto bleibt bestehen. Es wird nichts gelöscht.',
  },
  deletion: {
    deletesAt: 'Ihr Konto wird am {time} gelöscht.',
    keep: 'Konto behalten',
  },
};

export const profile: Texts['profile'] = {
  lead: 'So erscheinen Sie den Menschen, mit denen Sie arbeiten.',
  submit: 'Speichern',
};

export const emailChange: Texts['emailChange'] = {
  current: 'Sie melden sich an mit',
  fieldLabel: 'Neue E-Mail-Adresse',
  lead:
    'Wir senden einen Link an die neue Adresse und einen Hinweis an die bisherige. ' +
    'Bis Sie dem Link folgen, ändert sich nichts; dann enden Ihre anderen Sitzungen.',
  submit: 'Link senden',
  pendingTitle: 'Noch nicht bestätigt',
  pendingUntil: 'Der Link in der Nachricht gilt bis {time}.',
  pendingNext:
    'Keine Nachricht? Sehen Sie im Spam-Ordner nach, oder fordern Sie unten eine neue an.',
};

export const passwordChange: Texts['passwordChange'] = {
  lead: 'Mit der Änderung enden alle Ihre anderen Sitzungen. Hier bleiben Sie angemeldet.',
  submit: 'Passwort ändern',
  absent:
    'Ihr Konto hat kein Passwort: Sie melden sich mit einem Passkey an. Sie können eines hinzufügen.',
  add: 'Passwort hinzufügen',
  remove: 'Passwort entfernen',
  removeTitle: 'Ihr Passwort entfernen?',
  removeLead:
    'Danach melden Sie sich nur noch mit einem Passkey an. Ihre anderen Sitzungen enden; hier bleiben Sie angemeldet.',
};

export const sessions: Texts['sessions'] = {
  lead:
    'Hier sind Sie angemeldet. Beenden Sie, was Sie nicht wiedererkennen, ' +
    'und ändern Sie dann Ihr Passwort.',
  onlyThis: 'Sie sind nur hier angemeldet, sonst nirgends.',
  current: 'Diese Sitzung',
  lastSeen: 'Zuletzt aktiv: {time}',
  created: 'Angemeldet: {time}',
  end: 'Sitzung beenden',
  endTitle: 'Diese Sitzung beenden?',
  endOthers: 'Alle anderen Sitzungen beenden',
  endOthersTitle: 'Alle anderen Sitzungen beenden?',
  endOthersLead: 'Hier bleiben Sie angemeldet, überall sonst werden Sie sofort abgemeldet.',
  device: {
    known: (browser, system) => `${browser} unter ${system}`,
    browserOnly: (browser) => `${browser}, System unbekannt`,
    systemOnly: (system) => `Unbekannter Browser unter ${system}`,
    unknown: 'Browser und System unbekannt',
  },
};

export const data: Texts['data'] = {
  exportTitle: 'Herunterladen',
  exportLead:
    'Alles, was wir über Sie gespeichert haben, in einer Datei, die Programme lesen können (JSON).',
  exportSubmit: 'Daten herunterladen',
  deletionTitle: 'Konto löschen',
  deletionHint:
    'Das Konto mit allem, was darin ist. Sie können es sich eine Zeit lang noch anders überlegen.',
  deletionOpen: 'Konto löschen\u00a0\u2026',
  deletionLead:
    'Laden Sie Ihre Daten vorher herunter, wenn Sie sie behalten möchten. Danach geschieht dies:',
  deletionSteps: (graceDays) => [
    'Sie werden sofort überall abgemeldet.',
    `Sie haben ${days(graceDays)} Zeit, sich wieder anzumelden und Ihr Konto zu behalten.`,
    'Danach ist alles endgültig gelöscht, und niemand kann es wiederherstellen.',
  ],
  deletionSubmit: 'Konto löschen',
  alreadyRequested:
    'Das haben Sie bereits beauftragt. Den Zeitpunkt finden Sie oben auf der Seite.',
};

export const reauthentication: Texts['reauthentication'] = {
  title: 'Sind Sie es noch?',
  lead: 'Bestätigen Sie vor dieser Änderung noch einmal, dass Sie es sind. Sie sind angemeldet als',
  tenantLead:
    'Der Mandant verlangt einen neueren Nachweis, oder einen anderen als den, den Sie gezeigt haben: einen Passkey, falls Sie einen haben. Sie sind angemeldet als',
  submit: 'Weiter',
  failed: 'Das ist nicht Ihr Passwort. Versuchen Sie es noch einmal.',
  failedWithCode:
    'Passwort oder Code stimmen nicht. Jeder Code gilt einmal: Warten Sie auf den nächsten.',
  codeHint: 'Aus Ihrer Authenticator-App, oder einer Ihrer Notfallcodes.',
};

export const emailChanged: Texts['emailChanged'] = {
  title: 'Ihre Adresse ist geändert',
  text: 'Ab jetzt melden Sie sich mit der neuen Adresse an. Ihre anderen Sitzungen sind beendet.',
};

export const emailRevert: Texts['emailRevert'] = {
  title: 'Adresse behalten',
  lead:
    'Ein Klick nimmt die Änderung zurück: Ihr Konto behält die Adresse, an die dieser Link ' +
    'gesendet wurde, und wird überall abgemeldet.',
  submit: 'Änderung zurücknehmen',
  notYou:
    'Wenn Sie die Änderung selbst gewünscht haben, schließen Sie diese Seite, ' +
    'und es geschieht nichts.',
};

export const emailReverted: Texts['emailReverted'] = {
  title: 'Ihr Konto behält seine Adresse',
  text: 'Die Änderung ist zurückgenommen, und alle Sitzungen sind beendet.',
  next:
    'Wenn Sie die Änderung nicht selbst gewünscht haben, war jemand anderes in Ihrem Namen ' +
    'angemeldet. Melden Sie sich an und wählen Sie ein neues Passwort.',
};

export const deletionRequested: Texts['deletionRequested'] = {
  title: 'Ihr Konto wird gelöscht',
  text: 'Am {time} wird es mit allem, was darin ist, gelöscht. Sie sind überall abgemeldet.',
  keep: 'Wenn Sie es sich anders überlegen, melden Sie sich vorher an und behalten es.',
};

export const landing: Texts['landing'] = {
  title: 'Einen Moment',
  text: 'Wir öffnen die Seite für Sie.',
  link: 'Weiter, falls nichts geschieht',
};

export const mailbox: Texts['mailbox'] = {
  title: 'Postfach für die Entwicklung',
  lead:
    'Diese Nachrichten wurden nicht gesendet: Es ist kein Mailserver eingerichtet. ' +
    'Deshalb stehen sie hier, die neuesten zuerst.',
  json: 'Dasselbe als JSON',
  to: 'An',
  links: 'Links',
  empty: {
    title: 'Noch keine Nachrichten',
    text: 'Registrieren Sie sich, und die Nachricht, die wir senden würden, erscheint hier.',
  },
};

function days(count: number): string {
  return count === 1 ? 'einen Tag' : `${count} Tage`;
}
