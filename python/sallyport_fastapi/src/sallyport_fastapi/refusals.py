"""What a request is refused with, as problem+json (RFC 9457)."""

import json
from dataclasses import dataclass
from typing import Literal

AssertionRejection = Literal[
    "missing",
    "malformed",
    "type",
    "algorithm",
    "key",
    "signature",
    "claims",
    "issuer",
    "audience",
    "lifetime",
    "not-yet-valid",
    "expired",
    "method",
    "path",
    "query",
    "body",
    "unbound",
    "replayed",
    "keys-unavailable",
]


class AssertionRejectedError(Exception):
    """The request did not come from the gateway as it arrived.

    Its code is stable and the same as in the package for Node.js. The client is not told it:
    whoever reaches the application past the gateway learns nothing of what is checked.
    """

    def __init__(self, code: AssertionRejection) -> None:
        super().__init__(f"identity assertion rejected: {code}")
        self.code: AssertionRejection = code


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    title: str

    def body(self) -> bytes:
        return json.dumps(
            {
                "type": f"urn:sallyport:problem:{self.code}",
                "title": self.title,
                "status": self.status,
                "code": self.code,
            }
        ).encode()


NOT_FORWARDED = Problem(401, "not-forwarded", "This request did not come through the gateway.")
KEYS_UNAVAILABLE = Problem(503, "keys-unavailable", "The keys of the gateway cannot be had.")
BODY_TOO_LARGE = Problem(413, "body-too-large", "The body is larger than is taken here.")
NOT_SIGNED_IN = Problem(401, "not-signed-in", "Sign in first.")
FORBIDDEN = Problem(403, "forbidden", "This is not permitted.")


class RefusedError(Exception):
    """Ends a request with a problem. `SallyportMiddleware` answers it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
