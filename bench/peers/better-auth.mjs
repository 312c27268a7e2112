// better-auth: `migrate` makes its tables; `session` finds the session with its API and the
// membership with a query of ours; `organization` asks its organization plugin for the permission.
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { organization } from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { fastify } from 'fastify';
import pg from 'pg';

const access = createAccessControl({ invoice: ['read', 'write'] });
const roles = { bookkeeper: access.newRole({ invoice: ['read', 'write'] }) };

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  options: '-c search_path=better_auth,public',
  max: 16,
  // Under steady load none would be idle; here others are asked in between.
  idleTimeoutMillis: 0,
});
const [, , mode] = process.argv;
const options = {
  baseURL: 'https://app.example.com',
  secret: process.env.SECRET,
  database: pool,
  emailAndPassword: { enabled: true },
  plugins: mode === 'session' ? [] : [organization({ ac: access, roles })],
};

if (mode === 'migrate') {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  await pool.end();
} else {
  await serve(betterAuth(options));
}

async function serve(auth) {
  const app = fastify();
  app.get('/invoices/:id', async (request, reply) => {
    const headers = new Headers({ cookie: request.headers.cookie ?? '' });
    const found = await auth.api.getSession({ headers });
    if (!found) return reply.code(401).send();
    const tenantId =
      mode === 'session'
        ? await tenantOfMember(found.user.id)
        : await tenantOfPlugin(auth, headers, found.session);
    if (!tenantId) return reply.code(403).send();
    const { rows } = await pool.query({
      name: 'invoice',
      text: 'SELECT id, customer, number, total FROM invoices WHERE tenant_id = $1 AND id = $2',
      values: [tenantId, request.params.id],
    });
    return rows[0] ?? reply.callNotFound();
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  process.stdout.write(`http://localhost:${app.server.address().port}\n`);
  process.once('SIGTERM', () => process.exit(0));
}

async function tenantOfMember(userId) {
  const { rows } = await pool.query({
    name: 'membership',
    text: `SELECT m.tenant_id, r.permissions FROM sallyport.memberships AS m
      JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
      WHERE m.identity_id = $1`,
    values: [userId],
  });
  return rows[0]?.permissions.includes('invoices:read') ? rows[0].tenant_id : null;
}

async function tenantOfPlugin(auth, headers, session) {
  const { success } = await auth.api.hasPermission({
    headers,
    body: { permissions: { invoice: ['read'] } },
  });
  return success ? session.activeOrganizationId : null;
}
