#!/usr/bin/python3
"""The rules of the STU4 ballot below --base4b, beside those of STU1 to STU3 below /fhir: kick-offs,
manifests, files and the CapabilityStatement of both, at the same time and over HTTP.

    ballot.py SERVER GENERATE
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import fhir_server
from fhir_server import Server, ServerTest

DATA = None
BALLOT = "/fhir4b"
POST = {"Accept": "application/fhir+json", "Prefer": "respond-async", "Content-Type": "application/fhir+json"}
MODEL = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest"
OLD_KEYS = ["transactionTime", "request", "requiresAccessToken", "output", "error"]
NEW_KEYS = ["manifestType", "transactionTime", "requiresAccessToken", "outputFormat", "output"]


def parameters(*given):
    """A body of pairs: a name, and a value with the type of its Python."""
    kinds = {str: "valueString", int: "valuePositiveInt", dict: "valueCoding"}
    return json.dumps({"resourceType": "Parameters", "parameter": [
        {"name": name, kinds[type(value)]: value} for name, value in given]}).encode()


class BallotTest(ServerTest):
    options = ("--base4b", BALLOT, "--part-bytes", "100k")

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options, "--load", DATA)

    def url(self, is_new, path):
        """Below one of the two bases."""
        return self.server.base_url.replace("/fhir", BALLOT) + path if is_new else self.server.base_url + path

    def ask(self, is_new, method, path, body=None, **headers):
        return self.server.request(method, self.url(is_new, path), body, {**POST, **headers})

    def start(self, is_new, path="/$export", body=b"", **headers):
        """The poll URL, which is below the same base."""
        answer = self.ask(is_new, "POST", path, body, **headers)
        self.assertEqual(answer.status, 202, answer.body)
        url = answer.header("Content-Location")
        self.assertTrue(url.startswith(self.url(is_new, "/$export/")), url)
        return url

    def wait(self, url):
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            answer = self.server.get(url)
            if answer.status not in (202, 429):
                self.assertEqual(answer.status, 200, answer.body)
                return answer.json()
            time.sleep(0.1)
        self.fail("the export does not end")

    def other(self, is_new, url):
        """The same behind the other base."""
        here, there = self.url(is_new, "/"), self.url(not is_new, "/")
        self.assertTrue(url.startswith(here))
        return there + url[len(here):]

    def lines(self, manifest, is_new, most=None):
        """The resources; each file is as its item says, and not longer than it may be (MAN-23, FILE-23)."""
        found = []
        for item in manifest["output"]:
            answer = self.server.get(item["url"])
            self.assertEqual(answer.status, 200)
            lines = answer.body.splitlines()
            self.assertEqual(len(lines), item["count"])
            self.assertEqual(list(item), ["type", "url", "count"] + ["fileSize"] * is_new)
            if is_new:
                self.assertEqual(item["fileSize"], len(answer.body))
            if most is not None:
                self.assertTrue(len(answer.body) <= most or len(lines) == 1, item)
            found += [(resource["resourceType"], resource["id"]) for resource in map(json.loads, lines)]
        self.assertEqual(len(found), len(set(found)))
        return set(found)

    def check_form(self, manifest, is_new):
        self.assertEqual(list(manifest), NEW_KEYS if is_new else OLD_KEYS)
        if is_new:
            self.assertEqual((manifest["manifestType"], manifest["outputFormat"]), (MODEL, "application/fhir+ndjson"))
        else:
            self.assertEqual(manifest["request"], self.url(False, "/$export"))

    # --- both at once ---

    def test_at_the_same_time(self):
        """Clients of both kinds, several at a time: each has its own form, and all have the same."""
        found, faults = [], []

        def client(number):
            try:
                for turn in range(2):
                    is_new = (number + turn) % 2 == 1
                    manifest = self.wait(self.start(is_new))
                    self.check_form(manifest, is_new)
                    found.append(self.lines(manifest, is_new))
            except Exception as fault:  # told below, by the thread of the test
                faults.append(fault)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        self.assertEqual(len(found), 12)
        self.assertTrue(found[0])
        self.assertTrue(all(one == found[0] for one in found))

    def test_asked_for_elsewhere(self):
        """A job has the form that it was kicked off for, whichever base it is asked for at."""
        for is_new in (False, True):
            url = self.start(is_new)
            manifest = self.wait(self.other(is_new, url))
            self.check_form(manifest, is_new)
            self.assertEqual(self.lines(manifest, is_new), self.lines(self.wait(url), is_new))
            self.assertEqual(self.server.request("DELETE", self.other(is_new, url)).status, 202)
            self.assertEqual(self.server.get(url).status, 404)

    # --- kick-offs ---

    def test_only_by_post(self):
        """KICK-03"""
        for path in ("/$export", "/Patient/$export", "/Group/none/$export"):
            answer = self.ask(True, "GET", path)
            self.check_outcome(answer, 405)
            self.assertEqual(answer.header("Allow"), "POST")
        self.assertEqual(self.ask(False, "GET", "/$export?_type=Group").status, 202)

    def test_refused(self):
        """PARAM-09, PARAM-27: by the ballot a comma parts nothing; by STU3 files have no sizes."""
        for given, words in ((("_type", "Patient,Observation"), "_type: "),
                             (("includeAssociatedData", "LatestProvenanceResources"), "a valueCoding"),
                             (("_maximumFileSize", "2000"), "_maximumFileSize: give it as a valuePositiveInt"),
                             (("_maximumFileSize", 999), "_maximumFileSize: the least"),
                             (("_minimumFileSize", 200000), "_minimumFileSize: files of this server")):
            self.assertIn(words, self.check_outcome(self.ask(True, "POST", "/$export", parameters(given)), 400))
        answer = self.ask(False, "POST", "/$export", parameters(("_maximumFileSize", 2000)))
        self.assertIn("_maximumFileSize: not a parameter", self.check_outcome(answer, 400))

    def test_outcomes(self):
        """MAN-23: what was ignored is told in `outcome`, with how many there are of each severity."""
        url = self.start(True, body=parameters(("_typo", "x"), ("_type", "Patient")), Prefer="handling=lenient")
        manifest = self.wait(url)
        self.assertEqual(list(manifest), NEW_KEYS + ["outcome"])
        (item,) = manifest["outcome"]
        body = self.server.get(item["url"]).body
        self.assertEqual({**item, "url": ""}, {"url": "", "count": 1, "fileSize": len(body),
                                               "countSeverity": [{"code": "warning", "count": 1}]})
        self.assertEqual(json.loads(body)["issue"][0]["severity"], "warning")

    def test_file_sizes(self):
        """PARAM-27, FILE-23"""
        types = [("_type", "Patient"), ("_type", "Observation")]
        whole = self.wait(self.start(True, body=parameters(*types)))
        parted = self.wait(self.start(True, body=parameters(*types, ("_maximumFileSize", 5000))))
        self.assertGreater(len(parted["output"]), len(whole["output"]))
        self.assertEqual(self.lines(parted, True, 5000), self.lines(whole, True))
        least = self.wait(self.start(True, body=parameters(*types, ("_minimumFileSize", 5000),
                                                           ("_maximumFileSize", 20000))))
        self.assertEqual(self.lines(least, True, 20000), self.lines(whole, True))
        sizes = [(item["type"], item["fileSize"]) for item in least["output"]]
        for (type_, size), (next_type, _) in zip(sizes, sizes[1:]):
            self.assertTrue(size >= 5000 or type_ != next_type, sizes)

    # --- the rest of the server ---

    def test_statements(self):
        """CAP-08: each base says whose operations it has."""
        for is_new, version in ((False, "|3.0.0"), (True, "|4.0.0")):
            statement = self.server.get(self.url(is_new, "/metadata")).json()
            self.assertEqual(statement["implementation"]["url"], self.url(is_new, ""))
            (rest,) = statement["rest"]
            definitions = [one["definition"] for where in (rest, *rest["resource"])
                           for one in where.get("operation", ())]
            self.assertEqual(len(definitions), 3)
            self.assertTrue(all(one.endswith(version) for one in definitions), definitions)
            self.assertEqual("_maximumFileSize" in rest["documentation"], is_new)

    def test_resources(self):
        """Reads, writes and searches are the same, and links lead to the base that was asked."""
        group = {"resourceType": "Group", "id": "g1", "type": "person", "actual": True, "name": "both"}
        answer = self.ask(True, "PUT", "/Group/g1", json.dumps(group).encode())
        self.assertEqual((answer.status, answer.header("Location")), (201, self.url(True, "/Group/g1")))
        for is_new in (False, True):
            self.assertEqual(self.ask(is_new, "GET", "/Group/g1").json()["name"], "both")
            bundle = self.ask(is_new, "GET", "/Group?name=both").json()
            self.assertEqual(bundle["entry"][0]["fullUrl"], self.url(is_new, "/Group/g1"))
            self.assertTrue(bundle["link"][0]["url"].startswith(self.url(is_new, "/Group?")))
        for path in ("/fhir4", "/fhir4bb/metadata", "/fhir/fhir4b/metadata"):
            self.check_outcome(self.server.get(self.server.base_url[:-len("/fhir")] + path), 404)


    # --- other servers ---

    def test_after_a_restart(self):
        """What a job goes by is recorded with it."""
        folder = tempfile.mkdtemp(prefix="fhx-ballot-", dir=os.path.dirname(DATA))
        keys = os.path.join(folder, "keys")
        with open(keys, "w", encoding="ascii") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        options = ("--base4b", BALLOT, "--jobs", os.path.join(folder, "jobs.db"), "--url-key-file", keys,
                   "--base-url", "https://example.org/r4/fhir")
        server = Server(*options, "--load", DATA, folder=folder)
        answer = server.request("POST", server.base_url.replace("/fhir", BALLOT) + "/$export", b"", POST)
        url = answer.header("Content-Location")
        self.assertTrue(url.startswith("https://example.org/r4/fhir4b/$export/"), url)
        self.assertEqual(server.stop(), 0)
        server = Server(*options, folder=folder)
        try:
            path = url[len("https://example.org/r4"):]
            there = server.base_url[:-len("/fhir")] + path
            self.wait_for(lambda: server.get(there).status == 200, "the export does not end")
            self.assertEqual(list(server.get(there).json()), NEW_KEYS)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_with_tokens(self):
        """Who may do what is the same below both."""
        folder = tempfile.mkdtemp(prefix="fhx-ballot-", dir=os.path.dirname(DATA))
        clients = os.path.join(folder, "clients.json")
        subprocess.run([fhir_server.PROGRAM, "client", "add", "app", "--clients", clients], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL, timeout=fhir_server.PATIENCE)
        server = Server("--base4b", BALLOT, "--auth", "smart", "--clients", clients, folder=folder)
        try:
            old, new = server.base_url, server.base_url.replace("/fhir", BALLOT)
            discovered = [server.get(base + "/.well-known/smart-configuration") for base in (old, new)]
            self.assertEqual([answer.status for answer in discovered], [200, 200])
            self.assertEqual(discovered[0].json(), discovered[1].json())
            for base in (old, new):
                self.assertEqual(server.get(base + "/metadata").status, 200)
                for method, path in (("POST", "/$export"), ("GET", "/Group/g1"), ("GET", "/$export/" + "0" * 32)):
                    answer = server.request(method, base + path, b"", POST)
                    self.check_outcome(answer, 401)
                    self.assertTrue(answer.header("WWW-Authenticate").startswith("Bearer"))
        finally:
            self.assertEqual(server.stop(), 0)

    def test_paths_that_cannot_be(self):
        for path in ("/", "4b", "/fhir", "/fhir/4b", "/4b/", "/4 b", "/metrics", "/a//b", "/%41"):
            done = subprocess.run(fhir_server.command_of(tempfile.gettempdir(), "127.0.0.1:0", ("--base4b", path)),
                                  capture_output=True, text=True, timeout=fhir_server.PATIENCE, check=False)
            self.assertEqual((done.returncode, "--base4b takes" in done.stderr), (2, True), path)


def main():
    global DATA
    with tempfile.TemporaryDirectory(prefix="fhx-ballot-") as work:
        generate = sys.argv.pop(2)
        DATA = os.path.join(work, "data")
        os.mkdir(DATA)
        subprocess.run([generate, "--out", DATA, "--patients", "20"], check=True, stdout=subprocess.DEVNULL)
        fhir_server.run_tests()


if __name__ == "__main__":
    main()
