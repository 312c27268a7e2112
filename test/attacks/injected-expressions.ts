import { DENIED, type Injection, injection } from './injection.ts';

/** What a person typed, in the place where the application quotes nothing. */
function inWhere(typed: string): string {
  return `SELECT display_name FROM sallyport.profiles WHERE display_name = '${typed}'`;
}

const expression = (name: string, ends: string, value: string | Injection['sql']) =>
  injection(name, ends, (target) =>
    inWhere(`' UNION ALL SELECT (${typeof value === 'string' ? value : value(target)})::TEXT --`),
  );

/** What can stand in the place of a value. */
export const EXPRESSIONS: readonly Injection[] = [
  injection('a condition that is always true', 'ran', inWhere(`' OR true --`)),
  injection('a second statement', '42601', inWhere(`'; DELETE FROM sallyport.profiles; --`)),
  injection(
    'a UNION of password hashes',
    DENIED,
    inWhere(`' UNION SELECT hash FROM sallyport.passwords --`),
  ),
  expression(
    'a subquery on session digests',
    DENIED,
    'SELECT max(proof_digest) FROM sallyport.sessions',
  ),
  expression(
    'the whole-row text of a credential table',
    DENIED,
    'SELECT string_agg(p::TEXT, $$ $$) FROM sallyport.passwords AS p',
  ),
  expression(
    'another identity by its id',
    'ran',
    ({ victim }) =>
      `SELECT max(display_name) FROM sallyport.profiles WHERE identity_id = '${victim.identityId}'`,
  ),
  expression(
    'a boolean oracle on a foreign profile',
    'ran',
    ({ victim }) =>
      `SELECT CASE WHEN EXISTS (SELECT 1 FROM sallyport.profiles WHERE display_name LIKE 'victim%') THEN '${victim.displayName.split(' ').join("' || ' ' || '")}' END`,
  ),
  expression(
    'a boolean oracle on a credential table',
    DENIED,
    'SELECT EXISTS (SELECT 1 FROM sallyport.passwords)',
  ),
  expression(
    'an error-based oracle on a foreign profile',
    'ran',
    ({ attacker }) =>
      `SELECT count(CAST(display_name AS INT)) FROM sallyport.profiles WHERE identity_id <> '${attacker.identityId}'`,
  ),
  expression(
    'an error-based oracle in the condition',
    'ran',
    ({ attacker }) =>
      `SELECT count(*) FROM sallyport.profiles WHERE identity_id <> '${attacker.identityId}' AND CAST(display_name AS INT) = 1`,
  ),
  expression(
    'set_config of the proof, for the transaction',
    'ran',
    `SELECT set_config('sallyport.proof', repeat('0', 64), true)`,
  ),
  expression(
    'set_config of the proof, for the session',
    'ran',
    `SELECT set_config('sallyport.proof', repeat('0', 64), false)`,
  ),
  expression(
    'set_config of the role to the owner',
    DENIED,
    `SELECT set_config('role', 'sallyport_owner', false)`,
  ),
  expression(
    'set_config of the role to the identity role',
    DENIED,
    `SELECT set_config('role', 'sallyport_identity', false)`,
  ),
  expression('set_config of the role to none', 'ran', `SELECT set_config('role', 'none', false)`),
  expression(
    'set_config of session_authorization',
    DENIED,
    `SELECT set_config('session_authorization', 'postgres', false)`,
  ),
  expression(
    'set_config of row_security',
    'ran',
    `SELECT set_config('row_security', 'off', false)`,
  ),
  expression(
    'set_config of search_path',
    'ran',
    `SELECT set_config('search_path', 'pg_temp, sallyport, public', false)`,
  ),
  expression(
    'set_config of statement_timeout',
    'ran',
    `SELECT set_config('statement_timeout', '0', false)`,
  ),
  expression(
    'set_config of the default isolation',
    'ran',
    `SELECT set_config('default_transaction_isolation', 'read uncommitted', false)`,
  ),
  expression(
    'set_config of the default access mode',
    'ran',
    `SELECT set_config('default_transaction_read_only', 'on', false)`,
  ),
  expression(
    'set_config of client_min_messages',
    'ran',
    `SELECT set_config('client_min_messages', 'debug5', false)`,
  ),
  expression(
    'set_config of client_encoding',
    'ran',
    `SELECT set_config('client_encoding', 'LATIN1', false)`,
  ),
  expression(
    'set_config of session_replication_role',
    DENIED,
    `SELECT set_config('session_replication_role', 'replica', false)`,
  ),
  expression(
    'set_config of a library to load',
    DENIED,
    `SELECT set_config('session_preload_libraries', 'x', false)`,
  ),
  expression('set_config of the log', DENIED, `SELECT set_config('log_statement', 'all', false)`),
  expression('pg_authid', DENIED, 'SELECT max(rolpassword) FROM pg_authid'),
  expression('pg_shadow', DENIED, 'SELECT max(passwd) FROM pg_shadow'),
  expression(
    'other sessions in pg_stat_activity',
    'ran',
    `SELECT string_agg(a::TEXT, ' ') FROM pg_stat_activity AS a`,
  ),
  expression(
    'sources in pg_proc',
    'ran',
    `SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE pronamespace = 'sallyport'::regnamespace`,
  ),
  expression(
    'statistics in pg_stats',
    'ran',
    `SELECT string_agg(s::TEXT, ' ') FROM pg_stats AS s WHERE schemaname = 'sallyport'`,
  ),
  expression(
    'statistics in pg_statistic',
    DENIED,
    'SELECT count(stavalues1::TEXT) FROM pg_statistic',
  ),
  expression(
    'prepared statements',
    'ran',
    `SELECT string_agg(p::TEXT, ' ') FROM pg_prepared_statements AS p`,
  ),
  expression(
    'information_schema',
    'ran',
    `SELECT string_agg(t::TEXT, ' ') FROM information_schema.columns AS t WHERE table_schema = 'sallyport'`,
  ),
  expression(
    'query_to_xml on a credential table',
    DENIED,
    `SELECT query_to_xml('SELECT * FROM sallyport.passwords', true, false, '')`,
  ),
  expression(
    'query_to_xml on profiles',
    'ran',
    ({ attacker }) =>
      `SELECT query_to_xml('SELECT * FROM sallyport.profiles WHERE identity_id <> ''${attacker.identityId}''', true, false, '')`,
  ),
  expression(
    'query_to_xml with a command',
    '0A000',
    `SELECT query_to_xml('DEALLOCATE ALL', true, false, '')`,
  ),
  expression(
    'schema_to_xml, which leaves out what it may not read',
    'ran',
    `SELECT schema_to_xml('sallyport', true, false, '')`,
  ),
  expression('table_to_xml', DENIED, `SELECT table_to_xml('sallyport.sessions', true, false, '')`),
  expression('pg_read_file', DENIED, `SELECT pg_read_file('PG_VERSION')`),
  expression(
    'pg_read_binary_file',
    DENIED,
    `SELECT pg_read_binary_file('global/pg_filenode.map')::TEXT`,
  ),
  expression('pg_ls_dir', DENIED, `SELECT string_agg(d, ' ') FROM pg_ls_dir('.') AS d`),
  expression('pg_stat_file', DENIED, `SELECT pg_stat_file('PG_VERSION')`),
  expression('lo_import', DENIED, `SELECT lo_import('/etc/passwd')`),
  expression('lo_create', 'ran', 'SELECT lo_unlink(lo_create(0))'),
  expression('lo_export', DENIED, `SELECT lo_export(1, '/tmp/x')`),
  expression('dblink', '42883', `SELECT dblink('dbname=postgres', 'SELECT 1')`),
  expression('the data folder', DENIED, `SELECT current_setting('data_directory')`),
  expression('pg_hba_file_rules', DENIED, 'SELECT count(*) FROM pg_hba_file_rules'),
  expression(
    'the migration lease',
    DENIED,
    'SELECT max(holder::TEXT) FROM sallyport.migration_lease',
  ),
  expression(
    'the encryption key fingerprint',
    DENIED,
    'SELECT max(fingerprint) FROM sallyport.encryption_key',
  ),
  expression('pg_reload_conf', DENIED, 'SELECT pg_reload_conf()'),
  expression(
    'pg_terminate_backend of a stronger role',
    'ran',
    `SELECT count(*) FROM (SELECT pid FROM pg_stat_activity WHERE usename = 'nobody') AS p`,
  ),
  expression(
    'pg_logical_slot',
    DENIED,
    `SELECT pg_create_logical_replication_slot('x', 'test_decoding')`,
  ),
  expression('pg_switch_wal', DENIED, 'SELECT pg_switch_wal()'),
  expression('a session advisory lock', 'ran', 'SELECT pg_advisory_lock(pg_backend_pid())'),
  expression('pg_notify', 'ran', `SELECT pg_notify('sallyport', 'x')`),
  expression(
    'require with a permission that it lacks',
    'SP403',
    `SELECT r::TEXT FROM sallyport.require(current_setting('sallyport.proof', true), 'everything', TRUE) AS r`,
  ),
  expression(
    'require_for_write with a guessed digest',
    'SP419',
    `SELECT r::TEXT FROM sallyport.require_for_write(current_setting('sallyport.proof', true), NULL, repeat('0', 64), TRUE) AS r`,
  ),
  expression(
    'has_permission of every permission',
    'ran',
    `SELECT CASE WHEN sallyport.has_permission('x') THEN 'granted' END`,
  ),
];
