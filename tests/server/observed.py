#!/usr/bin/python3
"""The log and the metrics of fhirexport-server: strict JSON lines and strict OpenMetrics, what
docs/log.md and docs/operations.md say is in them, and nothing confidential.

    observed.py SERVER
"""
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

import fhir_server
import openmetrics
from fhir_server import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import operations  # noqa: E402

KEY = "TheKeyOfLinksIsSecret0123456789abcdef"
# None of these may be in a log line or a metric: ids of patients and of a Group, values of
# parameters, content, names that a client made up, what leads to a client's storage.
SECRETS = ["pat-secret-1", "pat-secret-2", "SecretFamily", "1911-11-11", "grp-secret", "obs-secret",
           "SecretParameter", "SecretJob", "secretaccount", "c2VjcmV0a2V5", "secret-container",
           "SecretMethod", KEY]
HEADERS = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
POSTED = {**HEADERS, "Content-Type": "application/fhir+json"}
LEVELS = ["debug", "info", "warning", "error"]


def strict(line):
    """An object of JSON without doubles and numbers that are none."""
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), f"a key comes twice: {line}"
        return dict(pairs)

    def refuse(name):
        raise ValueError(name)
    event = json.loads(line, object_pairs_hook=unique, parse_constant=refuse)
    assert isinstance(event, dict), line
    return event


def wait_for_end(server, url):
    end = time.monotonic() + fhir_server.PATIENCE
    while time.monotonic() < end:
        answer = server.get(url)
        if answer.status not in (202, 503):
            return answer
        time.sleep(0.05)
    raise AssertionError("the export does not end")


def scrape(server):
    connection = server.connect()
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()
    finally:
        connection.close()


def value(families, name, suffix="_total", **labels):
    found = [number for s, l, number in families[name].samples if (s, l) == (suffix, labels)]
    assert len(found) == 1, (name, suffix, labels, found)
    return found[0]


class Observed(unittest.TestCase):
    """One server that did a bit of everything, with all it has said."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="fhx-observed-")
        key = os.path.join(cls.folder.name, "keys")
        pathlib.Path(key).write_text(KEY + "\n", encoding="ascii")
        cls.server = Server("--log", "json", "--log-level", "debug", "--url-key-file", key,
                            "--jobs", os.path.join(cls.folder.name, "jobs.db"),
                            "--part-bytes", "2000", "--max-jobs", "3", "--workers", "2",
                            "--client-destinations", "127.0.0.1:9",
                            folder=cls.folder.name)
        cls.links, cls.received = [], 0
        try:
            cls.fill()
            cls.first = cls.settled_metrics(0)
            cls.whole = cls.export("GET", "/$export?_type=Patient,Observation")
            cls.refuse_much()
            cls.export_of_patients()
            cls.after = cls.settled_metrics(3)
        finally:
            cls.code = cls.server.stop(keep=True)
        cls.text = cls.server.read_log()
        cls.events = [strict(line) for line in cls.text.splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def settled_metrics(cls, complete):
        """Counts may come a moment behind the answers that they belong to."""
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            status, _, text = scrape(cls.server)
            assert status == 200
            families = openmetrics.parse(text)
            if (value(families, "fhirexport_jobs_ended", state="complete") == complete
                    and value(families, "fhirexport_tasks_running", "") == 0
                    and value(families, "fhirexport_downloaded_bytes") == cls.received):
                return text
            time.sleep(0.05)
        raise AssertionError("the metrics do not come to what was done")

    @classmethod
    def fill(cls):
        for id_ in ("pat-secret-1", "pat-secret-2"):
            cls.put({"resourceType": "Patient", "id": id_, "birthDate": "1911-11-11",
                     "name": [{"family": "SecretFamily"}]})
        for i in range(40):
            cls.put({"resourceType": "Observation", "id": f"obs-secret-{i}", "status": "final",
                     "code": {"text": "SecretFamily"},
                     "subject": {"reference": "Patient/pat-secret-1"}})
        cls.put({"resourceType": "Group", "id": "grp-secret", "type": "person", "actual": True,
                 "member": [{"entity": {"reference": "Patient/pat-secret-2"}}]})

    @classmethod
    def put(cls, resource):
        assert cls.server.put(resource).status in (200, 201)

    @classmethod
    def export(cls, method, path, body=None):
        """The manifest and its files' bytes."""
        body = None if body is None else json.dumps(body).encode()
        answer = cls.server.request(method, path, body, HEADERS if body is None else POSTED)
        assert answer.status == 202, answer.body
        url = answer.header("Content-Location")
        manifest = wait_for_end(cls.server, url).json()
        files = [cls.server.get(item["url"]).body for item in manifest["output"]]
        cls.links += [item["url"] for item in manifest["output"]]
        cls.received += sum(len(file) for file in files)
        return url, manifest, files

    @classmethod
    def refuse_much(cls):
        get, url = cls.server.get, cls.links[0]
        assert get(url + "0").status == 403
        assert get("/$export/SecretJob").status == 404
        assert get("/$export/" + "0" * 32).status == 404
        assert get("/$export?SecretParameter=SecretFamily", headers=HEADERS).status == 400
        assert get("/$export?_typeFilter=Patient%3Fnope=SecretFamily",
                   headers=HEADERS).status == 400
        assert get("/Group/no-grp-secret/$export", headers=HEADERS).status == 404
        assert cls.server.request("SecretMethod", "/$export").status in (400, 405, 501)
        settings = "AccountName=secretaccount;AccountKey=c2VjcmV0a2V5;BlobEndpoint=http://127.0.0.1:9/"
        parameters = [("_destinationType", "azure-blob"), ("_container", "secret-container"),
                      ("_destinationConnectionSettings", settings)]
        body = {"resourceType": "Parameters",
                "parameter": [{"name": name, "valueString": text} for name, text in parameters]}
        answer = cls.server.request("POST", "/$export", json.dumps(body).encode(), POSTED)
        assert answer.status >= 400, answer.body
        ranged = get(url, headers={"Range": "bytes=3-9"})
        assert ranged.status == 206 and len(ranged.body) == 7
        cls.received += len(ranged.body)
        assert cls.server.request("HEAD", url).status == 200

    @classmethod
    def export_of_patients(cls):
        reference = {"reference": "Patient/pat-secret-1"}
        body = {"resourceType": "Parameters", "parameter": [
            {"name": "patient", "valueReference": reference},
            {"name": "_typeFilter", "valueString": "Patient?birthdate=1911-11-11"}]}
        url, manifest, _ = cls.export("POST", "/Patient/$export", body)
        assert manifest["output"], manifest
        cls.removed = url.rsplit("/", 1)[1]
        assert cls.server.request("DELETE", url).status == 202
        cls.export("GET", "/Group/grp-secret/$export?_typeFilter=Patient%3Fbirthdate=1911-11-11")

    def of(self, name, **fields):
        return [event for event in self.events if event["event"] == name
                and all(event.get(key) == text for key, text in fields.items())]

    def test_ends_cleanly(self):
        self.assertEqual(self.code, 0)

    def test_lines(self):
        """Each line says when, how grave, and what; fields are those that are documented."""
        documented = operations.documented_events(
            (ROOT / "docs/log.md").read_text(encoding="utf-8"))
        self.assertGreater(len(self.events), 30)
        self.assertTrue(self.text.endswith("\n"))
        for event in self.events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertIn(event["level"], LEVELS)
            if event["event"].startswith("server."):
                continue
            level, fields = documented[event["event"]]
            is_audit = event["event"].startswith("audit.")
            self.assertEqual(event.get("audit", False), is_audit)
            self.assertIn(event["level"], (level, "warning") if is_audit else (level,))
            rest = set(event) - {"time", "level", "event", "message", "audit"}
            self.assertLessEqual(rest, fields, event["event"])

    def test_nothing_confidential(self):
        secrets = SECRETS + [re.search(r"signature=([^&]+)", link).group(1) for link in self.links]
        for secret in secrets:
            self.assertNotIn(secret, self.text)
            self.assertNotIn(secret, self.after)
        # And they would have been found: the parameters' names are there.
        self.assertTrue(self.of("audit.kick_off", parameters="patient,_typeFilter"))

    def test_jobs(self):
        self.assertEqual(len(self.of("job.created")), 3)
        self.assertEqual(len(self.of("job.completed")), 3)
        self.assertEqual(len(self.of("job.failed")), 0)
        job = self.whole[0].rsplit("/", 1)[1]
        count = sum(item["count"] for item in self.whole[1]["output"])
        self.assertEqual(self.of("job.completed", job=job)[0]["resources"], count)
        self.assertEqual(sum(event["resources"] for event in self.of("checkpoint.recorded", job=job)),
                         count)
        self.assertEqual(len(self.of("job.cancelled", job=self.removed)), 1)

    def test_audit(self):
        given = self.of("audit.kick_off", outcome="given")
        self.assertEqual([event["level"] for event in given], ["info"] * 3)
        self.assertEqual(len(self.of("audit.kick_off", outcome="refused", parameters="(unknown)")), 1)
        self.assertEqual(len(self.of("audit.kick_off", http=404)), 1)
        self.assertEqual(len(self.of("audit.file", why="bad_link")), 1)
        # A whole file that the kernel has sent, a range, a HEAD.
        sent = self.of("audit.file_sent", outcome="whole")
        self.assertEqual(len(sent), len(self.links) + 1)
        self.assertEqual(len(self.of("audit.file", offset=3, length=7, http=206)), 1)
        self.assertEqual(len(self.of("audit.file", method="HEAD", http=200)), 1)
        self.assertEqual(len(self.of("audit.cancel", job=self.removed, outcome="given")), 1)
        self.assertTrue(all("job" not in event for event in self.of("audit.manifest", why="unknown")
                            if event.get("job") != "0" * 32))

    def test_metrics(self):
        documented = operations.documented_metrics(
            (ROOT / "docs/operations.md").read_text(encoding="utf-8"))
        families = openmetrics.parse(self.after)
        self.assertEqual(set(families), set(documented))
        for name, family in families.items():
            kind, labels = documented[name]
            self.assertEqual(family.kind, kind, name)
            for _, has, _ in family.samples:
                self.assertEqual(set(has) - {"le"}, labels, name)
        recorded = sum(event["resources"] for event in self.of("checkpoint.recorded"))
        self.assertEqual(value(families, "fhirexport_resources"), recorded)
        self.assertEqual(value(families, "fhirexport_jobs_created"), 3)
        self.assertEqual(value(families, "fhirexport_jobs_ended", state="cancelled"), 1)
        sent = sum(event["sent"] for event in self.of("audit.file_sent"))
        self.assertEqual(value(families, "fhirexport_downloaded_bytes"), sent)
        whole = sum(len(file) for file in self.whole[2])
        self.assertGreaterEqual(sent, whole)

    def test_counters_go_up(self):
        first, after = openmetrics.parse(self.first), openmetrics.parse(self.after)
        for name, family in after.items():
            before = {(s, tuple(sorted(l.items()))): n for s, l, n in first[name].samples}
            for suffix, labels, number in family.samples:
                if family.kind in ("counter", "histogram"):
                    self.assertGreaterEqual(number, before[suffix, tuple(sorted(labels.items()))])


def kick_off(server):
    """The path of the job's status. On a busy machine the jobs' file may be locked for too long:
    then it is 503, and the client comes again."""
    for _ in range(100):
        answer = server.get("/$export", headers=HEADERS)
        if answer.status != 503:
            return answer.header("Content-Location").rsplit("/fhir", 1)[1]
        time.sleep(0.1)
    raise AssertionError("no kick-off is accepted")


class Shared(unittest.TestCase):
    """Two servers on one job store: each thing is told by one of them."""

    JOBS = 6

    def test_told_once(self):
        with tempfile.TemporaryDirectory(prefix="fhx-observed-") as folder:
            key = os.path.join(folder, "keys")
            pathlib.Path(key).write_text(KEY + "\n", encoding="ascii")
            options = ["--log", "json", "--log-level", "debug", "--url-key-file", key,
                       "--jobs", os.path.join(folder, "jobs.db"), "--workers", "2"]
            # Both write to one log, line by line.
            servers = [Server(*options, folder=folder) for _ in range(2)]
            try:
                for i in range(20):
                    servers[0].put({"resourceType": "Patient", "id": f"p{i}"})
                paths = [kick_off(servers[i % 2]) for i in range(self.JOBS)]
                for i, path in enumerate(paths):
                    self.assertEqual(wait_for_end(servers[(i + 1) % 2], path).status, 200)
                self.wait_for_ends(servers)
            finally:
                codes = [server.stop() for server in servers]
                events = [strict(line) for line in servers[0].read_log().splitlines()]
        self.assertEqual(codes, [0, 0])
        for name in ("job.created", "job.planned", "job.completed"):
            jobs = [event["job"] for event in events if event["event"] == name]
            self.assertEqual(sorted(jobs), sorted(path.rsplit("/", 1)[1] for path in paths), name)
        done = [(event["job"], event["task"]) for event in events if event["event"] == "task.done"]
        self.assertEqual(len(done), len(set(done)))

    def wait_for_ends(self, servers):
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            ended = sum(value(openmetrics.parse(scrape(server)[2]), "fhirexport_jobs_ended",
                              state="complete") for server in servers)
            if ended >= self.JOBS:
                return
            time.sleep(0.05)
        self.fail("not every end is counted")


class Served(unittest.TestCase):
    """Where and how /metrics is served, and what --log does."""

    def test_route(self):
        server = Server()
        try:
            status, media_type, text = scrape(server)
            self.assertEqual(status, 200)
            self.assertEqual(media_type,
                             "application/openmetrics-text; version=1.0.0; charset=utf-8")
            openmetrics.parse(text)
            self.assertEqual(server.get("/metrics").status, 404)
            base = server.base_url.rsplit("/", 1)[0]
            self.assertEqual(server.request("POST", base + "/metrics", b"").status, 405)
            self.assertEqual(server.request("HEAD", base + "/metrics").body, b"")
            self.assertEqual(server.get(base + "/metricsx").status, 404)
            answer = server.get("/$export", headers=HEADERS)
            wait_for_end(server, answer.header("Content-Location"))
        finally:
            self.assertEqual(server.stop(keep=True), 0)
        # Without --log json, stderr is as it was.
        self.assertEqual(server.read_log(), "")

    def test_open_to_others(self):
        for options, status in (((), 404), (("--metrics",), 200)):
            server = Server("--allow-open", *options, listen="0.0.0.0:0")
            try:
                self.assertEqual(scrape(server)[0], status)
            finally:
                server.stop()

    def test_level(self):
        server = Server("--log", "json", "--log-level", "error")
        try:
            answer = server.get("/$export", headers=HEADERS)
            wait_for_end(server, answer.header("Content-Location"))
        finally:
            server.stop(keep=True)
        events = [strict(line) for line in server.read_log().splitlines()]
        # Who has asked for what is told whatever the level.
        self.assertTrue(events)
        self.assertTrue(all(event["event"].startswith("audit.") for event in events), events)

    def test_start_is_json_too(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "data.ndjson")
            path.write_text('{"resourceType":"Patient","id":"a"}\nnonsense\n', encoding="ascii")
            server = Server("--log", "json", "--load", str(path))
            server.stop(keep=True)
            events = [strict(line) for line in server.read_log().splitlines()]
        names = [event["event"] for event in events]
        self.assertEqual(names, ["server.problem", "server.note"])


class Parser(unittest.TestCase):
    """The reader refuses what is no OpenMetrics."""

    GOOD = "# TYPE a counter\n# HELP a Text.\na_total 1\n# EOF\n"

    def test_good(self):
        self.assertEqual(value(openmetrics.parse(self.GOOD), "a"), 1)

    def test_bad(self):
        for bad in (self.GOOD[:-1], self.GOOD.replace("a_total", "a"),
                    self.GOOD.replace("a_total 1\n", "a_total 1\na_total 1\n"),
                    self.GOOD.replace(" 1\n", " one\n"), self.GOOD.replace("# EOF", "\n# EOF"),
                    self.GOOD.replace("a_total", 'a_total{x="}'), self.GOOD.replace("TYPE", "KIND"),
                    self.GOOD.replace("# HELP", "# UNIT a bytes\n# HELP"),
                    self.GOOD.replace("# HELP a Text.\n", "")):
            with self.assertRaises(ValueError, msg=bad):
                openmetrics.parse(bad)


if __name__ == "__main__":
    fhir_server.run_tests()
