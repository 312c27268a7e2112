"""FastAPI and asyncpg: session, identity, membership, role and row in one statement."""

import hashlib
import os
import re
import socket
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

FUSED = """SELECT v.id::TEXT AS id, v.customer, v.number, v.total
  FROM sallyport.sessions AS s
  JOIN sallyport.session_activity AS a ON a.session_id = s.id
  JOIN sallyport.identities AS i ON i.id = s.identity_id
  JOIN sallyport.memberships AS m ON m.tenant_id = s.tenant_id AND m.identity_id = s.identity_id
  JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
  JOIN invoices AS v ON v.tenant_id = s.tenant_id AND v.id = $2
  WHERE s.proof_digest = $1 AND s.expires_at > now()
    AND a.last_seen_at > now() - INTERVAL '1 hour'
    AND i.disabled_at IS NULL AND 'invoices:read' = ANY (r.permissions)"""

listener = socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def lifespan(app: FastAPI):
    url = os.environ["DATABASE_URL"]
    sizes = {"min_size": 16, "max_size": 16}
    # Under steady load none would be idle; here others are asked in between.
    async with asyncpg.create_pool(
        url, **sizes, ssl=False, max_inactive_connection_lifetime=0
    ) as pool:
        app.state.pool = pool
        print(f"http://localhost:{listener.getsockname()[1]}", flush=True)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/invoices/{invoice_id}")
async def invoice(invoice_id: str, request: Request) -> Response:
    proof = request.cookies.get("session", "")
    if not re.fullmatch("[0-9a-f]{64}", proof):
        return Response(status_code=401)
    digest = hashlib.sha256(proof.encode()).hexdigest()
    row = await app.state.pool.fetchrow(FUSED, digest, invoice_id)
    return JSONResponse(dict(row)) if row else Response(status_code=404)


config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)
uvicorn.Server(config).run(sockets=[listener])
