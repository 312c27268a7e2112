import type { TenantProblemCode } from '../problem-texts.ts';
import type { Texts } from '../texts.ts';

/** Refusals of tenants and of what is in them. */
export const tenantProblems: Pick<Texts['problems'], TenantProblemCode> = {
  'tenant-proof-required': {
    title: 'Dieser Mandant verlangt mehr',
    explanation:
      'Weisen Sie sich noch einmal aus, so wie er es annimmt. Noch wurde nichts geändert.',
    action: 're-authenticate',
  },
  'tenant-factor-missing': {
    title: 'Dieser Mandant verlangt mehr',
    explanation:
      'Richten Sie in Ihrem Konto einen zweiten Faktor oder einen Passkey ein. Dann geht es weiter.',
    action: 'account',
  },
  'policy-unmet': {
    title: 'Sie erfüllen das selbst nicht',
    explanation:
      'Sie kämen nicht mehr hinein. Richten Sie ein, was es verlangt, weisen Sie sich damit aus, und verlangen Sie es dann von anderen.',
    action: 'account',
  },
  'tenant-not-selected': {
    title: 'Um welchen Mandanten geht es?',
    explanation:
      'Sie sind gerade in keinem Ihrer Mandanten. Wählen Sie einen, und öffnen Sie die Seite noch einmal.',
    action: 'tenants',
  },
  'tenant-deleted': {
    title: 'Dieser Mandant wird bald gelöscht',
    explanation: 'Bis dahin ist niemand darin. Wem er gehört, der kann die Löschung zurücknehmen.',
    action: 'tenants',
  },
  'above-own-level': {
    title: 'Das steht über Ihrer eigenen Rolle',
    explanation:
      'Niemand vergibt, nimmt oder ändert eine Rolle über der eigenen oder ein Recht, das er selbst nicht hat. ' +
      'Es wurde nichts geändert.',
    action: 'tenants',
  },
  'last-owner': {
    title: 'Ein Mandant braucht einen Besitzer',
    explanation:
      'Ein Mandant stünde danach ohne da, deshalb wurde nichts geändert. ' +
      'Machen Sie zuerst jemand anderen zum Besitzer, oder löschen Sie den Mandanten.',
    action: 'tenants',
  },
  'built-in-role': {
    title: 'Diese Rolle lässt sich nicht ändern',
    explanation: 'Sie ist in jedem Mandanten gleich. Legen Sie für anderes eine eigene Rolle an.',
    action: 'tenants',
  },
  'role-in-use': {
    title: 'Mitglieder haben diese Rolle',
    explanation: 'Geben Sie ihnen zuerst eine andere. Es wurde nichts geändert.',
    action: 'tenants',
  },
};
