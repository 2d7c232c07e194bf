"""Which URLs are followed: http and https alone, never from https to http, no user names in them."""

from __future__ import annotations

import re
import urllib.parse
from typing import Optional

from ._errors import FetchError

__all__ = ["follow", "is_loopback", "origin", "without_query"]

_ALLOWED = re.compile(r"[!-~]+$")  # visible ASCII
_PORTS = {"http": 80, "https": 443}


def _split(url: str) -> urllib.parse.SplitResult:
    parts = urllib.parse.urlsplit(url)
    parts.port  # pylint: disable=pointless-statement # raises ValueError
    return parts


def follow(url: object, base: Optional[str], what: str) -> str:
    """`url` as it may be asked for, absolute; `base` is the URL of the answer that it stood in."""
    if not isinstance(url, str) or not _ALLOWED.match(url) or len(url) > 16384:
        raise FetchError(f"{what} is no URL")
    try:
        bare = urllib.parse.urlsplit(url)
        if (bare.scheme or url.startswith("//")) and not bare.netloc:
            raise FetchError(f"{what} has no host")
        parts = _split(urllib.parse.urljoin(base, url) if base is not None else url)
    except ValueError:
        raise FetchError(f"{what} is no URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise FetchError(f"{what} is not a URL of http or https")
    if "@" in parts.netloc:
        raise FetchError(f"{what} has a user name in it")
    if base is not None and parts.scheme == "http" and _split(base).scheme == "https":
        raise FetchError(f"{what} leads from https to http")
    return urllib.parse.urlunsplit(parts._replace(fragment=""))


def origin(url: str) -> str:
    """Scheme, host and port, which a token is bound to."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = _split(url).hostname or ""
    return host in ("localhost", "::1") or re.match(r"127\.\d+\.\d+\.\d+$", host) is not None


def without_query(url: str) -> str:
    """A URL without what changes when it is signed anew."""
    return urllib.parse.urlunsplit(_split(url)._replace(query="", fragment=""))
