import type { Texts } from '../texts.ts';

export const teams: Texts['teams'] = {
  lead: 'Mitglieder des Mandanten, die gemeinsam an etwas arbeiten.',
  none: 'Es gibt noch keine Teams.',
  members: (count) => (count === 1 ? '1 Mitglied' : `${count} Mitglieder`),
  roles: { lead: 'Leitung', member: 'Mitglied' },
  makeTitle: 'Neues Team',
  slugHint:
    'Kleine Buchstaben, Ziffern und Bindestriche. Leer gelassen, entsteht es aus dem Namen.',
  make: 'Team anlegen',
  all: 'Alle Teams',
  empty: 'Noch ist niemand darin.',
  role: 'Rolle im Team',
  change: 'Ändern',
  takeOut: 'Herausnehmen',
  addTitle: 'Jemanden ins Team aufnehmen',
  addHint: 'Ein Mitglied des Mandanten: der Anfang eines Namens oder einer Adresse.',
  find: 'Suchen',
  add: 'Aufnehmen',
  nobody: 'Kein Mitglied des Mandanten heißt so.',
  nameTitle: 'Name des Teams',
  save: 'Speichern',
  deleteOpen: 'Dieses Team löschen',
  deleteTitle: 'Dieses Team löschen?',
  deleteLead:
    'Was seine Mitglieder nur als Mitglieder des Teams dürfen, dürfen sie dann nicht mehr. Im Mandanten bleiben sie.',
  deleteSubmit: 'Ja, das Team löschen',
  next: 'Nächste Seite',
};

export const invitations: Texts['invitations'] = {
  lead: 'Wen Sie einladen, bekommt eine Mail mit einem Link. Er gilt einmal, sieben Tage lang.',
  none: 'Zurzeit ist niemand eingeladen.',
  makeTitle: 'Jemanden einladen',
  makeHint: 'Eine neuere Einladung an dieselbe Adresse ersetzt die ältere.',
  role: 'Rolle',
  make: 'Einladung senden',
  invitedBy: (name) => `Eingeladen von ${name}.`,
  expires: 'Der Link gilt bis {time}.',
  resend: 'Neu senden',
  withdraw: 'Zurücknehmen',
  next: 'Nächste Seite',
};
