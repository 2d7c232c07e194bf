"""One file of an export: fetched, gone on with after a break, checked, and given its name."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, Callable, Dict, Optional, Protocol, Tuple

from . import _check
from ._errors import ExportFailed, ExportGone, VerificationFailed, describe, read_outcome
from ._http import BROKEN, Http, Interrupted, Reply, explain
from ._journal import Entry, Journal, remove, size_of

__all__ = ["Downloads"]

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")
_LINK_ENDED = {401, 403, 404, 410}
_RENEWALS = 3
_SHOWN = 1 << 16  # of an answer that refuses a file


class Renew(Protocol):
    """Asks the server for a new link to a file."""

    def __call__(self, entry: Entry, ended: str) -> None: ...


class _Broken(Exception):
    """The connection broke; what has come is kept."""


class Downloads:
    """Fetches files into the journal's folder. Every thread may use it."""

    def __init__(
        self,
        http: Http,
        journal: Journal,
        renew: Renew,
        gzip: str,
        on_bytes: Callable[[int], None],
        on_retry: Callable[[str], None],
    ) -> None:
        self._http, self._journal, self._renew = http, journal, renew
        self._gzip, self._on_bytes, self._on_retry = gzip, on_bytes, on_retry

    def fetch(self, entry: Entry) -> None:
        """Fetches a file, once more if it is not what the manifest says."""
        try:
            self._fetch_once(entry)
        except VerificationFailed as error:
            self._on_retry(str(error))
            self._fetch_once(entry)

    def _fetch_once(self, entry: Entry) -> None:
        part = self._journal.local(entry.name + ".part")
        tally = self._transfer(entry, part)
        try:
            self._accept(entry, part, tally)
        except VerificationFailed:
            remove(part)
            remove(self._journal.local(entry.name + ".unpacked"))
            raise

    def _transfer(self, entry: Entry, part: str) -> _check.Tally:
        """The whole file into `part`, over as many connections as it takes."""
        tally = _check.Tally()
        if size_of(part) > 0:
            with open(part, "rb") as file:
                for data in _check.pieces(file):
                    tally.update(data)
        pauses, renewals, best = self._http.pauses(), 0, tally.bytes
        while True:
            url = entry.url
            if url is None:
                raise ExportGone(f"the manifest does not list {entry.name} any more")
            why, at_least = "the connection broke", None
            try:
                with self._ask(entry, url, tally.bytes) as reply:
                    if reply.status in _LINK_ENDED and renewals < _RENEWALS:
                        renewals += 1
                        self._renew(entry, url)
                        if entry.url != url:
                            continue
                        why, at_least = describe(reply.status, None), reply.retry_after()
                    elif reply.status in (200, 206, 416):
                        tally, whole = self._take(entry, part, reply, tally)
                        if whole:
                            return tally
                        why = "the server sent another range than it was asked for"
                    elif reply.status in (408, 425, 429) or reply.status >= 500:
                        why, at_least = describe(reply.status, None), reply.retry_after()
                    else:
                        self._refused(entry, reply)
            except _Broken as error:
                why = str(error)
                tally = self._reread(part, tally)
            if tally.bytes > best:
                pauses.progress()
                renewals, best = 0, tally.bytes
            self._on_retry(why)
            pauses.pause(f"{entry.name}: {why}", at_least)

    def _reread(self, part: str, tally: _check.Tally) -> _check.Tally:
        """What `part` holds when nobody knows how far it came."""
        if tally.bytes == max(size_of(part), 0):
            return tally
        again = _check.Tally()
        with open(part, "rb") as file:
            for data in _check.pieces(file):
                again.update(data)
        return again

    def _ask(self, entry: Entry, url: str, have: int) -> Reply:
        headers: Dict[str, str] = {
            "Accept": "application/fhir+ndjson",
            "Accept-Encoding": "identity" if self._gzip == "off" else "gzip",
        }
        if have > 0:
            headers["Range"] = f"bytes={have}-"
            if entry.etag is not None and not entry.etag.startswith("W/"):
                headers["If-Range"] = entry.etag
            elif entry.modified is not None:
                headers["If-Range"] = entry.modified
        try:
            return self._http.once("GET", url, headers, token=entry.needs_token)
        except BROKEN as error:
            raise _Broken(explain(error)) from None

    @staticmethod
    def _refused(entry: Entry, reply: Reply) -> None:
        try:
            outcome = read_outcome(reply.read(_SHOWN))
        except BROKEN:
            outcome = None
        if reply.status in _LINK_ENDED:
            raise ExportGone(f"{entry.name}: {describe(reply.status, outcome)}", outcome)
        raise ExportFailed(f"{entry.name}: {describe(reply.status, outcome)}", outcome)

    def _take(
        self, entry: Entry, part: str, reply: Reply, tally: _check.Tally
    ) -> Tuple[_check.Tally, bool]:
        """Appends a body, or begins anew with it; whether the file is whole now."""
        have = tally.bytes
        if reply.status == 416:
            total = re.match(r"bytes \*/(\d+)$", reply.header("Content-Range") or "")
            if have > 0 and total is not None and int(total.group(1)) == have == entry.length:
                return tally, True
            remove(part)
            return _check.Tally(), False
        if reply.status == 206 and not self._goes_on(entry, reply, have):
            remove(part)
            return _check.Tally(), False
        if reply.status == 200:
            self._begin(entry, part, reply)
            tally = _check.Tally()
        with open(part, "ab") as file:
            self._stream(reply, file, tally)
            if entry.length is not None and tally.bytes != entry.length:
                raise _Broken("the connection ended early")
            os.fsync(file.fileno())
        return tally, True

    @staticmethod
    def _goes_on(entry: Entry, reply: Reply, have: int) -> bool:
        """Whether a 206 is the rest of what is here."""
        found = _RANGE.match(reply.header("Content-Range") or "")
        if found is None or int(found.group(1)) != have or have == 0:
            return False
        total = None if found.group(2) == "*" else int(found.group(2))
        same_tag = entry.etag is None or reply.header("ETag") in (None, entry.etag)
        same_coding = _coding(reply) == entry.coding
        return same_tag and same_coding and (entry.length is None or total in (None, entry.length))

    def _begin(self, entry: Entry, part: str, reply: Reply) -> None:
        """Records whose bytes are going to be in `part`, once there are none of others in it."""
        length = reply.header("Content-Length")
        coding = _coding(reply)
        if coding not in ("", "gzip"):
            raise ExportFailed(
                f"{entry.name}: the server sends it in a coding that was not asked for"
            )
        remove(part)
        self._journal.add(
            {
                "record": "begin",
                "name": entry.name,
                "etag": reply.header("ETag"),
                "modified": reply.header("Last-Modified"),
                "coding": coding,
                "length": int(length) if length is not None and length.isdigit() else None,
            }
        )

    def _stream(self, reply: Reply, file: BinaryIO, tally: _check.Tally) -> None:
        while True:
            try:
                data = reply.read(_check.PIECE)
            except BROKEN as error:
                file.flush()
                raise _Broken(explain(error)) from None
            if self._http.stop.is_set():
                raise Interrupted
            if not data:
                return
            file.write(data)
            tally.update(data)
            self._on_bytes(len(data))

    def _accept(self, entry: Entry, part: str, tally: _check.Tally) -> None:
        """Checks a whole file against the manifest, and gives it its name."""
        kept, final, content = part, entry.name, tally
        with open(part, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            keep = self._gzip == "keep"
            content = self._unpack(entry, part, keep)
            if keep:
                final += ".gz"
            else:
                kept = self._journal.local(entry.name + ".unpacked")
        _compare(entry, content, tally)
        self._journal.add(
            {
                "record": "accept",
                "name": entry.name,
                "final": final,
                "unpacked": kept != part,
                "stored": tally.bytes if kept == part else content.bytes,
                "bytes": content.bytes,
                "lines": content.lines,
                "sha256": content.sha256,
            }
        )
        os.replace(kept, self._journal.local(final))
        if kept != part:
            remove(part)

    def _unpack(self, entry: Entry, part: str, keep: bool) -> _check.Tally:
        content = _check.Tally()
        path = os.devnull if keep else self._journal.local(entry.name + ".unpacked")
        with open(part, "rb") as packed, open(path, "wb") as file:
            for data in _check.unpack(packed):
                content.update(data)
                file.write(data)
                if entry.wanted_bytes is not None and content.bytes > entry.wanted_bytes:
                    raise VerificationFailed(
                        f"{entry.name} is longer than the {entry.wanted_bytes} bytes of the manifest"
                    )
                if self._http.stop.is_set():
                    raise Interrupted
            if not keep:
                file.flush()
                os.fsync(file.fileno())
        return content


def _coding(reply: Reply) -> str:
    value = (reply.header("Content-Encoding") or "").strip().lower()
    return {"identity": "", "x-gzip": "gzip"}.get(value, value)


def _compare(entry: Entry, content: _check.Tally, stored: _check.Tally) -> None:
    """Refuses a file that is not what the manifest says."""
    wanted: Optional[int]
    for what, found, wanted in (
        ("lines", content.lines, entry.count),
        ("bytes", content.bytes, entry.wanted_bytes),
    ):
        if wanted is not None and found != wanted:
            raise VerificationFailed(f"{entry.name} has {found} {what}; the manifest says {wanted}")
    # The digest is that of the file as the server keeps it, which may be in gzip.
    digests = (content.sha256, stored.sha256)
    if entry.wanted_sha256 is not None and entry.wanted_sha256 not in digests:
        raise VerificationFailed(f"{entry.name} does not have the SHA-256 of the manifest")
