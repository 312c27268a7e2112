import type { Statement } from './batch.ts';

/**
 * Deletes what has expired, a few hundred rows of each table at a time. Nothing depends on it:
 * every statement that reads these tables has the expiry in its WHERE. On CockroachDB row-level TTL
 * does the same for the tables that carry it.
 */
export const SWEEP_STATEMENTS: readonly Statement[] = [
  `DELETE FROM sallyport.sessions WHERE id IN (
    SELECT s.id FROM sallyport.sessions AS s
      JOIN sallyport.session_activity AS a ON a.session_id = s.id
      WHERE s.expires_at < now() OR a.last_seen_at < now() - INTERVAL '1 hour' LIMIT 500)`,
  `DELETE FROM sallyport.one_time_tokens WHERE digest IN (
    SELECT digest FROM sallyport.one_time_tokens WHERE expires_at < now() LIMIT 500)`,
  `DELETE FROM sallyport.sign_ups WHERE folded IN (
    SELECT folded FROM sallyport.sign_ups WHERE expires_at < now() LIMIT 500) AND expires_at < now()`,
  `DELETE FROM sallyport.outbox WHERE id IN (
    SELECT id FROM sallyport.outbox WHERE expires_at < now() LIMIT 500)`,
  `DELETE FROM sallyport.email_changes WHERE expires_at < now()`,
  `DELETE FROM sallyport.email_reversions WHERE expires_at < now()`,
  `DELETE FROM sallyport.budgets WHERE digest IN (
    SELECT digest FROM sallyport.budgets WHERE expires_at < now() LIMIT 500)`,
  `DELETE FROM sallyport.devices WHERE expires_at < now()`,
  `DELETE FROM sallyport.recoveries WHERE expires_at < now()`,
  `DELETE FROM sallyport.factor_resets WHERE expires_at < now()`,
  `DELETE FROM sallyport.sign_in_flows WHERE expires_at < now()`,
  `DELETE FROM sallyport.provider_flows WHERE expires_at < now()`,
  `DELETE FROM sallyport.passkey_challenges WHERE expires_at < now()`,
  `DELETE FROM sallyport.totp_enrolments WHERE expires_at < now()`,
  `DELETE FROM sallyport.idempotency_keys WHERE expires_at < now()`,
  `DELETE FROM sallyport.transaction_proofs WHERE expires_at < now()`,
  `DELETE FROM sallyport.bearer_credentials WHERE id IN (
    SELECT id FROM sallyport.bearer_credentials WHERE expires_at < now() LIMIT 500)`,
  `UPDATE sallyport.signing_keys SET private_key = NULL
    WHERE signs_until < now() AND private_key IS NOT NULL`,
  `DELETE FROM sallyport.signing_keys WHERE published_until < now()`,
  `DELETE FROM sallyport.refusals WHERE request_id IN (
    SELECT request_id FROM sallyport.refusals WHERE expires_at < now() LIMIT 5000)`,
  `SELECT sallyport.delete_old_security_events()`,
  `DELETE FROM sallyport.memberships WHERE tenant_id IN (
    SELECT id FROM sallyport.tenants WHERE delete_after < now() LIMIT 10)`,
  `DELETE FROM sallyport.tenants WHERE delete_after < now() AND id NOT IN (
    SELECT m.tenant_id FROM sallyport.memberships AS m
      JOIN sallyport.tenants AS t ON t.id = m.tenant_id WHERE t.delete_after < now())`,
  `DELETE FROM sallyport.identities WHERE id IN (
    SELECT id FROM sallyport.identities WHERE delete_after < now() LIMIT 100)`,
].map((sql) => ({ sql, parameters: [] }));
