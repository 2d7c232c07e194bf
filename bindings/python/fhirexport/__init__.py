"""FHIR Bulk Data exports with libfhirexport.

    Writer   resources of one type in, checked NDJSON parts out
    Job      one export from a Source to a Destination
    Engine   the whole of `$export` for a FHIR server: requests in, responses out
    fetch    an export of another server, into a folder

docs/python.md leads through it. Names, defaults and meanings of options are those of the C headers.

The library is loaded when the first of these names is used but for `fetch`, which does without it, as all of
fhirexport.client."""

import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from ._calls import Handle
    from ._destination import CustomDestination, Destination, Http, S3Credentials
    from ._engine import (ClientDestinations, Engine, JobSummary, LogEvent, Metrics, OnException, Request, Response,
                          Secrets)
    from ._errors import (ArgumentError, CancelledError, DeniedError, DestinationError, Error, ExistsError,
                          JobFailedError, LimitError, MisuseError, NotFoundError, ResourceError, SourceError, Status,
                          StoreError, UnsupportedError)
    from ._fetching import fetch
    from ._filter import Filter
    from ._job import Job
    from ._library import library_version
    from ._manifest import manifest_of_parts
    from ._options import AttachmentHook, Clock, ResourceHook
    from ._source import AnySource, Cursor, LibrarySource, Query, Rows, Source, Wait
    from ._store import Store
    from ._values import (Applied, FhirVersion, IgVersion, JobState, LogLevel, Part, PartKind, Progress, Provenance,
                          Resource, Scope)
    from ._writer import Writer

    __version__: str

__all__ = [
    "AnySource", "Applied", "ArgumentError", "AttachmentHook", "CancelledError", "ClientDestinations", "Clock",
    "Cursor", "CustomDestination", "DeniedError", "Destination", "DestinationError", "Engine", "Error",
    "ExistsError", "FhirVersion", "Filter", "Handle", "Http", "IgVersion", "Job", "JobFailedError", "JobState", "JobSummary",
    "LibrarySource", "LimitError", "LogEvent", "LogLevel", "Metrics", "MisuseError", "NotFoundError",
    "OnException", "Part", "PartKind", "Progress", "Provenance", "Query", "Request", "Resource",
    "ResourceError", "ResourceHook", "Response", "Rows", "S3Credentials", "Scope", "Secrets", "Source",
    "SourceError", "Status", "Store", "StoreError", "UnsupportedError", "Wait", "Writer", "fetch", "library_version",
    "manifest_of_parts",
]

# Where they are.
_HOMES = ("_calls", "_destination", "_engine", "_errors", "_fetching", "_filter", "_job", "_library", "_manifest",
          "_options", "_source", "_store", "_values", "_writer")


def __getattr__(name: str) -> Any:
    """Loads what is asked for, with the module that has it."""
    if name == "__version__":
        return __getattr__("library_version")()
    if name in __all__:
        for home in ("_fetching",) if name == "fetch" else _HOMES:
            module = importlib.import_module("." + home, __name__)
            if name in vars(module):
                value = globals()[name] = getattr(module, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__, "__version__"})
