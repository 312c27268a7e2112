"""What the gateway would assert of a request."""

import base64
import hashlib
import json
import secrets
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "https://app.example.com"
AUDIENCE = "invoices"


class Gateway:
    def __init__(self, kid: str = "first") -> None:
        self._key = Ed25519PrivateKey.generate()
        self.kid = kid

    @property
    def keys(self) -> dict[str, Any]:
        public = json.loads(OKPAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "alg": "EdDSA", "use": "sig"}]}

    def asserts(
        self,
        method: str,
        path: str,
        *,
        query: str | None = None,
        body: bytes | None = b"",
        now: float | None = None,
        **claims: Any,
    ) -> list[tuple[bytes, bytes]]:
        issued = int(time.time() if now is None else now)
        digest = base64.urlsafe_b64encode(hashlib.sha256(body or b"").digest()).rstrip(b"=")
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "ada",
            "tenant": "engines",
            "permissions": ["invoices:read"],
            "iat": issued,
            "nbf": issued,
            "exp": issued + 10,
            "jti": secrets.token_urlsafe(16),
            "method": method,
            "path": path,
            "query": query,
            "body": "unbound" if body is None else digest.decode(),
        }
        given = {name: value for name, value in (payload | claims).items() if value is not ...}
        header = {"typ": "sallyport-assertion+jwt", "kid": self.kid}
        token = jwt.api_jws.encode(
            json.dumps(given).encode(), self._key, algorithm="EdDSA", headers=header
        )
        return [(b"sallyport-assertion", token.encode())]


NOBODY: dict[str, Any] = {"sub": ..., "tenant": None, "permissions": []}
