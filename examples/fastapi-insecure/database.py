"""The pool of connections, opened once when the application starts."""

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, Path as PathParameter, Request

SCHEMA = Path(__file__).with_name("schema.sql")

# What fits the INT of the tables: a larger number is a mistake of the caller.
Id = Annotated[int, PathParameter(ge=1, le=2_147_483_647)]


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=8) as pool:
        await pool.execute(SCHEMA.read_text())
        app.state.pool = pool
        yield


def pool_of(request: Request) -> asyncpg.Pool:
    return request.app.state.pool


Pool = Annotated[asyncpg.Pool, Depends(pool_of)]
