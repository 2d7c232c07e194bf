"""`python -m fhirexport export`: from resources that are at hand to parts at a destination."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ._command_fetch import _pair, _words
from ._command_state import State

if TYPE_CHECKING:
    from ._job import Job
    from ._source import LibrarySource
    from ._values import Progress

__all__ = ["add"]

_ABOUT = """\
Exports resources from a folder of NDJSON or a table to a folder, a bucket or a container: checked, filtered and in
parts, as a server's $export does. The manifest is printed on stdout. What is interrupted leaves nothing behind; with
--state FILE the same command goes on with it, also after kill -9 or a power cut.
"""

_MORE = """\
sources:
  ndjson:DIR               files TYPE.ndjson, TYPE.ndjson.gz, TYPE.2.ndjson, ...
  sqlite:FILE              a table with the columns type, id, last_updated, json
  postgresql:CONNINFO      the same in PostgreSQL: postgresql:dbname=fhir, or postgresql://HOST/DB; the password
                           comes from PGPASSWORD or ~/.pgpass
  Other names by --source-option: table=, type_column=, id_column=, updated_column=, json_column=, ...

destinations:
  file:DIR
  s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path|host&ca=FILE
                           credentials from the environment, the shared file, or the machine
  azure-blob://CONTAINER/PREFIX?ca=FILE
                           AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_URL in the environment

"""
_LEVEL = re.compile(r"system$|patient$|group/([A-Za-z0-9.-]{1,64})$")
_SECRET = re.compile(r"postgres(?:ql)?://[^/@]*:[^/@]*@|\bpassword\s*=", re.IGNORECASE)


def add(commands: Any, codes: str) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="export from NDJSON, SQLite or PostgreSQL to a folder, S3 or Azure",
        description=_ABOUT,
        epilog=_MORE + codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    take = parser.add_argument
    take("--source", required=True, metavar="SOURCE", help="where the resources are")
    take("--to", required=True, metavar="DESTINATION", help="where the parts go")
    take("--source-option", action="append", type=_pair, metavar="NAME=VALUE", help="of the source")
    take("--level", default="system", metavar="LEVEL", help="system, patient or group/ID")
    take("--type", action="append", metavar="TYPES", help="with commas between; may be repeated")
    take("--since", metavar="INSTANT", help="what changed after that time")
    take("--until", metavar="INSTANT", help="what changed before that time")
    take("--type-filter", action="append", metavar="QUERY", help="'Observation?status=final'")
    take("--elements", action="append", metavar="NAMES", help="Patient.birthDate,subject")
    take("--patient", action="append", metavar="ID", help="of these patients alone")
    take("--associated", action="append", metavar="TYPES", help="also what is referred to, of these types")
    take("--gzip", action="store_true", help="parts in gzip")
    take("--sha256", action="store_true", help="digests in the manifest")
    take("--part-bytes", type=int, default=0, metavar="N", help="how long a part becomes")
    take("--threads", "--workers", type=int, default=1, metavar="N", help="that read and write; default: %(default)s")
    take("--state", metavar="FILE", help="records the export; the same command goes on with it")
    take("--progress", action="store_true", help="a bar, also where stderr is no terminal")
    take("--quiet", action="store_true", help="no bar; errors alone")
    parser.set_defaults(run=run)


def _open_source(options: argparse.Namespace) -> "LibrarySource":
    from ._source import Source  # pylint: disable=import-outside-toplevel # loads the library

    kind, colon, rest = options.source.partition(":")
    names: Dict[str, Any] = dict(options.source_option or ())
    if kind == "ndjson" and rest and not names:
        return Source.folder(rest)
    if kind == "sqlite" and rest:
        return Source.sqlite(rest, **names)
    if kind in ("postgresql", "postgres") and rest:
        if _SECRET.search(options.source):
            raise ValueError("a password is not given here: PGPASSWORD or ~/.pgpass has it")
        return Source.postgres(options.source if rest.startswith("//") else rest, **names)
    raise ValueError("a source is ndjson:DIR (without options), sqlite:FILE or postgresql:CONNINFO")


def _make_job(
    options: argparse.Namespace, source: "LibrarySource", state: "Optional[State]"
) -> "Job":
    from ._destination_url import open_destination  # pylint: disable=import-outside-toplevel
    from ._filter import Filter  # pylint: disable=import-outside-toplevel
    from ._job import Job  # pylint: disable=import-outside-toplevel

    level = _LEVEL.match(options.level)
    if level is None:
        raise ValueError("a level is system, patient or group/ID")
    settle_us = -1 if options.source.startswith("ndjson:") else 0  # files that nobody writes
    with Filter(
        _words(options.type),
        since=options.since,
        until=options.until,
        patients=[one[8:] if one.startswith("Patient/") else one for one in _words(options.patient)],
        all_patients=options.level == "patient",
        group=level.group(1),
        elements=_words(options.elements),
        queries=options.type_filter or (),
    ) as wanted, open_destination(options.to) as destination:
        recorded = None if state is None else state.attach(source, destination, settle_us)
        return recorded or Job(
            source,
            destination,
            filter=wanted,
            store=None if state is None else state.store,
            client=None if state is None else state.mark,
            lease_us=0 if state is None else state.lease_us,
            gzip=options.gzip,
            sha256=options.sha256,
            associated_types=_words(options.associated),
            part_bytes=options.part_bytes,
            settle_us=settle_us,
        )


def run(options: argparse.Namespace) -> int:
    """Exports, and prints the manifest."""
    try:
        from ._errors import (  # pylint: disable=import-outside-toplevel # loads the library
            ArgumentError,
            CancelledError,
            Error,
            JobFailedError,
        )
    except ImportError as error:
        return _failed(1, str(error))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.threads < 1:
        raise ValueError("threads is at least 1")
    bar = Bar(options)
    try:
        state = State(options) if options.state else None
        with _open_source(options) as source, _make_job(options, source, state) as job:
            bar.run(job)
            manifest = job.manifest()
    except ArgumentError as error:
        return _failed(2, str(error))
    except (JobFailedError, CancelledError) as error:
        return _failed(3, str(error))
    except Error as error:
        return _failed(1, str(error))
    except TypeError as error:  # a --source-option that there is not
        raise ValueError(str(error)) from None
    except OSError as error:
        return _failed(1, error.strerror or type(error).__name__)
    except KeyboardInterrupt:
        left = "the same command goes on" if options.state else "nothing is left of the export"
        return _failed(128 + signal.SIGINT, "interrupted; " + left)
    finally:
        bar.end()
    json.dump(manifest, sys.stdout, indent=1)
    print(flush=True)
    if manifest.get("error"):
        _failed(0, "some resources were refused: see the manifest's error")
    return 0


def _failed(code: int, message: str) -> int:
    print(f"fhirexport export: {message}", file=sys.stderr, flush=True)
    return code


class Bar:
    """Progress on stderr: tqdm's bar where it is installed, else a line."""

    def __init__(self, options: argparse.Namespace) -> None:
        terminal = sys.stderr.isatty()
        self._shown = not options.quiet and (terminal or options.progress)
        self._every, self._end = (0.2, "\x1b[K\r") if terminal else (10.0, "\n")
        self._threads, self._told, self._open = options.threads, 0.0, False
        self._interrupt = "park" if options.state else "cancel"

    def run(self, job: "Job") -> None:
        """Runs the job, and shows how far it is."""
        lines: List[Any] = [self._tell] if self._shown and not _has_tqdm() else []
        tell = lines[0] if lines else None
        job.run(self._threads, progress=tell, tqdm=self._shown, interrupt=self._interrupt)

    def _tell(self, now: "Progress") -> None:
        if time.monotonic() - self._told < self._every and now.share < 1:
            return
        self._told, self._open = time.monotonic(), self._end != "\n"
        text = f"{now.share:4.0%}  {now.resource_count} resources, {now.byte_count / 1e6:.1f} MB"
        print(text, end=self._end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the line as it is."""
        if self._open:
            print(file=sys.stderr, flush=True)


def _has_tqdm() -> bool:
    try:
        import tqdm  # pylint: disable=import-outside-toplevel,unused-import # noqa: F401
    except ImportError:
        return False
    return True
