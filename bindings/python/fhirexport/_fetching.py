"""A whole export from another server by one call, over fhirexport.client; it does without the C library."""

import dataclasses
import os
from typing import Any, Callable, Dict, Iterable, Optional, Tuple, Union

from .client import Event, ExportRequest, FetchOptions, FetchResult
from .client import fetch as _fetch


def fetch(url: str, to: "Union[str, os.PathLike[str]]", *, level: str = "system", types: Iterable[str] = (),
          since: Optional[str] = None, until: Optional[str] = None, type_filters: Iterable[str] = (),
          elements: Iterable[str] = (), patients: Iterable[str] = (),
          token: Union[str, Callable[[], str], None] = None, token_file: Optional[str] = None, delete: bool = False,
          options: Optional[FetchOptions] = None,
          on_event: Optional[Callable[[Event], None]] = None) -> FetchResult:
    """Has the Bulk Data server at `url`, its FHIR base, export, waits, and fetches all files into the folder `to`,
    checked by counts and digests. The same call goes on where an earlier one was interrupted.

    `level` is "system", "patient" or "group/ID"; instants are FHIR's; `patients` are "Patient/ID". `token`: a bearer
    token, or a function that returns one and is called again when one has ended; `token_file`: a file with it.
    `delete` removes the export from the server when all is here. `options` has what is not named here; what is named
    goes before it. Other parameters: fhirexport.client, with an ExportRequest. Raises FetchError of fhirexport.client
    and its kinds."""
    request = ExportRequest(
        url, level=level, types=_several("types", types), since=since, until=until,
        type_filters=_several("type_filters", type_filters), elements=_several("elements", elements),
        patients=_several("patients", patients))
    named: Dict[str, Any] = {"token_file": token_file, "delete": delete or None, "token": token}
    if isinstance(token, str):
        named["token"] = lambda: token
    given = {name: value for name, value in named.items() if value is not None}
    return _fetch(request, to, dataclasses.replace(options or FetchOptions(), **given), on_event)


def _several(name: str, values: Iterable[str]) -> Tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"{name} is a list of str, not one str")
    return tuple(values)
