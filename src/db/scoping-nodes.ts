import {
  AliasNode,
  IdentifierNode,
  type OperationNode,
  type OperationNodeKind,
  type RawNode,
  TableNode,
} from 'kysely';
import { UnscopedQueryError } from './errors.ts';
import { OWN_TENANT } from './first-wall.ts';

/**
 * The tables that the application's role can reach, as `table` for one in public, else
 * `schema.table`: with `tenant_id`, or shared by all tenants.
 */
export interface ApplicationTables {
  readonly tenant: ReadonlySet<string>;
  readonly shared: ReadonlySet<string>;
}

/** What the names in one part of a statement stand for. */
export interface Scope {
  readonly tables: ApplicationTables;
  /** The common table expressions that can be seen from here; each hides a table of its name. */
  readonly names: ReadonlySet<string>;
}

export type Visit = <N extends OperationNode>(node: N, scope: Scope) => N;

export const TENANT_COLUMN = 'tenant_id';

/** `NULLIF(current_setting('sallyport.tenant', true), '')::UUID` */
export const TENANT: RawNode = OWN_TENANT.toOperationNode();

export function refuse(shape: string, remedy: string): never {
  throw new UnscopedQueryError(`${shape} cannot be scoped to one tenant: ${remedy}`);
}

export const UNSCOPED = 'if it must be, use request.insecureUnscopedDb';

/** What a name in FROM stands for. Names are compared as they are sent, quoted, byte by byte. */
export function sourceKind(table: TableNode, scope: Scope): 'tenant' | 'shared' | 'expression' {
  const { schema, identifier } = table.table;
  if (!schema && scope.names.has(identifier.name)) return 'expression';
  return tableKind(table, scope);
}

/** The table that INSERT, UPDATE or DELETE is for is never a common table expression. */
export function targetKind(table: TableNode, scope: Scope): 'tenant' | 'shared' {
  const { schema, identifier } = table.table;
  if (!schema && scope.names.has(identifier.name)) {
    refuse(
      `writing to "${identifier.name}" beside a common table expression of that name`,
      'rename the expression',
    );
  }
  return tableKind(table, scope);
}

function tableKind({ table }: TableNode, { tables }: Scope): 'tenant' | 'shared' {
  const { name } = table.identifier;
  const schema = table.schema?.name ?? 'public';
  const key = schema === 'public' ? name : `${schema}.${name}`;
  // A dot would make the table "b.c" of public look like the table c of the schema b.
  if (!name.includes('.') && !schema.includes('.')) {
    if (tables.tenant.has(key)) return 'tenant';
    if (tables.shared.has(key)) return 'shared';
  }
  return refuse(
    `table "${key}", which is neither a tenant table nor shared,`,
    `run \`sallyport protect ${key}\`, or name it in sharedTables`,
  );
}

/** A table with or without another name, as it stands in FROM; undefined for all else. */
export function tableIn(node: OperationNode): NamedTable | undefined {
  if (TableNode.is(node)) return { table: node, as: node };
  if (!AliasNode.is(node) || !TableNode.is(node.node)) return undefined;
  if (!IdentifierNode.is(node.alias)) {
    refuse('a table whose other name is raw SQL', 'give the name as a string');
  }
  return { table: node.node, as: TableNode.create(node.alias.name) };
}

export interface NamedTable {
  readonly table: TableNode;
  /** By what name the rest of the statement calls it. */
  readonly as: TableNode;
}

/**
 * The predicate, `"notes"."tenant_id" = NULLIF(...)::UUID`, as one node of text: nodes for each
 * name in it would double what a statement costs to compile.
 */
export function ownTenant({ table: { schema, identifier } }: TableNode): RawNode {
  const name = `${schema ? `${quoted(schema.name)}.` : ''}${quoted(identifier.name)}`;
  return { kind: 'RawNode', sqlFragments: [`${name}.${IS_OWN}`], parameters: [] };
}

const IS_OWN = `${quoted(TENANT_COLUMN)} = ${TENANT.sqlFragments.join('')}`;

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The node with its children as `visit` returns them, `given` in their place; the node itself where
 * nothing changes. Children are found by what they are and not by their property's name, so that a
 * property which a later Kysely adds is visited too.
 */
export function mapChildren<N extends OperationNode>(
  node: N,
  visit: (child: OperationNode) => OperationNode,
  given: Partial<N> = NOTHING,
): N {
  let changed: Record<string, unknown> | undefined;
  const put = (key: string, value: unknown) => {
    changed ??= { ...(node as OperationNode) };
    changed[key] = value;
  };
  for (const key in node) {
    if (key in given) continue;
    const value: unknown = node[key];
    const mapped = typeof value === 'object' && value !== null ? mapValue(value, visit) : value;
    if (mapped !== value) put(key, mapped);
  }
  for (const key in given) {
    if (given[key] !== node[key]) put(key, given[key]);
  }
  return (changed ?? node) as N;
}

const NOTHING = {};

function mapValue(value: object, visit: (child: OperationNode) => OperationNode): unknown {
  if (!Array.isArray(value)) return visit(value as OperationNode);
  return mapList(value as OperationNode[], visit);
}

/** The list itself where `visit` returns each of its nodes unchanged. */
export function mapList<N extends OperationNode>(
  list: readonly N[],
  visit: (node: N) => N,
): readonly N[] {
  let changed: N[] | undefined;
  for (const [index, node] of list.entries()) {
    const mapped = visit(node);
    if (mapped === node) continue;
    changed ??= [...list];
    changed[index] = mapped;
  }
  return changed ?? list;
}

/** Nodes without children that could name a table; the value of one is the application's data. */
export const LEAVES: ReadonlySet<OperationNodeKind> = new Set<OperationNodeKind>([
  'ColumnNode',
  'DataTypeNode',
  'DefaultInsertValueNode',
  'IdentifierNode',
  'JSONPathLegNode',
  'OperatorNode',
  'PrimitiveValueListNode',
  'ReferenceNode',
  'SelectAllNode',
  'ValueNode',
]);

/** Nodes that are as safe as their children. A kind that stands nowhere here is refused. */
export const CONTAINERS: ReadonlySet<OperationNodeKind> = new Set<OperationNodeKind>([
  'AndNode',
  'CaseNode',
  'CollateNode',
  'FetchNode',
  'GroupByNode',
  'HavingNode',
  'JSONOperatorChainNode',
  'JSONPathNode',
  'JSONReferenceNode',
  'LimitNode',
  'ListNode',
  'OffsetNode',
  'OnNode',
  'OrNode',
  'OrderByNode',
  'OverNode',
  'ParensNode',
  'PartitionByItemNode',
  'PartitionByNode',
  'ReturningNode',
  'TupleNode',
  'ValueListNode',
  'ValuesNode',
  'WhenNode',
  'WhereNode',
]);
