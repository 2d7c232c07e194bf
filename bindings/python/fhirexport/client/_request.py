"""What is asked for: the kick-off's URL, or its Parameters."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import urllib.parse
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import _urls

__all__ = ["ExportRequest"]

_LEVEL = re.compile(r"system$|patient$|group/([A-Za-z0-9.-]{1,64})$")
_REFERENCE = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}$")
# How a value stands in a Parameters resource; the others are valueString.
_KINDS = {"_since": "valueInstant", "_until": "valueInstant"}
_MAX_URL = 4000


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """An export to ask a Bulk Data server for.

    `url` is the server's FHIR base, or the whole URL of an `$export` operation. `level` is "system",
    "patient" or "group/ID". Instants are as FHIR writes them. `parameters` are pairs of a name and a
    value, for what has no member of its own.
    """

    url: str
    level: str = "system"
    types: Sequence[str] = ()
    since: Optional[str] = None
    until: Optional[str] = None
    type_filters: Sequence[str] = ()
    elements: Sequence[str] = ()
    patients: Sequence[str] = ()
    organize_by: Optional[str] = None
    associated: Sequence[str] = ()
    parameters: Sequence[Tuple[str, str]] = ()
    partial: bool = False
    lenient: bool = False
    post: bool = False

    def __post_init__(self) -> None:
        _urls.follow(self.url, None, "the server's URL")
        if not _LEVEL.match(self.level):
            raise ValueError("a level is system, patient or group/ID")
        for one in self.patients:
            if not _REFERENCE.match(one):
                raise ValueError("a patient is given as Patient/ID")

    @property
    def operation(self) -> str:
        """The URL of the operation, without parameters."""
        parts = urllib.parse.urlsplit(self.url)
        path = parts.path.rstrip("/")
        if not path.endswith(("/$export", "/%24export")):
            group = _LEVEL.match(self.level)
            assert group is not None
            if self.level == "patient":
                path += "/Patient"
            elif group.group(1) is not None:
                path += "/Group/" + group.group(1)
            path += "/$export"
        elif self.level != "system":
            raise ValueError("the URL is an operation already, so it has a level of its own")
        return urllib.parse.urlunsplit(parts._replace(path=path, query="", fragment=""))

    def pairs(self) -> List[Tuple[str, str]]:
        """All parameters, by name and value."""
        found = urllib.parse.parse_qsl(
            urllib.parse.urlsplit(self.url).query, keep_blank_values=True
        )
        if self.types:
            found.append(("_type", ",".join(self.types)))
        if self.since is not None:
            found.append(("_since", self.since))
        if self.until is not None:
            found.append(("_until", self.until))
        found += [("_typeFilter", one) for one in self.type_filters]
        if self.elements:
            found.append(("_elements", ",".join(self.elements)))
        found += [("patient", one) for one in self.patients]
        if self.organize_by is not None:
            found.append(("organizeOutputBy", self.organize_by))
        if self.associated:
            found.append(("includeAssociatedData", ",".join(self.associated)))
        if self.partial:
            found.append(("allowPartialManifests", "true"))
        return found + list(self.parameters)

    def kick_off(self) -> Tuple[str, str, Dict[str, str], Optional[bytes]]:
        """Method, URL, headers and body."""
        prefer = "respond-async" + (", handling=lenient" if self.lenient else "")
        headers = {"Accept": "application/fhir+json", "Prefer": prefer}
        # The inside of a _typeFilter is a query by itself: everything in it is encoded once more.
        query = urllib.parse.urlencode(self.pairs(), quote_via=urllib.parse.quote, safe=",:/")
        if not (self.post or self.patients or len(query) > _MAX_URL):
            return "GET", self.operation + ("?" + query if query else ""), headers, None
        headers["Content-Type"] = "application/fhir+json"
        parameter = [self._parameter(name, value) for name, value in self.pairs()]
        resource = {"resourceType": "Parameters", "parameter": parameter}
        return "POST", self.operation, headers, json.dumps(resource).encode()

    @staticmethod
    def _parameter(name: str, value: str) -> Dict[str, Any]:
        if name == "patient":
            return {"name": name, "valueReference": {"reference": value}}
        if name == "allowPartialManifests":
            return {"name": name, "valueBoolean": value == "true"}
        return {"name": name, _KINDS.get(name, "valueString"): value}

    def fingerprint(self) -> str:
        """The same for the same request; nothing can be read from it."""
        facts = [self.operation, sorted(self.pairs()), self.lenient]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
