"""A client of Bulk Data servers: has them export, and fetches the files, whole and checked.

It needs no more than Python itself, and does not use the C library::

    from fhirexport.client import ExportRequest, FetchOptions, fetch

    request = ExportRequest("https://fhir.example.org/r4", types=["Patient"])
    result = fetch(request, "exports/today", FetchOptions(token_file="token"))
    print(result.resources, result.transaction_time)

The same call goes on where an earlier one was interrupted. `python -m fhirexport fetch` is this module
as a command.
"""

from ._errors import ExportFailed, ExportGone, FetchError, Unreachable, VerificationFailed
from ._fetch import Event, FetchedFile, FetchOptions, FetchResult, cancel, fetch
from ._request import ExportRequest

__all__ = [
    "Event",
    "ExportFailed",
    "ExportGone",
    "ExportRequest",
    "FetchError",
    "FetchOptions",
    "FetchResult",
    "FetchedFile",
    "Unreachable",
    "VerificationFailed",
    "cancel",
    "fetch",
]
