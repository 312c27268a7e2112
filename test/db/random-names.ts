import {
  ColumnNode,
  ExpressionWrapper,
  type OperationNode,
  ReferenceNode,
  sql,
  TableNode,
} from 'kysely';
import type { Column, Row } from './random-worlds.ts';

export type AnyTables = Record<string, Row>;

/** What Kysely takes where a table's name could stand. */
export function aliased(node: OperationNode) {
  return { toOperationNode: () => node } as never;
}

export function ref(table: string, column: Column) {
  const node = ReferenceNode.create(ColumnNode.create(column), TableNode.create(table));
  return new ExpressionWrapper<AnyTables, string, number>(node);
}

/** `billing.notes` is a table of another schema; `sql.table` wraps it in raw SQL. */
export function tableOf(name: string, isWrapped: boolean): OperationNode {
  if (isWrapped) return sql.table(name).toOperationNode();
  const [schema = '', table] = name.split('.');
  return table ? TableNode.createWithSchema(schema, table) : TableNode.create(schema);
}
