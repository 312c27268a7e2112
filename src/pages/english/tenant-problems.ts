import type { TenantProblemCode } from '../problem-texts.ts';
import type { Texts } from '../texts.ts';

/** Refusals of tenants and of what is in them. */
export const tenantProblems: Pick<Texts['problems'], TenantProblemCode> = {
  'tenant-proof-required': {
    title: 'This tenant asks for more',
    explanation: 'Prove again that it is you, in a way that it accepts. Nothing was changed yet.',
    action: 're-authenticate',
  },
  'tenant-factor-missing': {
    title: 'This tenant asks for more',
    explanation: 'Set up a second factor or a passkey in your account, then go on.',
    action: 'account',
  },
  'policy-unmet': {
    title: 'You do not meet this yourself',
    explanation:
      'You would be locked out. Set up what it asks for, prove with it who you are, and ask it of others then.',
    action: 'account',
  },
  'tenant-not-selected': {
    title: 'Which tenant is this for?',
    explanation:
      'You are in none of your tenants at the moment. Choose one, and open the page again.',
    action: 'tenants',
  },
  'tenant-deleted': {
    title: 'This tenant is waiting for its deletion',
    explanation: 'Nobody is in it until then. An owner can call the deletion off.',
    action: 'tenants',
  },
  'above-own-level': {
    title: 'This is above your own role',
    explanation:
      'Nobody gives, takes or changes a role above their own, or a permission that they do not have. ' +
      'Nothing was changed.',
    action: 'tenants',
  },
  'last-owner': {
    title: 'A tenant needs an owner',
    explanation:
      'This would leave a tenant without one, so nothing was changed. ' +
      'Make somebody else an owner first, or delete the tenant.',
    action: 'tenants',
  },
  'built-in-role': {
    title: 'This role cannot be changed',
    explanation: 'It is the same in every tenant. Make a role of your own for something else.',
    action: 'tenants',
  },
  'role-in-use': {
    title: 'Members have this role',
    explanation: 'Give them another one first. Nothing was changed.',
    action: 'tenants',
  },
};
