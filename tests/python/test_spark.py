"""What of exports on Spark needs no cluster: a partition's attempt, what is asked for, and what attempts leave. The
cluster is tests/stores/spark_export.py's."""

import json
import pathlib

import pytest

import fhirexport as fhx
from fhirexport import _piece, spark

EXPORT = "0123456789abcdef0123456789abcdef"


def row(kind, name, updated=None, **more):
    return kind, updated, json.dumps({"resourceType": kind, "id": name, **more}).encode()


def run_piece(plan, partition, attempt, rows):
    return _piece.run_piece(plan, partition, attempt, _piece.chunks_of_rows(rows))


def plan_of(folder, types, chosen=None, **options):
    more = frozenset({"Binary"} if "DocumentReference" in types else ())
    return _piece.Plan(EXPORT, spark.directory(str(folder)), tuple(types), more, chosen or {}, 1_700_000_000_000_000,
                       1000, "", options)


def texts_of(folder, report, kind=fhx.PartKind.OUTPUT):
    return "".join((pathlib.Path(folder) / part.name).read_text() for part in report.parts if part.kind == kind)


def test_names_have_partition_and_attempt(tmp_path):
    rows = [row("Observation", f"o{number}") for number in range(5)] + [row("Patient", "p1"), ("Patient", None, b"{")]
    report = run_piece(plan_of(tmp_path, ["Observation", "Patient"], part_count=2), 7, 31, rows)
    assert [part.name for part in report.parts] == [
        f"{EXPORT}/{name}.ndjson" for name in ("Observation-7-31-1", "Observation-7-31-2", "Observation-7-31-3",
                                               "Patient-7-31-1", "error-7-31-1")]
    assert (report.resource_count, report.error_count) == (6, 1)
    assert texts_of(tmp_path, report).count("\n") == 6


def test_rows_of_types_that_nobody_wants_are_passed_over(tmp_path):
    rows = [row("Account", "a"), row("Encounter", "e"), row("Observation", "o"), row("Patient", "p"), row("Task", "t")]
    plan = plan_of(tmp_path, ["Encounter", "Patient"], {"types": ["Patient", "Encounter"]})
    report = run_piece(plan, 0, 1, rows)
    assert [part.resource_type for part in report.parts] == ["Encounter", "Patient"]


def test_a_partition_that_is_not_sorted_fails(tmp_path):
    """Instead of leaving rows out. Nothing of it stays."""
    reader = _piece._Reader(_piece.chunks_of_rows([row("Patient", "p")]), plan_of(tmp_path, ["Patient"]))
    assert len(list(reader.of_type("Patient"))) == 1
    with pytest.raises(fhx.MisuseError):
        reader.of_type("Observation")


def test_binaries_come_back_as_documents(tmp_path):
    """They are sorted before DocumentReferences, and wanted behind them."""
    rows = [row("Binary", "b", contentType="text/plain", data="YQ==", securityContext={"reference": "Patient/p"}),
            row("DocumentReference", "d", status="current"), row("Patient", "p")]
    report = run_piece(plan_of(tmp_path, ["DocumentReference", "Patient"],
                                      {"types": ["DocumentReference", "Patient"]}), 0, 1, rows)
    names = sorted(json.loads(line)["id"] for line in texts_of(tmp_path, report).splitlines())
    assert names == ["binary-b", "d", "p"]


def test_times_of_rows_decide_the_window(tmp_path):
    """Those with and without a time stand beside each other."""
    old = {"meta": {"lastUpdated": "2001-01-01T00:00:00Z"}}
    rows = [row("Patient", "a", 1_600_000_000_000_000), row("Patient", "b", None, **old), row("Patient", "c", None),
            row("Patient", "d", 1_000_000_000_000_000), row("Patient", "e", 1_600_000_000_000_001, **old)]
    report = run_piece(plan_of(tmp_path, ["Patient"], {"since": "2010-01-01T00:00:00Z"}), 0, 1, rows)
    assert [json.loads(line)["id"] for line in texts_of(tmp_path, report).splitlines()] == ["a", "c", "e"]


def test_what_attempts_leave_is_found_by_name(tmp_path):
    plan = plan_of(tmp_path, ["Observation", "Patient"], part_count=1)
    rows = [row("Observation", "o1"), row("Observation", "o2"), row("Patient", "p1"), ("Patient", None, b"x")]
    lost = run_piece(plan, 3, 10, rows)
    kept = run_piece(plan, 3, 11, rows)
    other = run_piece(plan, 4, 12, rows)
    with plan.place.open() as destination:
        removed = _piece.remove_attempt(destination, plan, 3, 10)
        assert _piece.remove_attempt(destination, plan, 3, 10) == []
    assert sorted(removed) == sorted(part.name for part in lost.parts)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ndjson")}
    assert left == {part.name for report in (kept, other) for part in report.parts}


def test_an_attempt_that_fails_leaves_nothing(tmp_path):
    def rows():
        yield row("Observation", "o")
        yield row("Patient", "p")
        raise ConnectionResetError("the source is gone")

    with pytest.raises(ConnectionResetError):
        run_piece(plan_of(tmp_path, ["Observation", "Patient"]), 0, 1, rows())
    assert list(tmp_path.rglob("*.ndjson")) == []


def test_manifest_of_parts(tmp_path):
    plan = plan_of(tmp_path, ["Observation", "Patient"], sha256=True)
    reports = [run_piece(plan, number, number + 5, [row("Observation", "o"), ("Patient", None, b"x")])
               for number in range(2)]
    parts = [part for report in reports for part in report.parts]
    with plan.place.open() as destination:
        manifest = json.loads(fhx.manifest_of_parts(
            destination, parts, transaction_time_us=1_700_000_000_123_456, request="$export", digests=True))
        with pytest.raises(fhx.ArgumentError):
            fhx.manifest_of_parts(destination, [parts[0], parts[0]], transaction_time_us=0)
    assert manifest["transactionTime"] == "2023-11-14T22:13:20.123Z"
    assert [item["url"].split("/")[-1] for item in manifest["output"]] == [
        "Observation-0-5-1.ndjson", "Observation-1-6-1.ndjson"]
    assert [item["type"] for item in manifest["error"]] == ["OperationOutcome"] * 2
    assert manifest["output"][0]["extension"]["sha256"] == parts[0].sha256.hex()


@pytest.mark.parametrize("url, wanted", [
    ("$export", {}),
    ("https://x.example.org/fhir/Patient/$export?_type=Patient,Observation&_type=Encounter",
     {"all_patients": True, "types": ["Patient", "Observation", "Encounter"]}),
    ("/Group/g-1/$export?_since=2024-01-01T00:00:00+01:00&_outputFormat=ndjson",
     {"group": "g-1", "since": "2024-01-01T00:00:00+01:00"}),
    ("%24export?_elements=id,Patient.name", {"elements": ["id", "Patient.name"]}),
    ("$export?_typeFilter=Observation%3Fcode%3Da%2Cb%2CCondition%3Fcode%3Dc",
     {"queries": ["Observation?code=a,b", "Condition?code=c"]}),
])
def test_requests(url, wanted):
    assert spark._read_request(url) == wanted


@pytest.mark.parametrize("what, error", [
    ("Practitioner/x/$everything", fhx.ArgumentError), ("$everything", fhx.ArgumentError),
    ("$export?includeAssociatedData=x", fhx.UnsupportedError), ("$export?_outputFormat=csv", fhx.UnsupportedError),
    ({"tpyes": ["Patient"]}, fhx.ArgumentError),
])
def test_requests_that_are_refused(what, error):
    with pytest.raises(error):
        spark._read_what(what)


def test_a_place_shows_no_secrets():
    place = spark.s3("bucket", prefix="x", access_key_id="AKIAXXXX", secret_access_key="hush", session_token="hush")
    assert "hush" not in repr(place) and "AKIA" not in repr(place) and "bucket" in repr(place)


def test_groups_are_resolved_by_the_library(tmp_path):
    """By what the driver gives it: Groups whole, of patients only who they are."""
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
        {"entity": {"reference": "Patient/a"}}, {"entity": {"reference": "Patient/b"}, "inactive": True},
        {"entity": {"reference": "Patient/gone"}}]}
    source = spark._GroupSource([json.dumps(group).encode()], ["a", "b", "c"], (1_700_000_000_000_000, 1000))
    with fhx.Destination.directory(tmp_path) as destination, fhx.Filter(["Patient"], group="g") as chosen, \
            fhx.Job(source, destination, filter=chosen, settle_us=-1) as job:
        job.run()
        lines = [json.loads(line)["id"] for part in job.parts() if part.kind == fhx.PartKind.OUTPUT
                 for line in (tmp_path / part.name).read_text().splitlines()]
    assert lines == ["a"]


def test_rows_go_one_by_one_where_spark_lacks_pandas_or_pyarrow(tmp_path):
    class Conf(dict):
        set = dict.__setitem__

    class Session:
        conf = Conf({spark._BATCH: "10000"})

    class Frame:
        asked = []

        def mapInArrow(self, _task, _schema):
            self.asked.append(Session.conf[spark._BATCH])
            raise ImportError("Pandas >= 1.0.5 must be installed; however, it was not found.")

        @property
        def rdd(self):
            return self

        def mapPartitions(self, task):
            return task

    plan = spark._row_task(None).__code__
    assert spark._tasks(Session, Frame(), None, 7).__code__ is plan
    assert spark._tasks(Session, Frame(), None, 0).__code__ is plan
    assert (Frame.asked, Session.conf[spark._BATCH]) == (["7"], "10000")
