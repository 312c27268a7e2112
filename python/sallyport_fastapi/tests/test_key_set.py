"""The gateway's keys: fetched, kept, refreshed, and believed for a while when they cannot be had."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sallyport_fastapi import AssertionRejectedError
from sallyport_fastapi.key_set import FetchedKeySet

from .gateway import Gateway


class Published:
    """Where keys are published. What it answers can change."""

    def __init__(self) -> None:
        self.gateways: list[Gateway] = []
        self.status = 200
        self.body: bytes | None = None
        self.location = ""
        self.requests = 0
        published = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                published.requests += 1
                elsewhere = self.path == "/elsewhere"
                self.send_response(200 if elsewhere else published.status)
                if published.location and not elsewhere:
                    self.send_header("Location", published.location)
                self.end_headers()
                self.wfile.write(published.keys() if elsewhere else published.answer())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self) -> bytes:
        return self.keys() if self.body is None else self.body

    def keys(self) -> bytes:
        keys = [key for gateway in self.gateways for key in gateway.keys["keys"]]
        return json.dumps({"keys": keys}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def published() -> Iterator[Published]:
    published = Published()
    yield published
    published.close()


FIRST = Gateway("first")
SECOND = Gateway("second")


async def code_of(keys: FetchedKeySet, kid: str, now: float) -> str:
    try:
        await keys.find(kid, now)
    except AssertionRejectedError as rejection:
        return rejection.code
    return "found"


def test_they_are_fetched_once_for_many_requests(published: Published) -> None:
    published.gateways = [FIRST]

    async def many() -> None:
        keys = FetchedKeySet(published.url)
        assert await asyncio.gather(*(code_of(keys, "first", 0) for _ in range(50))) == (
            ["found"] * 50
        )

    asyncio.run(many())
    assert published.requests == 1


def test_an_unknown_name_has_them_fetched_again_but_not_every_time(published: Published) -> None:
    published.gateways = [FIRST]

    async def scenario() -> None:
        keys = FetchedKeySet(published.url)
        assert await code_of(keys, "first", 0) == "found"
        published.gateways = [FIRST, SECOND]
        assert await code_of(keys, "second", 11) == "found"
        for name in range(50):
            assert await code_of(keys, f"made-up-{name}", 12) == "key"
        assert published.requests == 2

    asyncio.run(scenario())


def test_they_are_believed_for_an_hour_when_they_cannot_be_fetched(published: Published) -> None:
    published.gateways = [FIRST]

    async def scenario() -> None:
        keys = FetchedKeySet(published.url)
        assert await code_of(keys, "first", 0) == "found"
        published.status = 503
        for minute in range(1, 60):
            assert await code_of(keys, "first", minute * 60) == "found"
            await asyncio.sleep(0)
        assert await code_of(keys, "first", 3600) == "keys-unavailable"
        published.status = 200
        assert await code_of(keys, "first", 3620) == "found"

    asyncio.run(scenario())
    assert published.requests > 2


def test_one_that_was_withdrawn_is_taken_no_longer(published: Published) -> None:
    published.gateways = [FIRST, SECOND]

    async def scenario() -> None:
        keys = FetchedKeySet(published.url)
        assert await code_of(keys, "first", 0) == "found"
        published.gateways = [SECOND]
        assert await code_of(keys, "second", 301) == "found"
        for _ in range(100):
            if await code_of(keys, "first", 302) == "key":
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the withdrawn key is still taken")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "location"),
    [
        (500, b"", ""),
        (200, b"<html>", ""),
        (200, b"[]", ""),
        (200, b'{"keys": 7}', ""),
        (200, b'{"keys": [7]}', ""),
        (200, json.dumps(FIRST.keys).encode() + b" " * 70_000, ""),
        (302, b"", "/elsewhere"),
    ],
)
def test_where_something_else_comes_nothing_is_taken(
    published: Published, status: int, body: bytes, location: str
) -> None:
    published.gateways = [FIRST]
    published.status, published.body, published.location = status, body, location

    async def scenario() -> None:
        keys = FetchedKeySet(published.url)
        assert await code_of(keys, "first", 0) == "keys-unavailable"
        published.status, published.body, published.location = 200, None, ""
        assert await code_of(keys, "first", 11) == "found"

    asyncio.run(scenario())
