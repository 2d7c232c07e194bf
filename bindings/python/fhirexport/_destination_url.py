"""Destinations as texts: the notation of fhirexport-server's --destination and fhirexport-folder's --to."""

from __future__ import annotations

import os
import re
import urllib.parse
from typing import Dict, Tuple

from ._destination import Destination, Http

__all__ = ["open_destination"]

_KNOWN = {"s3": ("endpoint", "region", "style", "ca"), "azure-blob": ("ca",)}
_BROKEN = re.compile(r"%(?![0-9a-fA-F]{2})")


def _problem(text: str) -> ValueError:
    return ValueError(f"the destination {text}")


def _split(text: str) -> Tuple[str, str, str, Dict[str, str]]:
    """Kind, bucket or container, prefix, and the pairs behind `?`."""
    kind, _, rest = text.partition("://")
    if kind not in _KNOWN:
        raise _problem("begins neither with file:, s3:// nor azure-blob://")
    path, _, query = rest.partition("?")
    place, _, prefix = path.partition("/")
    if not place:
        raise _problem("names no bucket or container")
    found: Dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if not value or _BROKEN.search(value):
            raise _problem("has a parameter without a value, or a percent sign without two digits")
        if name not in _KNOWN[kind]:
            raise _problem("has a parameter that this kind of destination does not know")
        if name in found:
            raise _problem("has a parameter twice")
        found[name] = urllib.parse.unquote(value)
    return kind, place, prefix[:-1] if prefix.endswith("/") else prefix, found


def open_destination(text: str) -> Destination:
    """The destination of `file:DIR`, `s3://BUCKET/PREFIX?...` or `azure-blob://CONTAINER/PREFIX?...`. Secrets come from
    the environment, never from `text`."""
    if text.startswith("file:"):
        folder = text[len("file:") :]
        if not folder:
            raise _problem("names no folder")
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
        return Destination.directory(folder)
    kind, place, prefix, given = _split(text)
    http = Http(ca_file=given["ca"]) if "ca" in given else None
    if kind == "azure-blob":
        return _azure(place, prefix, http)
    if given.get("style", "path") not in ("path", "host"):
        raise _problem("has a style that is neither path nor host")
    return Destination.s3(
        place,
        prefix=prefix or None,
        endpoint=given.get("endpoint"),
        region=given.get("region"),
        virtual_host=given.get("style") == "host",
        http=http,
    )


def _azure(container: str, prefix: str, http: "Http | None") -> Destination:
    settings = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    if settings is not None:
        return Destination.azure(
            container, connection_string=settings, prefix=prefix or None, http=http
        )
    url = os.environ.get("AZURE_STORAGE_SAS_URL")
    if url is None:
        raise _problem(
            "needs AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_URL in the environment"
        )
    if not url.split("?", 1)[0].endswith("/" + container):
        raise _problem("names another container than AZURE_STORAGE_SAS_URL does")
    return Destination.azure(container_url=url, prefix=prefix or None, http=http)
