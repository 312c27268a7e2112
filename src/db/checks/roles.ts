import { type CatalogCheck, type Finding, judged, query } from './finding.ts';

/** What makes a role more than its grants, as the catalog and ALTER ROLE name it. */
const ATTRIBUTES = {
  superuser: 'NOSUPERUSER',
  bypassesRowSecurity: 'NOBYPASSRLS',
  createsRoles: 'NOCREATEROLE',
  createsDatabases: 'NOCREATEDB',
  replicates: 'NOREPLICATION',
} as const;

interface RoleRow extends Readonly<Record<keyof typeof ATTRIBUTES, boolean>> {
  readonly role: string;
  readonly signsIn: boolean;
  readonly memberOf: readonly string[];
}

const ROLES = query(`SELECT r.rolname::TEXT AS "role", r.rolsuper AS "superuser",
  r.rolbypassrls AS "bypassesRowSecurity", r.rolcreaterole AS "createsRoles",
  r.rolcreatedb AS "createsDatabases", r.rolreplication AS "replicates",
  r.rolcanlogin AS "signsIn",
  ARRAY(SELECT pg_catalog.quote_ident(g.rolname)::TEXT FROM pg_catalog.pg_auth_members AS m
    JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
    WHERE m.member = r.oid
      AND NOT (r.rolname = 'sallyport_owner' AND g.rolname = 'sallyport_retention')
    ORDER BY g.rolname) AS "memberOf"
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname IN ('sallyport_owner', 'sallyport_app', 'sallyport_identity', 'sallyport_retention')
  ORDER BY r.rolname`);

const NEVER_SIGN_IN = ['sallyport_owner', 'sallyport_retention'];

/** Grants say all of what a role may do only if nothing else gives it more (ASVS 13.2.2). */
export const roles: CatalogCheck = {
  statements: [ROLES],
  judge(answer = []) {
    const rows = answer as unknown as readonly RoleRow[];
    const attributes = rows.flatMap((row) => {
      const wrong: string[] = Object.entries(ATTRIBUTES).flatMap(([name, without]) =>
        row[name as keyof typeof ATTRIBUTES] ? [without] : [],
      );
      if (NEVER_SIGN_IN.includes(row.role) && row.signsIn) wrong.push('NOLOGIN');
      if (wrong.length === 0) return [];
      return `The role ${row.role} may do more than its grants say: run ALTER ROLE ${row.role} ${wrong.join(' ')}.`;
    });
    const memberships = rows.flatMap(({ role, memberOf }) =>
      memberOf.map((other) => `${role} is a member of ${other}: run REVOKE ${other} FROM ${role}.`),
    );
    return [
      ...judged('role-attributes', 'No role has more than its grants.', attributes),
      ...judged('role-memberships', 'No role is a member of another.', memberships),
    ];
  },
};

interface OwnedRow {
  readonly owner: string;
  readonly object: string;
}

const OWNED_BY_ROLES = query(`SELECT r.rolname::TEXT AS "owner",
  pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid) AS "object"
  FROM pg_catalog.pg_shdepend AS s
  JOIN pg_catalog.pg_roles AS r ON r.oid = s.refobjid
  JOIN pg_catalog.pg_database AS d ON d.datname = current_database()
  WHERE s.refclassid = 'pg_catalog.pg_authid'::REGCLASS AND s.deptype = 'o'
    AND (s.dbid = d.oid OR (s.classid = 'pg_catalog.pg_database'::REGCLASS AND s.objid = d.oid))
    AND r.rolname IN ('sallyport_app', 'sallyport_identity')
  ORDER BY 1, 2`);

const STRANGERS_IN_SCHEMA = query(`SELECT r.rolname::TEXT AS "owner", 'SCHEMA sallyport' AS "object"
  FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
  WHERE n.nspname = 'sallyport' AND r.rolname <> 'sallyport_owner'
  UNION ALL SELECT r.rolname::TEXT, 'TABLE sallyport.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
  WHERE n.nspname = 'sallyport' AND c.relkind IN ('r', 'p') AND r.rolname <> 'sallyport_owner'
  ORDER BY 2`);

/** An owner needs no grant, and switches row-level security off where it is not FORCEd. */
export const ownership: CatalogCheck = {
  statements: [OWNED_BY_ROLES, STRANGERS_IN_SCHEMA],
  judge(byRoles = [], strangers = []) {
    const owned = (byRoles as unknown as readonly OwnedRow[]).map(
      ({ owner, object }) =>
        `${owner} owns ${object}: give it to another role with ALTER ... OWNER TO sallyport_owner.`,
    );
    const strange = (strangers as unknown as readonly OwnedRow[])
      .filter(({ owner }) => !['sallyport_app', 'sallyport_identity'].includes(owner))
      .map(
        ({ owner, object }) =>
          `${object} belongs to ${owner}: run ALTER ${object} OWNER TO sallyport_owner.`,
      );
    return judged('ownership', 'The schema belongs to sallyport_owner.', [...owned, ...strange]);
  },
};

interface CreationRow {
  readonly role: string;
  readonly database: string;
  readonly temporary: boolean;
  readonly createsSchemas: boolean;
  readonly createsIn: readonly string[];
}

const CREATION = query(`SELECT r.rolname::TEXT AS "role",
  pg_catalog.quote_ident(current_database()) AS "database",
  pg_catalog.has_database_privilege(r.oid, current_database(), 'TEMPORARY') AS "temporary",
  pg_catalog.has_database_privilege(r.oid, current_database(), 'CREATE') AS "createsSchemas",
  ARRAY(SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') ORDER BY 1) AS "createsIn"
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname IN ('sallyport_app', 'sallyport_identity', 'sallyport_retention')
  ORDER BY r.rolname`);

/**
 * With an object of its own, injected SQL could stand before one of ours or keep something for the
 * next request on its connection.
 */
export const creation: CatalogCheck = {
  statements: [CREATION],
  judge(answer = []): readonly Finding[] {
    const rows = answer as unknown as readonly CreationRow[];
    const temporary = rows.flatMap(({ role, database, temporary: may }) =>
      may
        ? `${role} may create temporary tables: run REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC, ${role}.`
        : [],
    );
    const lasting = rows.flatMap(({ role, database, createsSchemas, createsIn }) => [
      ...(createsSchemas
        ? [
            `${role} may create schemas: run REVOKE CREATE ON DATABASE ${database} FROM PUBLIC, ${role}.`,
          ]
        : []),
      ...createsIn.map(
        (schema) =>
          `${role} may create objects in the schema ${schema}: run REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC, ${role}.`,
      ),
    ]);
    return [
      ...judged('temporary-objects', 'No role may create temporary objects.', temporary),
      ...judged('lasting-objects', 'No role may create objects.', lasting),
    ];
  },
};
