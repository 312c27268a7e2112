import {
  AggregateFunctionNode,
  AliasNode,
  BinaryOperationNode,
  CastNode,
  type CommonTableExpressionNode,
  DeleteQueryNode,
  FunctionNode,
  GroupByItemNode,
  InsertQueryNode,
  type OperationNode,
  OrderByItemNode,
  ParensNode,
  RawNode,
  type RootOperationNode,
  SelectionNode,
  SelectModifierNode,
  SelectQueryNode,
  SetOperationNode,
  TableNode,
  UnaryOperationNode,
  UpdateQueryNode,
  type WithNode,
} from 'kysely';
import { scopeDelete, scopeInsert, scopeUpdate } from './scoping-writes.ts';
import {
  CONTAINERS,
  LEAVES,
  mapChildren,
  mapList,
  refuse,
  type Scope,
  UNSCOPED,
} from './scoping-nodes.ts';
import {
  checkAlias,
  checkFunctionName,
  checkOperator,
  checkType,
  scopeExpression,
  scopeTrailing,
} from './scoping-raw.ts';
import { scopeFrom, scopeSources, scopeWhere } from './scoping-sources.ts';

/** A whole statement, or the query of a common table expression. */
export function scopeStatement<N extends RootOperationNode>(node: N, scope: Scope): N;
export function scopeStatement(node: RootOperationNode, outer: Scope): OperationNode {
  if (SelectQueryNode.is(node)) return scopeSelect(node, outer);
  if (InsertQueryNode.is(node)) {
    const { expressions, scope } = enterWith(node.with, outer);
    return scopeInsert(node, expressions, scope, scopeNode);
  }
  if (UpdateQueryNode.is(node)) {
    const { expressions, scope } = enterWith(node.with, outer);
    return scopeUpdate(node, expressions, scope, scopeNode);
  }
  if (DeleteQueryNode.is(node)) {
    const { expressions, scope } = enterWith(node.with, outer);
    return scopeDelete(node, expressions, scope, scopeNode);
  }
  if (RawNode.is(node)) return refuse('raw SQL', `say it through Kysely; ${UNSCOPED}`);
  return refuse(
    `a statement of kind ${node.kind}`,
    'tables change in migrations; MERGE is refused',
  );
}

/** What can stand in an expression or a clause. Tables are named elsewhere: scoping-sources.ts. */
function scopeNode<N extends OperationNode>(node: N, scope: Scope): N;
function scopeNode(node: OperationNode, scope: Scope): OperationNode {
  const { kind } = node;
  if (LEAVES.has(kind)) return node;
  const visitIn = (child: OperationNode) => scopeNode(child, scope);
  if (CONTAINERS.has(kind)) return mapChildren(node, visitIn);
  const special = SPECIAL[kind];
  if (!special) return refuse(`a node of kind ${kind} in this place`, 'it is not known to be safe');
  return special(node, scope, visitIn);
}

type Special = (
  node: OperationNode,
  scope: Scope,
  visitIn: (child: OperationNode) => OperationNode,
) => OperationNode;

/** Nodes that need more than a look at their children. `is` narrows; no other kind comes here. */
const SPECIAL: Partial<Record<string, Special>> = {
  SelectQueryNode: (node, scope) => (SelectQueryNode.is(node) ? scopeSelect(node, scope) : node),
  RawNode: (node, scope) => (RawNode.is(node) ? scopeExpression(node, scope, scopeNode) : node),
  SelectionNode: (node, scope, visitIn) => {
    if (!SelectionNode.is(node) || !AliasNode.is(node.selection)) return mapChildren(node, visitIn);
    const { selection } = node;
    checkAlias(selection.alias, scope, scopeNode);
    const { alias } = selection;
    return mapChildren(node, visitIn, { selection: mapChildren(selection, visitIn, { alias }) });
  },
  SetOperationNode: (node, _, visitIn) => {
    if (SetOperationNode.is(node) && !isQuery(node.expression)) {
      refuse('a set operation with something else than a query', 'pass a query');
    }
    return mapChildren(node, visitIn);
  },
  OrderByItemNode: (node, scope, visitIn) => {
    const trailing = (child: OperationNode) =>
      RawNode.is(child) ? scopeTrailing(child, scope, scopeNode) : visitIn(child);
    return OrderByItemNode.is(node) ? mapChildren(node, trailing) : node;
  },
  GroupByItemNode: (node, scope, visitIn) => {
    const trailing = (child: OperationNode) =>
      RawNode.is(child) ? scopeTrailing(child, scope, scopeNode) : visitIn(child);
    return GroupByItemNode.is(node) ? mapChildren(node, trailing) : node;
  },
  CastNode: (node, _, visitIn) => {
    if (!CastNode.is(node)) return node;
    checkType(node.dataType);
    return mapChildren(node, visitIn, { dataType: node.dataType });
  },
  BinaryOperationNode: (node, _, visitIn) => {
    if (!BinaryOperationNode.is(node)) return node;
    checkOperator(node.operator);
    return mapChildren(node, visitIn, { operator: node.operator });
  },
  UnaryOperationNode: (node, _, visitIn) => {
    if (!UnaryOperationNode.is(node)) return node;
    checkOperator(node.operator);
    return mapChildren(node, visitIn, { operator: node.operator });
  },
  FunctionNode: (node, _, visitIn) => {
    if (!FunctionNode.is(node)) return node;
    checkFunctionName(node.func);
    return mapChildren(node, visitIn, { arguments: mapArguments(node.arguments, visitIn) });
  },
  AggregateFunctionNode: (node, _, visitIn) => {
    if (!AggregateFunctionNode.is(node)) return node;
    checkFunctionName(node.func);
    return mapChildren(node, visitIn, { aggregated: mapArguments(node.aggregated, visitIn) });
  },
  SelectModifierNode: (node) => {
    if (SelectModifierNode.is(node) && node.rawModifier) {
      refuse('raw SQL in modifyFront or modifyEnd', 'use forUpdate(), distinct() and their like');
    }
    // FOR UPDATE OF names what FROM has named.
    return node;
  },
};

/** A table's name as an argument, `to_json(notes)`, is the row that FROM has put under it. */
function mapArguments(
  nodes: readonly OperationNode[],
  visitIn: (child: OperationNode) => OperationNode,
): readonly OperationNode[] {
  return mapList(nodes, (node) => (TableNode.is(node) ? node : visitIn(node)));
}

function isQuery(node: OperationNode): boolean {
  return SelectQueryNode.is(ParensNode.is(node) ? node.node : node);
}

function scopeSelect(node: SelectQueryNode, outer: Scope): SelectQueryNode {
  if (node.explain) refuse('EXPLAIN, which tells how many rows others have,', UNSCOPED);
  if (node.top) refuse('TOP', 'use limit');
  const { expressions, scope } = enterWith(node.with, outer);
  const visitIn = (child: OperationNode) => scopeNode(child, scope);
  const { from, joins } = node;
  if (!from) {
    if (joins) refuse('a join without FROM', 'name what it joins');
    return mapChildren(node, visitIn, { ...expressions });
  }
  const sources = scopeSources(from.froms, joins ?? [], scope, scopeNode);
  const where = scopeWhere(node.where, sources.predicates, scope, scopeNode);
  return mapChildren(node, visitIn, {
    ...expressions,
    from: scopeFrom(from, sources.items),
    ...(joins && { joins: sources.joins }),
    ...(where && { where }),
  });
}

interface Entered {
  readonly expressions: { readonly with?: WithNode };
  /** What the rest of the statement sees. */
  readonly scope: Scope;
}

/** Each expression sees those before it; with RECURSIVE it sees all, and itself. */
function enterWith(withNode: WithNode | undefined, outer: Scope): Entered {
  if (!withNode) return { expressions: {}, scope: outer };
  const names = new Set(outer.names);
  const scope = { ...outer, names };
  const add = ({ name: { table } }: CommonTableExpressionNode) => {
    if (table.table.schema) refuse('a common table expression with a schema', 'leave it out');
    names.add(table.table.identifier.name);
  };
  if (withNode.recursive) withNode.expressions.forEach(add);
  const visitIn = (child: OperationNode) => scopeNode(child, scope);
  const expressions = mapList(withNode.expressions, (expression) => {
    const { name } = expression;
    const scoped = scopeStatement(expression.expression as RootOperationNode, scope);
    if (!withNode.recursive) add(expression);
    return mapChildren(expression, visitIn, { name, expression: scoped });
  });
  return { expressions: { with: mapChildren(withNode, visitIn, { expressions }) }, scope };
}
