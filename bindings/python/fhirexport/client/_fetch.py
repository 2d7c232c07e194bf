"""A whole fetch: kick-off, polls, pages, files side by side, and the manifest of what came."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import threading
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from . import _urls
from ._download import Downloads
from ._errors import ExportFailed, ExportGone, FetchError, VerificationFailed, clean, describe
from ._http import Document, Http, Interrupted, wait
from ._journal import Entry, Journal
from ._manifest import Item, Page, is_manifest, read_page
from ._request import ExportRequest
from ._tokens import Tokens

__all__ = ["Event", "FetchOptions", "FetchResult", "FetchedFile", "cancel", "fetch"]

_PREFIXES = {"output": "", "deleted": "deleted-", "error": "error-", "outcome": "outcome-"}
_PAGES_MAX = 1_000_000


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened; `facts` are numbers and short texts, no links and no tokens.

    Kinds: `kick_off`, `progress`, `manifest`, `data` (bytes that came), `file`, `retry`, `complete`,
    `removed`, `warning`.
    """

    kind: str
    facts: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class FetchOptions:
    """How to fetch. Times are seconds.

    `patience`: how long to try again while nothing at all works. `gzip`: "unpack" what comes packed,
    "keep" it as .ndjson.gz, or "off": ask for none. `delete`: remove the export from the server once all
    is here. `restart`: forget what is in the folder. `poll_seconds`: between polls, where the server
    does not say.
    """

    parallel: int = 4
    patience: float = 600.0
    timeout: float = 60.0
    poll_seconds: float = 2.0
    gzip: str = "unpack"
    delete: bool = False
    restart: bool = False
    token_file: Optional[str] = None
    token_command: Optional[str] = None
    token: Optional[Callable[[], str]] = None
    ca_file: Optional[str] = None
    allow_http_token: bool = False

    def __post_init__(self) -> None:
        if self.gzip not in ("unpack", "keep", "off"):
            raise ValueError("gzip is unpack, keep or off")
        if not 1 <= self.parallel <= 64:
            raise ValueError("parallel is a number from 1 to 64")


@dataclasses.dataclass(frozen=True)
class FetchedFile:
    """A file that is there, whole and checked. `bytes`, `count` and `sha256` are of its NDJSON."""

    section: str
    type: Optional[str]
    path: str
    count: int
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class FetchResult:
    """What was fetched; `transaction_time` is the `since` of the next export."""

    folder: str
    transaction_time: str
    files: List[FetchedFile]

    @property
    def resources(self) -> int:
        """How many resources there are."""
        return sum(file.count for file in self.files if file.section == "output")


Listener = Callable[[Event], None]


def fetch(
    request: Union[str, ExportRequest],
    to: Union[str, "os.PathLike[str]"],
    options: FetchOptions = FetchOptions(),
    on_event: Optional[Listener] = None,
) -> FetchResult:
    """Has a Bulk Data server export, and fetches all files of it into the folder `to`.

    Goes on where an earlier call for the same request was interrupted, by whatever. `on_event` is called
    from several threads, one at a time. Raises `FetchError` and its kinds; `ValueError` for options.
    """
    wanted = ExportRequest(request) if isinstance(request, str) else request
    wanted.kick_off()
    journal = Journal(os.fspath(to))
    try:
        return _Fetch(wanted, journal, options, on_event).run()
    except OSError as error:
        raise FetchError(f"the folder cannot be written: {error.strerror}") from error
    finally:
        journal.close()


def cancel(
    to: Union[str, "os.PathLike[str]"],
    options: FetchOptions = FetchOptions(),
) -> bool:
    """Has the server remove the export that the folder `to` was for; False if it had none."""
    journal = Journal(os.fspath(to))
    try:
        if journal.status_url is None or journal.removed:
            return False
        return _remove_export(_make_http(options, threading.Event(), lambda why: None), journal)
    finally:
        journal.close()


def _make_http(
    options: FetchOptions, stop: threading.Event, on_retry: Callable[[str], None]
) -> Http:
    return Http(
        Tokens(options.token_file, options.token_command, options.token),
        patience=options.patience,
        timeout=options.timeout,
        stop=stop,
        ca_file=options.ca_file,
        allow_http_token=options.allow_http_token,
        on_retry=on_retry,
    )


def _remove_export(http: Http, journal: Journal) -> bool:
    assert journal.status_url is not None
    http.trust(journal.base)
    answer = http.document("DELETE", journal.status_url)
    if not (200 <= answer.status < 300 or answer.status in (404, 410)):
        raise FetchError(f"the server keeps the export: {describe(answer.status, answer.outcome)}")
    journal.add({"record": "removed"})
    return answer.status < 300


class _Fetch:
    """One fetch: the calling thread walks the manifest, others take files from a queue."""

    def __init__(
        self,
        request: ExportRequest,
        journal: Journal,
        options: FetchOptions,
        on_event: Optional[Listener],
    ) -> None:
        self._request, self._journal, self._options = request, journal, options
        self._on_event = on_event
        self._stop = threading.Event()
        self._event_lock, self._merge_lock = threading.Lock(), threading.Lock()
        self._renew_lock = threading.Lock()
        self._http = _make_http(options, self._stop, self._on_retry)
        self._downloads = Downloads(
            self._http, journal, self._renew, options.gzip, self._on_bytes, self._on_retry
        )
        self._queue: "queue.Queue[Optional[Entry]]" = queue.Queue()
        self._failure: Optional[BaseException] = None
        self._wrong: List[VerificationFailed] = []
        self._organized_by: Optional[str] = None
        self._pages: Dict[int, List[Entry]] = {}
        self._numbers: Counter[str] = Counter()

    # Events

    def _say(self, kind: str, **facts: Any) -> None:
        if self._on_event is not None:
            with self._event_lock:
                self._on_event(Event(kind, facts))

    def _on_retry(self, why: str) -> None:
        self._say("retry", reason=why)

    def _on_bytes(self, count: int) -> None:
        self._say("data", bytes=count)

    # The whole

    def run(self) -> FetchResult:
        journal, options = self._journal, self._options
        if options.restart:
            journal.forget()
        fingerprint = self._request.fingerprint()
        if journal.fingerprint is None:
            journal.begin_fetch(fingerprint, self._request.operation)
        elif journal.fingerprint != fingerprint:
            raise FetchError("the folder is of another request; give another folder, or restart")
        self._http.trust(self._request.operation)
        if not journal.complete:
            journal.settle()
            self._index()
            if journal.status_url is None:
                self._kick_off()
            self._fetch_all()
            self._write_manifest()
            journal.add({"record": "complete"})
        result = self._result()
        files, count = len(result.files), result.resources
        self._say(
            "complete", files=files, resources=count, transaction_time=result.transaction_time
        )
        if options.delete and not journal.removed:
            self._delete()
        return result

    def _kick_off(self) -> None:
        method, url, headers, body = self._request.kick_off()
        answer = self._http.document(method, url, headers, body, repeat_lost=False)
        if answer.status != 202:
            told = describe(answer.status, answer.outcome)
            raise ExportFailed(f"the kick-off was refused: {told}", answer.outcome)
        location = answer.header("Content-Location")
        status = _urls.follow(location, answer.url, "the Content-Location of the kick-off")
        self._journal.add({"record": "status", "url": status})
        self._say("kick_off", status_url=status)

    def _fetch_all(self) -> None:
        threads = [
            threading.Thread(target=self._work, name=f"fetch-{i}", daemon=True)
            for i in range(self._options.parallel)
        ]
        for thread in threads:
            thread.start()
        try:
            self._walk()
            for _ in threads:
                self._queue.put(None)
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)
        except Interrupted:
            pass
        finally:
            # Who waits for the network is left alone: it sees the stop, and writes nothing more.
            self._stop.set()
            for thread in threads:
                self._queue.put(None)
            for thread in threads:
                thread.join(2.0)
        if self._failure is not None:
            raise self._failure
        if self._wrong:
            more = f" (and {len(self._wrong) - 1} more files)" if len(self._wrong) > 1 else ""
            raise VerificationFailed(str(self._wrong[0]) + more)

    def _work(self) -> None:
        while not self._stop.is_set():
            entry = self._queue.get()
            if entry is None:
                return
            try:
                self._downloads.fetch(entry)
                self._say(
                    "file",
                    name=entry.final,
                    section=entry.section,
                    type=entry.type,
                    count=entry.lines,
                    bytes=entry.bytes,
                )
            except VerificationFailed as error:
                self._wrong.append(error)
                self._say("warning", message=str(error))
            except Interrupted:
                return
            except BaseException as error:  # pylint: disable=broad-except # raised by the caller
                if not self._stop.is_set():
                    self._failure = error
                    self._stop.set()
                return

    # The manifest

    def _walk(self) -> None:
        """Polls page after page until the last one is complete; new files go into the queue."""
        url, number, seen, empty = self._journal.status_url, 1, set(), self._options.poll_seconds
        assert url is not None
        while True:
            page, answer = self._page(url)
            if page is not None:
                self._merge(number, page)
                if page.next_url is not None:
                    seen.add(url)
                    url, number = page.next_url, number + 1
                    if url in seen or number > _PAGES_MAX:
                        raise ExportFailed("the manifest's pages have no end")
                    continue
                if answer.status == 200:
                    break
            self._say("progress", text=clean(answer.header("X-Progress") or "", 100))
            told = answer.retry_after()
            wait(self._stop, max(told, 0.2) if told is not None else empty)
            empty = min(empty * 1.5, 30.0)
        entries = self._journal.in_order()
        for entry in entries:
            if entry.url is None:
                raise ExportGone("the manifest has fewer files than when the fetch began")
        self._say("manifest", files=len(entries), done=sum(entry.done for entry in entries))

    def _page(self, url: str) -> "tuple[Optional[Page], Document]":
        answer = self._http.document("GET", url, {"Accept": "application/json"})
        if answer.status == 200 or (answer.status == 202 and is_manifest(answer.data)):
            return read_page(answer.data, answer.url), answer
        if answer.status == 202:
            return None, answer
        told = describe(answer.status, answer.outcome)
        if answer.status in (404, 410):
            raise ExportGone(
                f"the server does not have this export any more: {told}", answer.outcome
            )
        if answer.status in (401, 403):
            raise ExportFailed(f"the server refuses the poll: {told}", answer.outcome)
        raise ExportFailed(f"the export failed: {told}", answer.outcome)

    def _merge(self, number: int, page: Page) -> None:
        """Takes over the links of a page; what is new in it is planned."""
        with self._merge_lock:
            journal = self._journal
            if journal.transaction_time is None:
                journal.add({"record": "time", "time": page.transaction_time})
            elif journal.transaction_time != page.transaction_time:
                raise ExportGone(
                    "the export is not the one that was begun: another transactionTime"
                )
            self._organized_by = page.organized_by or self._organized_by
            found, plans = self._match(number, page)
            if plans:
                journal.add(*plans)
                new = [journal.entries[plan["name"]] for plan in plans]
                self._pages.setdefault(number, []).extend(new)
            for name, item in found:
                entry = journal.entries[name]
                fresh = entry.url is None
                if page.requires_token:
                    self._http.trust(item.url)
                entry.needs_token, entry.url = page.requires_token, item.url
                entry.wanted_bytes, entry.wanted_sha256 = item.byte_count, item.sha256
                entry.continues_in = item.continues_in
                if fresh and not entry.done:
                    self._queue.put(entry)

    def _match(
        self, number: int, page: Page
    ) -> "tuple[list[tuple[str, Item]], list[Dict[str, Any]]]":
        """Which file here each item of a page is, and records of those that are new.

        A file stays the same if the path of its URL does, wherever it stands, else by its place.
        """
        mine = self._pages.get(number, [])
        by_place = {entry.place: entry for entry in mine}
        paths = [item.path_digest for item in page.items]
        known, shown = Counter(entry.path for entry in mine), Counter(paths)
        by_path = {one.path: one for one in mine if known[one.path] == shown[one.path] == 1}
        found, plans, taken = [], [], set()
        indexes: Dict[str, int] = {}
        for item, path in zip(page.items, paths):
            index = indexes[item.section] = indexes.get(item.section, -1) + 1
            place = f"{number}.{item.section}.{index}"
            entry = by_path.get(path) or by_place.get(place)
            if entry is None:
                entry = self._plan(item, place, path)
                plans.append(entry.plan())
            same = (entry.section, entry.type, entry.count) == (item.section, item.type, item.count)
            if not same or entry.name in taken:
                raise ExportGone(
                    "the manifest is not the one that was begun: its files have changed"
                )
            taken.add(entry.name)
            found.append((entry.name, item))
        return found, plans

    def _index(self) -> None:
        """What is recorded, by page, and how many files of each kind there are."""
        for entry in self._journal.in_order():
            self._pages.setdefault(entry.page, []).append(entry)
            self._numbers[entry.name.rsplit("-", 1)[0]] += 1

    def _plan(self, item: Item, place: str, path: str) -> Entry:
        """A new file, with a name of type and number; nothing of the URL is in it."""
        stem = _PREFIXES[item.section] + (item.type or "resources")
        self._numbers[stem] += 1
        name = f"{stem}-{self._numbers[stem]:04d}.ndjson"
        return Entry(name, item.section, item.type, item.count, place, path)

    def _renew(self, entry: Entry, ended: str) -> None:
        """New links, by polling the pages up to the one where the file stands."""
        with self._renew_lock:
            if entry.url != ended:
                return
            url, last = self._journal.status_url, entry.page
            for number in range(1, last + 1):
                assert url is not None
                page, _ = self._page(url)
                if page is None or (page.next_url is None and number < last):
                    raise ExportGone("the manifest has fewer pages than when the fetch began")
                self._merge(number, page)
                url = page.next_url

    # The end

    def _write_manifest(self) -> None:
        """What is in the folder, as a manifest with files in place of links."""
        journal = self._journal
        entries = journal.in_order()
        names = {_urls.without_query(one.url): one.final for one in entries if one.url is not None}
        sections: Dict[str, List[Dict[str, Any]]] = {"output": [], "error": []}
        for one in entries:
            facts: Dict[str, Any] = {"type": one.type} if one.type is not None else {}
            facts.update(file=one.final, count=one.lines, bytes=one.bytes, sha256=one.sha256)
            if one.continues_in is not None:
                following = names.get(_urls.without_query(one.continues_in))
                if following is not None:
                    facts["continuesInFile"] = following
            sections.setdefault(one.section, []).append(facts)
        manifest: Dict[str, Any] = {"transactionTime": journal.transaction_time}
        manifest["operation"] = self._request.operation
        if self._organized_by is not None:
            manifest["outputOrganizedBy"] = self._organized_by
        path = journal.local("manifest.json")
        with open(path + ".part", "w", encoding="ascii") as file:
            json.dump({**manifest, **sections}, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".part", path)
        journal.sync_folder()

    def _result(self) -> FetchResult:
        journal = self._journal
        files = [
            FetchedFile(
                one.section,
                one.type,
                journal.local(one.final or one.name),
                one.lines,
                one.bytes,
                one.sha256 or "",
            )
            for one in journal.in_order()
        ]
        return FetchResult(journal.folder, journal.transaction_time or "", files)

    def _delete(self) -> None:
        self._stop.clear()  # those whom it stopped have ended
        try:
            _remove_export(self._http, self._journal)
            self._say("removed")
        except FetchError as error:
            self._say("warning", message=str(error))
