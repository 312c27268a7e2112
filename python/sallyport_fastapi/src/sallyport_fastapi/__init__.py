"""The application's side of Sallyport's gateway, for FastAPI and everything else on ASGI."""

from .middleware import SallyportMiddleware
from .principal import Principal, require, streaming_visitor, visitor
from .refusals import AssertionRejectedError, AssertionRejection, Problem, RefusedError
from .transactions import principal_transaction

__all__ = [
    "AssertionRejectedError",
    "AssertionRejection",
    "Principal",
    "Problem",
    "RefusedError",
    "SallyportMiddleware",
    "principal_transaction",
    "require",
    "streaming_visitor",
    "visitor",
]
