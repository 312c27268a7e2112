"""Password hashes, what a new password has to be, and the limit on guessing."""

import base64
import hashlib
import hmac
import os
import time

from fastapi import HTTPException

COMMON = {
    "password1234",
    "password123!",
    "123456789012",
    "qwertyuiop12",
    "administrator",
    "letmeinletmein",
    "passwordpassword",
}
FAILURES_MAX = 10
WINDOW_SECONDS = 900

_failures: dict[str, list[float]] = {}


def hash_password(password: str) -> str:
    salt = os.urandom(16)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(_scrypt(password, salt)).decode()}"


def verify_password(password: str, stored: str | None) -> bool:
    """Takes as long for nobody as for somebody."""
    salt, digest = (base64.b64decode(part) for part in (stored or _NOBODY).split("$"))
    matches = hmac.compare_digest(_scrypt(password, salt), digest)
    return matches and stored is not None


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


_NOBODY = hash_password("nobody")


def check_new_password(password: str, email: str) -> None:
    if not 12 <= len(password) <= 256:
        raise HTTPException(422, "A password has 12 to 256 characters")
    name = email.split("@")[0].lower()
    lowered = password.lower()
    if lowered in COMMON or lowered == email.lower() or len(set(lowered)) < 5 or lowered == name:
        raise HTTPException(422, "This password is easily guessed")


def check_attempts(email: str) -> None:
    since = time.monotonic() - WINDOW_SECONDS
    recent = [at for at in _failures.get(email.lower(), []) if at > since]
    _failures[email.lower()] = recent
    if len(recent) >= FAILURES_MAX:
        raise HTTPException(429, "Too many attempts", {"Retry-After": str(WINDOW_SECONDS)})


def count_failure(email: str) -> None:
    _failures.setdefault(email.lower(), []).append(time.monotonic())


def forget_failures(email: str) -> None:
    _failures.pop(email.lower(), None)
