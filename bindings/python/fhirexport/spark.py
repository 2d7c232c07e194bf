"""Exports on Apache Spark: each task runs one job of the library on its partition, the driver makes the manifest.

    result = fhirexport.spark.export(dataframe, {"types": ["Patient"]}, fhirexport.spark.s3("exports"))
    result.manifest()

docs/spark.md leads through it. Spark may run a task twice, at the same time or after a failure: every attempt writes
under names of its own, only the parts that one reported attempt of each partition has made stand in the manifest, and
the driver removes the others."""

import dataclasses
import datetime
import json
import logging
import pickle
import re
import secrets
import tempfile
import time
import urllib.parse
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Set, Tuple, Union

from . import _piece
from ._arrow import chunks_of_batches
from ._destination import Destination
from ._errors import ArgumentError, UnsupportedError
from ._filter import Filter
from ._job import Job
from ._manifest import manifest_of_parts
from ._piece import Place, Plan, Report, UNKNOWN_TYPE
from ._source import Query, Source
from ._values import Applied, Part, PartKind

__all__ = ["Export", "Place", "azure", "directory", "export", "ndjson", "s3"]

_log = logging.getLogger("fhirexport.spark")

#: More patients than this do not go to every task, but are joined with the rows.
BROADCAST_MAX = 50_000
#: How long attempts that have lost are waited for, in seconds, before what they left is removed.
PATIENCE = 30.0
#: How many rows go to Python at once.
ARROW_ROWS = 256
_FILTERS = ("types", "since", "until", "all_patients", "group", "patients", "elements", "queries", "fhir_version",
            "base_url", "compartment_paths")
_OPTIONS = ("part_bytes", "part_count", "resource_bytes_max", "depth_max", "gzip", "sha256", "trust_source",
            "bad_rows_limit", "helpers", "worker_bytes")
_COLUMNS = ("resource_type", "id", "last_updated", "json")


def directory(path: str, **options: Any) -> Place:
    """A folder that the driver and all executors share, such as a mounted file system. Options: see
    Destination.directory."""
    return Place("directory", {"path": path, **options})


def s3(bucket: str, **options: Any) -> Place:
    """A bucket. Options: see Destination.s3. Without credentials among them each process finds its own, as the
    library does (environment, shared file, container, instance); those given here go to executors with the tasks."""
    return Place("s3", {"bucket": bucket, **options})


def azure(container: Optional[str] = None, **options: Any) -> Place:
    """A container of Azure Blob Storage. Options: see Destination.azure; `token` must be a function that executors
    can import."""
    return Place("azure", {"container": container, **options})


@dataclasses.dataclass
class Export:
    """An export that is complete. Nothing stands in it but what reported attempts have made."""

    id: str
    #: In the order of the manifest.
    parts: List[Part]
    transaction_time_us: int
    resolution_us: int
    request: str
    #: Names of parts that attempts of no account had left, and that were removed.
    removed: List[str]
    #: Whether Spark told of all attempts. If not, files may be left under the export's id that no manifest names.
    clean: bool
    _place: Place = dataclasses.field(repr=False)
    _digests: bool = dataclasses.field(default=True, repr=False)

    @property
    def resource_count(self) -> int:
        """Resources in the output."""
        return sum(part.resource_count for part in self.parts if part.kind == PartKind.OUTPUT)

    @property
    def error_count(self) -> int:
        """Lines in the error files."""
        return sum(part.resource_count for part in self.parts if part.kind == PartKind.ERROR)

    def manifest_text(self, expires_us: int = 0) -> bytes:
        """The manifest as JSON. `expires_us`: until when its links are to be good, in microseconds since 1970 UTC; 0:
        as long as the files, or as the destination can sign."""
        with self._place.open() as destination:
            return manifest_of_parts(destination, self.parts, transaction_time_us=self.transaction_time_us,
                                     resolution_us=self.resolution_us, request=self.request, expires_us=expires_us,
                                     digests=self._digests)

    def manifest(self, expires_us: int = 0) -> Dict[str, Any]:
        """The manifest."""
        manifest: Dict[str, Any] = json.loads(self.manifest_text(expires_us))
        return manifest

    def remove(self) -> None:
        """Removes all files of the export."""
        with self._place.open() as destination:
            for part in self.parts:
                destination.remove(part.name)


def ndjson(session: Any, path: Union[str, List[str]]) -> Any:
    """A DataFrame over NDJSON files, one resource a line, with the columns that `export` wants."""
    return _of_lines(session.read.text(path))


def export(rows: Any, what: Union[str, Mapping[str, Any], None], destination: Place, *, patients: Any = None,
           request: Optional[str] = None, transaction_time: Optional[datetime.datetime] = None,
           resolution_us: int = 1000, export_id: Optional[str] = None, tenant: str = "",
           broadcast_max: int = BROADCAST_MAX, patience: float = PATIENCE, arrow_rows: int = ARROW_ROWS,
           **options: Any) -> Export:
    """Exports the rows, and returns when all is at the destination.

    `rows`: a DataFrame with the columns resource_type, json, and if there are such, id and last_updated (a timestamp,
    or microseconds); one of text files with the column `value`; or an RDD of lines, or of tuples of these columns.
    `what`: what to take: the URL of a kick-off ("Patient/$export?_type=Patient"), or the arguments of
    fhirexport.Filter as a mapping; None: everything. `patients`: only these, as a list of ids or a DataFrame with one
    column. `transaction_time` is that of the data: none is missing that was changed at or before it; now unless given.
    `arrow_rows`: how many rows go to Python at once, as a batch of Arrow's that is in memory whole; 0, and where pyarrow
    or pandas are not installed beside the driver: one by one. Options of the files are those of Job: part_bytes,
    part_count, gzip, sha256, trust_source, bad_rows_limit, ...

    What fails raises, and leaves no files."""
    chosen, asked = _read_what(what)
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise ArgumentError(f"{unknown[0]} is no option of an export on Spark; there are {', '.join(_OPTIONS)}")
    frame, session = _frame(rows)
    stamp = _time_us(transaction_time, resolution_us)
    frame, chosen = _of_patients(session, frame, chosen, patients, stamp, resolution_us, broadcast_max)
    types, more = _types(frame, chosen)
    plan = Plan(export_id or secrets.token_hex(16), destination, types, more, chosen, stamp, resolution_us, tenant,
                {"sha256": True, **options})
    with _filter_check(chosen), destination.open():
        pass  # what is wrong with them fails here, and not in every task
    reports, removed, clean = ([], [], True) if not types else _run(session, frame, plan, arrow_rows, patience)
    order = {name: position for position, name in enumerate(types)}
    parts = [part for report in sorted(reports, key=lambda report: report.partition) for part in report.parts]
    parts.sort(key=lambda part: (part.kind, order.get(part.resource_type, len(order))))
    return Export(plan.export_id, parts, stamp, resolution_us, request or asked, removed, clean, destination,
                  bool(plan.options["sha256"]))


# --- what is asked for ---


def _read_what(what: Union[str, Mapping[str, Any], None]) -> Tuple[Dict[str, Any], str]:
    """The arguments of a Filter, and what the manifest calls the request."""
    if isinstance(what, str):
        return _read_request(what), what
    given = dict(what or {})
    for name in given:
        if name not in _FILTERS:
            raise ArgumentError(f"{name} is no argument of a Filter; there are {', '.join(_FILTERS)}")
    return given, "$export"


def _read_request(url: str) -> Dict[str, Any]:
    """Of a kick-off's URL. A plus stays a plus, as in the library."""
    split = urllib.parse.urlsplit(url)
    level = re.search(r"(?:^|/)(?:(Patient)/|Group/([A-Za-z0-9.-]{1,64})/)?\$export$", urllib.parse.unquote(split.path))
    if level is None:
        raise ArgumentError("the request is not [base]/$export, [base]/Patient/$export or [base]/Group/[id]/$export")
    chosen: Dict[str, Any] = {}
    if level.group(1):
        chosen["all_patients"] = True
    if level.group(2):
        chosen["group"] = level.group(2)
    for pair in filter(None, split.query.split("&")):
        name, _, value = pair.partition("=")
        _add_parameter(chosen, urllib.parse.unquote(name), urllib.parse.unquote(value))
    return chosen


def _add_parameter(chosen: Dict[str, Any], name: str, value: str) -> None:
    if name in ("_since", "_until"):
        chosen[name[1:]] = value
    elif name in ("_type", "_elements"):
        chosen.setdefault({"_type": "types", "_elements": "elements"}[name], []).extend(value.split(","))
    elif name == "_typeFilter":
        chosen.setdefault("queries", []).extend(re.split(r",(?=[A-Z][A-Za-z]*\?)", value))
    elif name != "_outputFormat" or value not in ("ndjson", "application/ndjson", "application/fhir+ndjson"):
        raise UnsupportedError(f"{name} is not supported in exports on Spark, or not with this value")


def _filter_check(chosen: Mapping[str, Any]) -> Filter:
    return Filter(**chosen)


def _time_us(given: Optional[datetime.datetime], resolution_us: int) -> int:
    if given is None:
        return time.time_ns() // 1000 // resolution_us * resolution_us
    if given.tzinfo is None:
        raise ArgumentError("transaction_time has no time zone")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (given - epoch) // datetime.timedelta(microseconds=1) // resolution_us * resolution_us


# --- rows ---


def _frame(rows: Any) -> Tuple[Any, Any]:
    """The rows as a DataFrame of resource_type, updated_us, json (bytes) and id, and the session."""
    from pyspark.sql import DataFrame, SparkSession

    if not isinstance(rows, DataFrame):
        rows = _of_rdd(SparkSession.builder.getOrCreate(), rows)
    if rows.columns == ["value"]:
        rows = _of_lines(rows)
    return _normal(rows), rows.sparkSession


def _of_rdd(session: Any, rdd: Any) -> Any:
    """Of lines, or of tuples of resource_type, id, last_updated (microseconds or None), json."""
    first = rdd.take(1)
    if first and isinstance(first[0], (str, bytes, bytearray)):
        lines = rdd.map(lambda line: (bytearray(line.encode() if isinstance(line, str) else line),))
        return session.createDataFrame(lines, "value binary")
    return session.createDataFrame(rdd, "resource_type string, id string, last_updated bigint, json string")


def _of_lines(lines: Any) -> Any:
    """Lines with their type. It stands at the beginning nearly always; else the line is parsed."""
    from pyspark.sql import functions as F

    value = F.col("value").cast("string")  # the same bytes, valid or not
    begin = F.substring(value, 1, 200)  # patterns are looked for in a copy of the text
    head = F.regexp_extract(begin, r'^\s*\{\s*"resourceType"\s*:\s*"([A-Z][A-Za-z]*)"', 1)
    kind = F.coalesce(F.when(head != "", head), F.get_json_object(value, "$.resourceType"))
    blank = (F.regexp_extract(begin, r"\S", 0) == "") & (F.regexp_extract(value, r"\S", 0) == "")
    return lines.where(~blank).select(kind.alias("resource_type"), F.col("value").alias("json"))


def _normal(frame: Any) -> Any:
    from pyspark.sql import functions as F, types as T

    kinds = {field.name: field.dataType for field in frame.schema.fields}
    for name in ("resource_type", "json"):
        if name not in kinds:
            raise ArgumentError(f"the DataFrame has no column {name}; an export needs {', '.join(_COLUMNS[::3])}")
    updated = F.lit(None).cast("bigint")
    if "last_updated" in kinds:
        column = F.col("last_updated")
        whole = isinstance(kinds["last_updated"], T.IntegralType)
        updated = column.cast("bigint") if whole else F.unix_micros(column.cast("timestamp"))
    identity = F.col("id") if "id" in kinds else F.get_json_object(F.col("json").cast("string"), "$.id")
    kind = F.col("resource_type")
    named = F.when(kind.rlike("^[A-Z][A-Za-z]{0,63}$"), kind).otherwise(F.lit(UNKNOWN_TYPE))
    return frame.select(named.alias("resource_type"), updated.alias("updated_us"),
                        F.coalesce(F.col("json").cast("binary"), F.lit(b"")).alias("json"), identity.alias("id"))


def _types(frame: Any, chosen: Mapping[str, Any]) -> Tuple[Tuple[str, ...], FrozenSet[str]]:
    """Which types are read, in ascending order, and which besides. Where none are named, the rows are asked."""
    types = sorted(set(chosen.get("types", ())))
    if not types:
        types = sorted(row[0] for row in frame.select("resource_type").distinct().collect())
    more = {"Binary"} if "DocumentReference" in types else set()
    return tuple(types), frozenset(more)


# --- patients ---


def _of_patients(session: Any, frame: Any, chosen: Dict[str, Any], patients: Any, stamp: int, resolution_us: int,
                 broadcast_max: int) -> Tuple[Any, Dict[str, Any]]:
    """Rows and filter when only some patients are asked for: few go with the filter to every task, many are joined."""
    ids: Optional[Set[str]] = set(chosen.pop("patients", ())) or None
    if patients is not None:
        given = {row[0] for row in patients.collect()} if hasattr(patients, "collect") else set(patients)
        ids = given if ids is None else ids & given
    if "group" in chosen:
        members = _members(frame, chosen.pop("group"), chosen, stamp, resolution_us)
        ids = members if ids is None else ids & members
    if ids is None:
        return frame, chosen
    if not ids:
        return frame.limit(0), {**chosen, "all_patients": True}
    if len(ids) <= broadcast_max:
        return frame, {**chosen, "patients": sorted(ids)}
    chosen.pop("all_patients", None)
    return _joined(session, frame, ids, chosen), chosen


def _joined(session: Any, frame: Any, ids: Set[str], chosen: Mapping[str, Any]) -> Any:
    """The rows in the compartments of these patients, each once, and those that are no resources: the library tells
    the compartments, Spark joins."""
    from pyspark.sql import functions as F

    options = {name: chosen[name] for name in ("fhir_version", "base_url", "compartment_paths") if name in chosen}
    listed = session.createDataFrame(
        frame.rdd.mapPartitions(lambda rows: _piece.list_patients(rows, options)),
        "resource_type string, updated_us bigint, json binary, id string, patients array<string>")
    wanted = session.createDataFrame([(patient,) for patient in sorted(ids)], "patient string")
    good = listed.where(F.col("patients").isNotNull()).withColumn("patient", F.explode("patients"))
    good = good.join(wanted, "patient", "left_semi").dropDuplicates(["resource_type", "id"])
    bad = listed.where(F.col("patients").isNull())
    return good.select(*frame.columns).unionByName(bad.select(*frame.columns))


class _GroupSource(Source):
    """Groups as they are, and of the patients that exist only who they are: enough to resolve a Group."""

    applied = Applied.TYPE

    def __init__(self, groups: List[bytes], patients: Iterable[str], stamp: Tuple[int, int]) -> None:
        self._rows = {"Group": groups, "Patient": [
            json.dumps({"resourceType": "Patient", "id": patient}).encode() for patient in patients]}
        self._stamp = stamp

    def list_types(self) -> Iterable[str]:
        return list(self._rows)

    def read_clock(self) -> Tuple[int, int]:
        return self._stamp

    def open_cursor(self, query: Query) -> Iterable[bytes]:
        return self._rows[query.resource_type]


def _members(frame: Any, group: str, chosen: Mapping[str, Any], stamp: int, resolution_us: int) -> Set[str]:
    """The patients of a Group as of the export's time, by the library's own rules: periods, nested Groups, who does
    not exist. Members that are no patients are not exported."""
    from pyspark.sql import functions as F

    groups = [bytes(row[0]) for row in frame.where(F.col("resource_type") == "Group").select("json").collect()]
    named: Set[str] = set()
    for text in groups:
        named.update(re.findall(r"Patient\\?/([A-Za-z0-9.-]{1,64})", text.decode("utf-8", "replace")))
    ids = frame.where(F.col("resource_type") == "Patient").select("id")
    there = {row[0] for row in ids.toLocalIterator() if row[0] in named}
    options = {name: chosen[name] for name in ("fhir_version", "base_url") if name in chosen}
    with tempfile.TemporaryDirectory(prefix="fhirexport-") as folder, Destination.directory(folder) as destination, \
            Filter(types=["Patient"], group=group, **options) as members, \
            Job(_GroupSource(groups, sorted(there), (stamp, resolution_us)), destination, filter=members,
                settle_us=-1) as job:
        job.run()
        found: Set[str] = set()
        for part in job.parts():
            if part.kind == PartKind.OUTPUT:
                with open(f"{folder}/{part.name}", "rb") as lines:
                    found.update(json.loads(line)["id"] for line in lines)
        return found


# --- the run ---


def _run(session: Any, frame: Any, plan: Plan, arrow_rows: int,
         patience: float) -> Tuple[List[Report], List[str], bool]:
    """Runs the tasks, and removes what attempts have left whose report does not count."""
    from pyspark.sql import functions as F

    context = session.sparkContext
    wanted = frame.where(F.col("resource_type").isin([*plan.types, *plan.more_types]))
    rows = wanted.select("resource_type", "updated_us", "json").sortWithinPartitions("resource_type")
    tasks = _tasks(session, rows, context.broadcast(plan), arrow_rows)
    group = f"fhirexport-{plan.export_id}"
    before = {name: context.getLocalProperty(name) for name in _PROPERTIES}
    reports: List[Report] = []
    try:
        context.setJobGroup(group, f"export {plan.export_id}", True)
        reports = [pickle.loads(row[0]) for row in tasks.collect()]
    except BaseException:
        context.cancelJobGroup(group)
        raise
    finally:
        for name, value in before.items():
            context.setLocalProperty(name, value)
        counted = {(report.partition, report.attempt) for report in reports}
        removed, clean = _clean_up(context, group, plan, counted, patience)
    return reports, removed, clean


_PROPERTIES = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
_BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


def _tasks(session: Any, rows: Any, plan: Any, arrow_rows: int) -> Any:
    """An RDD of reports, in bytes, one of each partition."""
    if arrow_rows:
        before = session.conf.get(_BATCH)
        session.conf.set(_BATCH, str(arrow_rows))
        try:
            # What is planned keeps the number.
            return rows.mapInArrow(_arrow_task(plan), "report binary").rdd
        except ImportError as error:
            _log.info("rows go to Python one by one, which takes longer: %s", error)
        finally:
            session.conf.set(_BATCH, before)
    return rows.rdd.mapPartitions(_row_task(plan))


def _arrow_task(plan: Any) -> Any:
    """What Spark runs on each partition, of which it gives Arrow's batches."""
    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        report = _piece.run_attempt(plan.value, chunks_of_batches(batches))
        yield pa.RecordBatch.from_arrays([pa.array([pickle.dumps(report)], pa.binary())], ["report"])
    return run


def _row_task(plan: Any) -> Any:
    """What Spark runs on each partition, of which it gives rows."""
    def run(rows: Iterator[Any]) -> Iterator[Tuple[bytes]]:
        yield (pickle.dumps(_piece.run_attempt(plan.value, _piece.chunks_of_rows(rows))),)
    return run


def _clean_up(context: Any, group: str, plan: Plan, counted: Set[Tuple[int, int]],
              patience: float) -> Tuple[List[str], bool]:
    """Removes the parts of all attempts but those that count: their names, and whether all attempts are known and
    over."""
    removed: List[str] = []
    try:
        attempts, clean = _ended_attempts(context, group, counted, patience)
    except Exception as error:  # whatever Java says: the export itself is not the worse for it
        _log.warning("Spark does not tell which attempts there were (%s): files may be left under %s",
                     type(error).__name__, plan.export_id)
        return removed, False
    with plan.place.open() as destination:
        for partition, attempt in sorted(attempts - counted):
            removed += _piece.remove_attempt(destination, plan, partition, attempt)
    return removed, clean


def _ended_attempts(context: Any, group: str, counted: Set[Tuple[int, int]],
                    patience: float) -> Tuple[Set[Tuple[int, int]], bool]:
    """All attempts of the export's stage, when none of them runs any more, or patience is over."""
    end = time.monotonic() + patience
    while True:
        states = _attempts(context, group)
        lost = {key: state for key, state in states.items() if key not in counted}
        over = all(state != "RUNNING" for state in lost.values())
        if over or time.monotonic() > end:
            break
        time.sleep(0.2)
    if any(state in ("KILLED", "RUNNING") for state in lost.values()):
        # Spark calls a task killed before its Python is.
        time.sleep(min(_kill_seconds(context) + 1.0, patience))
    # Of very many tasks Spark forgets some (spark.ui.retainedTasks).
    return set(states), over and counted <= set(states)


def _kill_seconds(context: Any) -> float:
    given = context.getConf().get("spark.python.task.killTimeout", "2s")
    number = re.match(r"(\d+)\s*(ms|s|m)?$", given)
    if number is None:
        return 2.0
    return int(number.group(1)) * {"ms": 0.001, "s": 1.0, "m": 60.0, None: 0.001}[number.group(2)]


def _attempts(context: Any, group: str) -> Dict[Tuple[int, int], str]:
    """(partition, attempt) to what Spark says of it."""
    scala = context._jsc.sc()
    scala.listenerBus().waitUntilEmpty(10_000)
    tracker, store = context.statusTracker(), scala.statusStore()
    found: Dict[Tuple[int, int], str] = {}
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        # The last stage is the export's; those before it shuffle.
        for stage in sorted(info.stageIds if info is not None else ())[-1:]:
            for stage_attempt in range(1000):
                tasks = store.taskList(stage, stage_attempt, 1_000_000)
                if tasks.size() == 0:
                    break
                for position in range(tasks.size()):
                    task = tasks.apply(position)
                    found[_partition_of(task), int(task.taskId()) + 1] = str(task.status())
    return found


def _partition_of(task: Any) -> int:
    partition = int(task.partitionId())
    return partition if partition >= 0 else int(task.index())
