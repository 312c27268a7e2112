"""The gate of an application behind a gateway, on the raw ASGI scope."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .claims import Claims
from .key_set import FetchedKeySet, FixedKeySet
from .principal import Asserted, Principal, keep
from .refusals import (
    BODY_TOO_LARGE,
    KEYS_UNAVAILABLE,
    NOT_FORWARDED,
    AssertionRejectedError,
    Problem,
    RefusedError,
)
from .verifier import ArrivedRequest, Verifier, is_unbound

_HEADER = b"sallyport-assertion"
_log = logging.getLogger("sallyport_fastapi")


class SallyportMiddleware:
    """Lets through what the gateway has forwarded as it arrived, and nothing else.

    Everything is refused that has no assertion for exactly this method, path, query and body,
    whatever route it is for. Bodies are read once, compared, and handed on. Add it last, so that it
    is the first to see a request:

        app.add_middleware(
            SallyportMiddleware,
            issuer="https://app.example.com",
            audience="invoices",
            jwks_url="http://127.0.0.1:4000/.well-known/jwks.json",
        )

    `unasserted_paths` are what the gateway itself asks for, in nobody's name: the OpenAPI document
    and a health check. A GET of exactly such a path, without a query and without a body, is let
    through as nobody's.

    An assertion is taken once in the life of the process. Paths are compared as they were sent, so
    neither uvicorn's `--root-path` nor a proxy between gateway and application may change them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        keys: Mapping[str, Any] | None = None,
        insecure_jwks_url: bool = False,
        unasserted_paths: Collection[str] = (),
        body_bytes_max: int = 16 * 1024 * 1024,
        now: Callable[[], float] = time.time,
    ) -> None:
        if (jwks_url is None) == (keys is None):
            raise ValueError("either jwks_url or keys is needed")
        key_set = (
            FixedKeySet(keys)
            if keys is not None
            else FetchedKeySet(jwks_url or "", insecure=insecure_jwks_url)
        )
        self._app = app
        self._verifier = Verifier(issuer=issuer, audience=audience, key_set=key_set)
        self._unasserted = frozenset(path.encode("ascii") for path in unasserted_paths)
        self._body_bytes_max = body_bytes_max
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(receive, send)
        try:
            await self._forwarded(scope, receive, exchange)
        except AssertionRejectedError as rejection:
            exchange.problem = _problem_of(rejection)
        except RefusedError as refused:
            exchange.problem = refused.problem
        except Exception:
            # What an application makes of a body that it was refused is not its fault.
            if exchange.problem is None:
                raise
        if exchange.problem is not None:
            await exchange.refuse(exchange.problem)

    async def _forwarded(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        if self._is_unasserted(scope):
            keep(scope, Asserted(None, unbound=False))
            return await self._app(scope, exchange.replaying(b""), exchange.send)
        claims = await self._verified(scope)
        asserted = Asserted(_principal_of(claims), unbound=is_unbound(claims))
        keep(scope, asserted)
        if asserted.unbound:
            self._verifier.take(claims, None, self._now())
            return await self._app(scope, exchange.guarded(asserted), exchange.send)
        body = await _read(receive, self._body_bytes_max)
        if body is not None:
            self._verifier.take(claims, body, self._now())
            await self._app(scope, exchange.replaying(body), exchange.send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Its handshake is a GET without a body; refused before it is accepted, it is a 403."""
        try:
            claims = await self._verified({**scope, "method": "GET"})
            self._verifier.take(claims, None if is_unbound(claims) else b"", self._now())
            # Its messages come later, and are bound to nothing.
            keep(scope, Asserted(_principal_of(claims), unbound=False))
            await self._app(scope, receive, send)
        except AssertionRejectedError as rejection:
            _problem_of(rejection)
            await send({"type": "websocket.close", "code": 1008})
        except RefusedError:
            await send({"type": "websocket.close", "code": 1008})

    def _is_unasserted(self, scope: Scope) -> bool:
        return (
            scope["method"] == "GET"
            and scope.get("raw_path") in self._unasserted
            and not scope["query_string"]
            and not any(name.lower() == _HEADER for name, _ in scope["headers"])
        )

    async def _verified(self, scope: Scope) -> Claims:
        values = [value for name, value in scope["headers"] if name.lower() == _HEADER]
        if not values:
            raise AssertionRejectedError("missing")
        if len(values) > 1:
            raise AssertionRejectedError("malformed")
        path = scope.get("raw_path")
        if not isinstance(path, bytes):
            raise RuntimeError("this server does not say raw_path, which is what is compared")
        request = ArrivedRequest(scope["method"], path, scope["query_string"])
        return await self._verifier.verify(values[0].decode("latin-1"), request, self._now())


def _principal_of(claims: Claims) -> Principal | None:
    if claims.sub is None:
        return None
    return Principal(claims.sub, claims.tenant, claims.permissions, claims.proof)


def _problem_of(rejection: AssertionRejectedError) -> Problem:
    _log.warning("%s", rejection)
    return KEYS_UNAVAILABLE if rejection.code == "keys-unavailable" else NOT_FORWARDED


async def _read(receive: Receive, bytes_max: int) -> bytes | None:
    """The whole body; None where the client is gone before it is there."""
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > bytes_max:
            raise RefusedError(BODY_TOO_LARGE)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


class _Exchange:
    """The two directions of one request, and whether an answer has begun."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._started = False
        self.problem: Problem | None = None

    async def send(self, message: Message) -> None:
        # What the application makes of a body that it was refused is no answer.
        if self.problem is None:
            self._started = True
            await self._send(message)

    def replaying(self, body: bytes) -> Receive:
        message: Message | None = {"type": "http.request", "body": body, "more_body": False}

        async def receive() -> Message:
            nonlocal message
            if message is None:
                return await self._receive()
            first, message = message, None
            return first

        return receive

    def guarded(self, asserted: Asserted) -> Receive:
        """A body that is not bound is read by operations that have said that they take it."""

        async def receive() -> Message:
            if not asserted.takes_unbound and not self._started:
                self.problem = _problem_of(AssertionRejectedError("unbound"))
                raise RefusedError(self.problem)
            return await self._receive()

        return receive

    async def refuse(self, problem: Problem) -> None:
        if self._started:
            raise RuntimeError("the request was refused after its answer had begun")
        self._started = True
        body = problem.body()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        start: Message = {
            "type": "http.response.start",
            "status": problem.status,
            "headers": headers,
        }
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
