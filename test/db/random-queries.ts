import fc, { type GeneratorValue } from 'fast-check';
import {
  AliasNode,
  type Expression,
  expressionBuilder,
  IdentifierNode,
  NOOP_QUERY_EXECUTOR,
  type OperationNode,
  type OperationNodeSource,
  QueryCreator,
  type SelectQueryBuilder,
  sql,
  type SqlBool,
  TableNode,
} from 'kysely';
import { aliased, type AnyTables, ref, tableOf } from './random-names.ts';
import { COLUMNS, type Column, type Table, type World } from './random-worlds.ts';

type Db = QueryCreator<AnyTables>;
/** One that selects exactly id, name and ref, so that all of them fit into each other. */
type Select = SelectQueryBuilder<AnyTables, string, object>;
type Condition = Expression<SqlBool>;
type Expressions = ReturnType<typeof expressionBuilder<AnyTables, string>>;

/** Something with the columns id, name and ref, and what the rest of its query calls it. */
interface Source {
  readonly as: string;
  readonly node: OperationNode;
}

/**
 * Draws a query and says how to write it with Kysely, without any thought of tenants. It is written
 * once for each database: once scoped, once plain.
 */
export class Draw {
  readonly #g: GeneratorValue;
  readonly #world: World;
  readonly #eb: Expressions = expressionBuilder<AnyTables, string>();
  readonly #db: Db = new QueryCreator<AnyTables>({ executor: NOOP_QUERY_EXECUTOR });
  #depth = 0;
  /** How many more subqueries it may have: larger ones find no more and say less. */
  #left = 4;
  #expressionNames: string[] = [];

  constructor(g: GeneratorValue, world: World) {
    this.#g = g;
    this.#world = world;
  }

  statement(): OperationNode {
    const kinds = ['select', 'select', 'select', 'insert', 'update', 'delete', 'writing-with'];
    return this.#written(this.pick(kinds)).toOperationNode();
  }

  #written(kind: string): OperationNodeSource {
    if (kind === 'insert') return this.insert();
    if (kind === 'update') return this.update();
    if (kind === 'delete') return this.delete();
    if (kind === 'writing-with') {
      const write = this.pick([() => this.insert(), () => this.update(), () => this.delete()])();
      return this.#db
        .with('written', () => write as never)
        .selectFrom('written')
        .selectAll();
    }
    return this.topSelect();
  }

  pick<T>(values: readonly T[]): T {
    return values[this.#g(fc.nat, { max: values.length - 1 })] as T;
  }

  chance(percent: number): boolean {
    return this.#g(fc.nat, { max: 99 }) >= 100 - percent;
  }

  topSelect(): OperationNodeSource {
    const query = this.select([], true);
    if (this.chance(25)) {
      return this.#db.selectFrom(query.as('q')).select((eb) => eb.fn.countAll().as('n'));
    }
    if (this.chance(30)) {
      const sorted = query.orderBy(sql`1`).orderBy(sql`2 desc nulls last, 3`);
      return this.chance(60) ? sorted.limit(2).offset(this.pick([0, 1])) : sorted;
    }
    return query;
  }

  /** `outer` are the names that a subquery may refer to. */
  select(outer: readonly string[], isTop = false): Select {
    this.#left--;
    const known = this.#expressionNames.length;
    let db: Pick<Db, 'selectFrom'> = this.#db;
    if (this.#left > 0 && this.chance(isTop ? 30 : 8)) db = this.withExpressions();
    let query = this.#from(db, outer);
    if (this.#left > 0 && this.chance(15)) query = this.#combined(query, outer);
    this.#expressionNames.length = known;
    return query;
  }

  #from(db: Pick<Db, 'selectFrom'>, outer: readonly string[]): Select {
    const names: string[] = [];
    const items = [this.source(names), ...(this.chance(20) ? [this.source(names)] : [])];
    const last = items.at(-1)?.as ?? '';
    let query = db.selectFrom(items.map(({ node }) => aliased(node)) as never) as unknown as Select;
    // ON sees the item that the joins bind to, and what they have added.
    const joined = [last];
    for (let joins = this.pick([0, 0, 1, 1, 2]); joins > 0; joins--) {
      query = this.#join(query, names, joined);
    }
    if (this.chance(60)) query = query.where(this.#whole([...names, ...outer]));
    const chosen = this.pick(names);
    const columns = COLUMNS.map((column) =>
      ref(this.pick([chosen, chosen, ...names]), column).as(column),
    );
    query = query.select(columns);
    return this.#modified(query, names);
  }

  #modified(query: Select, names: readonly string[]): Select {
    if (this.chance(15)) return query.distinct();
    if (this.chance(10)) {
      const first = ref(names[0] ?? '', 'id');
      const count = this.#eb.fn.countAll<number>();
      return query
        .clearSelect()
        .select([
          first.as('id'),
          sql`${'a'}::TEXT`.as('name'),
          sql<number>`${count}::INT4`.as('ref'),
        ])
        .groupBy(first)
        .having(count, '>=', this.pick([1, 2]));
    }
    return query;
  }

  #combined(query: Select, outer: readonly string[]): Select {
    const other = this.select(outer);
    const operation = this.pick(['union', 'unionAll', 'intersect', 'except'] as const);
    return query[operation]((eb: Expressions) => eb.parens(other as never));
  }

  /** Often with the name of a table, which it then hides. */
  withExpressions(): Pick<Db, 'selectFrom'> {
    const table = this.pick(this.#world.tables);
    const name = this.pick([table.name.includes('.') ? 'cte' : table.name, 'cte']);
    if (this.chance(30)) return this.#recursive();
    const query = this.select([]);
    this.#expressionNames.push(name);
    return this.#db.with(name, () => query as never);
  }

  #recursive(): Pick<Db, 'selectFrom'> {
    const start = this.select([]);
    const step = this.source([], this.pick(this.#world.tables));
    const seen = AliasNode.create(TableNode.create('cte'), IdentifierNode.create('seen'));
    const next = this.#db
      .selectFrom([aliased(step.node), aliased(seen)] as never)
      .where(this.#eb(ref(step.as, 'id'), '=', ref('seen', 'ref')))
      .select(COLUMNS.map((column) => ref(step.as, column).as(column)));
    this.#expressionNames.push('cte');
    return this.#db.withRecursive('cte', () => start.union(next as never) as never);
  }

  source(names: string[], table?: Table): Source {
    if (!table && this.#left > 0 && this.chance(20)) {
      const node = this.select([]).toOperationNode();
      const as = this.#name(names, `s${names.length}`);
      return { as, node: AliasNode.create(node, IdentifierNode.create(as)) };
    }
    const name = table?.name ?? this.#tableName();
    // A name of another table is a good one to be mistaken for it.
    const own = name.split('.').at(-1) ?? name;
    const as = this.#name(names, this.chance(40) ? own : this.pick(['notes', 'people', 't']));
    if (as === own && !name.includes('.')) return { as, node: TableNode.create(name) };
    const node = tableOf(name, !table && this.chance(20));
    return { as, node: AliasNode.create(node, IdentifierNode.create(as)) };
  }

  #tableName(): string {
    if (this.#expressionNames.length > 0 && this.chance(40))
      return this.pick(this.#expressionNames);
    return this.pick(this.#world.tables).name;
  }

  #name(names: string[], wish: string): string {
    const name = names.includes(wish) ? `${wish}${names.length}` : wish;
    names.push(name);
    return name;
  }

  #join(query: Select, names: string[], joined: string[]): Select {
    const kinds = ['inner', 'left', 'right', 'full', 'cross'] as const;
    const kind = this.pick(this.#left > 0 ? ([...kinds, 'lateral'] as const) : kinds);
    if (kind === 'lateral') {
      const inner = this.select(joined);
      const as = this.#name(names, `l${names.length}`);
      joined.push(as);
      const lateral = inner.as(as) as never;
      return this.chance(50)
        ? (query.innerJoinLateral(lateral, (on) => on.onTrue()) as Select)
        : (query.leftJoinLateral(lateral, (on) => on.onTrue()) as Select);
    }
    const { as, node } = this.source(names);
    joined.push(as);
    if (kind === 'cross') return query.crossJoin(aliased(node)) as Select;
    const left = this.pick(joined.slice(0, -1));
    const equal = this.#eb(
      ref(left, this.pick(['id', 'ref'])),
      '=',
      ref(as, this.pick(['id', 'ref'])),
    );
    // PostgreSQL takes only such conditions in a full join.
    const on = kind === 'full' || this.chance(60) ? equal : this.#whole(joined);
    const join = query[`${kind}Join`].bind(query) as Select['innerJoin'];
    return join(aliased(node), (builder) => builder.on(on)) as Select;
  }

  /** What WHERE or ON has to say; an `or` in raw SQL may stand alone there. */
  #whole(names: readonly string[]): Condition {
    if (!this.chance(15)) return this.condition(names);
    return sql`${ref(this.pick(names), 'id')} = ${2} or ${ref(this.pick(names), 'ref')} = 1`;
  }

  condition(names: readonly string[]): Condition {
    const eb = this.#eb;
    const column = (...columns: Column[]) => ref(this.pick(names), this.pick(columns));
    this.#depth++;
    const kinds = [
      'value',
      'columns',
      'null',
      'raw',
      ...(this.#depth < 4 ? COMBINED : []),
      ...(this.#left > 0 ? DEEPER : []),
    ];
    const kind = this.pick(kinds);
    const drawn = ((): Condition => {
      if (kind === 'value')
        return eb(column('id', 'ref'), this.pick(['=', '<', '>']), this.pick([1, 2, 3]));
      if (kind === 'columns') return eb(column('id', 'ref'), '=', column('id', 'ref'));
      if (kind === 'null') return eb(column('name', 'ref'), this.pick(['is', 'is not']), null);
      if (kind === 'raw') return sql<SqlBool>`(${column('id')} = ${2} or ${column('ref')} is null)`;
      if (kind === 'or') return eb.or([this.condition(names), this.condition(names)]);
      if (kind === 'and') return eb.and([this.condition(names), this.condition(names)]);
      if (kind === 'not') return eb.not(this.condition(names));
      const query = this.select(names);
      if (kind === 'exists') return eb.exists(query);
      if (kind === 'count') {
        const counted = this.#db.selectFrom(query.as('c')).select((c) => c.fn.countAll().as('n'));
        return eb(counted as never, '>', this.pick([0, 1]) as never);
      }
      const ids = this.#db.selectFrom(query.as('c')).select('c.id');
      return eb(column('id', 'ref'), this.pick(['in', 'not in']), ids as never);
    })();
    this.#depth--;
    return drawn;
  }

  insert(): OperationNodeSource {
    const { name, hasUniqueName } = this.pick(this.#world.tables);
    const into = this.#db.insertInto(name);
    if (this.chance(5)) return into.defaultValues().returningAll();
    if (this.chance(25)) {
      return into
        .columns([...COLUMNS])
        .expression(this.select([]) as never)
        .returningAll();
    }
    const rows = Array.from({ length: this.pick([1, 1, 2]) }, () => ({
      id: this.pick([1, 2, 3, 7, 8]),
      ...(this.chance(70) && { name: this.pick(['a', 'b', 'z', null]) }),
      ...(this.chance(50) && { ref: this.chance(50) ? this.pick([1, null]) : this.#scalar() }),
    }));
    const query = into.values(rows).returningAll();
    if (this.chance(40)) return query;
    const target = hasUniqueName && this.chance(40) ? 'name' : 'id';
    return query.onConflict((conflict) => {
      if (this.chance(20)) return conflict.doNothing();
      if (this.chance(20)) return conflict.column(target).doNothing();
      const updated = conflict.column(target).doUpdateSet({ ref: this.pick([1, 5]) });
      if (this.chance(50)) return updated;
      return updated.where(this.#whole([name.split('.').at(-1) ?? name]));
    });
  }

  #scalar() {
    return this.#db.selectFrom(this.select([]).as('c')).select((eb) => eb.fn.max('c.id').as('n'));
  }

  update(): OperationNodeSource {
    const names: string[] = [];
    const target = this.source(names, this.pick(this.#world.tables));
    let query = this.#db.updateTable(aliased(target.node)).set({
      ref: this.pick([1, null, sql`${ref(target.as, 'id')} + ${1}`, this.#scalar()]),
      ...(this.chance(30) && { name: this.pick(['a', 'q']) }),
    } as never);
    if (this.chance(40)) query = query.from(aliased(this.source(names).node));
    if (this.chance(80)) query = query.where(this.#whole(names));
    return query.returning(COLUMNS.map((column) => ref(target.as, column).as(column)) as never);
  }

  delete(): OperationNodeSource {
    const names: string[] = [];
    const target = this.source(names, this.pick(this.#world.tables));
    let query = this.#db.deleteFrom(aliased(target.node));
    if (this.chance(40)) query = query.using(aliased(this.source(names).node)) as never;
    if (this.chance(80)) query = query.where(this.#whole(names));
    return query.returning(COLUMNS.map((column) => ref(target.as, column).as(column)) as never);
  }
}

const COMBINED = ['or', 'and', 'not'];
const DEEPER = ['exists', 'count', 'in'];
