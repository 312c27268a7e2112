"""Whether the gateway has forwarded exactly this request, and for whom."""

import base64
import hashlib
from dataclasses import dataclass

import jwt
from jwt.exceptions import PyJWTError

from .claims import (
    ASSERTION_SECONDS,
    UNBOUND,
    Claims,
    check_form,
    parse_claims,
    parse_header,
)
from .key_set import KeySet
from .refusals import AssertionRejectedError

# How far the clocks of gateway and application may be apart.
_SKEW_SECONDS = 2
_VALID_SECONDS = ASSERTION_SECONDS + 2 * _SKEW_SECONDS
_JWS = jwt.PyJWS()


@dataclass(frozen=True, slots=True)
class ArrivedRequest:
    """A request's method and target, as bytes that nobody has decoded."""

    method: str
    path: bytes
    query: bytes


class Verifier:
    def __init__(self, *, issuer: str, audience: str, key_set: KeySet) -> None:
        if not issuer or not audience:
            raise ValueError("an issuer and an audience are needed")
        self._issuer = issuer
        self._audience = audience
        self._key_set = key_set
        self._taken = _Taken()

    async def verify(self, assertion: str, request: ArrivedRequest, now: float) -> Claims:
        """All but the body, which comes after the head, and the nonce, which is taken with it."""
        claims = await self._verified(assertion, now)
        if claims.iss != self._issuer:
            raise AssertionRejectedError("issuer")
        if claims.aud != self._audience:
            raise AssertionRejectedError("audience")
        _check_times(claims, now)
        _check_request(claims, request)
        return claims

    def take(self, claims: Claims, body: bytes | None, now: float) -> None:
        """Compares the whole body, None where it is not bound, and takes the nonce."""
        if body is not None and claims.body != _digest(body):
            raise AssertionRejectedError("body")
        if not self._taken.take(claims.jti, now):
            raise AssertionRejectedError("replayed")

    async def _verified(self, assertion: str, now: float) -> Claims:
        check_form(assertion)
        head, _, _ = assertion.partition(".")
        key = await self._key_set.find(parse_header(_decode(head)), now)
        try:
            payload: bytes = _JWS.decode(assertion, key, algorithms=["EdDSA"])
        except PyJWTError:
            raise AssertionRejectedError("signature") from None
        return parse_claims(payload)


class _Taken:
    """The nonces that were taken, as long as their assertions are valid.

    Two sets that change places: whatever is in the older one has expired when that is emptied.
    """

    def __init__(self) -> None:
        self._older: set[str] = set()
        self._newer: set[str] = set()
        self._since = float("-inf")

    def take(self, nonce: str, now: float) -> bool:
        age = now - self._since
        if age >= _VALID_SECONDS:
            self._older = set() if age >= 2 * _VALID_SECONDS else self._newer
            self._newer = set()
            self._since = now
        if nonce in self._older or nonce in self._newer:
            return False
        self._newer.add(nonce)
        return True


def _check_times(claims: Claims, now: float) -> None:
    if not claims.iat < claims.exp <= claims.iat + ASSERTION_SECONDS:
        raise AssertionRejectedError("lifetime")
    if max(claims.iat, claims.nbf) > now + _SKEW_SECONDS:
        raise AssertionRejectedError("not-yet-valid")
    if claims.exp <= now - _SKEW_SECONDS:
        raise AssertionRejectedError("expired")


def _check_request(claims: Claims, request: ArrivedRequest) -> None:
    """Bytes with bytes: a character of a claim is one, and whatever is no such is in no target."""
    if claims.method != request.method:
        raise AssertionRejectedError("method")
    if claims.path != request.path.decode("latin-1"):
        raise AssertionRejectedError("path")
    # ASGI does not say whether there was a question mark without anything behind it.
    if (claims.query or "") != request.query.decode("latin-1"):
        raise AssertionRejectedError("query")


def _decode(part: str) -> bytes:
    """Base64url in its canonical form: none with bits that nobody reads."""
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise AssertionRejectedError("malformed") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise AssertionRejectedError("malformed")
    return decoded


def _digest(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def is_unbound(claims: Claims) -> bool:
    return claims.body == UNBOUND
