import type { Texts } from '../texts.ts';

export const teams: Texts['teams'] = {
  lead: 'Members of the tenant who work on something together.',
  none: 'There are no teams yet.',
  members: (count) => (count === 1 ? '1 member' : `${count} members`),
  roles: { lead: 'Lead', member: 'Member' },
  makeTitle: 'New team',
  slugHint: 'Small letters, digits and hyphens. Left empty, it is made of the name.',
  make: 'Make the team',
  all: 'All teams',
  empty: 'Nobody is in it yet.',
  role: 'Role in the team',
  change: 'Change',
  takeOut: 'Take out',
  addTitle: 'Put somebody into the team',
  addHint: 'A member of the tenant: the beginning of a name or an address.',
  find: 'Search',
  add: 'Put into the team',
  nobody: 'No member of the tenant is called so.',
  nameTitle: 'Name of the team',
  save: 'Save',
  deleteOpen: 'Delete this team',
  deleteTitle: 'Delete this team?',
  deleteLead:
    'What its members may do only as members of it, they may do no more. They stay in the tenant.',
  deleteSubmit: 'Yes, delete the team',
  next: 'Next page',
};

export const invitations: Texts['invitations'] = {
  lead: 'Whom you invite gets a mail with a link. It works once, for seven days.',
  none: 'Nobody is invited at the moment.',
  makeTitle: 'Invite somebody',
  makeHint: 'A newer invitation to the same address replaces the older one.',
  role: 'Role',
  make: 'Send the invitation',
  invitedBy: (name) => `Invited by ${name}.`,
  expires: 'The link works until {time}.',
  resend: 'Send anew',
  withdraw: 'Take back',
  next: 'Next page',
};
