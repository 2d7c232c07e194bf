#!/usr/bin/python3
"""What a manifest can hold besides output by type: deletions, blocks, pages, digests; and what a
client asks for in headers. Over HTTP, as a client sees it.

    manifests.py SERVER GENERATE [PATIENTS]
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

import fhir_server
from fhir_server import Server, ServerTest

DATA = None
ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
ROOT_KEYS = {"transactionTime", "request", "requiresAccessToken", "output", "error"}


def patient(id_):
    return {"resourceType": "Patient", "id": id_}


def observation(id_, subject, **more):
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient/" + subject}, **more}


class ManifestTest(ServerTest):
    def kick_off(self, path, query="", headers=None):
        path += "?" + urllib.parse.urlencode(query) if query else ""
        answer = self.server.get(path, headers=headers or ASYNC)
        self.assertEqual(answer.status, 202, answer.body)
        return answer

    def wait(self, url):
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            answer = self.server.get(url)
            if answer.status != 202:
                self.assertEqual(answer.status, 200, answer.body)
                return answer.json()
            time.sleep(0.05)
        self.fail("the export does not end")

    def manifest(self, path="/$export", **query):
        return self.wait(self.kick_off(path, query).header("Content-Location"))

    def lines(self, items):
        """Every line of the items, with its item; counts and types are checked (MAN-11)."""
        for item in items:
            answer = self.server.get(item["url"])
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.header("Content-Type"), "application/fhir+ndjson")
            lines = answer.body.decode().split("\n")
            self.assertEqual((len(lines) - 1, lines[-1]), (item["count"], ""))
            for line in lines[:-1]:
                yield item, json.loads(line)

    def output(self, manifest):
        found = set()
        for item, resource in self.lines(manifest["output"]):
            self.assertEqual(resource["resourceType"], item["type"])
            key = f"{resource['resourceType']}/{resource['id']}"
            self.assertFalse(key in found, key + " was exported twice")
            found.add(key)
        return found

    def deleted(self, manifest):
        """MAN-12, -14."""
        found = set()
        for item, bundle in self.lines(manifest.get("deleted", [])):
            self.assertEqual((item["type"], bundle["resourceType"], bundle["type"]),
                             ("Bundle", "Bundle", "transaction"))
            for entry in bundle["entry"]:
                self.assertEqual(entry["request"]["method"], "DELETE")
                self.assertNotIn(entry["request"]["url"], found)
                found.add(entry["request"]["url"])
        return found

    def put(self, *resources):
        for resource in resources:
            self.assertIn(self.server.put(resource).status, (200, 201))

    def remove(self, *paths):
        for path in paths:
            self.assertIn(self.server.request("DELETE", "/" + path).status, (200, 204))


class Deletions(ManifestTest):
    def test_chain(self):
        """MAN-12, -13, -14, FILTER-24, PARAM-04: what a chained export tells."""
        self.put(patient("p1"), patient("p2"), observation("o1", "p1"), observation("o2", "p2"),
                 observation("o3", "p1"), observation("o4", "p1"), observation("old", "p1"),
                 {"resourceType": "Organization", "id": "g"},
                 {"resourceType": "Group", "id": "one", "type": "person", "actual": True,
                  "member": [{"entity": {"reference": "Patient/p1"}}]})
        self.remove("Observation/old")
        first = self.manifest()
        self.assertNotIn("deleted", first)
        self.assertEqual(set(first), ROOT_KEYS)
        self.remove("Observation/o1", "Observation/o2", "Observation/o3", "Organization/g")
        self.put(observation("o3", "p1"), observation("new", "p1"))
        self.remove("Observation/new")
        since = first["transactionTime"]

        second = self.manifest(_since=since)
        self.assertEqual(set(second), ROOT_KEYS | {"deleted"})
        self.assertEqual(self.output(second), {"Observation/o3"})
        self.assertEqual(self.deleted(second), {"Observation/o1", "Observation/o2",
                                                "Observation/new", "Organization/g"})
        some = self.manifest(_since=since, _type="Organization,Patient")
        self.assertEqual(self.deleted(some), {"Organization/g"})
        patients = self.manifest("/Patient/$export", _since=since)
        self.assertEqual(self.deleted(patients),
                         {"Observation/o1", "Observation/o2", "Observation/new"})
        members = self.manifest("/Group/one/$export", _since=since)
        self.assertEqual(self.deleted(members), {"Observation/o1", "Observation/new"})
        # Deleted before, and created again before: of no concern to the next in the chain.
        third = self.manifest(_since=second["transactionTime"])
        self.assertEqual((third["output"], third.get("deleted", [])), ([], []))
        self.put(observation("o1", "p1"))
        fourth = self.manifest(_since=since)
        self.assertIn("Observation/o1", self.output(fourth))
        self.assertNotIn("Observation/o1", self.deleted(fourth))


class Blocks(ManifestTest):
    options = ("--part-bytes", "30k")

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--load", DATA, *cls.options)

    def read_blocks(self, manifest):
        """Patient to resources; and the same again, following continuesInFile."""
        blocks, last_of, begun = {}, {}, {}
        for item in manifest["output"]:
            patient_id, first = None, True
            for _, resource in self.lines([item]):
                if resource["resourceType"] == "Parameters":
                    (parameter,) = resource["parameter"]
                    self.assertEqual(parameter["name"], "header")
                    patient_id = parameter["valueReference"]["reference"]
                    if first:
                        begun[item["url"]] = patient_id
                    if not first or patient_id not in blocks:
                        self.assertNotIn(patient_id, blocks, "a block stands in two places")
                        blocks[patient_id] = []
                else:
                    self.assertFalse(first, "a file begins without a header")
                    blocks[patient_id].append(f"{resource['resourceType']}/{resource['id']}")
                first = False
            last_of[item["url"]] = patient_id
        for item in manifest["output"]:
            if "continuesInFile" in item:
                self.assertEqual(begun[item["continuesInFile"]], last_of[item["url"]])
        continued = [item["continuesInFile"] for item in manifest["output"]
                     if "continuesInFile" in item]
        self.assertEqual(len(set(continued)), len(continued))
        return blocks, continued

    def test_by_patient(self):
        """PARAM-23, FILE-17, -18, MAN-09, -18: the same set as by type, in blocks."""
        by_type = self.output(self.manifest("/Patient/$export"))
        manifest = self.manifest("/Patient/$export", organizeOutputBy="Patient")
        self.assertEqual(set(manifest), ROOT_KEYS | {"outputOrganizedBy"})
        self.assertEqual(manifest["outputOrganizedBy"], "Patient")
        for item in manifest["output"]:
            self.assertNotIn("type", item)
        blocks, continued = self.read_blocks(manifest)
        self.assertEqual({key for block in blocks.values() for key in block}, by_type)
        for patient_id, block in blocks.items():
            self.assertEqual(block[0], patient_id)
            self.assertEqual(len(set(block)), len(block))
        self.assertTrue(continued, "no block was divided: files are too long for this test")
        self.assertLess(len(continued), len(manifest["output"]))

    def test_refused(self):
        """PARAM-23, -24, -25."""
        for query in ("organizeOutputBy=Observation", "organizeOutputBy=x",
                      "organizeOutputBy=Patient&organizeOutputBy=Patient",
                      "allowPartialManifests=yes", "includeAssociatedData=Everything"):
            answer = self.server.get("/$export?" + query, headers=ASYNC)
            text = self.check_outcome(answer, 400)
            self.assertIn(query.split("=")[0], text)


class Pages(ManifestTest):
    options = ("--part-bytes", "2k", "--workers", "1")

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--load", DATA, *cls.options)

    def follow(self, url):
        """All items of all pages, in order; pages that were seen never change (MAN-19, -20)."""
        seen, statuses = {}, set()
        end = time.monotonic() + fhir_server.PATIENCE
        at = url
        while time.monotonic() < end:
            answer = self.server.get(at)
            self.assertIn(answer.status, (200, 202), answer.body)
            statuses.add(answer.status)
            if answer.body:
                self.assertEqual(answer.header("Content-Type"), "application/json")
                self.check_page(answer.json(), seen, at)
                link = answer.json().get("link")
                if link:
                    (entry,) = link
                    self.assertEqual(entry["relation"], "next")
                    at = entry["url"]
                    continue
                if answer.status == 200:
                    return seen, statuses
            if answer.status == 202:
                self.assertTrue(answer.header("Retry-After").isdigit())
            time.sleep(0.01)
        self.fail("the chain of pages does not end")

    def check_page(self, page, seen, url):
        items = [{name: value for name, value in item.items() if name != "url"} |
                 {"file": urllib.parse.urlsplit(item["url"]).path}
                 for item in page["output"] + page["error"]]
        self.assertEqual(seen.setdefault(url, items), items, "a page was altered")
        head = {name: page[name] for name in ("transactionTime", "request", "requiresAccessToken")}
        self.assertEqual(self.heads.setdefault("head", head), head, "pages differ in other fields")
        for item in page["output"]:
            file = urllib.parse.urlsplit(item["url"]).path
            if file not in self.fetched:
                self.fetched[file] = item
                self.assertEqual(self.server.get(item["url"]).status, 200)

    def test_follow(self):
        """PARAM-24, STAT-04, MAN-19, -20, -21, -22: the same set as for who waits."""
        plain = self.manifest()
        self.assertNotIn("link", plain)
        wanted = self.output(plain)
        # Who is late on a busy machine finds it complete, and tries again.
        for attempt in range(50):
            self.heads, self.fetched = {}, {}
            answer = self.kick_off("/$export", {"allowPartialManifests": "true"})
            time.sleep(attempt % 5 * 0.02)
            url = answer.header("Content-Location")
            seen, statuses = self.follow(url)
            files = [item["file"] for items in seen.values() for item in items]
            self.assertEqual(len(set(files)), len(files), "a file is on two pages")
            self.assertEqual(self.output({"output": list(self.fetched.values())}), wanted)
            # Once more, from the beginning: the same pages.
            again, _ = self.follow(url)
            self.assertEqual(again, seen)
            if 202 in statuses and len(seen) > 1:
                return
        self.fail("no page was seen while an export ran")

    def test_pages_go_with_the_job(self):
        """DEL-02: and what is no page is none."""
        url = self.kick_off("/$export", {"allowPartialManifests": "true"}).header(
            "Content-Location")
        self.wait(url)
        for number in ("0", "01", "1000000", "x", "-1"):
            self.check_outcome(self.server.get(f"{url}/pages/{number}"), 404)
        self.assertEqual(self.server.request("DELETE", url).status, 202)
        self.check_outcome(self.server.get(url), 404)
        self.check_outcome(self.server.get(url + "/pages/2"), 404)


class Status(ManifestTest):
    options = ("--sha256", "--part-bytes-min", "20k", "--part-bytes", "50k")

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--load", DATA, *cls.options)

    def test_separate_status(self):
        """KICK-13, STAT-13, -14."""
        answer = self.kick_off("/$export", headers={
            **ASYNC, "Prefer": "respond-async, separate-export-status"})
        applied = answer.header("Preference-Applied").replace(" ", "").split(",")
        self.assertEqual(set(applied), {"respond-async", "separate-export-status"})
        url, states = answer.header("Content-Location"), []
        while not states or states[-1].startswith("202"):
            answer = self.server.get(url)
            self.assertEqual(answer.status, 200)
            states.append(answer.header("X-Export-Status"))
            time.sleep(0.01)
        self.assertEqual(states[-1], "200 OK")
        self.assertEqual(set(answer.json()), ROOT_KEYS)
        self.assertEqual(self.server.request("DELETE", url).status, 202)
        self.check_outcome(self.server.get(url), 404)
        plain = self.kick_off("/$export")
        self.assertIsNone(plain.header("Preference-Applied"))
        url = plain.header("Content-Location")
        self.wait(url)
        self.assertIsNone(self.server.get(url).header("X-Export-Status"))

    def test_integrity(self):
        """MAN-17, FILE-16: length and digest of every file; none but a type's last is short."""
        manifest = self.manifest()
        last = {item["type"]: item["url"] for item in manifest["output"]}
        for item in manifest["output"]:
            body = self.server.get(item["url"]).body
            self.assertEqual(item["extension"], {"byteCount": len(body),
                                                 "sha256": hashlib.sha256(body).hexdigest()})
            self.assertLessEqual(len(body), 50000)
            if item["url"] != last[item["type"]]:
                self.assertGreaterEqual(len(body), 20000)
        self.assertGreater(len(manifest["output"]), len(last))


class Attachments(ManifestTest):
    def test_binaries(self):
        """FILTER-12, FILE-19, -20: a patient's Binary is a DocumentReference; URLs can be used."""
        text = base64.b64encode(b"a document").decode()
        self.put(patient("p"), patient("q"),
                 {"resourceType": "Binary", "id": "hers", "contentType": "text/plain",
                  "securityContext": {"reference": "Patient/p"}, "data": text},
                 {"resourceType": "Binary", "id": "nobodys", "contentType": "text/plain",
                  "data": text},
                 {"resourceType": "DocumentReference", "id": "d", "status": "current",
                  "subject": {"reference": "Patient/p"},
                  "content": [{"attachment": {"contentType": "text/plain",
                                              "url": "Binary/nobodys"}},
                              {"attachment": {"url": "https://elsewhere.example/x"}}]})
        everything = self.manifest()
        self.assertEqual(self.output(everything) - {"Patient/p", "Patient/q"},
                         {"Binary/nobodys", "DocumentReference/d",
                          "DocumentReference/binary-hers"})
        found = {resource["id"]: resource for _, resource in self.lines(everything["output"])
                 if resource["resourceType"] == "DocumentReference"}
        urls = [content["attachment"]["url"] for content in found["d"]["content"]]
        self.assertEqual(urls, [self.server.base_url + "/Binary/nobodys",
                                "https://elsewhere.example/x"])
        self.assertEqual(self.server.get(urls[0]).status, 200)
        document = found["binary-hers"]
        self.assertEqual(document["subject"], {"reference": "Patient/p"})
        self.assertEqual(document["content"],
                         [{"attachment": {"contentType": "text/plain", "data": text}}])
        self.assertEqual(self.output(self.manifest("/Patient/$export")),
                         {"Patient/p", "Patient/q", "DocumentReference/d",
                          "DocumentReference/binary-hers"})


class Metadata(ManifestTest):
    def test_statement(self):
        """CAP-01 to -05, -10; CAP-09: nobody is authenticated here, and nothing says so."""
        answer = self.server.get("/metadata")
        self.assertTrue(answer.header("Content-Type").startswith("application/fhir+json"))
        statement = answer.json()
        self.assertEqual((statement["resourceType"], statement["status"], statement["kind"],
                          statement["fhirVersion"]),
                         ("CapabilityStatement", "active", "instance", "4.0.1"))
        self.assertIn("http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data",
                      statement["instantiates"])
        (rest,) = statement["rest"]
        defined = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
        operations = {None: rest["operation"]}
        operations |= {one["type"]: one.get("operation") for one in rest["resource"]}
        for where, name in ((None, "export"), ("Patient", "patient-export"),
                            ("Group", "group-export")):
            self.assertEqual(operations[where],
                             [{"name": "export", "definition": defined + name}])
        self.assertNotIn("security", rest)
        for word in ("organizeOutputBy", "allowPartialManifests", "includeAssociatedData", "_since",
                     "patient", "429"):
            self.assertIn(word, rest["documentation"])


def main():
    global DATA
    with tempfile.TemporaryDirectory(prefix="fhx-manifests-") as work:
        generate = sys.argv.pop(2)
        patients = sys.argv.pop(2) if len(sys.argv) > 2 and sys.argv[2].isdigit() else "40"
        DATA = os.path.join(work, "data")
        os.mkdir(DATA)
        subprocess.run([generate, "--out", DATA, "--patients", patients], check=True,
                       stdout=subprocess.DEVNULL)
        fhir_server.run_tests()


if __name__ == "__main__":
    main()
