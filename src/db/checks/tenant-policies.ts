import { type ApplicationTable, TENANT_COLUMN, type TablePolicy } from '../application-tables.ts';
import type { PolicyForm } from '../engine.ts';

export const COMMANDS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

export type Command = (typeof COMMANDS)[number];

const LOOKED_UP = `${TENANT_COLUMN}=sallyport.current_tenant()`;
const SET = `${TENANT_COLUMN}=NULLIF(current_setting('sallyport.tenant',true),'')`;

/** What asks for the tenant, as conjunctsOf writes it. A setting alone is not believed. */
const OWN_TENANT: Readonly<Record<PolicyForm, readonly string[]>> = {
  functions: [LOOKED_UP],
  settings: [LOOKED_UP, SET],
};

/**
 * What is wrong with the policies that apply to sallyport_app, each as the end of a sentence.
 * Permissive policies add up, so each must ask for the tenant, unless a restrictive
 * one does: those are on top of all others.
 *
 * @param asked what else the permissive policies of a command must ask.
 */
export function policyProblems(
  table: ApplicationTable,
  form: PolicyForm,
  asked: (command: Command) => readonly string[] = () => [],
): readonly string[] {
  const applying = table.policies.filter(({ roles }) =>
    roles.some((role) => role === 'sallyport_app' || role === 'public'),
  );
  const permissive = applying.filter(({ kind }) => kind === 'PERMISSIVE');
  return COMMANDS.flatMap((command) => {
    const restricted = applying.some(
      (policy) =>
        policy.kind === 'RESTRICTIVE' &&
        isFor(policy, command) &&
        asks(policy, command, OWN_TENANT[form]),
    );
    const found = permissive.filter((policy) => isFor(policy, command));
    const open = restricted
      ? []
      : found.filter((policy) => !asks(policy, command, OWN_TENANT[form]));
    const lax = found.flatMap((policy) =>
      asked(command)
        .filter((condition) => !asks(policy, command, [condition]))
        .map(
          (condition) => `its policy ${policy.sqlName} does not ask ${condition} for ${command}`,
        ),
    );
    const needed = table.privileges.some(
      ({ grantee, privilege }) =>
        privilege === command && (grantee === 'sallyport_app' || grantee === 'PUBLIC'),
    );
    return [
      ...open.map(({ sqlName }) => `its policy ${sqlName} lets ${command} past the tenant`),
      ...lax,
      ...(needed && found.length === 0 ? [`it has no policy for ${command}`] : []),
    ];
  });
}

/** Whether some policy of sallyport_app's asks more than the tenant: who may, or whose row. */
export function asksMore({ policies }: ApplicationTable): readonly string[] {
  const conditions = policies
    .filter(({ roles }) => roles.includes('sallyport_app'))
    .flatMap(({ using, check }) => [using, check])
    .flatMap((expression) => (expression === null ? [] : conjunctsOf(expression)))
    .filter((condition) => /sallyport\.(?:has_permission|current_identity)\(/.test(condition));
  return [...new Set(conditions)];
}

function isFor(policy: TablePolicy, command: Command): boolean {
  return policy.command === 'ALL' || policy.command === command;
}

/** An INSERT has no old row, a SELECT or DELETE no new one; an absent check is the other one. */
function asks({ using, check }: TablePolicy, command: Command, anyOf: readonly string[]): boolean {
  const has = (expression: string | null) =>
    expression !== null && conjunctsOf(expression).some((each) => anyOf.includes(each));
  if (command === 'INSERT') return has(check ?? using);
  if (command === 'UPDATE') return has(using) && (check === null || has(check));
  return has(using);
}

/**
 * The conditions of an expression that must all hold, as the server writes it back. A condition
 * loses its blanks, its casts and the SELECT around a function of ours, so that both engines'
 * writing comes to the same. What is not a plain conjunction is one condition.
 */
export function conjunctsOf(expression: string): readonly string[] {
  const calls = /\(\s*SELECT\s+(sallyport\.\w+\((?:'[^']*'[:\w]*)?\))(?:\s+AS\s+\w+)?\s*\)/gi;
  return conditionsIn(expression.replaceAll(calls, '$1'));
}

function conditionsIn(expression: string): readonly string[] {
  const text = withoutParentheses(expression);
  const parts = splitOutside(text, /\sAND\s/iy);
  const opaque = [/\sOR\s/iy, /\bCASE\b/iy, /\bBETWEEN\b/iy].some(
    (word) => splitOutside(text, word).length > 1,
  );
  if (parts.length > 1 && !opaque) return parts.flatMap(conditionsIn);
  const condition = text
    .replaceAll(/(?<=['\w)]):{2,3}\w+/g, '')
    .replaceAll(/\s+/g, '')
    .replace(/=\((NULLIF\(current_setting\('[\w.]+',true\),''\))\)$/, '=$1');
  const [, call] = /^(sallyport\.\w+\(\))=\w+$/.exec(condition) ?? [];
  return [call ? `${condition.slice(call.length + 1)}=${call}` : condition];
}

function withoutParentheses(expression: string): string {
  const text = expression.trim();
  const inner = text.slice(1, -1);
  const enclosed =
    text.startsWith('(') && text.endsWith(')') && depthsOf(inner).every((d) => d >= 0);
  return enclosed ? withoutParentheses(inner) : text;
}

/** Splits where the pattern (sticky) matches outside parentheses and quotes. */
function splitOutside(text: string, pattern: RegExp): readonly string[] {
  const depths = depthsOf(text);
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    pattern.lastIndex = at;
    const [found] = depths[at] === 0 ? (pattern.exec(text) ?? []) : [];
    if (found === undefined) continue;
    parts.push(text.slice(from, at));
    from = at + found.length;
    at = from - 1;
  }
  return [...parts, text.slice(from)];
}

/** How deep in parentheses each character stands; Infinity inside quotes. */
function depthsOf(text: string): readonly number[] {
  let depth = 0;
  let quote = '';
  return text.split('').map((character) => {
    if (quote !== '') {
      if (character === quote) quote = '';
      return Infinity;
    }
    if (character === "'" || character === '"') {
      quote = character;
      return Infinity;
    }
    if (character === '(') return depth++;
    if (character === ')') return --depth;
    return depth;
  });
}
