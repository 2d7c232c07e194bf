"""`python -m fhirexport fetch`: its options, and what it shows."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from typing import Any, Dict, List, Optional, Tuple

from .client import Event, ExportRequest, FetchError, FetchOptions, cancel, fetch

__all__ = ["add"]

_ABOUT = """\
Has a Bulk Data server export, waits until it is done, and fetches all files into a folder, checked against the
manifest: number of lines, and length and SHA-256 where the manifest has them. What was interrupted, by Ctrl-C,
kill -9 or a network that went away, goes on where it was when the same command is run again.
"""

_FILES = """\
what is in DIR afterwards:
  Patient-0001.ndjson, ...    resources, a file for each of the manifest's output; .ndjson.gz with --gzip keep
  deleted-..., error-...      Bundles of deletions, OperationOutcomes
  manifest.json               the manifest with names in place of links; transactionTime is the next --since
  .fhirexport-fetch.jsonl     what was done so far; it has the URL of the export, and no token

tokens:
  A token goes to the server of URL, over https or to this machine. It goes to other servers only for files of a
  manifest that says requiresAccessToken, and never with a redirect. The token file is read again, and the
  command run again, when a token is refused or has ended. The command is run without a shell; it prints a
  token, or a token response of OAuth 2.0 as JSON.

"""


def _words(values: Optional[List[str]]) -> Tuple[str, ...]:
    """Values that may be repeated, or stand with commas between."""
    return tuple(word for value in values or () for word in value.split(",") if word)


def _pair(value: str) -> Tuple[str, str]:
    name, equals, rest = value.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("a parameter is NAME=VALUE")
    return name, rest


def add(commands: Any, codes: str) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "fetch",
        help="fetch an export from a Bulk Data server",
        description=_ABOUT,
        epilog=_FILES + codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", help="the FHIR base, or a whole URL of $export")
    parser.add_argument(
        "--to", metavar="DIR", required=True, help="the folder; new, empty, or of the same fetch"
    )
    _add_request(parser.add_argument_group("what to export"))
    _add_way(parser.add_argument_group("how to fetch"))
    parser.set_defaults(run=run)


def _add_request(group: Any) -> None:
    group.add_argument(
        "--level",
        default="system",
        metavar="LEVEL",
        help="system, patient or group/ID; default: %(default)s",
    )
    group.add_argument(
        "--type", action="append", metavar="TYPES", help="with commas between; may be repeated"
    )
    group.add_argument("--since", metavar="INSTANT", help="what changed after that time")
    group.add_argument("--until", metavar="INSTANT", help="what changed before that time")
    group.add_argument(
        "--type-filter",
        action="append",
        metavar="QUERY",
        help="such as 'Observation?status=final'; may be repeated",
    )
    group.add_argument(
        "--elements",
        action="append",
        metavar="NAMES",
        help="with commas between: Patient.birthDate,subject",
    )
    group.add_argument(
        "--patient",
        action="append",
        metavar="Patient/ID",
        help="of these patients alone; may be repeated",
    )
    group.add_argument("--organize-by", metavar="TYPE", help="organizeOutputBy: Patient")
    group.add_argument(
        "--associated",
        action="append",
        metavar="VALUES",
        help="includeAssociatedData: LatestProvenanceResources, ...",
    )
    group.add_argument(
        "--parameter",
        action="append",
        type=_pair,
        metavar="NAME=VALUE",
        help="any other parameter of the kick-off",
    )
    group.add_argument(
        "--partial",
        action="store_true",
        help="allowPartialManifests: fetch files while the export still runs",
    )
    group.add_argument("--lenient", action="store_true", help="Prefer: handling=lenient")
    group.add_argument(
        "--post", action="store_true", help="kick off by POST; --patient always does"
    )


def _add_way(group: Any) -> None:
    group.add_argument("--token-file", metavar="FILE", help="a file with the bearer token")
    group.add_argument("--token-command", metavar="COMMAND", help="a command that prints it")
    group.add_argument(
        "--ca-file", metavar="FILE", help="whose certificates are believed, instead of the system's"
    )
    group.add_argument(
        "--parallel", type=int, default=4, metavar="N", help="files at a time; default: %(default)s"
    )
    group.add_argument(
        "--gzip",
        choices=("unpack", "keep", "off"),
        default="unpack",
        help="what comes in gzip is unpacked, kept as .ndjson.gz, or not asked for; default: %(default)s",
    )
    group.add_argument(
        "--patience",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="how long to try again while nothing works; default: %(default)s",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a connection may be silent; default: %(default)s",
    )
    group.add_argument(
        "--delete", action="store_true", help="remove the export from the server when all is here"
    )
    group.add_argument(
        "--restart", action="store_true", help="remove what is in DIR, and begin anew"
    )
    group.add_argument(
        "--cancel",
        action="store_true",
        help="fetch nothing: have the server remove the export of DIR",
    )
    group.add_argument(
        "--allow-http-token",
        action="store_true",
        help="send tokens over http to other machines, too",
    )
    group.add_argument(
        "--json", action="store_true", help="print what happens as lines of JSON on stdout"
    )
    group.add_argument("--quiet", action="store_true", help="no progress; errors alone")


def run(options: argparse.Namespace) -> int:
    """Fetches, or cancels, and tells of it."""
    request = ExportRequest(
        url=options.url,
        level=options.level,
        types=_words(options.type),
        since=options.since,
        until=options.until,
        type_filters=tuple(options.type_filter or ()),
        elements=_words(options.elements),
        patients=_words(options.patient),
        organize_by=options.organize_by,
        associated=_words(options.associated),
        parameters=tuple(options.parameter or ()),
        partial=options.partial,
        lenient=options.lenient,
        post=options.post,
    )
    way = FetchOptions(
        parallel=options.parallel,
        patience=options.patience,
        timeout=options.timeout,
        gzip=options.gzip,
        delete=options.delete,
        restart=options.restart,
        token_file=options.token_file,
        token_command=options.token_command,
        ca_file=options.ca_file,
        allow_http_token=options.allow_http_token,
    )
    show: Show = Lines() if options.json else Show() if options.quiet else make_bar()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.cancel:
            removed = cancel(options.to, way)
            show.event(
                Event(
                    "removed" if removed else "warning",
                    {} if removed else {"message": "there is no export"},
                )
            )
            return 0
        fetch(request, options.to, way, show.event)
        return 0
    except FetchError as error:
        show.failed(error.exit_code, str(error), error.retryable)
        raise
    except KeyboardInterrupt:
        show.failed(128 + signal.SIGINT, "interrupted; the same command goes on", True)
        raise
    finally:
        show.end()


class Show:
    """Errors and warnings alone, on stderr."""

    def event(self, event: Event) -> None:
        """Takes an event; the caller sees to it that one comes after another."""
        if event.kind == "warning":
            self.say(f"warning: {event.facts['message']}")

    def failed(self, code: int, message: str, retryable: bool) -> None:
        """How it ended, where it did not end well."""
        del code, retryable
        self.say(message)

    def say(self, text: str) -> None:
        """A line on stderr."""
        print(f"fhirexport fetch: {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Nothing more comes."""


class Lines(Show):
    """Every event as a line of JSON on stdout; bytes are added up, once a second."""

    def __init__(self) -> None:
        self._bytes = 0
        self._told = 0.0
        self._lock = threading.Lock()

    def _print(self, facts: Dict[str, Any]) -> None:
        with self._lock:
            print(json.dumps(facts), flush=True)

    def event(self, event: Event) -> None:
        if event.kind != "data":
            self._print({"event": event.kind, **event.facts})
            return
        self._bytes += event.facts["bytes"]
        if time.monotonic() - self._told >= 1.0:
            self._told = time.monotonic()
            self._print({"event": "data", "bytes": self._bytes})

    def failed(self, code: int, message: str, retryable: bool) -> None:
        self._print(
            {"event": "failed", "exit_code": code, "message": message, "retryable": retryable}
        )


class Bar(Show):
    """A line of progress on stderr: rewritten on a terminal, now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._every = 0.2 if self._terminal else 10.0
        self._start = self._told = time.monotonic()
        self.bytes = self.done = self.files = 0
        self.text = "kicks off"

    def event(self, event: Event) -> None:
        facts = event.facts
        if event.kind == "data":
            self.bytes += facts["bytes"]
        elif event.kind == "kick_off":
            self.text = "the server exports"
        elif event.kind == "progress":
            self.text = f"the server exports: {facts['text']}" if facts["text"] else self.text
        elif event.kind == "retry":
            self.text = f"tries again: {facts['reason']}"
        elif event.kind == "manifest":
            self.files, self.done = facts["files"], max(self.done, facts["done"])
            self.text = ""
        elif event.kind == "file":
            self.done += 1
            self.text = ""
        elif event.kind == "complete":
            self.clear()
            self.say(
                f"{facts['resources']} resources in {facts['files']} files, as of {facts['transaction_time']}"
            )
            return
        else:
            self.clear()
            super().event(event)
        self.update()

    def line(self) -> str:
        """What the line says now."""
        rate = self.bytes / max(time.monotonic() - self._start, 0.001)
        of = f"/{self.files}" if self.files else ""
        return (
            f"{self.done}{of} files, {self.bytes / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s {self.text}"
        )

    def update(self) -> None:
        """Shows it, if it is time."""
        if time.monotonic() - self._told >= self._every:
            self._told = time.monotonic()
            end = "\x1b[K\r" if self._terminal else "\n"
            print(self.line()[:100], end=end, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Makes room for another line."""
        if self._terminal:
            print("\x1b[K", end="", file=sys.stderr, flush=True)

    def failed(self, code: int, message: str, retryable: bool) -> None:
        self.clear()
        super().failed(code, message, retryable)


class TqdmBar(Bar):
    """The same by tqdm."""

    def __init__(self, tqdm: Any) -> None:
        super().__init__()
        self._bar = tqdm(unit="B", unit_scale=True, desc=self.text, file=sys.stderr)

    def update(self) -> None:
        of = f"/{self.files}" if self.files else ""
        self._bar.set_description_str(f"{self.done}{of} files {self.text}"[:60], refresh=False)
        self._bar.update(self.bytes - self._bar.n)

    def clear(self) -> None:
        self._bar.clear()

    def end(self) -> None:
        self._bar.close()


def make_bar() -> Bar:
    """A bar of tqdm where it is installed and somebody looks, else a plain one."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm  # pylint: disable=import-outside-toplevel
        except ImportError:
            pass
        else:
            return TqdmBar(tqdm)
    return Bar()
