"""principal_transaction on a database with Sallyport's schema; the test of the suite provides it.

UPSTREAM_DATABASE_URL is of a login in sallyport_app, UPSTREAM_OWNER_URL of one past all policies.
There is a table `notes` of tenants, and in UPSTREAM_PROOF what a gateway hands out for a member of
UPSTREAM_TENANT who may `notes:write` there.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from sallyport_fastapi import Principal, RefusedError, principal_transaction

asyncpg = pytest.importorskip("asyncpg")
if TYPE_CHECKING:
    from asyncpg import Pool, Record

pytestmark = pytest.mark.skipif(
    "UPSTREAM_DATABASE_URL" not in os.environ, reason="UPSTREAM_DATABASE_URL is not set"
)

TENANT = os.environ.get("UPSTREAM_TENANT", "")
ADA = Principal("ada", TENANT, frozenset(), os.environ.get("UPSTREAM_PROOF"))


def run(
    work: "Callable[[Pool[Record]], Awaitable[None]]", url: str = "UPSTREAM_DATABASE_URL"
) -> None:
    async def with_pool() -> None:
        async with asyncpg.create_pool(os.environ[url], min_size=1, max_size=1) as pool:
            await work(pool)

    asyncio.run(with_pool())


def test_the_database_shows_the_rows_of_the_tenant_and_takes_no_others() -> None:
    async def work(pool: "Pool[Record]") -> None:
        async with principal_transaction(pool, ADA) as connection:
            rows = await connection.fetch("SELECT tenant_id::TEXT, text FROM notes")
            assert [tuple(row) for row in rows] == [(TENANT, "ours")]
            await connection.execute("INSERT INTO notes VALUES ($1, 'written')", TENANT)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with principal_transaction(pool, ADA) as connection:
                await connection.execute(
                    "INSERT INTO notes VALUES ('00000000-0000-4000-8000-000000000000', 'planted')"
                )
        async with principal_transaction(pool, ADA, permission="notes:write") as connection:
            assert await connection.execute("DELETE FROM notes WHERE text <> 'ours'") == "DELETE 1"

    run(work)


def test_nothing_of_it_is_left_on_the_connection() -> None:
    async def work(pool: "Pool[Record]") -> None:
        async with principal_transaction(pool, ADA):
            pass
        assert await pool.fetch("SELECT * FROM notes") == []
        with pytest.raises(ZeroDivisionError):
            async with principal_transaction(pool, ADA) as connection:
                await connection.execute("INSERT INTO notes VALUES ($1, 'undone')", TENANT)
                raise ZeroDivisionError
        assert await pool.fetch("SELECT * FROM notes") == []
        async with principal_transaction(pool, ADA) as connection:
            assert len(await connection.fetch("SELECT * FROM notes")) == 1

    run(work)


def test_a_login_that_may_see_everything_sees_what_the_principal_may() -> None:
    async def work(pool: "Pool[Record]") -> None:
        assert len(await pool.fetch("SELECT * FROM notes")) == 2
        with pytest.raises(RefusedError):
            # The proof is for the other login.
            async with principal_transaction(pool, ADA):
                pass
        owner = Principal("ada", TENANT, frozenset(), os.environ["UPSTREAM_OWNER_PROOF"])
        async with principal_transaction(pool, owner) as connection:
            assert len(await connection.fetch("SELECT * FROM notes")) == 1

    run(work, "UPSTREAM_OWNER_URL")


def test_a_readonly_transaction_writes_nothing() -> None:
    async def work(pool: "Pool[Record]") -> None:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with principal_transaction(pool, ADA, readonly=True) as connection:
                assert len(await connection.fetch("SELECT * FROM notes")) == 1
                await connection.execute("DELETE FROM notes")

    run(work)


@pytest.mark.parametrize("readonly", [True, False])
def test_the_database_refuses_what_is_not_or_no_longer_so(readonly: bool) -> None:
    async def work(pool: "Pool[Record]") -> None:
        made_up = Principal("ada", TENANT, frozenset(), f"transaction {'0' * 64}")
        with pytest.raises(RefusedError) as refused:
            async with principal_transaction(pool, made_up, readonly=readonly):
                pass
        assert refused.value.problem.status == 401
        with pytest.raises(RefusedError) as refused:
            async with principal_transaction(
                pool, ADA, permission="payments:write", readonly=readonly
            ):
                pass
        assert refused.value.problem.status == 403

    run(work)


def test_without_a_proof_there_is_no_transaction() -> None:
    async def work(pool: "Pool[Record]") -> None:
        with pytest.raises(RuntimeError, match="carries no proof"):
            async with principal_transaction(pool, Principal("ada", TENANT, frozenset(), None)):
                pass

    run(work)
