// Which permissions there are: the product's own and those that an application declares, and how
// the built-in roles of every tenant come by them.
import { expect, test } from 'vitest';
import {
  BUILT_IN_ROLES,
  OWN_PERMISSIONS,
  type PermissionDeclaration,
  recordPermissions,
  registerPermissions,
} from '../../src/core/permissions.ts';
import { openTestDatabase } from '../support/databases.ts';

const read: PermissionDeclaration = { text: 'See invoices', roles: ['viewer', 'member'] };

function registry(declared: Readonly<Record<string, PermissionDeclaration>>) {
  const registered = registerPermissions(declared);
  if ('problems' in registered) throw new Error(registered.problems.join('\n'));
  return registered.registry;
}

test("the product's own come first, then the application's, and the owner has them all", () => {
  const all = registry({ 'invoices:read': read });
  expect([...all.keys()]).toEqual([...Object.keys(OWN_PERMISSIONS), 'invoices:read']);
  expect(all.get('invoices:read')).toEqual({
    text: 'See invoices',
    roles: ['owner', 'member', 'viewer'],
    teamRoles: [],
  });
  for (const { roles } of all.values()) expect(roles).toContain('owner');
});

test.each<[string, unknown, string]>([
  ['invoices', read, 'must be written like invoices:read'],
  ['Invoices:read', read, 'must be written like invoices:read'],
  ['invoices:read:all', read, 'must be written like invoices:read'],
  ['members:write', read, "is the product's own"],
  ['x:y', { text: '' }, 'needs a text'],
  ['x:y', {}, 'needs a text'],
  ['x:y', { text: { en: 'See' } }, 'needs a text'],
  ['x:y', { text: 'See', roles: ['boss'] }, 'may be given to owner, admin, member, viewer only'],
  ['x:y', { text: 'See', teamRoles: ['boss'] }, 'may be given in a team to lead, member only'],
  ['x:y', { text: 'See', role: ['admin'] }, 'has only text, roles and teamRoles'],
])('%s declared as %j is refused', (name, declaration, problem) => {
  const registered = registerPermissions({ [name]: declaration as PermissionDeclaration });
  expect(registered).toEqual({ problems: [expect.stringContaining(problem)] });
});

test('a start gives the built-in roles of every tenant what is declared, and no other role anything', async () => {
  const { admin, database } = await openTestDatabase();
  await admin.query(`INSERT INTO sallyport.tenants (slug, name)
    SELECT 'tenant-' || n, 'T' FROM generate_series(1, 600) AS n`);
  for (const name of [...BUILT_IN_ROLES, 'clerk']) {
    await admin.query(
      `INSERT INTO sallyport.roles (tenant_id, name, built_in, permissions)
        SELECT id, $1, $2, '{old:one}' FROM sallyport.tenants`,
      [name, name !== 'clerk'],
    );
  }
  const permitted = async () => {
    const { rows } = await admin.query<{ name: string; permissions: string[] }>(
      'SELECT DISTINCT name, permissions FROM sallyport.roles ORDER BY name',
    );
    return rows;
  };

  await recordPermissions(database, registry({ 'invoices:read': read }));
  const first = await permitted();
  // One row a name: the same in every tenant.
  expect(first.map(({ name }) => name)).toEqual(['admin', 'clerk', 'member', 'owner', 'viewer']);
  const of = (rows: typeof first, role: string) =>
    rows.find(({ name }) => name === role)?.permissions;
  expect(of(first, 'clerk')).toEqual(['old:one']);
  expect(of(first, 'owner')).toEqual([...Object.keys(OWN_PERMISSIONS), 'invoices:read'].toSorted());
  expect(of(first, 'viewer')).toContain('invoices:read');
  expect(of(first, 'admin')).not.toContain('invoices:read');
  expect(of(first, 'admin')).not.toContain('tenant:delete');

  // Another application of the same database, and a changed mind about the first one's.
  const changed: PermissionDeclaration = { text: 'See invoices', roles: ['admin'] };
  await recordPermissions(database, registry({ 'notes:read': { text: 'x', roles: ['viewer'] } }));
  await recordPermissions(database, registry({ 'invoices:read': changed }));
  const second = await permitted();
  expect(of(second, 'viewer')).toContain('notes:read');
  expect(of(second, 'viewer')).not.toContain('invoices:read');
  expect(of(second, 'admin')).toContain('invoices:read');
  expect(second).toHaveLength(5);
});
