"""`--state FILE`: an export that is recorded in a file, so that the same command goes on with it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from ._destination import Destination
    from ._engine import JobSummary
    from ._job import Job
    from ._source import LibrarySource
    from ._store import Store

__all__ = ["State"]

# What may be another the next time.
_WAYS = ("progress", "quiet", "run", "state", "threads")


def _whole(place: str) -> str:
    """Paths mean the same in every working directory."""
    kind, colon, rest = place.partition(":")
    return kind + colon + os.path.abspath(rest) if kind in ("ndjson", "sqlite", "file") else place


def mark_of(options: argparse.Namespace) -> str:
    """What tells the exports of other parameters apart. A digest: a table's name or a query may be confidential."""
    facts: Dict[str, Any] = {name: value for name, value in vars(options).items() if name not in _WAYS}
    facts.update(source=_whole(options.source), to=_whole(options.to))
    return "command " + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class State:
    """The one export of a file."""

    #: How long the tasks of a command that was killed stay its own; a source or destination may be silent for as long.
    lease_us = 60_000_000

    def __init__(self, options: argparse.Namespace) -> None:
        from ._store import Store  # pylint: disable=import-outside-toplevel # loads the library

        self._file, self._quiet = options.state, options.quiet
        self.mark = mark_of(options)
        self.store: "Store" = Store.sqlite(self._file)

    def attach(
        self, source: "LibrarySource", destination: "Destination", settle_us: int
    ) -> "Optional[Job]":
        """The job that the file has; None if there is none, or one that has failed and is to begin anew. ValueError:
        it is one of other parameters."""
        from ._job import Job  # pylint: disable=import-outside-toplevel

        found = self._find(source, destination)
        if found is None:
            return None
        if found.client != self.mark:
            raise ValueError(
                f"{self._file} has an export of other parameters: give it another file, or the same parameters"
            )
        self._tell(found)
        return Job.attach(
            found.id, source, destination, self.store, settle_us=settle_us, lease_us=self.lease_us
        )

    def _find(self, source: "LibrarySource", destination: "Destination") -> "Optional[JobSummary]":
        """By an engine that runs nothing: who lists jobs is one."""
        from ._engine import Engine  # pylint: disable=import-outside-toplevel
        from ._values import JobState  # pylint: disable=import-outside-toplevel

        keys, wanted = [os.urandom(32)], (JobState.RUNNING, JobState.COMPLETE)
        with Engine(
            source, destination, "http://localhost", store=self.store, url_keys=keys
        ) as engine:
            return next(engine.jobs(wanted), None)

    def _tell(self, found: "JobSummary") -> None:
        from ._values import JobState  # pylint: disable=import-outside-toplevel

        if self._quiet:
            return
        text = f"goes on: {found.task_done_count} of {found.task_count} tasks are done"
        if found.state == JobState.COMPLETE:
            text = "was complete already; a new export needs a new file of its own"
        print(f"fhirexport export: {text}", file=sys.stderr, flush=True)
