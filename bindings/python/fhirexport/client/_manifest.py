"""A page of a manifest: what it lists, checked, and where the next one is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from typing import Any, Dict, List, Optional

from . import _urls
from ._errors import ExportFailed, FetchError

__all__ = ["SECTIONS", "Item", "Page", "is_manifest", "read_page"]

SECTIONS = ("output", "deleted", "error", "outcome")
_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}$")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}$")


@dataclasses.dataclass
class Item:
    """One file of a manifest; None is what the manifest does not say."""

    section: str
    type: Optional[str]
    url: str
    count: Optional[int]
    byte_count: Optional[int]
    sha256: Optional[str]
    continues_in: Optional[str]

    @property
    def path_digest(self) -> str:
        """What stays of the URL when it is signed anew, without the URL itself."""
        return hashlib.sha256(_urls.without_query(self.url).encode()).hexdigest()


@dataclasses.dataclass
class Page:
    """One page of a manifest."""

    transaction_time: str
    requires_token: bool
    organized_by: Optional[str]
    items: List[Item]
    next_url: Optional[str]


def _number(value: Any) -> Optional[int]:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None


def _item(section: str, value: Any, base: str) -> Item:
    if not isinstance(value, dict):
        raise FetchError(f"the manifest's {section} has an item that is no object")
    kind, extension = value.get("type"), value.get("extension")
    digests = extension if isinstance(extension, dict) else {}
    sha256, continues = digests.get("sha256"), value.get("continuesInFile")
    return Item(
        section=section,
        type=kind if isinstance(kind, str) and _TYPE.match(kind) else None,
        url=_urls.follow(value.get("url"), base, f"a link of the manifest's {section}"),
        count=_number(value.get("count")),
        byte_count=_number(digests.get("byteCount")),
        sha256=sha256.lower() if isinstance(sha256, str) and _SHA256.match(sha256) else None,
        continues_in=continues if isinstance(continues, str) else None,
    )


def _parse(data: bytes) -> Optional[Dict[str, Any]]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_manifest(data: bytes) -> bool:
    """Whether the body of a 202 is a manifest of what there is so far."""
    found = _parse(data) if data else None
    return found is not None and "transactionTime" in found and "output" in found


def read_page(data: bytes, base: str) -> Page:
    """The manifest in `data`, which came from `base`."""
    found = _parse(data)
    if found is None:
        raise ExportFailed("the manifest is not a JSON object")
    time, token = found.get("transactionTime"), found.get("requiresAccessToken")
    if not isinstance(time, str) or not isinstance(token, bool):
        raise ExportFailed("the manifest lacks its transactionTime or requiresAccessToken")
    items = []
    for section in SECTIONS:
        values = found.get(section, [])
        if not isinstance(values, list) or (section == "output" and section not in found):
            raise ExportFailed(f"the manifest's {section} is no list")
        items += [_item(section, value, base) for value in values]
    links = found.get("link")
    following = [
        link.get("url")
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("relation") == "next"
    ]
    if len(following) > 1:
        raise ExportFailed("the manifest has more than one next page")
    organized = found.get("outputOrganizedBy")
    return Page(
        transaction_time=time,
        requires_token=token,
        organized_by=organized if isinstance(organized, str) else None,
        items=items,
        next_url=_urls.follow(following[0], base, "the next page") if following else None,
    )
