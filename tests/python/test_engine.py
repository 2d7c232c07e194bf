"""Level 3: requests in, responses out."""

import gzip
import json
import logging
import os
import threading
import time

import fhirexport as fhx
import pytest
from support import Hospital, Memory, patients

BASE = "https://fhir.example.org/r4"
KICK_OFF = [("Accept", "application/fhir+json"), ("Prefer", "respond-async")]


def target(url):
    assert url.startswith(BASE + "/")
    return url[len(BASE):]


def ask(engine, method, path, headers=KICK_OFF, body=b"", **more):
    with engine.handle(fhx.Request(method, path, headers, body, **more)) as response:
        return response.status, response.headers, response.body(), response.header("content-location")


def poll(engine, path, **more):
    """Until the job is over: status and body."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        status, headers, body, _ = ask(engine, "GET", path, (), **more)
        if status != 202:
            return status, body
        assert any(name == "Retry-After" for name, _ in headers)
        time.sleep(0.02)
    raise AssertionError("the job does not end")


def engine_over(source, destination, **options):
    return fhx.Engine(source, destination, BASE, **{"settle_us": -1, **options})


def test_both_versions_of_the_ig(tmp_path):
    """One engine, two bases: each kick-off has the manifest of its own rules."""
    new = {"ig_version": fhx.IgVersion.STU4_BALLOT, "base_url": BASE + "-4b"}
    sizes = {"resourceType": "Parameters", "parameter": [{"name": "_maximumFileSize", "valuePositiveInt": 1000}]}
    headers = [*KICK_OFF, ("Content-Type", "application/fhir+json")]
    with engine_over({"Patient": patients(50)}, fhx.Destination.directory(tmp_path),
                     maximum_file_size_min=1000) as engine:
        assert ask(engine, "GET", "/$export?_type=Patient", **new)[0] == 405
        location = ask(engine, "POST", "/$export", headers, json.dumps(sizes).encode(), **new)[3]
        assert location.startswith(new["base_url"] + "/$export/")
        status, body = poll(engine, location[len(new["base_url"]):])
        manifest = json.loads(body)
        assert (status, "request" in manifest, "manifestType" in manifest) == (200, False, True)
        assert len(manifest["output"]) > 1 and all(item["fileSize"] <= 1000 for item in manifest["output"])
        status, body = poll(engine, target(ask(engine, "GET", "/$export?_type=Patient")[3]))
        assert (status, "request" in json.loads(body)) == (200, True)


def test_version_of_a_job_and_of_parts(tmp_path):
    destination = fhx.Destination.directory(tmp_path)
    ballot = fhx.IgVersion.STU4_BALLOT
    with fhx.Job({"Patient": [b"{"] + patients(3)}, destination, settle_us=-1, ig_version=ballot) as job:
        job.run()
        manifest, parts = job.manifest(), list(job.parts())
    assert manifest["outcome"][0]["countSeverity"] == [{"code": "error", "count": 1}]
    assert [(part.error_count, part.warning_count) for part in parts] == [(0, 0), (1, 0)]
    made = json.loads(fhx.manifest_of_parts(destination, parts, transaction_time_us=0, ig_version=ballot))
    assert (made["output"], made["outcome"]) == (manifest["output"], manifest["outcome"])


@pytest.mark.parametrize("store", [False, True])
def test_from_the_kick_off_to_the_file_and_the_end(tmp_path, store):
    (tmp_path / "out").mkdir()
    options = {"store": fhx.Store.sqlite(tmp_path / "jobs.db"), "url_keys": [os.urandom(32)]} if store else {}
    events = []
    with engine_over({"Patient": patients(700)}, fhx.Destination.directory(tmp_path / "out"), log=events.append,
                     sha256=True, **options) as engine:
        who = {"tenant": "t", "client": "c"}
        status, headers, body, location = ask(engine, "GET", "/$export?_type=Patient", **who)
        assert (status, body) == (202, b"")
        job = target(location)
        assert ask(engine, "GET", job, (), client="another", tenant="t")[0] == 404
        status, body = poll(engine, job, **who)
        assert status == 200
        item, = json.loads(body)["output"]
        assert (item["type"], item["count"]) == ("Patient", 700)
        with engine.handle(fhx.Request("GET", target(item["url"]), {"Range": "bytes=0-9"})) as response:
            assert (response.status, response.body()) == (206, patients(1)[0][:10])
        with engine.handle(fhx.Request("GET", target(item["url"]))) as response:
            descriptor, offset, length = response.file()
            assert os.pread(descriptor, length, offset).splitlines() == patients(700)
            response.sent(length)
        with engine.handle(fhx.Request("GET", target(item["url"]))) as response:
            assert b"".join(response).splitlines() == patients(700)
        assert ask(engine, "GET", target(item["url"])[:-1] + "0")[0] in (200, 403)
        summary, = engine.jobs([fhx.JobState.COMPLETE], tenant="t")
        assert (summary.client, summary.resource_count, summary.parameters) == ("c", 700, "_type")
        assert (summary.share, summary.part_count, summary.retry_count, summary.resource_mark) == (1.0, 1, 0, 700)
        assert list(engine.jobs(job_id=summary.id)) == [summary]
        assert list(engine.jobs([fhx.JobState.FAILED])) == []
        assert list(engine.jobs([fhx.JobState.FAILED], job_id=summary.id)) == []
        assert ("fhirexport_jobs_ended_total", 'state="complete"') in [s[:2] for s in engine.metrics().samples]
        assert engine.metrics().text.endswith("# EOF\n")
        for operator, status in ((False, 404), (True, 202)):
            with engine.handle(fhx.Request("DELETE", job, client="(operator)", operator=operator)) as response:
                assert response.status == status
        assert ask(engine, "GET", job, (), **who)[0] == 404
    assert {"job.created", "audit.kick_off", "job.completed", "audit.cancel"} <= {event.name for event in events}
    assert all(isinstance(event.level, fhx.LogLevel) for event in events)


def test_cancel_while_it_runs(tmp_path):
    def rows(query):
        for row in patients(10**6):
            time.sleep(0.001)
            yield row

    with engine_over({"Patient": rows}, fhx.Destination.directory(tmp_path)) as engine:
        job = target(ask(engine, "POST", "/Patient/$export", [*KICK_OFF, ("Content-Type", "application/fhir+json")],
                         json.dumps({"resourceType": "Parameters", "parameter": [
                             {"name": "_type", "valueString": "Patient"}]}).encode())[3])
        time.sleep(0.1)
        assert ask(engine, "GET", job, ())[0] == 202
        assert ask(engine, "DELETE", job)[0] == 202
        assert ask(engine, "GET", job, ())[0] == 404


def test_mistakes_of_clients_are_responses(tmp_path):
    with engine_over({"Patient": patients(1)}, fhx.Destination.directory(tmp_path), workers=0) as engine:
        for path, status in (("/$export?_type=Nothing", 400), ("/$export?x=\0", 400), ("/$export/no", 404),
                             ("/Group/g/$export", 202), ("/$export?_since=tomorrow", 400)):
            found = ask(engine, "GET", path)
            assert found[0] == status, path
            if status == 400:
                assert json.loads(found[2])["resourceType"] == "OperationOutcome"
        assert ask(engine, "GET", "/$export?_type=Patient", permitted_types=["Observation"])[0] == 403
        assert json.loads(ask(engine, "GET", "/metadata")[2])["resourceType"] == "CapabilityStatement"
        with pytest.raises(fhx.ArgumentError):
            engine.handle(fhx.Request("GET", "/$export", [("Accept", "a\0b")]))


def test_mistakes_of_hosts_are_exceptions(tmp_path):
    destination = fhx.Destination.directory(tmp_path)
    with pytest.raises(fhx.ArgumentError):
        fhx.Engine({}, destination, "no url")
    with pytest.raises(fhx.ArgumentError, match="key"):
        fhx.Engine({}, destination, BASE, url_keys=[b"short"])
    with pytest.raises(TypeError, match="list of bytes"):
        fhx.Engine({}, destination, BASE, url_keys=b"x" * 32)
    engine = fhx.Engine({}, destination, BASE, workers=0)
    engine.close()
    with pytest.raises(fhx.MisuseError, match="this Engine is closed"):
        engine.handle(fhx.Request("GET", "/$export"))


def test_what_callbacks_raise_is_told_to_the_host(tmp_path, caplog):
    told = []

    class Failing(Hospital):
        def open_cursor(self, query):
            raise ZeroDivisionError("the birth date of somebody")

    for on_exception in (lambda error, where: told.append((type(error), where)), None):
        with caplog.at_level(logging.ERROR, "fhirexport"), \
                engine_over(Failing({"Patient": []}), fhx.Destination.directory(tmp_path),
                            on_exception=on_exception) as engine:
            status, body = poll(engine, target(ask(engine, "GET", "/$export")[3]))
            assert status == 500 and b"ZeroDivisionError" in body and b"birth date" not in body
    assert told == [(ZeroDivisionError, "open_cursor")]
    assert "open_cursor raised ZeroDivisionError at " in caplog.text and "birth date" not in caplog.text


@pytest.mark.parametrize("method, status", [("check_writable", 503), ("file", 503), ("urls_until", 503), ("url", 500)])
def test_what_a_destination_raises_is_told(method, status):
    class Files(Memory):
        def check_writable(self):
            self.note("check_writable")

        def urls_until(self, expires_us):
            self.note("urls_until")
            return expires_us

    class Served(Files):
        def file(self, name):
            self.note("file")

    told = []
    parts = (Served if method == "file" else Files)(method, ZeroDivisionError("somebody"))
    with fhx.Destination.custom(parts) as destination, \
            engine_over({"Patient": patients(3)}, destination, on_exception=lambda e, where: told.append((e, where))) \
            as engine:
        found = ask(engine, "GET", "/$export")
        if method != "check_writable":
            job = target(found[3])
            end = time.monotonic() + 300
            while time.monotonic() < end:
                try:
                    found = ask(engine, "GET", job, ())
                except fhx.Error as error:  # the manifest ends early
                    assert method == "url"
                    found = (status, (), str(error).encode(), None)
                if found[0] != 202:
                    break
                time.sleep(0.02)
            if method == "file":
                found = ask(engine, "GET", target(json.loads(found[2])["output"][0]["url"]), ())
        assert found[0] >= 500 and b"somebody" not in found[2], found
    assert told == [(parts.error, method)]
    told.clear()


def test_a_log_and_a_clock_that_raise(tmp_path):
    told = []

    def log(event):
        raise ZeroDivisionError

    class Broken(fhx.Clock):
        def now(self):
            raise LookupError

    with engine_over({"Patient": patients(3)}, fhx.Destination.directory(tmp_path), log=log, clock=Broken(), helpers=0,
                     on_exception=lambda error, where: told.append((type(error), where))) as engine:
        assert poll(engine, target(ask(engine, "GET", "/$export")[3]))[0] == 200
    assert {(ZeroDivisionError, "log"), (LookupError, "now")} <= set(told)


def test_an_interrupt_in_a_request_comes_out(tmp_path):
    error = KeyboardInterrupt()
    with engine_over(Hospital({"Patient": []}, "list_types", error), fhx.Destination.directory(tmp_path)) as engine:
        with pytest.raises(KeyboardInterrupt) as caught:
            ask(engine, "GET", "/$export")
        assert caught.value is error


def test_parts_of_ones_own(tmp_path):
    class Files(Memory):
        def file(self, name):
            (tmp_path / "part").write_bytes(self.parts[name])
            return open(tmp_path / "part", "rb")

        def check_writable(self):
            self.note("check_writable")

    parts = Files()
    with fhx.Destination.custom(parts) as destination, engine_over({"Patient": patients(3)}, destination,
                                                                   gzip=True) as engine:
        body = poll(engine, target(ask(engine, "GET", "/$export")[3]))[1]
        url = target(json.loads(body)["output"][0]["url"])
        packed = ask(engine, "GET", url, {"Accept-Encoding": "gzip"})[2]
        assert gzip.decompress(packed).splitlines() == patients(3)
        assert ask(engine, "GET", url, ())[2].splitlines() == patients(3)
    assert "check_writable" in parts.calls


def test_threads_of_ones_own_and_many_requests(tmp_path):
    with engine_over({"Patient": patients(50)}, fhx.Destination.directory(tmp_path), workers=0,
                     jobs_per_client_max=100) as engine:
        runner = threading.Thread(target=engine.run)
        runner.start()
        statuses = []

        def client():
            for _ in range(5):
                statuses.append(poll(engine, target(ask(engine, "GET", "/$export")[3]))[0])

        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        assert statuses == [200] * 20
        engine.tick()
        engine.stop()
        runner.join(300)
        assert not runner.is_alive()
        assert ask(engine, "GET", "/$export")[0] == 202  # requests are still answered


def test_closing_from_a_worker(tmp_path):
    closed = threading.Event()
    engines = []

    def rows(query):
        yield patients(1)[0]
        engines[0].close()
        closed.set()

    engines.append(engine_over({"Patient": rows}, fhx.Destination.directory(tmp_path)))
    ask(engines[0], "GET", "/$export")
    assert closed.wait(300)
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if engines[0].closed:
            break
        time.sleep(0.02)
    assert engines[0].closed


def test_a_response_outlives_close(tmp_path):
    engine = engine_over({"Patient": patients(1)}, fhx.Destination.directory(tmp_path))
    response = engine.handle(fhx.Request("GET", "/metadata"))
    engine.close()
    assert json.loads(response.body())["resourceType"] == "CapabilityStatement"
    response.close()


def test_places_that_clients_name(tmp_path):
    secrets = {}

    class Vault(fhx.Secrets):
        def put(self, job_id, data):
            secrets[job_id] = data

        def get(self, job_id):
            if job_id not in secrets:
                raise fhx.NotFoundError("there is none")
            return secrets[job_id]

        def delete(self, job_id):
            secrets.pop(job_id, None)

    allowed = fhx.ClientDestinations(["account.blob.core.windows.net"], container="exports", secrets=Vault(),
                                     http=fhx.Http(retries_max=1))
    with engine_over({"Patient": patients(1)}, fhx.Destination.directory(tmp_path),
                     client_destinations=allowed) as engine:
        status, _, body, _ = ask(engine, "GET", "/$export?_destinationType=azure-block-blob"
                                                "&_destinationConnectionSettings=bm8=")
        assert status == 400 and b"_destinationConnectionSettings" in body
