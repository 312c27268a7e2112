import {
  AliasNode,
  ColumnNode,
  type ColumnUpdateNode,
  type DeleteQueryNode,
  IdentifierNode,
  type InsertQueryNode,
  type OnConflictNode,
  type OperationNode,
  ParensNode,
  PrimitiveValueListNode,
  ReferenceNode,
  SelectionNode,
  SelectQueryNode,
  TableNode,
  type UpdateQueryNode,
  UsingNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
  type WithNode,
} from 'kysely';
import {
  mapChildren,
  mapList,
  type NamedTable,
  ownTenant,
  refuse,
  type Scope,
  tableIn,
  targetKind,
  TENANT,
  TENANT_COLUMN,
  type Visit,
} from './scoping-nodes.ts';
import { scopeFrom, scopeSources, scopeWhere } from './scoping-sources.ts';

interface Expressions {
  readonly with?: WithNode;
}

/** The tenant of a new row is the request's, as the same expression that the predicates have. */
export function scopeInsert(
  node: InsertQueryNode,
  expressions: Expressions,
  scope: Scope,
  visit: Visit,
): InsertQueryNode {
  refuseForeign(node);
  const { into, onConflict } = node;
  if (!into || !TableNode.is(into)) refuse('an INSERT into something else', 'name one table');
  if (node.replace || node.orAction || node.onDuplicateKey) {
    refuse('REPLACE, OR IGNORE or ON DUPLICATE KEY', 'use onConflict');
  }
  const isTenantTable = targetKind(into, scope) === 'tenant';
  const values = node.values && scopeInserted(node.values, scope, visit);
  const conflict = onConflict && scopeConflict(onConflict, isTenantTable && into, scope, visit);
  return mapChildren(node, (child) => visit(child, scope), {
    ...expressions,
    into,
    ...(values && { values }),
    ...(isTenantTable && withTenant(node, values)),
    ...(conflict && { onConflict: conflict }),
  });
}

function scopeInserted(values: OperationNode, scope: Scope, visit: Visit): OperationNode {
  if (ValuesNode.is(values) || SelectQueryNode.is(values)) return visit(values, scope);
  return refuse(`an INSERT of a ${values.kind}`, 'pass values or a query');
}

function withTenant(
  { columns, defaultValues }: InsertQueryNode,
  values: OperationNode | undefined,
): Pick<InsertQueryNode, 'columns' | 'values' | 'defaultValues'> {
  if (!values || defaultValues) {
    const row = ValuesNode.create([ValueListNode.create([TENANT])]);
    return { columns: [ColumnNode.create(TENANT_COLUMN)], values: row, defaultValues: false };
  }
  if (!columns) refuse('an INSERT without its columns', 'name them with columns([...])');
  for (const { column } of columns) refuseTenant(column.name);
  return {
    columns: [...columns, ColumnNode.create(TENANT_COLUMN)],
    values: SelectQueryNode.is(values) ? selectTenant(values) : withTenantInRows(values),
  };
}

function withTenantInRows(values: OperationNode): OperationNode {
  if (!ValuesNode.is(values)) return refuse('an INSERT of this', 'pass values or a query');
  const rows = values.values.map((row) =>
    PrimitiveValueListNode.is(row)
      ? ValueListNode.create([...row.values.map((value) => ValueNode.create(value)), TENANT])
      : ValueListNode.create([...row.values, TENANT]),
  );
  return ValuesNode.create(rows);
}

/**
 * The tenant as the last thing that the query selects, in each part of a union or the like. It has
 * no column in it, so it changes neither DISTINCT nor grouping.
 */
function selectTenant(query: SelectQueryNode): SelectQueryNode {
  const selections = [...(query.selections ?? []), SELECTED_TENANT];
  if (!query.setOperations) return { ...query, selections };
  const setOperations = query.setOperations.map((operation) => {
    const { expression } = operation;
    if (SelectQueryNode.is(expression)) {
      return { ...operation, expression: selectTenant(expression) };
    }
    if (!ParensNode.is(expression) || !SelectQueryNode.is(expression.node)) {
      return refuse('an INSERT of such a union', 'pass queries to it');
    }
    return { ...operation, expression: ParensNode.create(selectTenant(expression.node)) };
  });
  return { ...query, selections, setOperations };
}

const SELECTED_TENANT = SelectionNode.create(
  AliasNode.create(TENANT, IdentifierNode.create(TENANT_COLUMN)),
);

/**
 * Only a unique key with the tenant in it can be the target, so that the row in the way is the
 * tenant's own; an update of it says so again. Without a target, DO NOTHING changes no row.
 */
function scopeConflict(
  node: OnConflictNode,
  into: TableNode | false,
  scope: Scope,
  visit: Visit,
): OnConflictNode {
  const updates = node.updates && scopeUpdates(node.updates, Boolean(into), scope, visit);
  const predicates = into && updates ? [ownTenant(into)] : [];
  const where = scopeWhere(node.updateWhere, predicates, scope, visit);
  if (into && (node.constraint || node.indexExpression)) {
    refuse('ON CONFLICT with a constraint or an expression', 'name its columns');
  }
  return mapChildren(node, (child) => visit(child, scope), {
    ...(node.columns && { columns: into ? withTenantColumn(node.columns) : node.columns }),
    ...(updates && { updates }),
    ...(where && { updateWhere: where }),
  });
}

function withTenantColumn(columns: readonly ColumnNode[]): readonly ColumnNode[] {
  if (columns.some(({ column }) => column.name === TENANT_COLUMN)) return columns;
  return [ColumnNode.create(TENANT_COLUMN), ...columns];
}

export function scopeUpdate(
  node: UpdateQueryNode,
  expressions: Expressions,
  scope: Scope,
  visit: Visit,
): UpdateQueryNode {
  refuseForeign(node);
  const { from, joins, updates } = node;
  const target = targetOf(node.table);
  if (joins && !from)
    refuse('an UPDATE with a join and no FROM', 'put the first table into from()');
  const isTenantTable = targetKind(target.table, scope) === 'tenant';
  const sources = scopeSources(from?.froms ?? [], joins ?? [], scope, visit);
  const predicates = isTenantTable
    ? [ownTenant(target.as), ...sources.predicates]
    : sources.predicates;
  const where = scopeWhere(node.where, predicates, scope, visit);
  return mapChildren(node, (child) => visit(child, scope), {
    ...expressions,
    ...(node.table && { table: node.table }),
    ...(updates && { updates: scopeUpdates(updates, isTenantTable, scope, visit) }),
    ...(from && { from: scopeFrom(from, sources.items) }),
    ...(joins && { joins: sources.joins }),
    ...(where && { where }),
  });
}

/** No row moves to another tenant: its tenant is never set, not even to the same (CWE-915). */
function scopeUpdates(
  updates: readonly ColumnUpdateNode[],
  isTenantTable: boolean,
  scope: Scope,
  visit: Visit,
): readonly ColumnUpdateNode[] {
  return mapList(updates, (update) => {
    const column = ReferenceNode.is(update.column) ? update.column.column : update.column;
    if (!ColumnNode.is(column)) return refuse('SET of something else', 'name the column');
    if (isTenantTable) refuseTenant(column.column.name);
    return mapChildren(update, (child) => visit(child, scope), { column: update.column });
  });
}

export function scopeDelete(
  node: DeleteQueryNode,
  expressions: Expressions,
  scope: Scope,
  visit: Visit,
): DeleteQueryNode {
  refuseForeign(node);
  const { from, using, joins } = node;
  const [item, ...others] = from.froms;
  if (others.length > 0) refuse('a DELETE from several tables', 'delete from one at a time');
  if (joins && !using) refuse('a DELETE with a join and no USING', 'put the table into using()');
  const target = targetOf(item);
  const isTenantTable = targetKind(target.table, scope) === 'tenant';
  const sources = scopeSources(using?.tables ?? [], joins ?? [], scope, visit);
  const predicates = isTenantTable
    ? [ownTenant(target.as), ...sources.predicates]
    : sources.predicates;
  const where = scopeWhere(node.where, predicates, scope, visit);
  return mapChildren(node, (child) => visit(child, scope), {
    ...expressions,
    from,
    ...(using && { using: UsingNode.create(sources.items) }),
    ...(joins && { joins: sources.joins }),
    ...(where && { where }),
  });
}

function targetOf(node: OperationNode | undefined): NamedTable {
  const target = node && tableIn(node);
  return target ?? refuse('a write to something else than one table', 'name one table');
}

function refuseTenant(column: string): void {
  if (column !== TENANT_COLUMN) return;
  refuse(`a value for ${TENANT_COLUMN}`, 'leave it out: it is always the tenant of the request');
}

/** Clauses of other databases, and text behind the WHERE, where it could widen it. */
function refuseForeign(node: InsertQueryNode | UpdateQueryNode | DeleteQueryNode): void {
  if (node.explain) refuse('EXPLAIN', 'it runs on request.insecureUnscopedDb only');
  if (node.endModifiers?.length) refuse('raw SQL in modifyEnd', 'use returning() and its like');
  if (node.top || node.output) refuse('TOP or OUTPUT', 'use returning()');
  if ('limit' in node && node.limit) refuse('LIMIT in a write', 'limit a subquery in WHERE');
  if ('orderBy' in node && node.orderBy) refuse('ORDER BY in a write', 'order a subquery in WHERE');
}
