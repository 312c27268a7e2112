"""Signing in and out, the own profile, and the members of the team."""

from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel, Field

from database import Id, Pool
from passwords import (
    check_attempts,
    check_new_password,
    count_failure,
    forget_failures,
    hash_password,
    verify_password,
)
from security import Admin, User, create_token, start_session

router = APIRouter(prefix="/api", tags=["accounts"])


class Credentials(BaseModel):
    email: str = Field(max_length=200)
    password: str = Field(max_length=256)


class SignedIn(BaseModel):
    access_token: str
    token_type: str = "bearer"


class Profile(BaseModel):
    id: int
    team_id: int
    email: str
    display_name: str
    role: str


class PasswordChange(BaseModel):
    current_password: str = Field(max_length=256)
    new_password: str = Field(max_length=1024)


class Member(BaseModel):
    id: int
    display_name: str
    role: str


class MemberAddress(Member):
    email: str


class NewMember(BaseModel):
    email: str = Field(max_length=200, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    display_name: str = Field(min_length=1, max_length=100)
    password: str = Field(max_length=1024)


class RoleChange(BaseModel):
    role: Literal["member", "admin"]


@router.post("/login")
async def login(body: Credentials, request: Request, response: Response, pool: Pool) -> SignedIn:
    check_attempts(body.email)
    row = await pool.fetchrow("SELECT * FROM users WHERE email = $1", body.email.lower())
    if not verify_password(body.password, row["password_hash"] if row else None):
        count_failure(body.email)
        raise HTTPException(401, "Wrong address or password")
    forget_failures(body.email)
    session_id = await start_session(pool, request, response, row)
    return SignedIn(access_token=create_token(row, session_id))


@router.post("/logout", status_code=204)
async def logout(user: User, response: Response, pool: Pool) -> None:
    await pool.execute("DELETE FROM sessions WHERE digest = $1", user.session)
    response.delete_cookie("session")


@router.get("/me")
async def me(user: User) -> Profile:
    return Profile(**user.model_dump())


@router.post("/me")
async def change_profile(
    user: User, pool: Pool, display_name: Annotated[str, Form(min_length=1, max_length=100)]
) -> Profile:
    await pool.execute("UPDATE users SET display_name = $2 WHERE id = $1", user.id, display_name)
    return Profile(**user.model_dump() | {"display_name": display_name})


@router.post("/me/password", status_code=204)
async def change_password(body: PasswordChange, user: User, pool: Pool) -> None:
    check_attempts(user.email)
    stored = await pool.fetchval("SELECT password_hash FROM users WHERE id = $1", user.id)
    if not verify_password(body.current_password, stored):
        count_failure(user.email)
        raise HTTPException(403, "The current password is wrong")
    check_new_password(body.new_password, user.email)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1",
            user.id,
            hash_password(body.new_password),
        )
        await connection.execute("DELETE FROM sessions WHERE user_id = $1", user.id)


@router.get("/members")
async def list_members(user: User, pool: Pool) -> list[Member]:
    rows = await pool.fetch(
        "SELECT id, display_name, role FROM users WHERE team_id = $1 ORDER BY id", user.team_id
    )
    return [Member(**row) for row in rows]


@router.get("/members/addresses")
async def list_addresses(admin: Admin, pool: Pool) -> list[MemberAddress]:
    rows = await pool.fetch(
        "SELECT id, display_name, role, email FROM users WHERE team_id = $1 ORDER BY id",
        admin.team_id,
    )
    return [MemberAddress(**row) for row in rows]


@router.post("/members", status_code=201)
async def add_member(body: NewMember, admin: Admin, pool: Pool) -> Member:
    check_new_password(body.password, body.email)
    try:
        row = await pool.fetchrow(
            """INSERT INTO users (team_id, email, display_name, password_hash)
               VALUES ($1, $2, $3, $4) RETURNING id, display_name, role""",
            admin.team_id,
            body.email.lower(),
            body.display_name,
            hash_password(body.password),
        )
    except asyncpg.UniqueViolationError as error:
        raise HTTPException(409, "This address has an account already") from error
    return Member(**row)


@router.patch("/members/{member_id}")
async def change_role(member_id: Id, body: RoleChange, admin: Admin, pool: Pool) -> Member:
    row = await pool.fetchrow(
        """UPDATE users SET role = $3 WHERE id = $1 AND team_id = $2
           RETURNING id, display_name, role""",
        member_id,
        admin.team_id,
        body.role,
    )
    if row is None:
        raise HTTPException(404, "No such member")
    return Member(**row)


@router.delete("/members/{member_id}", status_code=204)
async def remove_member(member_id: Id, admin: Admin, pool: Pool) -> None:
    removed = await pool.fetchval(
        "DELETE FROM users WHERE id = $1 AND team_id = $2 AND id <> $3 RETURNING id",
        member_id,
        admin.team_id,
        admin.id,
    )
    if removed is None:
        raise HTTPException(404, "No such member")
