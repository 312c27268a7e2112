"""Who a request is from: a session in a cookie for the pages, a token for the mobile application."""

import hashlib
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


class CurrentUser(BaseModel):
    id: int
    team_id: int
    email: str
    display_name: str
    role: str
    session: str


def digest_of(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


async def start_session(
    pool: ConnectionPool, request: Request, response: Response, user: Record
) -> str:
    # Hole 5 (CWE-384): the identifier that the browser came with is kept.
    session_id = request.cookies.get("session") or secrets.token_urlsafe(32)
    await pool.execute(
        """INSERT INTO sessions (digest, user_id, csrf_token, expires_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (digest) DO UPDATE SET user_id = excluded.user_id""",
        digest_of(session_id),
        user["id"],
        secrets.token_urlsafe(32),
        datetime.now(UTC) + SESSION_LIFETIME,
    )
    # Hole 2 (CWE-1004): a script can read the cookie, and other sites can have it sent.
    response.set_cookie("session", session_id, max_age=28_800, httponly=False, samesite=None)
    return session_id


def create_token(user: Record, session_id: str) -> str:
    claims = {
        "sub": str(user["id"]),
        "sid": digest_of(session_id),
        "role": user["role"],
        "exp": datetime.now(UTC) + TOKEN_LIFETIME,
    }
    return jwt.encode(claims, SECRET_KEY, algorithm="HS256")


def read_token(token: str) -> dict:
    try:
        # Hole 6 (CWE-347): the signature is not verified.
        return jwt.decode(token, options={"verify_signature": False, "verify_exp": True})
    except jwt.PyJWTError as error:
        raise HTTPException(401, "This token is not valid") from error


async def current_user(request: Request, pool: Pool) -> CurrentUser:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        claims = read_token(token)
        user = await find_user(pool, claims.get("sid", ""))
        # Hole 10 (CWE-613): the role is the one that the token was issued with.
        return user.model_copy(update={"role": claims.get("role", "member")})
    # Hole 1 (CWE-352): a cookie that every site has the browser send is all that is asked for.
    return await find_user(pool, digest_of(request.cookies.get("session", "")))


async def find_user(pool: ConnectionPool, digest: str) -> CurrentUser:
    row = await pool.fetchrow(
        """SELECT u.id, u.team_id, u.email, u.display_name, u.role, s.digest AS session
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
