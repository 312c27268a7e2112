import { DENIED, type Injection, injection } from './injection.ts';

/** Whole queries of the kinds that the process sends. */
export const QUERIES: readonly Injection[] = [
  injection(
    'a row lock on all profiles',
    'ran',
    'SELECT display_name FROM sallyport.profiles FOR UPDATE',
  ),
  injection(
    'SELECT INTO a table',
    DENIED,
    'SELECT display_name INTO public.stolen FROM sallyport.profiles',
  ),
  injection(
    'SELECT INTO a temporary table',
    DENIED,
    'SELECT display_name INTO TEMPORARY stolen FROM sallyport.profiles',
  ),
  injection(
    'UPDATE of every profile',
    'ran',
    `UPDATE sallyport.profiles SET display_name = 'x' WHERE true RETURNING *`,
  ),
  injection(
    'UPDATE of a guessed id',
    'ran',
    ({ victim }) =>
      `UPDATE sallyport.profiles SET display_name = 'x' WHERE identity_id = '${victim.identityId}' RETURNING *`,
  ),
  injection(
    'UPDATE that takes over another id',
    DENIED,
    ({ victim }) =>
      `UPDATE sallyport.profiles SET identity_id = '${victim.identityId}' RETURNING *`,
  ),
  injection(
    'UPDATE to an id that nobody has',
    DENIED,
    'UPDATE sallyport.profiles SET identity_id = gen_random_uuid() RETURNING *',
  ),
  injection('DELETE of profiles', DENIED, 'DELETE FROM sallyport.profiles'),
  injection(
    'INSERT of a profile',
    DENIED,
    ({ victim }) =>
      `INSERT INTO sallyport.profiles VALUES ('${victim.identityId}', 'x') ON CONFLICT (identity_id) DO UPDATE SET display_name = 'x'`,
  ),
  injection(
    'INSERT of a session',
    DENIED,
    ({ victim }) =>
      `INSERT INTO sallyport.sessions (proof_digest, identity_id, synchronizer_digest, expires_at) VALUES (repeat('0', 64), '${victim.identityId}', repeat('0', 64), now())`,
  ),
  injection('UPDATE of passwords', DENIED, `UPDATE sallyport.passwords SET hash = '$argon2id$x'`),
  injection('DELETE of sessions', DENIED, 'DELETE FROM sallyport.sessions'),
  injection('INSERT of a migration', DENIED, `INSERT INTO sallyport.migrations (id) VALUES ('x')`),
  injection(
    'a WITH that writes',
    DENIED,
    `WITH gone AS (DELETE FROM sallyport.memberships RETURNING *) SELECT * FROM gone`,
  ),
  injection(
    'MERGE into profiles',
    DENIED,
    ({ victim }) =>
      `MERGE INTO sallyport.profiles AS p USING (SELECT '${victim.identityId}'::UUID AS id) AS v ON p.identity_id = v.id WHEN NOT MATCHED THEN INSERT (identity_id, display_name) VALUES (v.id, 'x')`,
  ),
];
