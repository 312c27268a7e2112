import {
  AliasNode,
  IdentifierNode,
  type OperationNode,
  ParensNode,
  RawNode,
  SelectQueryNode,
  TableNode,
} from 'kysely';
import { refuse, type Scope, UNSCOPED, type Visit } from './scoping-nodes.ts';

/**
 * Raw SQL (`sql`), which is text that no predicate can be put into. It passes where the text can be
 * shown to open no table and to end nothing that it did not begin: no word that starts a query, no
 * comment, quotes and parentheses closed. All else is refused.
 */

/** Words that open a query or a table, or that no expression has. */
const QUERY_WORD =
  /(?<![a-z_])(?:select|table|insert|update|delete|merge|truncate|union|intersect|except|into|join|lateral|only|returning|copy|call|execute)(?![a-z0-9_])/i;

/**
 * Functions that run SQL or read tables named in their arguments (of PostgreSQL and its common
 * extensions), read the server's files and figures, or change the settings that predicates compare
 * with. An application's own functions are the application's to answer for.
 */
const FAR_REACHING = new RegExp(
  `(?<![a-z0-9_])(?:${[
    'set_config',
    '(?:query|table|cursor|schema|database)_to_xml\\w*',
    'ts_stat|ts_rewrite|crosstab\\w*|connectby|xpath_table|dblink\\w*|pgr_\\w+|cron',
    'lo_(?:close|creat|create|export|from_bytea|get|import|lseek\\w*|open|put|tell\\w*|truncate\\w*|unlink)',
    'loread|lowrite|pg_\\w+|crdb_internal|information_schema|sallyport',
  ].join('|')})(?![a-z0-9_])`,
  'i',
);

const FUNCTION_NAME = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/i;

/** Kysely writes the name of a function as it is. */
export function checkFunctionName(name: string): void {
  if (!FUNCTION_NAME.test(name)) {
    refuse(`the function name ${JSON.stringify(name)}`, 'give a name of letters, digits and _');
  }
  if (QUERY_WORD.test(name) || name.toLowerCase() === 'from' || FAR_REACHING.test(name)) {
    refuse(`the function ${name}`, UNSCOPED);
  }
}

/** As an expression it stands in parentheses, so that its operators and commas stay inside. */
export function scopeExpression(node: RawNode, scope: Scope, visit: Visit): OperationNode {
  const child = onlyChild(node);
  if (child) return visit(child, scope);
  if (text(node) === '*') return node;
  const json = scopeJsonQuery(node, scope, visit);
  if (json) return json;
  const { node: scoped, outline } = read(node, scope, visit);
  if (topLevel(outline).includes(',')) {
    refuse('raw SQL with a comma outside of parentheses', 'write one expression in each fragment');
  }
  return ParensNode.create(scoped);
}

/** In ORDER BY and GROUP BY, behind all predicates, where parentheses would change the meaning. */
export function scopeTrailing(node: RawNode, scope: Scope, visit: Visit): OperationNode {
  const child = onlyChild(node);
  return child ? visit(child, scope) : read(node, scope, visit).node;
}

/** The type of a cast: words, digits, and parentheses around them. */
export function checkType(node: OperationNode): void {
  if (!RawNode.is(node)) return;
  if (!/^[\w\s."]+(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?[\w\s]*(?:\[\])*$/.test(text(node) ?? ';')) {
    refuse('raw SQL as the type of a cast', 'write the name of the type only');
  }
}

/** An operator: signs only, and not those of a comment. */
export function checkOperator(node: OperationNode): void {
  if (RawNode.is(node) && !/^\s*[-+*/<>=~!@#%^&|?]+\s*$/.test(text(node) ?? ';')) {
    refuse('raw SQL as an operator', 'use one of the operators that Kysely knows');
  }
}

/** In FROM: a call of a function, or VALUES in parentheses. */
export function scopeSource(node: RawNode, scope: Scope, visit: Visit): OperationNode {
  const { node: scoped, outline } = read(node, scope, visit);
  const source = outline.replace(/\)\s*with\s+ordinality\s*$/i, ')').trim();
  const call = /^(?:[a-z_][a-z0-9_.]*\s*\(|\(\s*values\b)/i;
  if (!call.test(source) || !isOneGroup(source)) {
    refuse('raw SQL in FROM', `name a table, pass a subquery or call a function; ${UNSCOPED}`);
  }
  return scoped;
}

/** A name, or a name with its columns in parentheses: `t(id, name)`. */
export function checkAlias(alias: OperationNode, scope: Scope, visit: Visit): void {
  if (IdentifierNode.is(alias)) return;
  if (!RawNode.is(alias)) refuse(`a name that is a ${alias.kind}`, 'give the name as a string');
  const source = read(alias, scope, visit).outline.trim();
  const isName = /^[a-z_"][a-z0-9_"]*$/i.test(source);
  const hasColumns = /^[a-z_"][a-z0-9_"]*\s*\(/i.test(source) && isOneGroup(source);
  if (!isName && !hasColumns) refuse('a name that is raw SQL', 'write t or t(a, b) only');
}

/**
 * jsonArrayFrom and jsonObjectFrom of kysely/helpers/postgres, whose whole text we know: only the
 * subquery in the middle names tables.
 */
function scopeJsonQuery(node: RawNode, scope: Scope, visit: Visit): RawNode | undefined {
  const [query, ...others] = node.parameters;
  if (!query || others.length > 0 || !SelectQueryNode.is(query)) return undefined;
  if (!JSON_QUERIES.has(node.sqlFragments.join('?'))) return undefined;
  return { ...node, parameters: [visit(query, scope)] };
}

const JSON_QUERIES: ReadonlySet<string> = new Set([
  `(select coalesce(json_agg(agg), '[]') from ? as agg)`,
  '(select to_json(obj) from ? as obj)',
]);

/** What `sql.table` and the like hold, a node with no text around it; else the node itself. */
export function unwrap(node: OperationNode): OperationNode {
  return RawNode.is(node) ? (onlyChild(node) ?? node) : node;
}

function onlyChild(node: RawNode): OperationNode | undefined {
  const [child, ...others] = node.parameters;
  if (!child || others.length > 0 || node.sqlFragments.some((sql) => sql !== '')) return undefined;
  return RawNode.is(child) ? (onlyChild(child) ?? child) : child;
}

/** The SQL of a fragment that has no parameters. */
function text({ sqlFragments, parameters }: RawNode): string | undefined {
  return parameters.length === 0 ? sqlFragments.join('') : undefined;
}

interface Reading {
  readonly node: RawNode;
  /** The text, with string literals empty and each parameter as a quoted name. */
  readonly outline: string;
}

/** Checks the text, including that of raw SQL inside of it, and scopes what it holds. */
function read(root: RawNode, scope: Scope, visit: Visit): Reading {
  let outline = '';
  const append = (part: string) => {
    // E'...', U&"...", a$1, sel + ect: a word or quote must not go on into what follows.
    if (WORD_END.test(outline) && WORD_START.test(part)) {
      refuse('raw SQL with a parameter right behind a word or quote', 'put a space between');
    }
    outline += part;
  };
  const readNode = (node: RawNode): RawNode => {
    const parameters: OperationNode[] = [];
    for (const [index, fragment] of node.sqlFragments.entries()) {
      append(readFragment(fragment));
      const parameter = node.parameters[index];
      if (!parameter) continue;
      if (RawNode.is(parameter)) {
        parameters.push(readNode(parameter));
        continue;
      }
      append('"p"');
      parameters.push(scopeParameter(parameter, scope, visit));
    }
    return { ...node, parameters };
  };
  const node = readNode(root);
  checkParentheses(outline);
  return { node, outline };
}

const WORD_END = /[\w"'&\u0080-\uffff]$/;
const WORD_START = /^[\w"'\u0080-\uffff]/;

/** A fragment without the content of its string literals. */
function readFragment(fragment: string): string {
  const code = fragment.replace(/'[^']*'|"[^"]*"/g, (quoted) =>
    quoted.startsWith("'") ? "''" : quoted,
  );
  if (/['"]/.test(code.replace(/''|"[^"]*"/g, '')) || /\\/.test(fragment)) {
    refuse('raw SQL with a backslash or an open quote', 'pass the text as a bind parameter');
  }
  if (/[;$`\0]|--|\/\*/.test(code)) {
    refuse('raw SQL with ; $ ` or a comment', 'leave it out, and pass values as bind parameters');
  }
  const word = QUERY_WORD.exec(code) ?? FAR_REACHING.exec(code);
  if (word) refuse(`raw SQL with the word ${word[0]}`, `say it through Kysely; ${UNSCOPED}`);
  return code;
}

function scopeParameter(node: OperationNode, scope: Scope, visit: Visit): OperationNode {
  // A name opens no table here: that takes one of the words above.
  if (TableNode.is(node)) return node;
  if (IdentifierNode.is(node)) {
    if (FAR_REACHING.test(node.name)) refuse(`the name ${node.name} in raw SQL`, UNSCOPED);
    return node;
  }
  if (AliasNode.is(node)) refuse('an alias in raw SQL', 'write the name into the text');
  return visit(node, scope);
}

function checkParentheses(outline: string): void {
  let depth = 0;
  for (const sign of withoutNames(outline)) {
    if (sign === '(') depth++;
    if (sign === ')' && --depth < 0) break;
  }
  if (depth !== 0) {
    refuse('raw SQL that closes what it did not open', 'balance its parentheses');
  }
}

/** The text outside of all parentheses. */
function topLevel(outline: string): string {
  let top = withoutNames(outline);
  for (let before = ''; before !== top;) {
    before = top;
    top = top.replace(/\([^()]*\)/g, '');
  }
  return top;
}

/** Whether it is words and then one pair of parentheses up to the end. */
function isOneGroup(source: string): boolean {
  return source.endsWith(')') && /^[a-z0-9_."\s]*$/i.test(topLevel(source));
}

function withoutNames(outline: string): string {
  return outline.replace(/"[^"]*"/g, '');
}
