"""Level 2: whole exports from every kind of source, and what raises in them."""

import collections
import gzip
import json
import sqlite3
import threading
import time

import fhirexport as fhx
import pytest
from support import NO_WAIT, Hospital, Memory, patients, run


def observation(number, patient):
    return {"resourceType": "Observation", "id": f"o{number}", "subject": {"reference": f"Patient/{patient}"}}


@pytest.mark.parametrize("source, types", [
    ({"Patient": patients(1500)}, ()),
    ({"Patient": lambda query: iter(patients(1500))}, ()),
    ({"Patient": (row.decode() for row in patients(1500))}, ()),
    ({"Patient": [json.loads(row) for row in patients(1500)]}, ()),
    (patients(1500), ["Patient"]),
    (lambda query: [fhx.Rows(patients(1500), token=b"end")], ["Patient"]),
    (Hospital({"Patient": patients(1500)}), ()),
])
@pytest.mark.parametrize("threads", [1, 3])
def test_sources(source, types, threads):
    if isinstance(source, dict) and hasattr(source["Patient"], "send"):
        source = {"Patient": (row.decode() for row in patients(1500))}  # can be read once
    parts = Memory()
    progress, made = run(source, fhx.Destination.custom(parts), filter=fhx.Filter(types), threads=threads)
    assert parts.lines() == sorted(patients(1500))
    assert (progress.state, progress.resource_count, progress.share) == (fhx.JobState.COMPLETE, 1500, 1.0)
    assert sum(part.resource_count for part in made) == 1500 and parts.open_uploads == 0


def test_the_manifest_and_an_error_file(tmp_path):
    rows = [*patients(3), b'{"resourceType":"Patient"}', "no JSON", '{"resourceType":"Patient","id":"\ud800"}']
    with fhx.Job({"Patient": rows}, fhx.Destination.directory(tmp_path), request="https://x.example/$export",
                 sha256=True, **NO_WAIT) as job:
        with pytest.raises(fhx.MisuseError):
            job.manifest()
        assert job.run() and job.run()
        manifest = job.manifest()
        kinds = collections.Counter(part.kind for part in job.parts())
    assert manifest["request"] == "https://x.example/$export"
    assert [(item["type"], item["count"]) for item in manifest["output"]] == [("Patient", 3)]
    assert [(item["type"], item["count"]) for item in manifest["error"]] == [("OperationOutcome", 3)]
    assert kinds == {fhx.PartKind.OUTPUT: 1, fhx.PartKind.ERROR: 1}
    assert len(list(tmp_path.rglob("*.ndjson"))) == 2


def test_sources_of_the_library(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Patient.ndjson").write_bytes(b"\n".join(patients(20)) + b"\n")
    (tmp_path / "in" / "Patient.2.ndjson.gz").write_bytes(gzip.compress(b"\n".join(patients(20, "q"))))
    with sqlite3.connect(tmp_path / "db") as database:
        database.execute("CREATE TABLE mine(type, id TEXT, last_updated INTEGER, json)")
        database.executemany("INSERT INTO mine VALUES ('Patient', ?, 0, ?)",
                             [(f"p{i}", row) for i, row in enumerate(patients(20))])
    database.close()
    for source, count in ((fhx.Source.folder(tmp_path / "in"), 40),
                          (fhx.Source.sqlite(tmp_path / "db", table="mine"), 20)):
        parts = Memory()
        run(source, fhx.Destination.custom(parts))
        assert len(parts.lines()) == count
    with pytest.raises(TypeError, match="tabel is no option"):
        fhx.Source.sqlite(tmp_path / "db", tabel="mine")


def test_an_iterator_is_read_once_and_says_so():
    rows = (row for row in patients(3))
    for expected in (None, "was read already"):
        with fhx.Job({"Patient": rows}, fhx.Destination.custom(Memory()), **NO_WAIT) as job:
            if expected is None:
                job.run()
            else:
                with pytest.raises(fhx.JobFailedError, match=expected):
                    run({"Patient": rows, "Group": rows}, fhx.Destination.custom(Memory()))


def test_a_group_by_callbacks():
    source = Hospital({"Patient": patients(4), "Observation": [json.dumps(observation(i, f"p{i}")) for i in range(4)]})
    parts = Memory()
    progress, _ = run(source, fhx.Destination.custom(parts), filter=fhx.Filter(group="g"), tenant="t", client="c",
                      host_context=b"\0ctx")
    assert [json.loads(line)["id"] for line in parts.lines()] == ["o0", "o1", "p0", "p1"]
    assert ("Patient", fhx.Scope.PATIENT_SET, "t", b"\0ctx") in source.queries
    with pytest.raises(fhx.NotFoundError):
        run(source, fhx.Destination.custom(parts), filter=fhx.Filter(group="other"))


def test_what_a_query_says():
    seen = []

    class Looking(Hospital):
        def open_cursor(self, query):
            if query.scope is fhx.Scope.PATIENT_SET:
                seen.append((list(query.patients()), query.patient_count, query.is_patient("p1"),
                             query.is_patient("p3"), query.since_us, query.until_us, query.window_exact,
                             query.as_of_us > 1_700_000_000_000_000, query.shard, query.token, query.searches))
                self.query = query
            return super().open_cursor(query)

    source = Looking({"Patient": patients(4)})
    run(source, fhx.Destination.custom(Memory()),
        filter=fhx.Filter(["Patient"], group="g", since="2020-01-01T00:00:00Z", queries=["Patient?active=true"]))
    assert (["p0", "p1"], 2, True, False, 1577836800000000, None, True, True, None, None,
            ["Patient?active=true"]) in seen
    with pytest.raises(fhx.MisuseError, match="this Query is over"):
        source.query.resource_type


def test_deletions():
    parts = Memory()
    _, made = run(Hospital({"Patient": patients(2)}, deleted=patients(3, "gone")), fhx.Destination.custom(parts),
                  filter=fhx.Filter(since="2020-01-01T00:00:00Z"))
    assert [part.kind for part in made].count(fhx.PartKind.DELETED) == 1


def test_hooks(tmp_path):
    def hook(query, reference, data):
        number = int(reference.split("/p")[1])
        assert query.tenant == "t"
        if number == 3:
            raise fhx.Error("not today")
        return [True, False, {**json.loads(data), "active": True}][number]

    parts = Memory()
    attached = b'{"resourceType":"Patient","id":"p0","photo":[{"url":"http://in/x"}]}'
    progress, _ = run({"Patient": [attached, *patients(4)[1:]]}, fhx.Destination.custom(parts), tenant="t",
                      resource_hook=hook, attachment_hook=lambda query, reference, url: url.replace("in", "out"))
    lines = [json.loads(line) for line in parts.lines()]
    assert [line["id"] for line in lines if line["resourceType"] == "Patient"] == ["p0", "p2"]
    assert lines[-1] == {"resourceType": "Patient", "id": "p2", "active": True}
    assert {"url": "http://out/x"} in [photo for line in lines for photo in line.get("photo", [])]
    assert progress.error_count == 1 and b"not today" in b"".join(parts.parts.values())


METHODS = ["open_cursor", "next_rows", "close_cursor", "list_shards", "read_resource", "group_members", "list_types",
           "count_estimate", "snapshot_ready", "read_clock", "open_deleted", "open_patient"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("method", METHODS)
def test_what_a_source_raises_comes_out(method, kind):
    error = kind("the birth date of somebody")
    source = Hospital({"Patient": patients(4), "Observation": []}, method, error)
    options = {"filter": fhx.Filter(since="2020-01-01T00:00:00Z", patients=["p1"] if method == "read_resource" else (),
                                    group="g" if method == "group_members" else None)}
    if method == "open_patient":
        options = {"organize_by": "Patient"}
    parts = Memory()
    with pytest.raises(kind) as caught:
        run(source, fhx.Destination.custom(parts), **options)
    assert caught.value is error
    assert parts.parts == {} and parts.open_uploads == 0


@pytest.mark.parametrize("method", ["open", "write", "commit", "remove", "stat", "url"])
def test_what_a_destination_raises_comes_out(method):
    error = ZeroDivisionError("the birth date of somebody")
    parts = Memory(method, error)
    with fhx.Destination.custom(parts) as destination, pytest.raises(ZeroDivisionError) as caught, \
            fhx.Job({"Patient": patients(2)}, destination, **NO_WAIT) as job:
        if method in ("remove", "stat"):
            parts.commit = lambda upload, part: (_ for _ in ()).throw(fhx.Error(status=fhx.Status.UNKNOWN_OUTCOME))
        if method == "remove":
            parts.stat = lambda name: (_ for _ in ()).throw(fhx.Error("who knows"))
        job.run()
        job.manifest()
    assert caught.value is error


@pytest.mark.parametrize("hook", ["resource_hook", "attachment_hook"])
def test_what_a_hook_raises_ends_the_job(hook):
    error = ZeroDivisionError()
    parts = Memory()

    def raising(*arguments):
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        run({"Patient": [b'{"resourceType":"Patient","id":"a","photo":[{"url":"x"}]}']},
            fhx.Destination.custom(parts), **{hook: raising})
    assert caught.value is error and parts.parts == {}
    with pytest.raises(TypeError, match="hook returns"):
        run({"Patient": [b'{"resourceType":"Patient","id":"a","photo":[{"url":"x"}]}']},
            fhx.Destination.custom(parts), **{hook: lambda *arguments: None})


def test_an_error_is_an_answer():
    tries = []

    def rows(query):
        tries.append(1)
        yield patients(1)[0]
        if len(tries) < 3:
            raise fhx.SourceError("the database is restarting", retryable=True)

    progress, _ = run({"Patient": rows}, fhx.Destination.custom(Memory()))
    assert len(tries) == 3 and progress.resource_count == 1

    def gone(query):
        raise fhx.SourceError("the database is gone")

    with pytest.raises(fhx.JobFailedError, match="the database is gone") as caught:
        run({"Patient": gone}, fhx.Destination.custom(Memory()))
    assert caught.value.status is fhx.Status.JOB_FAILED
    assert isinstance(caught.value.__cause__, fhx.SourceError)


def test_the_text_of_an_exception_is_not_kept_with_the_job():
    with fhx.Job({"Patient": lambda query: 1 / 0}, fhx.Destination.custom(Memory()), **NO_WAIT) as job:
        with pytest.raises(ZeroDivisionError):
            job.run()
        assert "ZeroDivisionError" in job.progress().reason
        assert "division by" not in job.progress().reason


class Hostile:
    """What no source should do."""

    def no_iterable(query):
        return 7

    def none(query):
        return None

    def numbers(query):
        return [1, 2, 3]

    def not_a_resource(query):
        yield object()

    def bad_token(query):
        yield fhx.Rows(patients(1), token=b"x" * 5000)

    def empty_token(query):
        yield fhx.Rows(patients(1), token=b"")

    def descending(query):
        yield fhx.Rows.joined(b"abc", [3, 1, 3])

    def applied(query):
        return fhx.Cursor(patients(1), applied=1 << 30)

    def lying(query):
        return fhx.Cursor([b'{"resourceType":"Group","id":"g"}'] if query.token is None else [], fhx.Applied.TYPE)


@pytest.mark.parametrize("name", [name for name in vars(Hostile) if not name.startswith("_")])
def test_hostile_sources(name):
    parts = Memory()
    try:
        progress, _ = run({"Patient": getattr(Hostile, name)} if name != "applied" else getattr(Hostile, name),
                          fhx.Destination.custom(parts), filter=fhx.Filter(["Patient"]))
        assert name == "lying" and (progress.resource_count, progress.error_count) == (0, 1)
    except (TypeError, fhx.Error):
        assert parts.parts == {} and parts.open_uploads == 0


def test_pauses_and_empty_batches():
    def rows(query):
        yield fhx.Wait(0.01)
        yield patients(1)[0]
        yield fhx.Rows([])
        yield fhx.Wait(0.01)
        yield patients(2)[1]

    parts = Memory()
    run({"Patient": rows}, fhx.Destination.custom(parts))
    assert parts.lines() == patients(2)


def test_a_source_that_overwrites_its_rows():
    """The library reads a batch until the next call; the package keeps it, whatever the source does."""
    class Overwriting(Hospital):
        def open_cursor(self, query):
            return iter(range(50))

        def next_rows(self, cursor, want_bytes):
            number = next(cursor, None)
            if number is None:
                return None
            row = bytearray(patients(50)[number])
            rows = fhx.Rows([row])
            row[:] = b"x" * len(row)
            return rows

        def close_cursor(self, cursor):
            pass

    parts = Memory()
    run(Overwriting({"Patient": []}), fhx.Destination.custom(parts))
    assert parts.lines() == sorted(patients(50))


def test_resuming_from_a_store(tmp_path):
    class Table(Hospital):
        def __init__(self):
            super().__init__({"Patient": []})
            self.opened = []

        def open_cursor(self, query):
            self.opened.append(query.token)
            first = int(query.token or b"0")
            return iter([fhx.Rows([patients(1000)[i]], token=b"%d" % (i + 1)) for i in range(first, 1000)])

        def next_rows(self, cursor, want_bytes):
            rows = next(cursor, None)
            if rows is not None and rows.token == b"500" and len(self.opened) == 1:
                self.job.park()
            return rows

    source, parts = Table(), Memory()
    destination, store = fhx.Destination.custom(parts), fhx.Store.sqlite(tmp_path / "jobs.db")
    with fhx.Job(source, destination, store=store, **NO_WAIT) as source.job:
        job_id = source.job.id
        assert source.job.run() is False
        assert source.job.progress().state is fhx.JobState.RUNNING
    with fhx.Job.attach(job_id, source, destination, store, settle_us=-1) as source.job:
        assert source.job.run() is True
    assert parts.lines() == sorted(patients(1000))
    assert source.opened[0] is None and int(source.opened[1]) >= 500
    with pytest.raises(fhx.NotFoundError):
        fhx.Job.attach("0" * 32, source, destination, store)


def test_run_task_and_cancel():
    parts = Memory()
    with fhx.Job({"Patient": patients(2)}, fhx.Destination.custom(parts), **NO_WAIT) as job:
        statuses = [job.run_task() for _ in range(4)]
        assert statuses[-1] is fhx.Status.END and set(statuses[:-1]) == {fhx.Status.OK}
        job.cancel()
        with pytest.raises(fhx.CancelledError):
            job.run()
    assert parts.parts == {}


def test_cancel_from_a_callback_and_no_running_there():
    raised = []

    def rows(query):
        for row in patients(10):
            yield row
        for call in (job.run, job.run_task):
            try:
                call()
            except fhx.MisuseError as error:
                raised.append(error.status)
        assert job.progress().state is fhx.JobState.RUNNING
        job.cancel()

    parts = Memory()
    with fhx.Job({"Patient": rows}, fhx.Destination.custom(parts), **NO_WAIT) as job:
        with pytest.raises(fhx.CancelledError):
            job.run()
    assert raised == [fhx.Status.REENTRANT] * 2 and parts.parts == {}


def test_progress_is_told_and_may_raise():
    told = []

    def rows(query):
        """Some, then the last one when there was something to tell of them."""
        *some, last = patients(12)
        yield from some
        end = time.monotonic() + 120
        while len(told) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        yield last

    slow = {"Patient": rows}
    with fhx.Job(slow, fhx.Destination.custom(Memory()), **NO_WAIT) as job:
        assert job.run(progress=told.append)
    assert len(told) >= 3 and told[-1].share == 1.0
    assert [p.share for p in told] == sorted(p.share for p in told)

    def stop(progress):
        raise LookupError("enough")

    parts = Memory()
    with fhx.Job({"Patient": patients(2)}, fhx.Destination.custom(parts), **NO_WAIT) as job:
        with pytest.raises(LookupError):
            job.run(progress=stop)
    assert parts.parts == {}


def test_tqdm(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    with fhx.Job({"Patient": patients(2)}, fhx.Destination.custom(Memory()), **NO_WAIT) as job:
        assert job.run(tqdm=True)
    assert "100%" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)  # as if it were not installed
    with fhx.Job({"Patient": patients(2)}, fhx.Destination.custom(Memory()), **NO_WAIT) as job:
        assert job.run(tqdm=True)


def test_a_clock_of_ones_own():
    class Slow(fhx.Clock):
        asked = 0

        def now(self):
            Slow.asked += 1
            return 1_700_000_000_000_000

    run({"Patient": patients(2)}, fhx.Destination.custom(Memory()), clock=Slow())
    assert Slow.asked > 0


def test_cursors_stay_on_one_thread_and_jobs_run_beside_each_other():
    seen = collections.defaultdict(set)

    def rows(name):
        for row in patients(3000, name):
            seen[name].add(threading.get_ident())
            yield row

    source = {"Patient": lambda query: rows("a")}
    results = []
    jobs = [threading.Thread(target=lambda: results.append(run(source, fhx.Destination.custom(Memory()), threads=2)))
            for _ in range(4)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert [progress.resource_count for progress, _ in results] == [3000] * 4
    assert threading.main_thread().ident not in seen["a"]
