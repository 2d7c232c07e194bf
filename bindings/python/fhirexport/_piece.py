"""What runs on an executor: one attempt at one partition, as a job of the library under the export's id.

Nothing here imports pyspark but `run_attempt`, so that it can be tried without a cluster."""

import dataclasses
import itertools
import pickle
import tempfile
from typing import IO, Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Tuple

from ._arrow import ArrowRows, Chunk
from ._destination import Destination, Http
from ._errors import Error, MisuseError
from ._filter import Filter
from ._job import Job
from ._source import Query, Rows, Source
from ._values import Applied, Part

#: A row on its way: the type, the time of its last change in microseconds or None, the JSON.
Row = Tuple[str, Optional[int], bytes]

#: Under this type goes what has none: it is refused, and the error file says so.
UNKNOWN_TYPE = "Resource"
BATCH_BYTES = 256 * 1024
_SPOOL_BYTES = 16 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Place:
    """A destination in words, which executors make for themselves. It shows none of its options."""

    kind: str
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        shown = {name: self.options[name] for name in ("path", "bucket", "container", "prefix") if name in self.options}
        return f"Place({self.kind}, {shown})"

    def open(self) -> Destination:
        """The destination itself, in this process."""
        options = dict(self.options)
        if isinstance(options.get("http"), Mapping):
            options["http"] = Http(**options["http"])
        make = {"directory": Destination.directory, "s3": Destination.s3, "azure": Destination.azure}[self.kind]
        return make(**options)  # type: ignore[operator, no-any-return]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What every attempt is told, the same for all."""

    export_id: str
    place: Place
    #: In ascending order, as rows are within a partition.
    types: Tuple[str, ...]
    #: Those whose rows are read though they are not asked for (Binary, for DocumentReferences).
    more_types: FrozenSet[str]
    filter: Mapping[str, Any]
    transaction_time_us: int
    resolution_us: int
    tenant: str
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Report:
    """What an attempt has done. Only attempts whose report the driver takes count."""

    partition: int
    attempt: int
    parts: Tuple[Part, ...]
    resource_count: int
    error_count: int


class _Reader:
    """The rows of a partition, which come sorted by type and only once."""

    def __init__(self, chunks: Iterable[Chunk], plan: Plan) -> None:
        self._chunks = iter(chunks)
        self._next: Optional[Chunk] = next(self._chunks, None)
        self._begun = ""
        self._plan = plan
        self._spool: Any = None

    def _take(self) -> Rows:
        """The rows of the next chunk. They are kept besides for whom they are that comes later."""
        chunk = self._next
        assert chunk is not None
        if chunk.resource_type in self._plan.more_types:
            if self._spool is None:
                self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)
            save_rows(chunk.rows, self._spool)
        self._next = next(self._chunks, None)
        return chunk.rows

    def of_type(self, resource_type: str) -> Iterator[Rows]:
        """Rows of a type. Types are asked for in ascending order, but those that are kept."""
        if resource_type in self._plan.more_types and resource_type < self._begun:
            return self._kept()
        if resource_type <= self._begun:
            raise MisuseError(f"{resource_type} was read already, and a partition is read once")
        self._begun = resource_type
        return self._fresh(resource_type)

    def _fresh(self, resource_type: str) -> Iterator[Rows]:
        while self._next is not None and self._next.resource_type < resource_type:
            self._take()  # nobody has asked for them, or only later
        while self._next is not None and self._next.resource_type == resource_type:
            yield self._take()

    def _kept(self) -> Iterator[Rows]:
        if self._spool is None:
            return
        self._spool.seek(0)
        yield from iter(lambda: load_rows(self._spool), None)

    def close(self) -> None:
        """Reads on to the end, so that who feeds it can finish."""
        for _ in self._chunks:
            pass
        if self._spool is not None:
            self._spool.close()


def save_rows(rows: Rows, file: IO[bytes]) -> None:
    """Writes rows to a file of one's own."""
    whole = rows.plain() if isinstance(rows, ArrowRows) else rows
    pickle.dump((whole.data, whole.ends, whole.updated), file)


def load_rows(file: IO[bytes]) -> Optional[Rows]:
    """Reads what save_rows has written; None: no more."""
    try:
        data, ends, updated = pickle.load(file)
    except EOFError:
        return None
    return Rows.joined(data, ends, updated)


def chunks_of_rows(rows: Iterable[Row]) -> Iterator[Chunk]:
    """Rows in chunks of about BATCH_BYTES. Those with and without a time do not mix."""
    for (resource_type, has_time), run in itertools.groupby(rows, key=lambda row: (row[0], row[1] is not None)):
        texts: List[bytes] = []
        times: List[int] = []
        size = 0
        for row in run:
            texts.append(row[2])
            times.append(row[1] or 0)
            size += len(row[2])
            if size >= BATCH_BYTES:
                yield Chunk(resource_type, Rows(texts, times if has_time else None))
                texts, times, size = [], [], 0
        if texts:
            yield Chunk(resource_type, Rows(texts, times if has_time else None))


class _PartitionSource(Source):
    """The library's view of a partition."""

    applied = Applied.TYPE

    def __init__(self, plan: Plan, types: Iterable[str], reader: _Reader) -> None:
        self._plan = plan
        self._types = list(types)
        self._reader = reader

    def list_types(self) -> Iterable[str]:
        return self._types

    def read_clock(self) -> Tuple[int, int]:
        return self._plan.transaction_time_us, self._plan.resolution_us

    def open_cursor(self, query: Query) -> Iterator[Rows]:
        return self._reader.of_type(query.resource_type)


def run_piece(plan: Plan, partition: int, attempt: int, chunks: Iterable[Chunk]) -> Report:
    """One attempt at a partition: writes its parts, and returns what they are. If it fails, it removes them; an
    attempt that is killed leaves them to the driver."""
    reader = _Reader(chunks, plan)
    destination = plan.place.open()
    try:
        return _run(plan, partition, attempt, reader, destination)
    finally:
        reader.close()
        destination.close()


def run_attempt(plan: Plan, chunks: Iterable[Chunk]) -> Report:
    """The same in a task of Spark's, whose number no other attempt at any task of the application has."""
    from pyspark import TaskContext

    context = TaskContext.get()
    if context is None:
        raise MisuseError("this is no task of Spark")
    return run_piece(plan, int(context.partitionId()), int(context.taskAttemptId()) + 1, chunks)


def _run(plan: Plan, partition: int, attempt: int, reader: _Reader, destination: Destination) -> Report:
    source = _PartitionSource(plan, sorted({*plan.types, *plan.more_types}), reader)
    with _filter(plan) as chosen, Job(
            source, destination, filter=chosen, export_id=plan.export_id, attempt=attempt, piece=partition,
            settle_us=-1, tenant=plan.tenant, **plan.options) as job:
        job.run()
        progress = job.progress()
        return Report(partition, attempt, tuple(job.parts()), progress.resource_count, progress.error_count)


def _filter(plan: Plan) -> Filter:
    given: Dict[str, Any] = dict(plan.filter)
    # Cursors are opened in this order. Where no types are named, the source lists them in it.
    return Filter(**{**given, "types": sorted(given.get("types", ()))})


def remove_attempt(destination: Destination, plan: Plan, partition: int, attempt: int) -> List[str]:
    """Removes what an attempt may have left, by name: of each type its numbers follow each other from 1, and behind
    the last part there may be an upload under way. The names of the parts that were there."""
    removed = []
    ending = ".ndjson.gz" if plan.options.get("gzip") else ".ndjson"
    folder = f"{plan.tenant}/{plan.export_id}" if plan.tenant else plan.export_id
    for label in (*sorted({*plan.types, *plan.more_types}), "error"):
        for number in itertools.count(1):
            name = f"{folder}/{label}-{partition}-{attempt}-{number}{ending}"
            found = destination.stat(name)
            destination.remove(name)
            if found is None:
                break
            removed.append(name)
    return removed


def list_patients(rows: Iterable[Tuple[Any, ...]], options: Mapping[str, Any]) -> Iterator[Tuple[Any, ...]]:
    """To each row the patients in whose compartments it is; None for one that is no valid resource."""
    with Filter(**options) as chosen:
        for row in rows:
            try:
                patients: Optional[List[str]] = sorted(set(chosen.patients_of(bytes(row[2]))))
            except Error:
                patients = None
            yield (*row, patients)
