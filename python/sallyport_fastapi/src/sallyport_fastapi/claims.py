"""What an assertion says, and the checks of its form. docs/assertion.md has each claim."""

import json
import re
from dataclasses import dataclass
from typing import Any

from .refusals import AssertionRejectedError

ASSERTION_TYPE = "sallyport-assertion+jwt"
ASSERTION_SECONDS = 10
UNBOUND = "unbound"

_LENGTH_MAX = 16_384
# Canonical base64url, and a signature of 64 bytes.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claims:
    iss: str
    aud: str
    sub: str | None
    tenant: str | None
    permissions: frozenset[str]
    iat: int
    nbf: int
    exp: int
    jti: str
    method: str
    path: str
    query: str | None
    body: str
    proof: str | None


def check_form(assertion: str) -> None:
    """Refuses what is no compact JWS in its one canonical spelling."""
    if len(assertion) > _LENGTH_MAX or not _COMPACT.fullmatch(assertion):
        raise AssertionRejectedError("malformed")


def parse_header(header: bytes) -> str:
    """The name of the key that has signed.

    A header may have these three members and no other: none that names a key's address, carries a
    key, or must be understood (RFC 8725 3.1, 3.10).
    """
    try:
        value = json.loads(header.decode("utf-8"))
    except ValueError:
        raise AssertionRejectedError("malformed") from None
    if not isinstance(value, dict) or not value.keys() <= {"alg", "kid", "typ"}:
        raise AssertionRejectedError("malformed")
    if value.get("typ") != ASSERTION_TYPE:
        raise AssertionRejectedError("type")
    if value.get("alg") != "EdDSA":
        raise AssertionRejectedError("algorithm")
    kid = value.get("kid")
    if not isinstance(kid, str) or not kid:
        raise AssertionRejectedError("key")
    return kid


def parse_claims(payload: bytes) -> Claims:
    """What was signed. Its signature must have been verified."""
    try:
        value = json.loads(payload.decode("utf-8"))
    except ValueError:
        raise AssertionRejectedError("claims") from None
    if not isinstance(value, dict) or not _has_claims(value):
        raise AssertionRejectedError("claims")
    known: dict[str, Any] = {name: value.get(name) for name in Claims.__slots__}
    known["permissions"] = frozenset(value["permissions"])
    return Claims(**known)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds(value: object) -> bool:
    return type(value) is int and abs(value) < 2**53


def _has_claims(value: dict[str, Any]) -> bool:
    """Claims that it does not know are none of its business."""
    permissions = value.get("permissions")
    return (
        all(_is_text(value.get(name)) for name in ("iss", "aud", "jti", "method", "path", "body"))
        and all(name not in value or _is_text(value[name]) for name in ("sub", "proof"))
        and "tenant" in value
        and (value["tenant"] is None or _is_text(value["tenant"]))
        and "query" in value
        and (value["query"] is None or isinstance(value["query"], str))
        and isinstance(permissions, list)
        and all(_is_text(permission) for permission in permissions)
        and all(_is_seconds(value.get(name)) for name in ("iat", "nbf", "exp"))
        # Nobody is a member of nothing, and may do nothing.
        and (
            "sub" in value
            or (value["tenant"] is None and not permissions and "proof" not in value)
        )
    )
