import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { PolicyAuthenticator, PolicyProof } from './tenant-texts.ts';
import type { Texts } from './texts.ts';

interface PolicyValues extends TenantPageValues {
  readonly policy: {
    readonly memberProof: PolicyProof;
    readonly idleMinutes: number;
    readonly proofMinutes: number;
    /** Null for all. */
    readonly authenticators: readonly PolicyAuthenticator[] | null;
  };
  readonly errors: readonly FieldError[];
}

const PROOFS: readonly PolicyProof[] = ['any', 'second-factor', 'passkey'];
const METHODS: readonly PolicyAuthenticator[] = [
  'passkey',
  'password',
  'provider',
  'totp',
  'recovery-code',
];

/** What a tenant asks of the proofs of its members. Posts to /tenant/policy. */
export function tenantPolicyPage(texts: Texts, values: PolicyValues): string {
  const { csrfToken, policy, errors } = values;
  const words = texts.tenants.policy;
  const minutes = (name: 'idleMinutes' | 'proofMinutes') => (
    <TextField
      texts={texts}
      name={name}
      type="text"
      autocomplete="off"
      value={Number.isNaN(policy[name]) ? '' : String(policy[name])}
      errors={errors}
      numeric
    />
  );
  return renderDocument(
    <TenantDocument texts={texts} section="settings" values={values} failed={errors.length > 0}>
      <ErrorSummary
        texts={texts}
        errors={errors}
        fields={['idleMinutes', 'proofMinutes', 'authenticators']}
      />
      <h2>{texts.tenants.settings.policyTitle}</h2>
      <p class="lead">{words.lead}</p>
      <form class="card" method="post" action={pathOf(texts, '/tenant/policy')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <div class="field">
          <label for="memberProof">{words.memberProof}</label>
          <select id="memberProof" name="memberProof" autocomplete="off">
            {PROOFS.map((proof) => (
              <option key={proof} value={proof} selected={proof === policy.memberProof}>
                {words.proofs[proof]}
              </option>
            ))}
          </select>
        </div>
        <fieldset id="authenticators" class="field">
          <legend>{words.authenticators}</legend>
          <p class="hint">{words.authenticatorsHint}</p>
          {METHODS.map((name) => (
            <div key={name} class="check">
              <input
                id={`allow-${name}`}
                type="checkbox"
                name={name}
                value="yes"
                checked={policy.authenticators?.includes(name) ?? true}
                autocomplete="off"
              />
              <label for={`allow-${name}`}>{words.methods[name]}</label>
            </div>
          ))}
        </fieldset>
        {minutes('idleMinutes')}
        {minutes('proofMinutes')}
        <button class="button primary" type="submit">
          {texts.tenants.settings.submit}
        </button>
      </form>
    </TenantDocument>,
  );
}
