// @fastify/session with its sessions in PostgreSQL, `as-it-comes` or `tuned`: tuned writes a
// session only when it has changed. Identity, membership, role and row are one statement.
import cookie from '@fastify/cookie';
import csrfProtection from '@fastify/csrf-protection';
import session from '@fastify/session';
import connectPgSimple from 'connect-pg-simple';
import { fastify } from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 16,
  // Under steady load none would be idle; here others are asked in between.
  idleTimeoutMillis: 0,
});
const PostgresStore = connectPgSimple(session);
const tuned = process.argv[2] === 'tuned';
const tuning = tuned ? { rolling: false, saveUninitialized: false } : {};

// As behind a proxy that ends TLS: its cookies are Secure, and are not set on plain HTTP.
const app = fastify({ trustProxy: true });
await app.register(cookie);
await app.register(session, {
  secret: process.env.SECRET,
  store: new PostgresStore({ pool, schemaName: 'fastify_session' }),
  ...tuning,
});
await app.register(csrfProtection, { sessionPlugin: '@fastify/session' });

const ALLOWED = `FROM sallyport.identities AS i
  JOIN sallyport.memberships AS m ON m.identity_id = i.id AND m.tenant_id = $2
  JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role`;
const CONDITION = 'i.id = $1 AND i.disabled_at IS NULL';
const COLUMNS = 'v.id, v.customer, v.number, v.total';

const READ = `SELECT ${COLUMNS} ${ALLOWED}
  JOIN invoices AS v ON v.tenant_id = m.tenant_id AND v.id = $3
  WHERE ${CONDITION} AND 'invoices:read' = ANY (r.permissions)`;
const WRITE = `UPDATE invoices AS v SET total = v.total + 1 ${ALLOWED}
  WHERE v.tenant_id = m.tenant_id AND v.id = $3
    AND ${CONDITION} AND 'invoices:write' = ANY (r.permissions)
  RETURNING ${COLUMNS}`;

const answer = (name, text) => async (request, reply) => {
  const { identityId, tenantId } = request.session;
  if (!identityId) return reply.code(401).send();
  const values = [identityId, tenantId, request.params.id];
  const { rows } = await pool.query({ name, text, values });
  return rows[0] ?? reply.callNotFound();
};
const checkToken = (request, reply, next) => app.csrfProtection(request, reply, next);
app.get('/invoices/:id', answer('read', READ));
app.post('/invoices/:id', { onRequest: checkToken }, answer('write', WRITE));

await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${app.server.address().port}\n`);
process.once('SIGTERM', () => process.exit(0));
