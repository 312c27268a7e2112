import type { Texts } from '../texts.ts';

export const fields: Texts['fields'] = {
  email: {
    label: 'E-Mail-Adresse',
    errors: {
      required: 'Geben Sie Ihre E-Mail-Adresse ein.',
      'too-long': 'Diese Angabe ist zu lang für eine E-Mail-Adresse.',
      'too-short': 'Diese Angabe ist zu kurz für eine E-Mail-Adresse.',
    },
  },
  password: {
    label: 'Passwort',
    hint:
      'Mindestens 15 beliebige Zeichen. Mehrere Wörter hintereinander sind gut. ' +
      'Einfügen und Passwortmanager sind willkommen.',
    errors: {
      required: 'Wählen Sie ein Passwort.',
      'too-long': 'Dieses Passwort ist zu lang. Verwenden Sie 15 bis 128 Zeichen.',
      'too-short': 'Dieses Passwort ist zu kurz. Verwenden Sie 15 bis 128 Zeichen.',
    },
  },
  displayName: {
    label: 'Ihr Name',
    hint: 'So, wie andere ihn sehen sollen.',
    errors: {
      required: 'Geben Sie einen Namen ein. Es kann jeder Name sein, unter dem man Sie kennt.',
      'too-long': 'Dieser Name ist zu lang. Geben Sie einen kürzeren ein.',
      'too-short': 'Dieser Name ist zu kurz. Geben Sie einen längeren ein.',
    },
  },
  currentPassword: {
    label: 'Aktuelles Passwort',
    errors: { required: 'Geben Sie das Passwort ein, das Sie zurzeit haben.' },
  },
  newPassword: {
    label: 'Neues Passwort',
    hint:
      'Mindestens 15 beliebige Zeichen. Mehrere Wörter hintereinander sind gut. ' +
      'Einfügen und Passwortmanager sind willkommen.',
    errors: {
      required: 'Wählen Sie ein neues Passwort.',
      'too-long': 'Dieses Passwort ist zu lang. Verwenden Sie 15 bis 128 Zeichen.',
      'too-short': 'Dieses Passwort ist zu kurz. Verwenden Sie 15 bis 128 Zeichen.',
    },
  },
  code: {
    label: 'Sicherheitscode',
    errors: { required: 'Geben Sie den Code ein.' },
  },
  passkeyName: {
    label: 'Bezeichnung',
    errors: {
      required: 'Geben Sie eine Bezeichnung ein.',
      'too-long': 'Diese Bezeichnung ist zu lang. Geben Sie eine kürzere ein.',
    },
  },
  confirm: {
    label: 'Ja, mein Konto und alles darin löschen',
    errors: { required: 'Setzen Sie das Häkchen, wenn Sie Ihr Konto löschen möchten.' },
  },
  name: { label: 'Name', errors: { required: 'Geben Sie einen Namen ein.' } },
  slug: { label: 'Kurzname in Adressen', errors: { required: 'Geben Sie einen Kurznamen ein.' } },
  title: { label: 'Name', errors: {} },
  idleMinutes: {
    label: 'Minuten ohne Anfrage',
    hint: '5 bis 60. Danach weisen sie sich noch einmal aus.',
    errors: { 'out-of-range': 'Geben Sie eine ganze Zahl von 5 bis 60 ein.' },
  },
  proofMinutes: {
    label: 'Minuten, seit sie sich zuletzt ausgewiesen haben',
    hint: '15 bis 720.',
    errors: { 'out-of-range': 'Geben Sie eine ganze Zahl von 15 bis 720 ein.' },
  },
  authenticators: {
    label: 'Was sie zeigen dürfen',
    errors: { unusable: 'Damit allein kann niemand zeigen, was verlangt wird. Erlauben Sie mehr.' },
  },
};

export const errors: Texts['errors'] = {
  required: 'Füllen Sie dieses Feld aus.',
  'malformed-address': 'Geben Sie eine vollständige E-Mail-Adresse ein, etwa name@example.com.',
  'too-long': 'Das ist zu lang. Geben Sie etwas Kürzeres ein.',
  'too-short': 'Das ist zu kurz. Geben Sie etwas Längeres ein.',
  'invisible-characters':
    'Hier stehen Zeichen, die man nicht sieht. Tippen Sie es neu, statt es einzufügen.',
  'not-text': 'Das lässt sich nicht als Text lesen. Tippen Sie es noch einmal.',
  'unknown-field':
    'Das Formular hat etwas gesendet, wonach wir nicht gefragt haben. ' +
    'Laden Sie die Seite neu und versuchen Sie es noch einmal.',
  'password-too-short': 'Dieses Passwort ist zu kurz. Verwenden Sie 15 bis 128 Zeichen.',
  'password-too-long': 'Dieses Passwort ist zu lang. Verwenden Sie 15 bis 128 Zeichen.',
  'password-common':
    'Dieses Passwort ist verbreitet oder leicht zu erraten. Wählen Sie ein anderes.',
  'password-compromised':
    'Dieses Passwort steht in einer Liste bekannt gewordener Passwörter. Wählen Sie ein anderes.',
  'password-personal':
    'Dieses Passwort besteht aus Ihrem Namen oder Ihrer Adresse. ' +
    'Wählen Sie eines, das andere nicht erraten.',
  'password-repeated':
    'Dieses Passwort wiederholt immer dieselben Zeichen. Wählen Sie ein abwechslungsreicheres.',
  'password-sequence':
    'Dieses Passwort ist eine Folge benachbarter Tasten oder Zeichen. ' +
    'Wählen Sie ein abwechslungsreicheres.',
  'wrong-password': 'Das ist nicht Ihr Passwort. Versuchen Sie es noch einmal.',
  'out-of-range': 'Diese Zahl ist zu klein oder zu groß.',
  unusable: 'Das könnte niemand erfüllen.',
  'wrong-code':
    'Dieser Code stimmt nicht. Warten Sie auf den nächsten, und prüfen Sie die Uhr Ihres Geräts.',
  'same-address': 'Diese Adresse haben Sie bereits. Geben Sie die neue ein.',
  'malformed-slug':
    'Verwenden Sie kleine Buchstaben, Ziffern und einzelne Bindestriche dazwischen.',
  'slug-taken': 'Das ist schon vergeben. Wählen Sie etwas anderes.',
  'malformed-role-name':
    'Verwenden Sie kleine Buchstaben, Ziffern und einzelne Bindestriche dazwischen.',
  'role-name-taken': 'Eine Rolle dieses Namens gibt es schon. Wählen Sie einen anderen.',
  'unknown-role': 'Diese Rolle gibt es nicht mehr. Laden Sie die Seite neu.',
  'unknown-level': 'Wählen Sie eine der Stufen.',
  'unknown-permission': 'Dieses Recht gibt es nicht mehr. Laden Sie die Seite neu.',
  'too-many-roles': 'Es gibt schon 50 Rollen, für eine weitere ist kein Platz.',
  'malformed-cursor': 'Diese Seite der Liste lässt sich nicht öffnen. Beginnen Sie mit der ersten.',
  other: 'Das wurde nicht angenommen. Prüfen Sie es und versuchen Sie es noch einmal.',
};
