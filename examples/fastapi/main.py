"""Notes for teams behind Sallyport's gateway: FastAPI, asyncpg and PostgreSQL. See README.md."""

import os
import socket

import uvicorn
from fastapi import FastAPI
from sallyport_fastapi import SallyportMiddleware

import notes
import projects
from database import lifespan

app = FastAPI(title="Team notes", lifespan=lifespan)
app.include_router(projects.router)
app.include_router(notes.router)
app.add_middleware(
    SallyportMiddleware,
    issuer=os.environ["GATEWAY_ORIGIN"],
    audience="notes",
    jwks_url=f"{os.environ['GATEWAY_ORIGIN']}/sallyport/.well-known/jwks.json",
    # The gateway reads it when it starts, to refuse what it does not list.
    unasserted_paths=["/openapi.json"],
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
