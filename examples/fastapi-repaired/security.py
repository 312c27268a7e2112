"""Who a request is from: a session in a cookie for the pages, a token for the mobile application."""

import hashlib
import hmac
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from asyncpg import Pool as ConnectionPool, Record
from fastapi import Depends, HTTPException, Request, Response
from pydantic import BaseModel

from database import Pool

SECRET_KEY = os.environ["SECRET_KEY"]
SESSION_LIFETIME = timedelta(hours=8)
TOKEN_LIFETIME = timedelta(minutes=15)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# A browser on this machine may have it over plain HTTP, too: localhost counts as secure.
COOKIE = {"httponly": True, "secure": True, "samesite": "lax", "path": "/"}


class CurrentUser(BaseModel):
    id: int
    team_id: int
    email: str
    display_name: str
    role: str
    session: str
    csrf_token: str


def digest_of(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


async def start_session(
    pool: ConnectionPool, request: Request, response: Response, user: Record
) -> tuple[str, str]:
    # Repair 5 (CWE-384): a new identifier at each sign-in; the browser's earlier one ends.
    session_id = secrets.token_urlsafe(32)
    csrf_token = secrets.token_urlsafe(32)
    await pool.execute(
        "DELETE FROM sessions WHERE digest = $1", digest_of(request.cookies.get("session", ""))
    )
    await pool.execute(
        "INSERT INTO sessions (digest, user_id, csrf_token, expires_at) VALUES ($1, $2, $3, $4)",
        digest_of(session_id),
        user["id"],
        csrf_token,
        datetime.now(UTC) + SESSION_LIFETIME,
    )
    # Repair 2 (CWE-1004): no script reads the cookie, and no form of another site has it sent.
    response.set_cookie("session", session_id, max_age=28_800, **COOKIE)
    return session_id, csrf_token


def create_token(user: Record, session_id: str) -> str:
    claims = {
        "sub": str(user["id"]),
        "sid": digest_of(session_id),
        "exp": datetime.now(UTC) + TOKEN_LIFETIME,
    }
    return jwt.encode(claims, SECRET_KEY, algorithm="HS256")


def read_token(token: str) -> dict:
    try:
        # Repair 6 (CWE-347): one algorithm, and the claims that have to be there.
        return jwt.decode(
            token, SECRET_KEY, algorithms=["HS256"], options={"require": ["exp", "sub", "sid"]}
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, "This token is not valid") from error


async def current_user(request: Request, pool: Pool) -> CurrentUser:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        # Repair 10 (CWE-613): the role is the one that the database has now.
        return await find_user(pool, read_token(token)["sid"])
    user = await find_user(pool, digest_of(request.cookies.get("session", "")))
    # Repair 1 (CWE-352): a write has the session's own token in a header, which no form can send.
    presented = request.headers.get("x-csrf-token", "")
    if request.method not in SAFE_METHODS and not hmac.compare_digest(
        presented.encode(), user.csrf_token.encode()
    ):
        raise HTTPException(403, "The X-CSRF-Token header is missing or wrong")
    return user


async def find_user(pool: ConnectionPool, digest: str) -> CurrentUser:
    row = await pool.fetchrow(
        """SELECT u.id, u.team_id, u.email, u.display_name, u.role,
                  s.digest AS session, s.csrf_token
             FROM sessions AS s JOIN users AS u ON u.id = s.user_id
            WHERE s.digest = $1 AND s.expires_at > now()""",
        digest,
    )
    if row is None:
        raise HTTPException(401, "Sign in first", {"WWW-Authenticate": "Bearer"})
    return CurrentUser(**row)


User = Annotated[CurrentUser, Depends(current_user)]


async def require_admin(user: User) -> CurrentUser:
    if user.role != "admin":
        raise HTTPException(403, "Only for administrators")
    return user


Admin = Annotated[CurrentUser, Depends(require_admin)]
