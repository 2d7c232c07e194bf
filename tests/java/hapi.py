#!/usr/bin/python3
"""The Java binding, and a HAPI FHIR server whose $export it is.

    hapi.py --library FILE

Maven builds both without the network, of what tests/run.sh has fetched into build/java/repository.
"""
import argparse
import ctypes
import http.client
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stores"))
import component  # noqa: E402

EXAMPLE = os.path.join(component.ROOT, "bindings", "java", "examples", "hapi")
MIRROR = os.path.join(component.ROOT, "bindings", "python", "fhirexport", "_mirror.py")
# Programs that live for seconds are not worth much compiling.
SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
REPOSITORY = os.path.join(component.ROOT, "build", "java", "repository")
# However slow the machine is.
WAIT_SECONDS = 600
PATIENTS = 120
options = None
built = None


def setUpModule():
    global built
    if not os.path.isdir(REPOSITORY):
        raise component.Failure("build/java/repository is not there: tests/run.sh fetches it, or say --without java")
    folder = tempfile.TemporaryDirectory(prefix="fhx-java-")
    unittest.addModuleCleanup(folder.cleanup)
    built = folder.name
    for part in ("bindings/java", "tests/java"):
        shutil.copytree(os.path.join(component.ROOT, part), os.path.join(built, part),
                        ignore=shutil.ignore_patterns("target"))
    done = subprocess.run(["mvn", "-o", "-q", "-B", f"-Dmaven.repo.local={REPOSITORY}", "package"],
                          cwd=os.path.join(built, "tests", "java"),
                          env={**os.environ, "MAVEN_OPTS": " ".join(SHORT)}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT_SECONDS,
                          check=False)
    if done.returncode != 0:
        raise component.Failure(f"Maven has failed:\n{done.stdout[-4000:]}")


def command(program, *arguments):
    """A class, or a file of Java; JNA unpacks its own library into the folder."""
    targets = [os.path.join(built, *path) for path in (
        ("bindings", "java", "examples", "hapi", "target", "lib"), ("bindings", "java", "examples", "hapi", "target"),
        ("tests", "java", "checks", "target"))]
    return ["java", *SHORT, f"-Djna.tmpdir={built}", f"-Djava.io.tmpdir={built}", "-cp",
            ":".join(os.path.join(target, "*") for target in targets),
            program, *arguments]


def run(program):
    return subprocess.run(command(program), env={**os.environ, "FHIREXPORT_LIBRARY": options.library},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_SECONDS,
                          check=False)


class Alone(unittest.TestCase):
    """What needs no server."""

    def test_binding(self):
        done = run("org.fhirexport.BindingTest")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" tests run, 0 failed\n", done.stdout)

    def test_document(self):
        """The program of docs/java.md runs, and its fragment stands in the example."""
        with open(os.path.join(component.ROOT, "docs", "java.md"), encoding="utf-8") as file:
            blocks = re.findall(r"^```java( fragment)?\n(.*?)^```$", file.read(), re.M | re.S)
        self.assertEqual([kind for kind, _ in blocks], [" fragment", ""])
        with open(os.path.join(EXAMPLE, "src", "main", "java", "org", "fhirexport", "hapi", "ExampleServer.java"),
                  encoding="utf-8") as file:
            self.assertIn(textwrap.indent(blocks[0][1], "    "), file.read())
        program = os.path.join(built, "Hospital.java")
        with open(program, "w", encoding="utf-8") as file:
            file.write(blocks[1][1])
        done = run(program)
        self.assertEqual(done.returncode, 0, done.stderr)
        output = json.loads(done.stdout)["output"]
        self.assertEqual([(item["type"], item["count"]) for item in output], [("Patient", 3)])

    def test_structures(self):
        """JNA lays structures out as the mirror of the headers does, which is compared with C; versions are the same."""
        done = run("org.fhirexport.Structures")
        self.assertEqual(done.returncode, 0, done.stderr)
        spec = importlib.util.spec_from_file_location("_mirror", MIRROR)
        mirror = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mirror)
        with open(os.path.join(component.ROOT, "bindings", "java", "pom.xml"), encoding="utf-8") as file:
            self.assertIn(f"<version>{mirror.FHX_VERSION}</version>", file.read())
        told = json.loads(done.stdout)
        self.assertGreaterEqual(len(told), 5)
        for name, (size, members) in told.items():
            made = getattr(mirror, name)
            fields = [[field, getattr(made, field).offset, ctypes.sizeof(kind)] for field, kind in made._fields_]
            # Structures grow at their ends, and say by their size how much of them there is.
            self.assertEqual(members, fields[:len(members)], name)
            rest = fields[len(members):]
            self.assertEqual(size, rest[0][1] if rest else ctypes.sizeof(made), name)


class Hapi(component.Component):
    """The server, on a folder with its record of jobs, its files, and the files that say what its source does."""

    def __init__(self):
        super().__init__()
        self.port = component.free_port()

    def start(self):
        before = self.starts()
        self.spawn("hapi", *command("org.fhirexport.CheckServer", self.folder, str(self.port)), FHIREXPORT_LIBRARY=options.library)
        component.wait_until(lambda: self.starts() > before, "HAPI", WAIT_SECONDS, lambda: self.is_alive("hapi"))

    def starts(self):
        try:
            return self.read_output("hapi").count("listens on ")
        except FileNotFoundError:
            return 0

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/fhir{path}"

    def ask(self, path, client="alice", method="GET", body=None, **headers):
        """A path behind the FHIR base, or a URL of the server."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        if client:
            headers["Authorization"] = f"Bearer {client}"
        connection.request(method, "/fhir" + path.removeprefix(self.url("")), body,
                           {"Accept": "application/fhir+json", **headers})
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    def says(self, name):
        """From now on the source does so."""
        with open(self.path(name), "wb"):
            pass

    def has(self, name):
        return os.path.exists(self.path(name))

    def hush(self):
        for name in ("hold", "held", "busy", "fail", "throw"):
            if self.has(name):
                os.unlink(self.path(name))


def names(patients):
    """These patients and their observations."""
    wanted = {f"Patient/patient-{i}" for i in patients}
    return wanted | {f"Observation/observation-{i}-{j}" for i in patients for j in range(3)}


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hapi = Hapi()
        cls.addClassCleanup(cls.hapi.stop)
        try:
            cls.hapi.start()
        except component.Failure as failure:
            raise AssertionError(f"{failure}: {cls.hapi.read_output('hapi')}") from None
        cls.all = {}
        for kind in ("Patient", "Observation", "Group"):
            # As HAPI itself gives them.
            bundle = json.loads(cls.hapi.ask(f"/{kind}").body)
            cls.all.update({f"{kind}/{one['resource']['id']}": one["resource"] for one in bundle["entry"]})

    def setUp(self):
        self.addCleanup(self.hapi.hush)

    def wait_until(self, condition, what):
        component.wait_until(condition, what, WAIT_SECONDS, lambda: self.hapi.is_alive("hapi"))

    def kick_off(self, path="/$export", client="alice", **more):
        answer = self.hapi.ask(path, client, Prefer="respond-async", **more)
        self.assertEqual((answer.status, answer.body), (202, b""))
        job = answer.getheader("Content-Location")
        self.assertRegex(job, "^" + self.hapi.url(r"/\$export/[0-9a-f]{32}$").replace(".", r"\."))
        return job

    def wait(self, job, client="alice"):
        """The answer to the last poll, which is not "in progress"."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            answer = self.hapi.ask(job, client)
            if answer.status not in (202, 429):
                return answer
            self.assertLess(time.monotonic(), end, "the job does not end")
            time.sleep(0.05)

    def download(self, manifest):
        """All resources of a manifest by "Type/id"; none is there twice."""
        found = {}
        for item in manifest["output"]:
            answer = self.hapi.ask(item["url"])
            self.assertEqual(answer.status, 200)
            lines = answer.body.decode().splitlines()
            self.assertEqual(len(lines), item["count"])
            for line in lines:
                resource = json.loads(line)
                self.assertEqual(resource["resourceType"], item["type"])
                name = f"{item['type']}/{resource['id']}"
                self.assertNotIn(name, found)
                found[name] = resource
        return found

    def export(self, path="/$export", **more):
        answer = self.wait(self.kick_off(path, **more))
        self.assertEqual(answer.status, 200, answer.body)
        manifest = json.loads(answer.body)
        self.assertTrue(manifest["requiresAccessToken"])
        self.assertEqual(manifest["error"], [])
        return manifest

    def check(self, found, wanted):
        self.assertEqual(set(found), set(wanted))
        for name in wanted:
            self.assertEqual(found[name], self.all[name])

    def check_outcome(self, answer, status, words=""):
        self.assertEqual(answer.status, status, answer.body)
        outcome = json.loads(answer.body)
        self.assertEqual(outcome["resourceType"], "OperationOutcome")
        self.assertIn(words, json.dumps(outcome))

    def test_everything(self):
        manifest = self.export()
        self.assertEqual(manifest["request"], self.hapi.url("/$export"))
        self.assertGreater(len(manifest["output"]), 3)
        self.check(self.download(manifest), names(range(PATIENTS)) | {"Group/tenth"})

    def test_some(self):
        self.check(self.download(self.export("/$export?_type=Patient")),
                   {f"Patient/patient-{i}" for i in range(PATIENTS)})
        self.check(self.download(self.export("/Patient/$export?_type=Patient,Observation")), names(range(PATIENTS)))
        self.check(self.download(self.export("/%24export?_type=Patient%2CObservation&_since=2024-01-01T01:00:00Z")),
                   names(range(61, PATIENTS)))
        self.check(self.download(self.export("/$%65xport?_type=Group")), {"Group/tenth"})
        self.check(self.download(self.export("/Group/tenth/$export?_type=Patient,Observation")),
                   names(range(0, PATIENTS, 10)))

    def test_post(self):
        body = json.dumps({"resourceType": "Parameters", "parameter": [
            {"name": "_type", "valueString": "Patient"},
            {"name": "patient", "valueReference": {"reference": "Patient/patient-7"}}]})
        manifest = self.export("/Patient/$export", method="POST", body=body,
                               **{"Content-Type": "application/fhir+json"})
        self.check(self.download(manifest), {"Patient/patient-7"})

    def test_files(self):
        url = self.export("/$export?_type=Group")["output"][0]["url"]
        whole = self.hapi.ask(url)
        self.assertEqual(whole.getheader("Content-Type"), "application/fhir+ndjson")
        part = self.hapi.ask(url, Range="bytes=2-9")
        self.assertEqual((part.status, part.body), (206, whole.body[2:10]))
        head = self.hapi.ask(url, method="HEAD")
        self.assertEqual((head.status, head.body, head.getheader("Content-Length")),
                         (200, b"", str(len(whole.body))))
        self.check_outcome(self.hapi.ask(url.replace("signature=", "signature=0")), 403)

    def test_metadata(self):
        answer = self.hapi.ask("/metadata")
        rest = json.loads(answer.body)["rest"][0]
        definition = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
        self.assertIn({"name": "export", "definition": definition + "export"}, rest["operation"])
        told = {one["type"]: one.get("operation", []) for one in rest["resource"]}
        for kind in ("Patient", "Group"):
            self.assertIn({"name": "export", "definition": f"{definition}{kind.lower()}-export"}, told[kind])
        self.assertEqual(told["Observation"], [])

    def test_refusals(self):
        for path, status in (("/$export?_type=Foo", 400), ("/$export?_since=yesterday", 400),
                             ("/$export?_outputFormat=csv", 400), ("/Group/absent/$export", 404)):
            self.check_outcome(self.hapi.ask(path, Prefer="respond-async"), status)
        for path in ("/$export/" + "0" * 32, "/$export/x", "/$export/%2e%2e%2fx"):
            for method in ("GET", "DELETE"):
                self.assertIn(self.hapi.ask(path, method=method).status, (400, 404))
        body = b"{" + b" " * (1 << 20) + b"}"
        answer = self.hapi.ask("/$export", method="POST", body=body, **{"Content-Type": "application/fhir+json"})
        self.check_outcome(answer, 413)

    def test_access(self):
        """Nobody gets by $export what HAPI would not have given; a client sees its own jobs alone."""
        self.hapi.says("hold")
        job = self.kick_off()
        for path in ("/Patient/patient-1", "/$export", "/%24export", "/Patient/$export", "/x/$export/y",
                     job, "/metadata"):
            for method in ("GET", "DELETE", "POST"):
                self.assertEqual(self.hapi.ask(path, None, method, Prefer="respond-async").status, 401, path)
        for method in ("GET", "DELETE"):
            self.check_outcome(self.hapi.ask(job, "bob", method), 404)
        self.hapi.hush()
        answer = self.wait(job)
        self.assertEqual(answer.status, 200, answer.body)
        url = json.loads(answer.body)["output"][0]["url"]
        self.assertEqual(self.hapi.ask(url, None).status, 401)
        self.check_outcome(self.hapi.ask(url, "bob"), 404)
        self.assertEqual(self.hapi.ask(url).status, 200)

    def test_denied(self):
        """By the context of whoever asks the source says for whom a Group is."""
        path = "/Group/tenth/$export?_type=Patient"
        self.check_outcome(self.hapi.ask(path, "carol", Prefer="respond-async"), 403)
        self.assertEqual(self.wait(self.kick_off(path, "bob"), "bob").status, 200)

    def test_cancel(self):
        """While the source has nothing the server answers, and a cancel leaves no files."""
        self.hapi.says("hold")
        job = self.kick_off()
        self.wait_until(lambda: self.hapi.has("held"), "the source")
        self.assertEqual(self.hapi.ask(job).status, 202)
        self.assertEqual(self.hapi.ask("/Patient/patient-1").status, 200)
        self.assertEqual(self.hapi.ask(job, method="DELETE").status, 202)
        self.check_outcome(self.hapi.ask(job), 404)
        self.hapi.hush()
        folder = self.hapi.path(os.path.join("files", job.rpartition("/")[2]))
        self.wait_until(lambda: not os.path.exists(folder), "the end of the files")

    def test_failures(self):
        self.hapi.says("fail")
        self.check_outcome(self.wait(self.kick_off()), 500, "the database is gone")
        self.hapi.hush()
        self.hapi.says("throw")
        answer = self.wait(self.kick_off())
        self.check_outcome(answer, 500, "next threw IllegalStateException")
        self.assertNotIn(b"secret", answer.body)
        self.hapi.hush()
        self.hapi.says("busy")
        self.check(self.download(self.export()), names(range(PATIENTS)) | {"Group/tenth"})
        self.assertFalse(self.hapi.has("busy"))
        said = self.hapi.read_output("hapi")
        self.assertIn("next threw java.lang.IllegalStateException at ", said)
        self.assertNotIn("secret", said)

    def test_ended(self):
        """A server that is told to end parks its jobs; the next one goes on with them."""
        self.hapi.says("hold")
        job = self.kick_off()
        self.wait_until(lambda: self.hapi.has("held"), "the source")
        process = self.hapi.processes["hapi"]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(WAIT_SECONDS), 128 + signal.SIGTERM, self.hapi.read_output("hapi"))
        self.assertIn("closed\n", self.hapi.read_output("hapi"))
        self.hapi.hush()
        self.hapi.start()
        answer = self.wait(job)
        self.assertEqual(answer.status, 200, answer.body)
        self.check(self.download(json.loads(answer.body)), names(range(PATIENTS)) | {"Group/tenth"})


def main():
    global options
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    options, rest = parser.parse_known_args()
    options.library = os.path.abspath(options.library)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
