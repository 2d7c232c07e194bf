"""`python -m fhirexport export`, from each kind of source; what it refuses, and with which exit code. Most run the
command in this process: tests of what a process does are at the end, and in test_command_interrupted.py."""

import contextlib
import gzip
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import types
import urllib.parse

import pytest

from fhirexport import _command, _destination_url


def rows(kind, count):
    return [{"resourceType": kind, "id": f"{kind[0].lower()}{i}", "meta": {"lastUpdated": f"20{10 + i % 10}-01-01T00:00:00Z"},
             "subject": {"reference": f"Patient/p{i % 3}"}, "status": "final" if i % 2 else "amended"}
            for i in range(count)]


PATIENTS, OBSERVATIONS = rows("Patient", 5), rows("Observation", 40)


@pytest.fixture(params=["ndjson", "sqlite"])
def source(request, tmp_path):
    if request.param == "ndjson":
        (tmp_path / "data").mkdir()
        for kind, found in (("Patient", PATIENTS), ("Observation", OBSERVATIONS)):
            text = "".join(json.dumps(row) + "\n" for row in found)
            (tmp_path / "data" / f"{kind}.ndjson").write_text(text)
        return [f"ndjson:{tmp_path}/data"]
    with sqlite3.connect(tmp_path / "data.db") as database:
        database.execute("CREATE TABLE things(type TEXT, id TEXT, last_updated TEXT, body TEXT)")
        database.executemany("INSERT INTO things VALUES(?, ?, ?, ?)", [
            (row["resourceType"], row["id"], row["meta"]["lastUpdated"], json.dumps(row))
            for row in PATIENTS + OBSERVATIONS])
    return [f"sqlite:{tmp_path}/data.db", "--source-option", "table=things", "--source-option", "json_column=body"]


@pytest.fixture(autouse=True)
def handler():
    """The command takes SIGTERM, and this process wants it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(*arguments):
    """The command's exit code, and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _command.main(["export", *arguments])
    return types.SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())


def run_process(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "fhirexport", "export", *arguments], capture_output=True, text=True,
                          timeout=600, **more)


def export(source, tmp_path, *options):
    """All lines of an export, by file; what it printed is checked."""
    done = run("--source", *source, "--to", f"file:{tmp_path}/out", *options)
    assert done.returncode == 0, done.stderr
    found = []
    for item in json.loads(done.stdout)["output"]:
        path = urllib.parse.urlsplit(item["url"]).path
        with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
            lines = [json.loads(line) for line in file]
        assert len(lines) == item["count"]
        found += lines
    return sorted(found, key=lambda row: row["id"])


def ordered(wanted):
    return sorted(wanted, key=lambda row: row["id"])


def test_everything(source, tmp_path):
    assert export(source, tmp_path, "--gzip", "--threads", "2") == ordered(PATIENTS + OBSERVATIONS)


def test_filters(source, tmp_path):
    """Of a table, which waits a second each time, all of them together."""
    final = [row for row in OBSERVATIONS if row["status"] == "final"]
    if source[0].startswith("sqlite:"):
        some = [row for row in final if row["meta"]["lastUpdated"] > "2013-01-01T00:00:00Z" and
                row["subject"]["reference"] == "Patient/p1"]
        assert 0 < len(some) < len(final)
        assert export(source, tmp_path, "--type", "Observation", "--type-filter", "Observation?status=final", "--since",
                      "2013-01-01T00:00:00Z", "--patient", "Patient/p1", "--level", "patient") == ordered(some)
        return
    assert export(source, tmp_path, "--type", "Observation", "--type-filter", "Observation?status=final") == ordered(final)
    late = [row for row in PATIENTS + OBSERVATIONS if row["meta"]["lastUpdated"] > "2013-01-01T00:00:00Z"]
    assert export(source, tmp_path, "--since", "2013-01-01T00:00:00Z") == ordered(late)
    of_one = [PATIENTS[1]] + [row for row in OBSERVATIONS if row["subject"]["reference"] == "Patient/p1"]
    assert export(source, tmp_path, "--patient", "Patient/p1", "--level", "patient") == ordered(of_one)
    (first,) = export(source, tmp_path, "--type", "Patient", "--patient", "p1", "--elements", "Patient.birthDate")
    assert set(first) == {"resourceType", "id", "meta"}


@pytest.mark.parametrize("source", ["ndjson"], indirect=True)
def test_digests(source, tmp_path):
    done = run("--source", *source, "--to", f"file:{tmp_path}/out", "--sha256")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(len(item["extension"]["sha256"]) == 64 for item in json.loads(done.stdout)["output"])


def test_refused(source, tmp_path):
    to = f"file:{tmp_path}/out"
    for code, wrong, text in [
            (2, ["--to", "ftp://x"], "begins neither"), (2, ["--level", "moon"], "a level is"),
            (2, ["--threads", "0"], "threads"), (2, ["--since", "yesterday"], "since"),
            (2, ["--source", "postgresql://me:SECRET@db/x"], "PGPASSWORD"), (2, ["--source", "csv:x"], "a source is"),
            (2, ["--source", f"sqlite:{tmp_path}/data.db", "--source-option", "colour=red"], "colour is no option"),
            (1, ["--source", "ndjson:/nowhere"], "cannot be opened"), (1, ["--source", "sqlite:/nowhere"], "/nowhere"),
            (1, ["--to", "file:/nowhere/else"], "No such file"), (1, ["--level", "group/nobody"], "Group")]:
        own = [] if "--source" in wrong else ["--source", *source]
        done = run(*own, "--to", to, *wrong)
        assert (done.returncode, done.stdout) == (code, ""), (wrong, done.stderr)
        assert text in done.stderr and "Traceback" not in done.stderr and "SECRET" not in done.stderr


def test_state_is_of_one_export(tmp_path):
    """Who asks again gets the same manifest; other parameters are refused, other ways of doing it are not."""
    (tmp_path / "data").mkdir()
    text = "".join(json.dumps(row) + "\n" for row in PATIENTS)
    (tmp_path / "data" / "Patient.ndjson").write_text(text)
    same = ["--source", f"ndjson:{tmp_path}/data", "--to", f"file:{tmp_path}/out", "--state", f"{tmp_path}/state"]
    first = run(*same)
    again = run(*same, "--threads", "2", "--progress")
    assert (again.returncode, again.stdout) == (0, first.stdout) and "complete already" in again.stderr
    assert len(list((tmp_path / "out").rglob("*.ndjson"))) == 1
    for other in ("--gzip", "--type=Patient", "--since=2012-01-01T00:00:00Z"):
        refused = run(*same, other)
        assert (refused.returncode, refused.stdout) == (2, "") and "export of other parameters" in refused.stderr
    nowhere = run(*same[:-1], f"{tmp_path}/nowhere/state")
    assert nowhere.returncode == 1 and "fhirexport export: " in nowhere.stderr


def test_an_export_that_failed_begins_anew(tmp_path):
    with sqlite3.connect(tmp_path / "data.db") as database:
        database.execute("CREATE TABLE resource(type TEXT, id TEXT, last_updated TEXT, json TEXT)")
        database.execute("INSERT INTO resource VALUES('Group', 'g', NULL, ?)", [json.dumps(
            {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
                {"entity": {"reference": "Group/g2"}}]})])
        nested = [{"resourceType": "Group", "id": f"g{i}", "type": "person", "actual": True, "member": [
            {"entity": {"reference": f"Group/g{i + 1}"}}]} for i in range(2, 20)]
        database.executemany("INSERT INTO resource VALUES('Group', ?, NULL, ?)",
                             [(one["id"], json.dumps(one)) for one in nested])
    command = ["--source", f"sqlite:{tmp_path}/data.db", "--to", f"file:{tmp_path}/out", "--level", "group/g",
               "--state", f"{tmp_path}/state"]
    for _ in range(2):
        done = run(*command)
        assert (done.returncode, done.stdout) == (3, "") and "nested" in done.stderr


def test_a_process(tmp_path):
    """What comes before a command's own work; and codes as a shell sees them."""
    done = run_process("--source", "csv:x", "--to", "file:y")
    assert (done.returncode, done.stdout) == (2, "") and "a source is" in done.stderr
    environment = {**os.environ, "FHIREXPORT_LIBRARY": "/nowhere.so"}
    done = run_process("--source", "ndjson:x", "--to", "file:y", env=environment)
    assert done.returncode == 1 and "needs libfhirexport" in done.stderr


@pytest.mark.parametrize("text,wanted", [
    ("s3://bucket/a/b/?endpoint=http%3A%2F%2Fx%3A1&region=r&style=host",
     ("s3", "bucket", "a/b", {"endpoint": "http://x:1", "region": "r", "style": "host"})),
    ("s3://bucket", ("s3", "bucket", "", {})),
    ("azure-blob://c/p?ca=%2Fca.pem", ("azure-blob", "c", "p", {"ca": "/ca.pem"}))])
def test_destinations(text, wanted):
    assert _destination_url._split(text) == wanted


@pytest.mark.parametrize("text", ["s3://", "s3:///x", "s3://b?region=", "s3://b?region", "s3://b?colour=red", "gs://b",
                                  "s3://b?region=a&region=b", "s3://b?region=%2", "file:", "s3://b?style=round",
                                  "azure-blob://c?region=x", "azure-blob://c"])
def test_destinations_that_are_none(text, monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    monkeypatch.delenv("AZURE_STORAGE_SAS_URL", raising=False)
    with pytest.raises(ValueError, match="^the destination "):
        _destination_url.open_destination(text)


def test_azure_by_the_environment(monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_SAS_URL", "https://a.blob.core.windows.net/other?sig=x")
    with pytest.raises(ValueError, match="another container"):
        _destination_url.open_destination("azure-blob://mine")
