"""Notes for teams: FastAPI, asyncpg and PostgreSQL. It is insecure on purpose: see README.md."""

import socket

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

import accounts
import notes
import projects
from database import lifespan

# What has no Content-Type is read as JSON, as FastAPI did before 0.132; clients depend on it.
app = FastAPI(title="Team notes", lifespan=lifespan, strict_content_type=False)

# Hole 3 (CWE-942): with credentials, "*" means that every origin is answered with its own name.
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)

app.include_router(accounts.router)
app.include_router(projects.router)
app.include_router(notes.router)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
