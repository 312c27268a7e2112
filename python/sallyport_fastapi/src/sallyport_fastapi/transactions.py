"""Transactions in which the database itself knows whom a request is for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from .principal import Principal
from .refusals import FORBIDDEN, NOT_SIGNED_IN, RefusedError

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record
    from asyncpg.pool import PoolConnectionProxy

Isolation = Literal["read_committed", "repeatable_read", "serializable"]

# One statement, so that nothing runs between them: the decision, the role whose rows row-level
# security judges whatever the login may do, and the proof that its policies look up.
_OPENING = """SELECT set_config('role', 'sallyport_app', true),
  set_config('sallyport.proof', $1, true)
  FROM sallyport.{decision}($1, $2)"""

_OPENINGS = {
    True: _OPENING.format(decision="require_transaction"),
    False: _OPENING.format(decision="require_transaction_for_write"),
}

_REFUSALS = {"SP401": NOT_SIGNED_IN, "SP403": FORBIDDEN}


@asynccontextmanager
async def principal_transaction(
    pool: "Pool[Record]",
    principal: Principal,
    *,
    permission: str | None = None,
    readonly: bool = False,
    isolation: Isolation | None = None,
) -> "AsyncIterator[Connection[Record] | PoolConnectionProxy[Record]]":
    """A transaction of asyncpg, in PostgreSQL or CockroachDB, for this principal.

    The database decides at its beginning: where the session has ended meanwhile or the permission
    is gone, the request is answered with 401 or 403. Then every table under row-level security
    shows the principal's rows, and takes no others. A sign-out or a lost membership waits for a
    transaction that writes; with `readonly` it does not, and nothing can be written.

    Raises RuntimeError where the gateway is not configured to hand out proofs for this upstream.
    """
    import asyncpg

    if principal.proof is None:
        raise RuntimeError("the assertion carries no proof: see docs/fastapi.md")
    async with pool.acquire() as connection:
        async with connection.transaction(isolation=isolation, readonly=readonly):
            try:
                await connection.fetchrow(_OPENINGS[readonly], principal.proof, permission)
            except asyncpg.PostgresError as error:
                problem = _REFUSALS.get(error.sqlstate or "")
                if problem is None:
                    raise
                raise RefusedError(problem) from None
            yield connection
