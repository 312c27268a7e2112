"""Notes for teams: FastAPI, asyncpg and PostgreSQL. The holes of its twin are repaired: README.md."""

import socket
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import accounts
import notes
import projects
from database import lifespan
from security import SAFE_METHODS

app = FastAPI(title="Team notes", lifespan=lifespan)

# Repair 3 (CWE-942): the pages come from the same origin, so no CORS header is needed at all.


# Repair 1 (CWE-352): what a browser says comes from elsewhere is refused, sign-in included.
@app.middleware("http")
async def refuse_other_origins(request: Request, call_next):
    if request.method not in SAFE_METHODS and _is_from_elsewhere(request):
        return JSONResponse({"detail": "Sent from another origin"}, 403)
    return await call_next(request)


def _is_from_elsewhere(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


app.include_router(accounts.router)
app.include_router(projects.router)
app.include_router(notes.router)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
