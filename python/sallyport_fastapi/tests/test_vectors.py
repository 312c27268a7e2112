"""The verifier for ASGI against the cases that the one for Node.js is held to as well."""

import asyncio
import base64
import logging
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request

from sallyport_fastapi import Principal, SallyportMiddleware, require, visitor

from .asgi import ask
from .conftest import read_vectors

CASES: list[dict[str, Any]] = read_vectors()["cases"]


def said(principal: Principal | None) -> dict[str, Any] | None:
    if principal is None:
        return None
    return {
        "identityId": principal.identity_id,
        "tenantId": principal.tenant_id,
        "permissions": sorted(principal.permissions),
        "proof": principal.proof,
    }


class Clock:
    now = 0.0


def make_app(vectors: dict[str, Any], unbound: bool) -> FastAPI:
    app = FastAPI(openapi_url=None)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    @app.api_route("/{path:path}", methods=methods)
    async def whole(
        request: Request, principal: Annotated[Principal | None, Depends(visitor)]
    ) -> dict[str, Any]:
        return {"principal": said(principal), "body": (await request.body()).decode()}

    @app.api_route("/unbound{path:path}", methods=methods)
    async def streamed(
        request: Request, principal: Annotated[Principal, Depends(require(unbound=True))]
    ) -> dict[str, Any]:
        body = b"".join([chunk async for chunk in request.stream()])
        return {"principal": said(principal), "body": body.decode()}

    if unbound:
        app.router.routes.pop(0)
        app.add_api_route("/{path:path}", streamed, methods=methods)
    app.add_middleware(
        SallyportMiddleware,
        issuer=vectors["issuer"],
        audience=vectors["audience"],
        keys=vectors["keys"],
        now=lambda: Clock.now,
    )
    return app


APPS = {unbound: make_app(read_vectors(), unbound) for unbound in (False, True)}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_vector(case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    Clock.now = case["now"]
    code = case.get("asgi", case["code"])
    body = base64.urlsafe_b64decode(case["body"] + "==")
    assertion = case["assertion"]
    headers = [] if assertion is None else [(b"Sallyport-Assertion", assertion.encode("utf-8"))]
    chunks = (body[:3], body[3:]) if len(body) > 3 else (body,)
    with caplog.at_level(logging.WARNING, "sallyport_fastapi"):
        answer = asyncio.run(
            ask(
                APPS[case["unbound"]],
                case["method"],
                case["path"],
                case["query"],
                headers=headers,
                chunks=chunks,
            )
        )
    if code is None:
        assert answer.status == 200, caplog.messages
        expected = case.get("principal")
        if expected is not None:
            expected = expected | {"permissions": sorted(expected["permissions"])}
        if "principal" in case and case["method"] != "HEAD":
            assert answer.json() == {"principal": expected, "body": body.decode()}
    else:
        assert caplog.messages == [f"identity assertion rejected: {code}"]
        assert answer.status == 401
        assert answer.headers[b"content-type"] == b"application/problem+json"
        assert answer.json()["code"] == "not-forwarded"
