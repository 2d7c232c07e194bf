"""Plain values that cross the border: numbers with names, parts, progress, and the conversions to and from C."""

import ctypes
import dataclasses
import enum
import json
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from . import _mirror
from ._errors import ArgumentError
from ._library import lib

#: One resource: JSON as bytes or text, or a mapping that json.dumps can write.
Resource = Union[bytes, bytearray, memoryview, str, Mapping[str, Any]]


class Applied(enum.IntFlag):
    """What the rows of a cursor obey already; the library applies the rest."""

    NONE = 0
    TYPE = _mirror.FHX_APPLIED_TYPE
    SINCE = _mirror.FHX_APPLIED_SINCE
    UNTIL = _mirror.FHX_APPLIED_UNTIL
    PATIENTS = _mirror.FHX_APPLIED_PATIENTS
    AS_OF = _mirror.FHX_APPLIED_AS_OF
    ASCENDING_IDS = _mirror.FHX_PROMISE_ASCENDING_IDS
    SEARCH = _mirror.FHX_APPLIED_SEARCH


class Scope(enum.IntEnum):
    """Whose resources a query wants."""

    ALL = _mirror.FHX_SCOPE_ALL
    PATIENTS = _mirror.FHX_SCOPE_PATIENTS
    PATIENT_SET = _mirror.FHX_SCOPE_PATIENT_SET


class JobState(enum.IntEnum):
    """The states of a job."""

    RUNNING = _mirror.FHX_JOB_RUNNING
    COMPLETE = _mirror.FHX_JOB_COMPLETE
    FAILED = _mirror.FHX_JOB_FAILED
    REMOVING = _mirror.FHX_JOB_REMOVING


class PartKind(enum.IntEnum):
    """What a part holds."""

    OUTPUT = _mirror.FHX_PART_OUTPUT
    ERROR = _mirror.FHX_PART_ERROR
    DELETED = _mirror.FHX_PART_DELETED


class Provenance(enum.IntEnum):
    """Which Provenance resources an export takes."""

    DEFAULT = _mirror.FHX_PROVENANCE_DEFAULT
    RELEVANT = _mirror.FHX_PROVENANCE_RELEVANT
    LATEST = _mirror.FHX_PROVENANCE_LATEST


class FhirVersion(enum.IntEnum):
    """Versions of FHIR that differ in compartments and elements."""

    R4 = _mirror.FHX_FHIR_R4
    R4B = _mirror.FHX_FHIR_R4B
    R5 = _mirror.FHX_FHIR_R5


class IgVersion(enum.IntEnum):
    """Versions of the Bulk Data Access IG, as far as their rules differ: STU1 to STU3 together, and the ballot of
    STU4."""

    STU3 = _mirror.FHX_IG_STU3
    STU4_BALLOT = _mirror.FHX_IG_STU4_BALLOT


class LogLevel(enum.IntEnum):
    """How much an event matters."""

    DEBUG = _mirror.FHX_LOG_DEBUG
    INFO = _mirror.FHX_LOG_INFO
    WARNING = _mirror.FHX_LOG_WARNING
    ERROR = _mirror.FHX_LOG_ERROR


@dataclasses.dataclass(frozen=True)
class Part:
    """A finished output file."""

    name: str
    kind: PartKind
    resource_type: str
    resource_count: int
    byte_count: int
    stored_byte_count: int
    crc32c: int
    sha256: Optional[bytes]
    gzip: bool
    continues: bool
    task_index: int
    fence: int
    seq: int
    error_count: int = 0
    warning_count: int = 0


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a job is. `share` goes from 0 to 1 and never down; `reason` says why a failed job failed."""

    state: JobState
    resource_count: int
    byte_count: int
    error_count: int
    task_count: int
    task_done_count: int
    share: float
    reason: str


def part_of(pointer: int) -> Part:
    """A copy of what an `fhx_part` says."""
    digest = lib.fhx_part_sha256(pointer)
    return Part(
        name=lib.fhx_part_name(pointer).decode(),
        kind=PartKind(lib.fhx_part_kind(pointer)),
        resource_type=lib.fhx_part_resource_type(pointer).decode(),
        resource_count=lib.fhx_part_resource_count(pointer),
        byte_count=lib.fhx_part_byte_count(pointer),
        stored_byte_count=lib.fhx_part_stored_byte_count(pointer),
        crc32c=lib.fhx_part_crc32c(pointer),
        sha256=ctypes.string_at(digest, 32) if digest else None,
        gzip=lib.fhx_part_encoding(pointer) == _mirror.FHX_ENCODING_GZIP,
        continues=bool(lib.fhx_part_flags(pointer) & _mirror.FHX_PART_CONTINUES),
        task_index=lib.fhx_part_task_index(pointer),
        fence=lib.fhx_part_fence(pointer),
        seq=lib.fhx_part_seq(pointer),
        error_count=lib.fhx_part_error_count(pointer),
        warning_count=lib.fhx_part_warning_count(pointer),
    )


def progress_of(pointer: ctypes.c_void_p) -> Progress:
    """A copy of what an `fhx_progress` says, which is freed."""
    try:
        return Progress(
            state=JobState(lib.fhx_progress_state(pointer)),
            resource_count=lib.fhx_progress_resource_count(pointer),
            byte_count=lib.fhx_progress_byte_count(pointer),
            error_count=lib.fhx_progress_error_count(pointer),
            task_count=lib.fhx_progress_task_count(pointer),
            task_done_count=lib.fhx_progress_task_done_count(pointer),
            share=lib.fhx_progress_share(pointer),
            reason=lib.fhx_progress_reason(pointer).decode("utf-8", "replace"),
        )
    finally:
        lib.fhx_progress_free(pointer)


def json_bytes(resource: Resource) -> bytes:
    """One resource as the library takes it. What is no UTF-8 is left for the library to refuse."""
    if type(resource) is bytes:
        return resource
    if isinstance(resource, str):
        return resource.encode("utf-8", "surrogatepass")
    if isinstance(resource, (bytes, bytearray, memoryview)):
        return bytes(resource)
    if isinstance(resource, Mapping):
        written = json.dumps(dict(resource), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return written.encode("utf-8", "surrogatepass")
    raise TypeError(f"a resource is bytes, str or a mapping, not {type(resource).__name__}")


def text(value: Optional[str], name: str) -> Optional[bytes]:
    """A text for C, or None. One with a NUL in it would be cut there without a word."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {type(value).__name__}")
    if "\0" in value:
        raise ArgumentError(f"{name} has a NUL character in it")
    return value.encode("utf-8", "surrogateescape")


def texts(values: Iterable[str], name: str) -> Tuple[Any, int]:
    """Texts as a C array, which keeps them, and how many; None for none."""
    if isinstance(values, str):
        raise TypeError(f"{name} is a list of str, not one str")
    encoded: List[Optional[bytes]] = [text(value, name) for value in values]
    return ((ctypes.c_char_p * len(encoded))(*encoded) if encoded else None), len(encoded)


def joined(values: Iterable[str], name: str) -> Optional[bytes]:
    """Texts with commas between, or None for none."""
    if isinstance(values, str):
        return text(values, name) or None
    return text(",".join(values), name) or None


def fill(structure: Any, options: Mapping[str, Any], known: Mapping[str, str]) -> None:
    """Copies options to members of a structure. `known` has the members that are plain numbers, and what they are:
    "count" (0 or more) or "time" (any 64-bit number)."""
    for name, value in options.items():
        kind = known.get(name)
        if kind is None:
            raise TypeError(f"{name} is no option; there are {', '.join(sorted(known))}")
        limit = getattr(type(structure), name).size * 8 - (kind == "time")
        least = -(2**63) if kind == "time" else 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is an int, not {type(value).__name__}")
        if not least <= value < 2**limit:
            raise ArgumentError(f"{name} is out of range")
        setattr(structure, name, value)


def new(name: str) -> Any:
    """An empty structure of the library's, with its size."""
    kind: Any = getattr(_mirror, name)
    structure = kind()
    structure.size = ctypes.sizeof(kind)
    return structure


def flags(given: Dict[int, bool]) -> int:
    """The sum of the flags that are set."""
    return sum(flag for flag, is_set in given.items() if is_set)
