import {
  AliasNode,
  AndNode,
  FromNode,
  FunctionNode,
  IdentifierNode,
  type JoinNode,
  type JoinType,
  OnNode,
  type OperationNode,
  ParensNode,
  RawNode,
  SelectAllNode,
  SelectionNode,
  SelectQueryNode,
  WhereNode,
} from 'kysely';
import {
  mapChildren,
  type NamedTable,
  ownTenant,
  refuse,
  type Scope,
  sourceKind,
  tableIn,
  type Visit,
} from './scoping-nodes.ts';
import { checkAlias, scopeSource, unwrap } from './scoping-raw.ts';

/** What FROM (or USING) and the joins have become, and what WHERE has to say about them. */
export interface Sources {
  readonly items: readonly OperationNode[];
  readonly joins: readonly JoinNode[];
  readonly predicates: readonly OperationNode[];
}

/**
 * Puts the predicate of each tenant table where the rows are the same as if the table held only the
 * tenant's own: in WHERE; for a table that an inner or left join adds, in its ON; and where a later
 * right or full join would make rows of NULLs of it, on which WHERE would decide wrongly, the table
 * becomes a subquery that has the predicate inside.
 */
export function scopeSources(
  items: readonly OperationNode[],
  joins: readonly JoinNode[],
  scope: Scope,
  visit: Visit,
): Sources {
  const predicates: OperationNode[] = [];
  const scopedJoins = joins.map((join, index) => {
    const later = joins.slice(index + 1).some(keepsRight);
    return scopeJoin(join, { later, predicates }, scope, visit);
  });
  const joined = joins.some(keepsRight);
  const scopedItems = items.map((item, index) => {
    const { node, tenantTable } = scopeItem(item, scope, visit);
    if (!tenantTable) return node;
    // Joins bind to the last of the items that commas separate.
    if (joined && index === items.length - 1) return asSubquery(tenantTable);
    predicates.push(ownTenant(tenantTable.as));
    return node;
  });
  return { items: scopedItems, joins: scopedJoins, predicates };
}

export function scopeFrom(from: FromNode, items: readonly OperationNode[]): FromNode {
  return items.every((item, index) => item === from.froms[index]) ? from : FromNode.create(items);
}

/** WHERE with the predicates, and what stood there before, its `or` included, in parentheses. */
export function scopeWhere(
  where: WhereNode | undefined,
  predicates: readonly OperationNode[],
  scope: Scope,
  visit: Visit,
): WhereNode | undefined {
  const own = where && visit(where.where, scope);
  const condition = conjunction(predicates, own);
  if (!condition || condition === where?.where) return where;
  return WhereNode.create(condition);
}

function conjunction(
  predicates: readonly OperationNode[],
  own: OperationNode | undefined,
): OperationNode | undefined {
  if (predicates.length === 0) return own;
  const conditions = own ? [...predicates, parenthesised(own)] : predicates;
  return conditions.reduce((left, right) => AndNode.create(left, right));
}

function parenthesised(node: OperationNode): OperationNode {
  return ParensNode.is(node) ? node : ParensNode.create(node);
}

function keepsRight({ joinType }: JoinNode): boolean {
  return joinType === 'RightJoin' || joinType === 'FullJoin';
}

interface Place {
  /** Whether a later join can make rows of NULLs of this table. */
  readonly later: boolean;
  /** For WHERE. */
  readonly predicates: OperationNode[];
}

function scopeJoin(join: JoinNode, place: Place, scope: Scope, visit: Visit): JoinNode {
  const { joinType } = join;
  if (!JOINS.has(joinType)) refuse(`a join of type ${joinType}`, 'use one that PostgreSQL has');
  const { node, tenantTable } = scopeItem(join.table, scope, visit);
  const own = join.on && visit(join.on.on, scope);
  const become = (given: Partial<JoinNode>) =>
    mapChildren(join, (child) => visit(child, scope), { table: node, ...given });
  const onClause = own && { on: own === join.on?.on ? join.on : OnNode.create(own) };
  if (!tenantTable) return become({ ...onClause });
  if (joinType === 'FullJoin' || (joinType === 'RightJoin' && place.later)) {
    return become({ ...onClause, table: asSubquery(tenantTable) });
  }
  if (joinType === 'RightJoin') {
    place.predicates.push(ownTenant(tenantTable.as));
    return become({ ...onClause });
  }
  const predicate = ownTenant(tenantTable.as);
  const on = OnNode.create(own ? AndNode.create(predicate, parenthesised(own)) : predicate);
  return become({ on, joinType: CONDITIONAL.get(joinType) ?? joinType });
}

const JOINS: ReadonlySet<JoinType> = new Set<JoinType>([
  'InnerJoin',
  'LeftJoin',
  'RightJoin',
  'FullJoin',
  'CrossJoin',
  'LateralInnerJoin',
  'LateralLeftJoin',
  'LateralCrossJoin',
]);

/** A cross join has no ON; the inner join that has the predicate in it is the same. */
const CONDITIONAL: ReadonlyMap<JoinType, JoinType> = new Map<JoinType, JoinType>([
  ['CrossJoin', 'InnerJoin'],
  ['LateralCrossJoin', 'LateralInnerJoin'],
]);

interface Item {
  readonly node: OperationNode;
  /** Set where the caller has yet to place the predicate. */
  readonly tenantTable?: NamedTable;
}

function scopeItem(item: OperationNode, scope: Scope, visit: Visit): Item {
  const node = withoutWrapping(item);
  const named = tableIn(node);
  if (named) {
    return sourceKind(named.table, scope) === 'tenant' ? { node, tenantTable: named } : { node };
  }
  if (!AliasNode.is(node)) return { node: scopeRows(node, scope, visit) };
  checkAlias(node.alias, scope, visit);
  const rows = scopeRows(node.node, scope, visit);
  return { node: rows === node.node ? node : AliasNode.create(rows, node.alias) };
}

/** `sql.table('notes')` is a table too. */
function withoutWrapping(item: OperationNode): OperationNode {
  if (!AliasNode.is(item)) return unwrap(item);
  const inner = unwrap(item.node);
  return inner === item.node ? item : AliasNode.create(inner, item.alias);
}

function scopeRows(node: OperationNode, scope: Scope, visit: Visit): OperationNode {
  if (SelectQueryNode.is(node) || FunctionNode.is(node)) return visit(node, scope);
  if (RawNode.is(node)) return scopeSource(node, scope, visit);
  return refuse(`a ${node.kind} in FROM`, 'name a table, pass a subquery or call a function');
}

function asSubquery({ table, as }: NamedTable): OperationNode {
  if (as.table.schema) {
    refuse('a full or right join of a table named with its schema', 'give it another name with as');
  }
  const query: SelectQueryNode = {
    kind: 'SelectQueryNode',
    from: FromNode.create([table === as ? table : AliasNode.create(table, as.table.identifier)]),
    selections: [SelectionNode.create(SelectAllNode.create())],
    where: WhereNode.create(ownTenant(as)),
  };
  return AliasNode.create(query, IdentifierNode.create(as.table.identifier.name));
}
