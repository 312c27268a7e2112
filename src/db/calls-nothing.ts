import { TENANT_TEXT } from './first-wall.ts';

/**
 * Whether the text of a statement, as Kysely writes it, can be seen to call no function: all names
 * are quoted, of all other words each is one of these, and before a parenthesis stands nothing that
 * could be a function's name. So no set_config is in it, whoever had a hand in the text, and it
 * leaves no setting behind on its connection. Where that cannot be seen the answer is no, and what
 * the statement may have left is undone (decisions/004).
 */
export function callsNothing(sql: string): boolean {
  const outline = sql.replaceAll(TENANT_TEXT, '$0').replaceAll(QUOTED, '"');
  return KNOWN.test(outline) && !COMMENT.test(outline) && !CALL.test(outline);
}

const QUOTED = /"(?:[^"]|"")*"/g;

/** Behind which a parenthesis opens an expression, a list or a query. */
const BEFORE_PARENTHESIS = 'select|distinct|from|join|on|where|and|or|not|in|by';

const OTHERS = [
  'as|inner|left|is|null|between|like|ilike|true|false|order|asc|desc|nulls|first|last|limit',
  'offset|update|set|delete|returning',
].join('|');

// Bind parameters, places of names, these words, numbers, operators and parentheses: no quote, no
// colon of a cast, no backslash, no sign that is not ASCII.
const KNOWN = new RegExp(
  `^(?:\\$\\d+|"|\\b(?:${BEFORE_PARENTHESIS}|${OTHERS})\\b|\\b\\d+\\b|[\\s(),.*=<>+/-])*$`,
);

/** May stand between the name of a function and its parenthesis. */
const COMMENT = /--|\/\*/;

const CALL = new RegExp(`(?:"|\\d|\\b(?:${OTHERS}))\\s*\\(`);
