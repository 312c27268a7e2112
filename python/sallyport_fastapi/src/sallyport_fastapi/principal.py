"""Whom a request is for, and the dependencies that ask it."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope

from .refusals import (
    FORBIDDEN,
    NOT_FORWARDED,
    NOT_SIGNED_IN,
    AssertionRejectedError,
    RefusedError,
)

_SCOPE_KEY = "sallyport"
_log = logging.getLogger("sallyport_fastapi")


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom the gateway has asserted, for this request and no other.

    The permissions are those of the moment in which it was forwarded. `proof` is a secret: with it
    `principal_transaction` has the database know the same.
    """

    identity_id: str
    tenant_id: str | None
    permissions: frozenset[str]
    proof: str | None = field(repr=False)


@dataclass(slots=True)
class Asserted:
    """What the middleware has found out, for the dependencies that run later."""

    principal: Principal | None
    unbound: bool
    takes_unbound: bool = False

    def take_body(self, unbound: bool) -> None:
        """Refuses a body that nobody has bound where the operation does not expect one."""
        if self.unbound and not unbound:
            _log.warning("%s", AssertionRejectedError("unbound"))
            raise RefusedError(NOT_FORWARDED)
        self.takes_unbound = unbound


def keep(scope: Scope, asserted: Asserted) -> None:
    scope[_SCOPE_KEY] = asserted


def _asserted(connection: HTTPConnection) -> Asserted:
    asserted = connection.scope.get(_SCOPE_KEY)
    if not isinstance(asserted, Asserted):
        raise RuntimeError("SallyportMiddleware is not installed: app.add_middleware(...)")
    return asserted


def require(
    permission: str | None = None, *, unbound: bool = False
) -> Callable[[HTTPConnection], Awaitable[Principal]]:
    """A dependency that answers whom the request is for.

    Without a permission anybody will do who is signed in. With `unbound` the operation is one that
    the gateway streams, a GET too, and its body is not bound to the assertion: it must read
    `request.stream()` itself, because what FastAPI parses it reads before any dependency runs.
    """

    async def required(connection: HTTPConnection) -> Principal:
        asserted = _asserted(connection)
        principal = asserted.principal
        if principal is None:
            raise RefusedError(NOT_SIGNED_IN)
        if permission is not None and permission not in principal.permissions:
            raise RefusedError(FORBIDDEN)
        asserted.take_body(unbound)
        return principal

    return required


async def visitor(connection: HTTPConnection) -> Principal | None:
    """A dependency for operations that are open to all: None where nobody is signed in."""
    return _visitor(connection, unbound=False)


async def streaming_visitor(connection: HTTPConnection) -> Principal | None:
    """The same for a route that the gateway streams; see `unbound` of `require`."""
    return _visitor(connection, unbound=True)


def _visitor(connection: HTTPConnection, *, unbound: bool) -> Principal | None:
    asserted = _asserted(connection)
    asserted.take_body(unbound)
    return asserted.principal
