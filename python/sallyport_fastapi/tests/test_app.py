"""A FastAPI application behind the gate, asked by httpx as a gateway would, and past it."""

import asyncio
import logging
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, File, Form, Request, UploadFile, WebSocket
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sallyport_fastapi import (
    Principal,
    SallyportMiddleware,
    require,
    streaming_visitor,
    visitor,
)

from .asgi import ask
from .gateway import AUDIENCE, ISSUER, NOBODY, Gateway

Reader = Annotated[Principal, Depends(require("invoices:read"))]
Writer = Annotated[Principal, Depends(require("invoices:write"))]

gateway = Gateway()
done: list[str] = []


class Invoice(BaseModel):
    total: int


def make_app(**options: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/invoices")
    async def list_invoices(principal: Reader, limit: int = 10) -> dict[str, Any]:
        return {"for": principal.identity_id, "tenant": principal.tenant_id, "limit": limit}

    @app.post("/invoices")
    async def create_invoice(invoice: Invoice, principal: Writer) -> dict[str, Any]:
        done.append("created")
        return {"for": principal.identity_id, "total": invoice.total}

    @app.post("/forms")
    async def take_form(
        principal: Reader, name: Annotated[str, Form()], file: Annotated[UploadFile, File()]
    ) -> dict[str, Any]:
        return {"name": name, "bytes": len(await file.read())}

    @app.post("/uploads")
    async def upload(
        request: Request,
        principal: Annotated[Principal, Depends(require("invoices:read", unbound=True))],
    ) -> dict[str, Any]:
        return {"bytes": sum([len(chunk) async for chunk in request.stream()])}

    @app.post("/uploads/undeclared")
    async def upload_undeclared(request: Request) -> dict[str, Any]:
        done.append(f"{len(await request.body())} bytes")
        return {}

    @app.post("/uploads/parsed")
    async def upload_parsed(
        file: Annotated[UploadFile, File()],
        principal: Annotated[Principal, Depends(require("invoices:read", unbound=True))],
    ) -> dict[str, Any]:
        done.append("parsed")
        return {}

    @app.get("/welcome")
    async def welcome(
        principal: Annotated[Principal | None, Depends(visitor)],
    ) -> dict[str, Any]:
        return {"for": principal and principal.identity_id}

    @app.get("/news")
    async def news(
        principal: Annotated[Principal | None, Depends(streaming_visitor)],
    ) -> StreamingResponse:
        return StreamingResponse(iter([f"for {principal and principal.identity_id}"]))

    @app.websocket("/events")
    async def events(websocket: WebSocket, principal: Reader) -> None:
        await websocket.accept()
        await websocket.send_text(principal.identity_id)
        await websocket.close()

    app.add_middleware(
        SallyportMiddleware,
        issuer=ISSUER,
        audience=AUDIENCE,
        **({"keys": gateway.keys} | options),
    )
    return app


app = make_app()


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()




def request(
    method: str, url: str, *, body: bytes = b"", headers: dict[str, str] | None = None, **claims: Any
) -> httpx.Response:
    async def sent() -> httpx.Response:
        path, mark, query = url.partition("?")
        said = {"body": body, "query": query if mark else None} | claims
        assertion = gateway.asserts(method, path, **said)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://upstream") as client:
            return await client.request(
                method,
                url,
                content=body,
                headers=[*assertion, *_pairs(headers or {})],
            )

    return asyncio.run(sent())


def _pairs(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


JSON = {"content-type": "application/json"}


def test_a_route_learns_whom_the_request_is_for() -> None:
    answer = request("GET", "/invoices?limit=3")
    assert answer.status_code == 200
    assert answer.json() == {"for": "ada", "tenant": "engines", "limit": 3}


def test_a_body_is_read_once_and_handed_on() -> None:
    answer = request(
        "POST", "/invoices", body=b'{"total": 7}', headers=JSON, permissions=["invoices:write"]
    )
    assert (answer.status_code, answer.json()) == (200, {"for": "ada", "total": 7})


def test_forms_and_files_are_parsed_from_the_body_that_was_compared() -> None:
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\nplan\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        f"{'x' * 100_000}\r\n--{boundary}--\r\n"
    ).encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    assert request("POST", "/forms", body=body, headers=headers).json() == {
        "name": "plan",
        "bytes": 100_000,
    }


def test_a_permission_that_is_missing_is_refused_before_anything_is_done() -> None:
    answer = request("POST", "/invoices", body=b'{"total": 7}', headers=JSON)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:sallyport:problem:forbidden",
        "title": "This is not permitted.",
        "status": 403,
        "code": "forbidden",
    }
    assert done == []


def test_nobody_is_refused_but_where_everybody_may() -> None:
    assert request("GET", "/invoices", **NOBODY).json()["code"] == "not-signed-in"
    assert request("GET", "/welcome", **NOBODY).json() == {"for": None}
    assert request("GET", "/welcome").json() == {"for": "ada"}


@pytest.mark.parametrize("path", ["/invoices", "/welcome", "/openapi.json", "/docs", "/nowhere"])
def test_past_the_gateway_nothing_is_answered_whatever_the_route(path: str) -> None:
    answer = asyncio.run(ask(app, "GET", path))
    assert (answer.status, answer.json()["code"]) == (401, "not-forwarded")
    forged = [(b"x-user", b"ada"), (b"sallyport_assertion", b"x"), (b"authorization", b"Bearer x")]
    assert asyncio.run(ask(app, "GET", path, headers=forged)).status == 401


def test_another_body_than_was_asserted_is_not_read_by_any_route() -> None:
    said = gateway.asserts("POST", "/invoices", body=b'{"total": 7}', permissions=["invoices:write"])
    headers = [*said, (b"content-type", b"application/json")]
    answer = asyncio.run(ask(app, "POST", "/invoices", headers=headers, chunks=(b'{"total": 8}',)))
    assert (answer.status, done) == (401, [])


def test_two_assertions_are_none() -> None:
    headers = gateway.asserts("GET", "/invoices") + gateway.asserts("GET", "/invoices")
    assert asyncio.run(ask(app, "GET", "/invoices", headers=headers)).status == 401


def test_one_is_taken_once_of_fifty_requests_at_once() -> None:
    headers = gateway.asserts("GET", "/invoices")

    async def at_once() -> list[int]:
        answers = [ask(app, "GET", "/invoices", headers=headers) for _ in range(50)]
        return [answer.status for answer in await asyncio.gather(*answers)]

    assert sorted(asyncio.run(at_once())) == [200] + [401] * 49


def test_a_body_that_is_too_large_is_not_kept() -> None:
    small = make_app(body_bytes_max=1000)
    headers = gateway.asserts("POST", "/invoices", body=b"x" * 1500)
    chunks = (b"x" * 500,) * 3
    answer = asyncio.run(ask(small, "POST", "/invoices", headers=headers, chunks=chunks))
    assert (answer.status, answer.json()["code"]) == (413, "body-too-large")


class TestABodyThatIsNotBound:
    def answer(self, path: str, **claims: Any) -> tuple[int, Any]:
        said = gateway.asserts("POST", path, body=None, **claims)
        headers = [*said, (b"content-type", b"multipart/form-data; boundary=b")]
        chunks = tuple(b"x" * 1000 for _ in range(20))
        answer = asyncio.run(ask(app, "POST", path, headers=headers, chunks=chunks))
        return answer.status, answer.json()

    def test_is_streamed_to_an_operation_that_takes_it(self) -> None:
        assert self.answer("/uploads") == (200, {"bytes": 20_000})

    def test_is_read_by_no_other(self, caplog: pytest.LogCaptureFixture) -> None:
        for path in ["/invoices", "/uploads/undeclared", "/uploads/parsed", "/forms"]:
            with caplog.at_level(logging.WARNING, "sallyport_fastapi"):
                status, problem = self.answer(path, permissions=["invoices:write"])
            assert (path, status, problem["code"]) == (path, 401, "not-forwarded")
            assert caplog.messages == ["identity assertion rejected: unbound"]
            caplog.clear()
        assert done == []

    def test_needs_the_permission_all_the_same(self) -> None:
        status, problem = self.answer("/uploads", permissions=["invoices:write"])
        assert (status, problem["code"]) == (403, "forbidden")

    def test_of_a_read_is_taken_where_its_answer_is_a_stream(self) -> None:
        for claims, body in [({}, b"for ada"), (NOBODY, b"for None")]:
            headers = gateway.asserts("GET", "/news", body=None, **claims)
            answer = asyncio.run(ask(app, "GET", "/news", headers=headers))
            assert (answer.status, answer.body) == (200, body)

    def test_is_not_taken_of_a_read_that_does_not_say_so(self) -> None:
        for path in ["/invoices", "/welcome"]:
            headers = gateway.asserts("GET", path, body=None)
            assert asyncio.run(ask(app, "GET", path, headers=headers)).status == 401


class TestAWebSocket:
    def test_is_accepted_with_an_assertion_for_its_handshake(self) -> None:
        [(name, value)] = gateway.asserts("GET", "/events", query="from=1")
        with TestClient(app) as client:
            headers = {name.decode(): value.decode()}
            with client.websocket_connect("/events?from=1", headers=headers) as socket:
                assert socket.receive_text() == "ada"
            with pytest.raises(WebSocketDisconnect):
                with client.websocket_connect("/events?from=1", headers=headers):
                    pass

    def test_is_refused_without_one_or_without_the_permission(self) -> None:
        forbidden = gateway.asserts("GET", "/events", permissions=[])
        other = gateway.asserts("GET", "/invoices")
        with TestClient(app) as client:
            for said in [[], forbidden, other]:
                headers = {name.decode(): value.decode() for name, value in said}
                with pytest.raises(WebSocketDisconnect):
                    with client.websocket_connect("/events", headers=headers):
                        pass


def test_what_the_gateway_itself_asks_for_is_answered_in_nobodys_name() -> None:
    open_app = make_app(unasserted_paths=["/welcome", "/invoices"])
    answer = asyncio.run(ask(open_app, "GET", "/welcome"))
    assert (answer.status, answer.json()) == (200, {"for": None})
    assert asyncio.run(ask(open_app, "GET", "/invoices")).json()["code"] == "not-signed-in"
    said = gateway.asserts("GET", "/welcome")
    assert asyncio.run(ask(open_app, "GET", "/welcome", headers=said)).json() == {"for": "ada"}
    for method, path, query, headers in [
        ("POST", "/welcome", None, []),
        ("GET", "/welcome/", None, []),
        ("GET", "/%77elcome", None, []),
        ("GET", "/welcome", "a=1", []),
        ("GET", "/welcome", None, [(b"sallyport-assertion", b"x")]),
        ("GET", "/openapi.json", None, []),
    ]:
        refused = asyncio.run(ask(open_app, method, path, query, headers=headers))
        assert (path, refused.status) == (path, 401)


def test_a_proof_is_not_printed() -> None:
    principal = Principal("ada", "engines", frozenset(), "transaction 0123")
    assert "0123" not in repr(principal)


def test_without_the_middleware_no_dependency_answers_anybody() -> None:
    bare = FastAPI()

    @bare.get("/invoices")
    async def list_invoices(principal: Reader) -> None:
        done.append("listed")

    with pytest.raises(RuntimeError, match="SallyportMiddleware"):
        asyncio.run(ask(bare, "GET", "/invoices"))
    assert done == []


@pytest.mark.parametrize(
    "options",
    [
        {"keys": None},
        {"jwks_url": "http://127.0.0.1/"},
        {"keys": None, "jwks_url": "http://gateway/jwks.json"},
        {"keys": None, "jwks_url": "file:///etc/passwd"},
        {"issuer": ""},
        {"audience": ""},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    given = {"issuer": ISSUER, "audience": AUDIENCE, "keys": gateway.keys} | options
    with pytest.raises(ValueError):
        SallyportMiddleware(app, **given)
