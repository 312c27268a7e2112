import type { Texts } from '../texts.ts';

export const keys: Texts['keys'] = {
  lead: 'Mit einem Schlüssel handelt ein Programm in diesem Mandanten für den, der ihn erzeugt hat. Es darf, was der Schlüssel nennt, solange sein Besitzer es auch darf.',
  none: 'Es gibt keine Schlüssel.',
  by: (maker) => `Erzeugt von ${maker}.`,
  created: 'Erzeugt: {time}',
  expires: 'Läuft ab: {time}',
  lastUsed: 'Benutzt: {time}',
  neverUsed: 'Nie benutzt',
  may: (permissions) => (permissions === 1 ? 'Darf eines:' : `Darf ${permissions} Dinge:`),
  mayNothing: 'Darf nichts, wofür es eine Berechtigung braucht.',
  makeTitle: 'Neuer Schlüssel',
  makeLead: 'Geben Sie ihm einen Namen, an dem Sie später erkennen, was ihn benutzt.',
  permissions: 'Was er darf',
  permissionsHint:
    'Nicht mehr, als Sie selbst dürfen, und nicht weniger, als das Programm braucht.',
  lifetime: 'Läuft ab nach',
  days: (days) => `${days} Tagen`,
  make: 'Schlüssel erzeugen',
  madeTitle: 'Ihr neuer Schlüssel',
  madeLead:
    'Kopieren Sie ihn dorthin, wo er benutzt wird. Er wird nicht noch einmal gezeigt: Wir behalten nur, was nötig ist, um ihn zu prüfen.',
  madeUse: 'Das Programm schickt ihn in einem Header:',
  kept: 'Ich habe ihn kopiert',
  revoke: 'Widerrufen',
  revokeTitle: 'Diesen Schlüssel widerrufen?',
  revokeLead: 'Die nächste Anfrage damit wird abgelehnt. Das lässt sich nicht rückgängig machen.',
};
