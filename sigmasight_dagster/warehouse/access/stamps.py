"""The audit columns of a row that one request or command writes."""

from functools import cache
from importlib.metadata import version
from typing import Final

AUDIT: Final = "run_id, code_version, computed_at"
AUDIT_VALUES: Final = "%(run_id)s, %(code_version)s, now()"


def audit(by: str) -> dict[str, str]:
    """Parameters of AUDIT_VALUES. :param by: the request's id, or the command."""
    return {"run_id": by, "code_version": code_version()}


@cache
def code_version() -> str:
    """Of the installed code; to find it takes a millisecond."""
    return version("sigmasight")
