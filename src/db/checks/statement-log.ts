import type { Role } from '../database.ts';
import { query } from './finding.ts';

/** A server's settings by name, as the session that asked has them; a missing one is absent. */
export type Settings = Readonly<Record<string, string>>;

/**
 * What decides whether bind parameters reach the log, PostgreSQL's own settings and those of two
 * modules, which are there only where the module is loaded.
 */
export const LOG_SETTINGS = query(`SELECT s.name AS "name", s.setting AS "value"
  FROM pg_catalog.pg_settings AS s
  WHERE s.name LIKE 'log\\_%' OR s.name LIKE 'auto_explain.%' OR s.name LIKE 'pgaudit.%'
    OR s.name = 'debug_print_plan'`);

/**
 * Why the log would hold bind parameters, of which one is the proof: whoever reads the log could
 * then act as the people whose requests it tells of (CWE-532, ASVS 16.2.5). Each remedy takes the
 * parameters out of the log and leaves the statements there.
 */
export function statementLogProblems(role: Role, settings: Settings): readonly string[] {
  const explains =
    number(settings, 'auto_explain.log_min_duration', -1) >= 0 &&
    number(settings, 'auto_explain.sample_rate', 1) > 0;
  const audits = (settings['pgaudit.log'] ?? 'none') !== 'none';
  const causes: readonly Cause[] = [
    {
      found: settingsThatLogStatements(settings),
      when: number(settings, 'log_parameter_max_length', -1) !== 0,
      remedy: 'log_parameter_max_length = 0',
    },
    {
      found: ['log_parameter_max_length_on_error'],
      when: number(settings, 'log_parameter_max_length_on_error', 0) !== 0,
      remedy: 'log_parameter_max_length_on_error = 0',
    },
    {
      found: ['auto_explain.log_min_duration'],
      // The module has no such parameter before PostgreSQL 16, and shows no values either.
      when: explains && number(settings, 'auto_explain.log_parameter_max_length', 0) !== 0,
      remedy: 'auto_explain.log_parameter_max_length = 0',
    },
    // The plan of a statement may hold the values of its parameters: a verbose one does, and that
    // of the lookup inside of sallyport.require.
    ...['auto_explain.log_verbose', 'auto_explain.log_nested_statements'].map((name) => ({
      found: [name],
      when: explains && settings[name] === 'on',
      remedy: `${name} = off`,
    })),
    {
      // As does this one, byte by byte.
      found: ['debug_print_plan'],
      when: settings['debug_print_plan'] === 'on',
      remedy: 'debug_print_plan = off',
    },
    {
      found: ['pgaudit.log_parameter'],
      when: audits && settings['pgaudit.log_parameter'] === 'on',
      remedy: 'pgaudit.log_parameter = off',
    },
  ];
  return causes
    .filter(({ found, when }) => found.length > 0 && when)
    .map(({ found, remedy }) => {
      const values = found.map((name) => `${name} is ${settings[name]}`).join(', ');
      return `The server logs the bind parameters of ${role}, and only the database may know these (${values}): run ALTER ROLE ${role} SET ${remedy}.`;
    });
}

interface Cause {
  readonly found: readonly string[];
  readonly when: boolean;
  readonly remedy: string;
}

/** log_duration is not among them: it logs how long, and not what. */
function settingsThatLogStatements(settings: Settings): readonly string[] {
  const logs: Readonly<Record<string, boolean>> = {
    log_statement: ['mod', 'all'].includes(settings['log_statement'] ?? 'none'),
    log_min_duration_statement: number(settings, 'log_min_duration_statement', -1) >= 0,
    log_min_duration_sample:
      number(settings, 'log_min_duration_sample', -1) >= 0 &&
      number(settings, 'log_statement_sample_rate', 1) > 0,
    log_transaction_sample_rate: number(settings, 'log_transaction_sample_rate', 0) > 0,
  };
  return Object.keys(logs).filter((name) => logs[name]);
}

function number(settings: Settings, name: string, absent: number): number {
  return Number(settings[name] ?? absent);
}
