"""What a fetch has done, as lines of JSON in its folder; a killed process goes on from there.

A record is appended and synced before what it says is relied upon. A torn last line is left out. The
file holds no links, no tokens and no resources. What it knows:

    fetch     the version of this format, the fingerprint of the request
    status    the URL to poll
    time      the manifest's transactionTime
    plan      a file of the manifest has this name here
    begin     its download begins from nothing: how the server tells that the rest is of the same bytes
    accept    it is whole and checked; renaming it is all that is left
    complete  all files are there, and the manifest is written
    removed   the server was told to remove the export
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
import threading
from typing import Any, Dict, List, Optional

from ._errors import FetchError

__all__ = ["Entry", "Journal", "NAME", "remove", "size_of"]

NAME = ".fhirexport-fetch.jsonl"
_VERSION = 1
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
# The names that _fetch.py makes; nothing else is opened, whatever stands in a journal.
_LOCAL = re.compile(r"[A-Za-z]+(-[A-Za-z]+)?-\d{4,}\.ndjson$")


@dataclasses.dataclass
class Entry:
    """One file: what is recorded of it, and the link that is good now."""

    name: str
    section: str
    type: Optional[str]
    count: Optional[int]
    place: str
    path: str
    # How the download that is in NAME.part began.
    etag: Optional[str] = None
    modified: Optional[str] = None
    coding: str = ""
    length: Optional[int] = None
    # What was accepted.
    done: bool = False
    final: Optional[str] = None
    unpacked: bool = False
    stored: int = 0
    bytes: int = 0
    lines: int = 0
    sha256: Optional[str] = None
    # Of the last manifest; never recorded.
    url: Optional[str] = None
    needs_token: bool = False
    wanted_bytes: Optional[int] = None
    wanted_sha256: Optional[str] = None
    continues_in: Optional[str] = None
    order: int = 0

    @property
    def page(self) -> int:
        """The page of the manifest on which the file stands."""
        return int(self.place.split(".", 1)[0])

    def plan(self) -> Dict[str, Any]:
        """The record of a file that is going to be fetched."""
        facts = {
            name: getattr(self, name) for name in ("section", "type", "count", "place", "path")
        }
        return {"record": "plan", "name": self.name, **facts}


class Journal:
    """The records of one folder, which it locks. Every thread may add to it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.status_url: Optional[str] = None
        self.transaction_time: Optional[str] = None
        self.fingerprint: Optional[str] = None
        self.base = ""
        self.complete = self.removed = False
        self.entries: Dict[str, Entry] = {}
        self._lock = threading.Lock()
        try:
            os.makedirs(folder, exist_ok=True)
            self._file = os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            raise FetchError(f"the folder cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load()
        except BlockingIOError:
            self.close()
            raise FetchError("another process fetches into this folder") from None
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> str:
        """The journal's file."""
        return os.path.join(self.folder, NAME)

    def local(self, name: str) -> str:
        """Where a file of the folder is."""
        return os.path.join(self.folder, name)

    def close(self) -> None:
        """Lets another process have the folder."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def forget(self) -> None:
        """Removes all that this journal knows of, and begins anew."""
        for entry in self.entries.values():
            names = (entry.name, entry.name + ".gz", entry.name + ".part", entry.name + ".unpacked")
            for name in names:
                remove(self.local(name))
        remove(self.local("manifest.json"))
        os.ftruncate(self._file, 0)
        os.fsync(self._file)
        self.entries.clear()
        self.status_url = self.transaction_time = self.fingerprint = None
        self.complete = self.removed = False

    def _load(self) -> None:
        with open(os.dup(self._file), "rb") as file:
            data = file.read()
        good = data.rfind(b"\n") + 1
        try:
            for line in data[:good].splitlines():
                self._apply(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FetchError("what is recorded in the folder cannot be read") from None
        # A line without its end was never relied upon.
        os.ftruncate(self._file, good)
        if good == 0 and os.listdir(self.folder) != [NAME]:
            remove(self.path)
            raise FetchError("the folder has other files: give one that is new or empty")

    def _apply(self, record: Dict[str, Any]) -> None:
        kind = record["record"]
        if kind == "fetch":
            if record["version"] != _VERSION:
                raise FetchError("the folder was begun by another version of this program")
            self.fingerprint, self.base = record["request"], record["base"]
        elif kind == "status":
            self.status_url = record["url"]
        elif kind == "time":
            self.transaction_time = record["time"]
        elif kind == "plan":
            if not _LOCAL.match(record["name"]):
                raise ValueError("not a name of ours")
            facts = {name: record[name] for name in ("section", "type", "count", "place", "path")}
            self.entries[record["name"]] = Entry(
                name=record["name"], order=len(self.entries), **facts
            )
        elif kind == "begin":
            entry = self.entries[record["name"]]
            entry.done = False
            for name in ("etag", "modified", "coding", "length"):
                setattr(entry, name, record[name])
        elif kind == "accept":
            entry = self.entries[record["name"]]
            entry.done = True
            for name in ("final", "unpacked", "stored", "bytes", "lines", "sha256"):
                setattr(entry, name, record[name])
        elif kind == "complete":
            self.complete = True
        elif kind == "removed":
            self.removed = True

    def add(self, *records: Dict[str, Any]) -> None:
        """Records, durably, and takes them as done."""
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
        with self._lock:
            data = text.encode()
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
            for record in records:
                self._apply(record)

    def begin_fetch(self, fingerprint: str, base: str) -> None:
        """The first record; `base` is the URL that the token is for."""
        os.ftruncate(self._file, 0)
        record = {"record": "fetch", "version": _VERSION, "request": fingerprint, "base": base}
        self.add(record)

    def in_order(self) -> List[Entry]:
        """All files, in the order of the manifest."""
        with self._lock:
            return sorted(self.entries.values(), key=lambda entry: entry.order)

    def sync_folder(self) -> None:
        """Makes names durable."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def settle(self) -> None:
        """Ends what a killed process had begun to rename; what is not there is fetched again."""
        for entry in self.in_order():
            if not entry.done:
                continue
            assert entry.final is not None
            final = self.local(entry.final)
            if size_of(final) != entry.stored:
                left = self.local(entry.name + (".unpacked" if entry.unpacked else ".part"))
                entry.done = size_of(left) == entry.stored
                if entry.done:
                    os.replace(left, final)
            remove(self.local(entry.name + ".part"))
            remove(self.local(entry.name + ".unpacked"))


def size_of(path: str) -> int:
    """The length of a file, -1 without one."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return -1


def remove(path: str) -> None:
    """Removes a file, if it is there."""
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
