"""The pool of connections, whom a request is for, and a transaction in which the database knows."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, Path, Request
from sallyport_fastapi import Principal, principal_transaction, require

# What fits the INT of the tables: a larger number is a mistake of the caller.
Id = Annotated[int, Path(ge=1, le=2_147_483_647)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=8) as pool:
        app.state.pool = pool
        yield


async def reading(
    request: Request, principal: Annotated[Principal, Depends(require("notes:read"))]
) -> AbstractAsyncContextManager[asyncpg.Connection]:
    return principal_transaction(request.app.state.pool, principal, readonly=True)


async def writing(
    request: Request, principal: Annotated[Principal, Depends(require("notes:write"))]
) -> AbstractAsyncContextManager[asyncpg.Connection]:
    return principal_transaction(request.app.state.pool, principal, permission="notes:write")


Reading = Annotated[AbstractAsyncContextManager[asyncpg.Connection], Depends(reading)]
Writing = Annotated[AbstractAsyncContextManager[asyncpg.Connection], Depends(writing)]
Writer = Annotated[Principal, Depends(require("notes:write"))]
