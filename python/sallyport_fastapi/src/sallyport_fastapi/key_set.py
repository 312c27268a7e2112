"""The keys that the gateway signs with."""

import asyncio
import json
import logging
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import IO, Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import InvalidKeyError

from .refusals import AssertionRejectedError

# As long as the gateway lets its set be kept; then it is fetched again, behind a request.
_FRESH_SECONDS = 300.0
# How long a set is believed when it cannot be fetched: as long as the gateway publishes an old key.
_KEPT_SECONDS = 3_600.0
# How long an unknown name does not have it fetched again: strangers choose names.
_COOLDOWN_SECONDS = 10.0
_TIMEOUT_SECONDS = 5.0
_BYTES_MAX = 65_536

_log = logging.getLogger("sallyport_fastapi")


class KeySet(Protocol):
    async def find(self, kid: str, now: float) -> Ed25519PublicKey:
        """The key of this name, or AssertionRejectedError."""


class FixedKeySet:
    """Keys that are known and do not change."""

    def __init__(self, published: Mapping[str, Any]) -> None:
        self._keys = _import_keys(published)

    async def find(self, kid: str, now: float) -> Ed25519PublicKey:
        return _key_of(self._keys, kid)


class FetchedKeySet:
    """The keys that are published at an address.

    They are fetched at the first use, when they are older than five minutes, and for a name that
    they do not have, though at most once in ten seconds; while the address does not answer, the
    last set is believed for an hour.
    """

    def __init__(self, url: str, *, insecure: bool = False) -> None:
        parsed = urllib.parse.urlsplit(url)
        local = parsed.hostname in {"localhost", "127.0.0.1", "::1"}
        if parsed.scheme != "https" and not (parsed.scheme == "http" and (local or insecure)):
            raise ValueError("jwks_url is neither https nor on this machine: see insecure_jwks_url")
        self._url = url
        self._kept: dict[str, Ed25519PublicKey | None] | None = None
        self._kept_at = float("-inf")
        self._last_fetch = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str, now: float) -> Ed25519PublicKey:
        kept = self._kept
        if kept is None or kid not in kept or now - self._kept_at >= _KEPT_SECONDS:
            await self._refresh(now)
        elif now - self._kept_at > _FRESH_SECONDS:
            self._begin(now)
        if self._kept is None or now - self._kept_at >= _KEPT_SECONDS:
            raise AssertionRejectedError("keys-unavailable")
        return _key_of(self._kept, kid)

    async def _refresh(self, now: float) -> None:
        self._begin(now)
        if self._fetching is not None:
            # A request that is given up must not end the fetch that others wait for.
            await asyncio.shield(self._fetching)

    def _begin(self, now: float) -> None:
        """One at a time, and none within the cooldown, whether the last one succeeded or not."""
        if self._fetching is None and now - self._last_fetch >= _COOLDOWN_SECONDS:
            self._last_fetch = now
            self._fetching = asyncio.get_running_loop().create_task(self._fetch(now))

    async def _fetch(self, now: float) -> None:
        try:
            self._kept = _import_keys(await asyncio.to_thread(_get_json, self._url))
            self._kept_at = now
        except (OSError, ValueError) as error:
            _log.warning("the keys of the gateway cannot be fetched: %s", error)
        finally:
            self._fetching = None


def _key_of(keys: Mapping[str, Ed25519PublicKey | None], kid: str) -> Ed25519PublicKey:
    key = keys.get(kid)
    if key is None:
        raise AssertionRejectedError("key")
    return key


def _import_keys(published: object) -> dict[str, Ed25519PublicKey | None]:
    """The key says what it is for: only Ed25519 keys for signatures, and none that is private.

    None under a name that two keys have: which is meant would be a guess.
    """
    if not isinstance(published, Mapping) or not isinstance(published.get("keys"), list):
        raise ValueError("the answer is no set of keys")
    keys: dict[str, Ed25519PublicKey | None] = {}
    for jwk in published["keys"]:
        if not isinstance(jwk, Mapping):
            raise ValueError("the answer is no set of keys")
        kid = jwk.get("kid")
        if (
            jwk.get("kty") != "OKP"
            or jwk.get("crv") != "Ed25519"
            or jwk.get("alg", "EdDSA") != "EdDSA"
            or jwk.get("use", "sig") != "sig"
            or not isinstance(kid, str)
        ):
            continue
        try:
            key = OKPAlgorithm.from_jwk(dict(jwk))
        except InvalidKeyError:
            continue
        if isinstance(key, Ed25519PublicKey):
            keys[kid] = None if kid in keys else key
    return keys


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        raise urllib.error.URLError("the set of keys is somewhere else")


# Neither redirects nor a proxy of the environment: the keys are where the configuration says.
_OPENER = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def _get_json(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
        if answer.status != 200:
            raise ValueError(f"the set of keys was answered with {answer.status}")
        text = answer.read(_BYTES_MAX + 1)
    if len(text) > _BYTES_MAX:
        raise ValueError("the set of keys is too long")
    return json.loads(text)
