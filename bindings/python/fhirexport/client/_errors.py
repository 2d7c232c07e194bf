"""What can go wrong when an export is fetched, each with the exit code of the command."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional

__all__ = ["ExportFailed", "ExportGone", "FetchError", "Unreachable", "VerificationFailed"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class FetchError(Exception):
    """An export could not be fetched.

    `retryable`: the same call may go on later. `operation_outcome`: what the server sent, if it did.
    """

    exit_code = 1
    retryable = False

    def __init__(self, message: str, operation_outcome: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.operation_outcome = operation_outcome


class ExportFailed(FetchError):
    """The server refused the export, or could not finish it."""

    exit_code = 3


class VerificationFailed(FetchError):
    """A file is not what the manifest says: its count, its length or its digest."""

    exit_code = 4


class Unreachable(FetchError):
    """The server could not be reached for longer than the patience that was asked for."""

    exit_code = 5
    retryable = True


class ExportGone(FetchError):
    """The server does not have this export any more, or it has become another."""

    exit_code = 6


def clean(text: str, limit: int = 500) -> str:
    """`text` of a server as one line that is safe to show on a terminal."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= limit else line[:limit] + "..."


def read_outcome(body: bytes) -> Optional[Dict[str, Any]]:
    """The OperationOutcome in `body`, if it is one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("resourceType") != "OperationOutcome":
        return None
    return found


def issues(outcome: Optional[Dict[str, Any]]) -> list[Dict[str, Any]]:
    """The issues of an OperationOutcome, those that are objects."""
    found = outcome.get("issue") if outcome is not None else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def is_transient(outcome: Optional[Dict[str, Any]]) -> bool:
    """Whether an OperationOutcome is about the request alone, which is then worth repeating."""
    return any(one.get("code") == "transient" for one in issues(outcome))


def describe(status: int, outcome: Optional[Dict[str, Any]]) -> str:
    """A status and what the server said with it."""
    texts = []
    for one in issues(outcome):
        details = one.get("details")
        text = one.get("diagnostics") or (
            details.get("text") if isinstance(details, dict) else None
        )
        if isinstance(text, str) and text:
            texts.append(clean(text))
    return f"status {status}" + (": " + "; ".join(texts[:3]) if texts else "")
