import type { Texts } from '../texts.ts';

export const keys: Texts['keys'] = {
  lead: 'With a key a program acts in this tenant for whoever made it. It may do what it names, as long as its maker may.',
  none: 'There are no keys.',
  by: (maker) => `Made by ${maker}.`,
  created: 'Made {time}',
  expires: 'Expires {time}',
  lastUsed: 'Used {time}',
  neverUsed: 'Never used',
  may: (permissions) => (permissions === 1 ? 'May do one thing:' : `May do ${permissions} things:`),
  mayNothing: 'May do nothing that needs a permission.',
  makeTitle: 'New key',
  makeLead: 'Give it a name by which you know later what uses it.',
  permissions: 'What it may do',
  permissionsHint: 'No more than you may yourself, and no less than the program needs.',
  lifetime: 'Expires after',
  days: (days) => `${days} days`,
  make: 'Make key',
  madeTitle: 'Your new key',
  madeLead:
    'Copy it to where it is used. It is not shown again: we keep only what it takes to check it.',
  madeUse: 'The program sends it in a header:',
  kept: 'I have copied it',
  revoke: 'Revoke',
  revokeTitle: 'Revoke this key?',
  revokeLead: 'The next request with it is refused. That cannot be taken back.',
};
