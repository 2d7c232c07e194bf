"""Statuses, and the exceptions that stand for them."""

import ctypes
import enum
import json
from typing import Any, Dict, Optional, Type

from . import _mirror
from ._library import lib


class Status(enum.IntEnum):
    """What functions of the library return. A value that this package does not know gets a member of its own."""

    OK = _mirror.FHX_OK
    END = _mirror.FHX_END
    WAIT = _mirror.FHX_WAIT
    ARGUMENT = _mirror.FHX_ERR_ARGUMENT
    MISUSE = _mirror.FHX_ERR_MISUSE
    REENTRANT = _mirror.FHX_ERR_REENTRANT
    NO_MEMORY = _mirror.FHX_ERR_NO_MEMORY
    STRUCT_SIZE = _mirror.FHX_ERR_STRUCT_SIZE
    UNSUPPORTED = _mirror.FHX_ERR_UNSUPPORTED
    NOT_FOUND = _mirror.FHX_ERR_NOT_FOUND
    EXISTS = _mirror.FHX_ERR_EXISTS
    REFUSED = _mirror.FHX_ERR_REFUSED
    UNKNOWN_OUTCOME = _mirror.FHX_ERR_UNKNOWN_OUTCOME
    CANCELLED = _mirror.FHX_ERR_CANCELLED
    JOB_FAILED = _mirror.FHX_ERR_JOB_FAILED
    RESOURCE = _mirror.FHX_ERR_RESOURCE
    SOURCE = _mirror.FHX_ERR_SOURCE
    DESTINATION = _mirror.FHX_ERR_DESTINATION
    STORE = _mirror.FHX_ERR_STORE
    IO = _mirror.FHX_ERR_IO
    NO_SPACE = _mirror.FHX_ERR_NO_SPACE
    DENIED = _mirror.FHX_ERR_DENIED
    LIMIT = _mirror.FHX_ERR_LIMIT
    NO_ANSWER = _mirror.FHX_ERR_NO_ANSWER
    INTERNAL = _mirror.FHX_ERR_INTERNAL

    @classmethod
    def _missing_(cls, value: object) -> Optional["Status"]:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_STATUS_{value}"
        member._value_ = value
        return member


class Error(Exception):
    """A call of the library failed; or, raised by a callback, what the callback fails with.

    The message is a sentence without resource content, patient ids or secrets; in a callback's error it has to be one
    too, since it is kept with the job and shown to clients."""

    _default = Status.INTERNAL
    status: Status
    retryable: bool

    def __init__(self, message: str = "", *, status: Optional[int] = None, retryable: bool = False,
                 operation_outcome: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.status = Status(self._default if status is None else status)
        self.retryable = retryable
        self._outcome = operation_outcome

    @property
    def operation_outcome(self) -> Dict[str, Any]:
        """The error as a FHIR OperationOutcome, ready to be the body of an answer."""
        if self._outcome is None:
            code = "transient" if self.retryable else "exception"
            self._outcome = {"resourceType": "OperationOutcome",
                             "issue": [{"severity": "error", "code": code, "diagnostics": str(self)}]}
        return self._outcome


class ArgumentError(Error, ValueError):
    """An argument is missing, out of range or malformed."""

    _default = Status.ARGUMENT


class MisuseError(Error):
    """A call that the object's state does not allow: it is closed, it is over, or it is calling right now."""

    _default = Status.MISUSE


class ResourceError(Error):
    """A resource was refused: not JSON, of another type, without a valid id, too deep, too long."""

    _default = Status.RESOURCE


class NotFoundError(Error):
    """There is no such job, file, Group, patient or resource."""

    _default = Status.NOT_FOUND


class ExistsError(Error):
    """Something of that name exists and is not replaced."""

    _default = Status.EXISTS


class DeniedError(Error):
    """Permission was denied."""

    _default = Status.DENIED


class UnsupportedError(Error):
    """This library, source, destination or store cannot do it."""

    _default = Status.UNSUPPORTED


class LimitError(Error):
    """A limit of the library or of the options was passed."""

    _default = Status.LIMIT


class CancelledError(Error):
    """The job was cancelled; nothing of it is left at the destination."""

    _default = Status.CANCELLED


class JobFailedError(Error):
    """The job has failed, and the message says why; nothing of it is left at the destination."""

    _default = Status.JOB_FAILED


class SourceError(Error):
    """The source failed."""

    _default = Status.SOURCE


class DestinationError(Error):
    """The destination failed."""

    _default = Status.DESTINATION


class StoreError(Error):
    """The store failed."""

    _default = Status.STORE


_CLASSES: Dict[int, Type[Error]] = {
    int(kind._default): kind
    for kind in (ArgumentError, MisuseError, ResourceError, NotFoundError, ExistsError, DeniedError, UnsupportedError,
                 LimitError, CancelledError, JobFailedError, SourceError, DestinationError, StoreError)
}
_CLASSES[int(Status.REENTRANT)] = MisuseError


def error_of(pointer: ctypes.c_void_p, status: int) -> Error:
    """The exception for an `fhx_error`, which is freed."""
    message: bytes = lib.fhx_error_message(pointer)
    outcome: bytes = lib.fhx_error_outcome(pointer)
    retryable = bool(lib.fhx_error_retryable(pointer))
    lib.fhx_error_free(pointer)
    kind = _CLASSES.get(status, Error)
    text = message.decode("utf-8", "replace") or lib.fhx_status_name(status).decode()
    return kind(text, status=status, retryable=retryable,
                operation_outcome=json.loads(outcome) if outcome else None)
