#!/usr/bin/python3
"""fhirexport-server without $export: reading, writing, loading, metadata, Group search.

    rest.py SERVER
"""
import datetime
import gzip
import json
import os
import re
import shutil
import signal
import tempfile
import time
import unittest

import fhir_server
from fhir_server import Server, ServerTest

FHIR_JSON = {"Content-Type": "application/fhir+json"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")


def patient(id_, **more):
    return {"resourceType": "Patient", "id": id_, **more}


class Resources(ServerTest):
    def put_text(self, text, id_="t"):
        return self.server.request("PUT", "/Patient/" + id_, text.encode(), FHIR_JSON)

    def test_create_read_update_delete(self):
        made = self.server.put(patient("a", active=True))
        self.assertEqual(made.status, 201)
        self.assertEqual(made.header("Location"), self.server.base_url + "/Patient/a")
        self.assertEqual(made.header("ETag"), 'W/"1"')
        self.assertEqual(made.json()["meta"]["versionId"], "1")
        self.assertRegex(made.json()["meta"]["lastUpdated"], INSTANT)
        changed = self.server.put(patient("a", active=False))
        self.assertEqual(changed.status, 200)
        self.assertEqual(changed.json()["meta"]["versionId"], "2")
        self.assertGreater(changed.json()["meta"]["lastUpdated"],
                           made.json()["meta"]["lastUpdated"])
        read = self.server.get("/Patient/a")
        self.assertEqual((read.status, read.body), (200, changed.body))
        self.assertTrue(read.header("Content-Type").startswith("application/fhir+json"))
        self.assertTrue(read.header("Last-Modified").endswith("GMT"))
        self.assertEqual(self.server.request("DELETE", "/Patient/a").status, 204)
        self.check_outcome(self.server.get("/Patient/a"), 410)
        self.assertEqual(self.server.request("DELETE", "/Patient/a").status, 204)
        again = self.server.put(patient("a"))
        self.assertEqual((again.status, again.json()["meta"]["versionId"]), (201, "4"))

    def test_head_has_the_headers_of_get(self):
        self.server.put(patient("head"))
        read, head = self.server.get("/Patient/head"), self.server.request("HEAD", "/Patient/head")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("Content-Type", "Content-Length", "ETag", "Last-Modified"):
            self.assertEqual(head.header(name), read.header(name))

    def test_absent_resources(self):
        self.check_outcome(self.server.get("/Patient/none"), 404)
        self.check_outcome(self.server.request("DELETE", "/Patient/none"), 404)
        self.check_outcome(self.server.get("/NoSuchType/1"), 404)
        self.check_outcome(self.server.get("/Patient/1/2"), 404)
        self.check_outcome(self.server.get("/Patient/a_b"), 404)
        self.check_outcome(self.server.get("/Patient/" + "a" * 65), 404)
        self.check_outcome(self.server.get("/Patient"), 404)
        self.check_outcome(self.server.get(""), 404)
        self.check_outcome(self.server.get("/"), 404)

    def test_what_is_not_meta_stays_as_sent(self):
        """FILE-22."""
        for text, wanted in [
                ('{"resourceType":"Patient","id":"t","x":1.10}',
                 '{"resourceType":"Patient","id":"t","meta":{META},"x":1.10}'),
                ('{ "x": 1e400,\n"id" : "t"\n, "resourceType":"Patient" }',
                 '{ "x": 1e400,\n"id" : "t","meta":{META}\n, "resourceType":"Patient" }'),
                ('{"resourceType":"Patient","meta":{},"id":"t"}',
                 '{"resourceType":"Patient","meta":{META},"id":"t"}'),
                ('{"resourceType":"Patient","meta":{ "versionId":"7" },"id":"t"}',
                 '{"resourceType":"Patient","meta":{META},"id":"t"}'),
                ('{"meta":{"lastUpdated":"x","profile":["a\\u002c"],"versionId":null},'
                 '"resourceType":"Patient","id":"t"}',
                 '{"meta":{META,"profile":["a\\u002c"]},"resourceType":"Patient","id":"t"}'),
                ('{"meta":{"a":1 , "version\\u0049d" : "3" ,"b":{"versionId":"4"},'
                 '"lastUpdated":"2020-01-01T00:00:00Z","c":[]},"resourceType":"Patient","id":"t"}',
                 '{"meta":{META,"a":1,"b":{"versionId":"4"},"c":[]},'
                 '"resourceType":"Patient","id":"t"}'),
                ('{"contained":[{"resourceType":"Basic","id":"u","meta":{"versionId":"5"}}],'
                 '"resourceType":"Patient","id":"t"}',
                 '{"contained":[{"resourceType":"Basic","id":"u","meta":{"versionId":"5"}}],'
                 '"resourceType":"Patient","id":"t","meta":{META}}')]:
            answer = self.put_text(text)
            self.assertIn(answer.status, (200, 201), answer.body)
            meta = '"versionId":"%s","lastUpdated":"%s"' % (
                answer.json()["meta"]["versionId"], answer.json()["meta"]["lastUpdated"])
            self.assertEqual(answer.body.decode(), wanted.replace("META", meta))
            self.assertEqual(self.server.get("/Patient/t").body, answer.body)

    def test_bodies_that_are_no_resource(self):
        """ERR-05, ERR-08."""
        for text in ["", "x", "[]", "null", '"Patient"', "{}", '{"resourceType":"Patient"}',
                     '{"id":"t"}', '{"resourceType":"Observation","id":"t"}',
                     '{"resourceType":"Patient","id":"other"}',
                     '{"resourceType":"Nothing","id":"t"}',
                     '{"resourceType":"Patient","id":"t"} {}',
                     '{"resourceType":"Patient","id":"t"', '{"resourceType":"Patient","id":t}',
                     '{"resourceType":"Patient","id":"t","id":"t"}',
                     '{"resourceType":"Patient","resourceType":"Patient","id":"t"}',
                     '{"resourceType":"Patient","id":"t","meta":[]}',
                     '{"resourceType":"Patient","id":"t","meta":"x"}',
                     '{"resourceType":"Patient","id":"t","meta":null}',
                     '{"resourceType":"Patient","id":"t","meta":{},"meta":{}}',
                     '{"resourceType":"Patient","id":"t","meta":{"versionId":{}}}',
                     '{"resourceType":["Patient"],"id":"t"}', '{"resourceType":"Patient","id":1}',
                     '{"resourceType":"Patient","id":"a b"}',
                     '{"resourceType":"Patient","id":"t","x":' + "[" * 101 + "]" * 101 + "}",
                     '{"resourceType":"Patient","id":"t","x":' + "[" * 100000]:
            self.check_outcome(self.put_text(text), 400)
        for body in [b'{"resourceType":"Patient","id":"t","x":"\xff"}',
                     b'{"resourceType":"Patient","id":"t","x":"\0"}',
                     b'\xef\xbb\xbf\xef\xbb\xbf{"resourceType":"Patient","id":"t"}']:
            self.check_outcome(self.server.request("PUT", "/Patient/t", body, FHIR_JSON), 400)

    def test_media_types(self):
        text = json.dumps(patient("media")).encode()
        for type_ in ("application/fhir+json", "application/json", "Application/FHIR+JSON",
                      "application/fhir+json; charset=utf-8", "application/json;charset=UTF-8"):
            answer = self.server.request("PUT", "/Patient/media", text, {"Content-Type": type_})
            self.assertIn(answer.status, (200, 201), type_)
        for headers in ({}, {"Content-Type": "text/plain"},
                        {"Content-Type": "application/fhir+xml"},
                        {"Content-Type": "application/jsonp"}):
            self.check_outcome(self.server.request("PUT", "/Patient/media", text, headers), 415)

    def test_methods(self):
        """ERR-06."""
        for path, allowed in [("/Patient/a", "GET, HEAD, PUT, DELETE"), ("/metadata", "GET, HEAD"),
                              ("/Group", "GET, HEAD")]:
            for method in ("POST", "PATCH", "TRACE", "OPTIONS", "BREW"):
                answer = self.server.request(method, path)
                self.check_outcome(answer, 405)
                self.assertEqual(answer.header("Allow"), allowed)


def micros(instant):
    """An instant in UTC as microseconds since 1970."""
    whole, _, part = instant.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(seconds) * 1000000 + int((part + "000000")[:6])


class LoadedVersions(unittest.TestCase):
    """--load keeps versions, and what is there already is not loaded again."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-load-")
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, lines):
        path = os.path.join(self.folder, "in.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        return Server("--load", path, folder=self.folder)

    def line(self, id_, second, text="x"):
        return json.dumps({"resourceType": "Observation", "id": id_,
                           "meta": {"lastUpdated": f"2020-01-01T00:00:{second:02}Z"},
                           "subject": {"reference": "Patient/p"}, "valueString": text})

    def test_versions_in_one_file(self):
        odd = "a\tb\\c\nd\\N \u00e4 \U0001f600 \\."
        lines = [self.line("a", 1), self.line("b", 1, odd), self.line("a", 3, odd),
                 self.line("a", 2), self.line("b", 1, odd)]
        lines += [self.line(f"c{i}", 1) for i in range(1500)]
        server = self.start(lines)
        answer = server.get("/Observation/a")
        self.assertEqual(answer.json()["valueString"], odd)
        self.assertEqual(answer.header("ETag"), 'W/"2"')
        self.assertEqual(server.get("/Observation/b").body, lines[1].encode())
        self.assertIn("loaded 1503 resources, had 2, left out 0; ", server.read_log())
        self.assertEqual(server.stop(), 0)

    def test_again(self):
        lines = [self.line("a", 1), self.line("b", 1), "{}"]
        self.assertEqual(self.start(lines).stop(), 0)
        server = self.start(lines + [self.line("b", 2, "new")])
        self.assertIn("loaded 1 resources, had 2, left out 1; ", server.read_log())
        self.assertEqual(server.get("/Observation/b").json()["valueString"], "new")
        self.assertEqual(server.request("DELETE", "/Observation/b").status, 204)
        self.assertEqual(server.get("/Observation/b").status, 410)
        self.assertEqual(server.stop(), 0)
        server = self.start([self.line("b", 3, "back")])
        self.assertEqual(server.get("/Observation/b").status, 410)
        self.assertEqual(server.put(json.loads(self.line("b", 4))).status, 201)
        self.assertEqual(server.get("/Observation/b").header("ETag"), 'W/"4"')
        self.assertEqual(server.stop(), 0)


class Clock(unittest.TestCase):
    """What was stamped or exported stays in the past, whatever becomes of the system's clock."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-clock-")
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *options):
        return Server(*options, folder=self.folder)

    def mark(self):
        return int(fhir_server.ask_database(self.folder, "SELECT last_us FROM clock")[0][0])

    def set_mark(self, last_us):
        fhir_server.ask_database(self.folder, f"UPDATE clock SET last_us = {last_us}")

    def updated(self, server, id_):
        return micros(server.put(patient(id_)).json()["meta"]["lastUpdated"])

    def test_a_clock_that_was_set_back(self):
        """As the server sees it: the times that it has given out lie an hour in the future."""
        server = self.start()
        last = self.updated(server, "a")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.mark(), last)
        ahead = last + 3600 * 1000000
        self.set_mark(ahead)
        server = self.start()
        first = self.updated(server, "a")
        second = self.updated(server, "a")
        self.assertGreater(first, ahead)
        self.assertGreater(second, first)
        self.assertEqual(server.stop(), 0)

    def test_servers_that_share_a_file_share_the_clock(self):
        """Whose system's clock is ahead decides for the other one too, or a change that this makes
        would be older than an export that does not have it."""
        first, second = self.start(), self.start()
        last = self.updated(first, "a")
        self.assertGreater(self.updated(second, "b"), last)
        ahead = last + 3600 * 1000000
        self.set_mark(ahead)
        last = self.updated(second, "b")
        self.assertGreater(last, ahead)
        url = first.get("/$export").header("Content-Location")
        self.assertGreater(self.updated(second, "b"), last)
        answer = first.get(url)
        while answer.status == 202:
            time.sleep(0.05)
            answer = first.get(url)
        t = micros(answer.json()["transactionTime"])
        self.assertGreater(t, last)
        self.assertGreater(self.updated(second, "c"), t)
        for server in (first, second):
            self.assertEqual(server.stop(), 0)

    def test_nothing_is_forgotten_by_a_crash(self):
        """The T of an export is in the database before it is given to the client."""
        server = self.start("--workers", "1")
        last = self.updated(server, "a")
        time.sleep(2.5)
        url = server.get("/$export").header("Content-Location")
        answers = [server.get(url)]
        while answers[-1].status == 202:
            time.sleep(0.05)
            answers.append(server.get(url))
        t = micros(answers[-1].json()["transactionTime"])
        server.stop(signal.SIGKILL)
        self.assertGreater(t, last)
        self.assertGreaterEqual(self.mark(), t)
        self.assertLessEqual(self.mark(), t + 3 * 1000000)
        server = self.start()
        self.assertGreater(self.updated(server, "b"), t)
        self.assertEqual(server.stop(), 0)

    def test_loaded_times_do_not_move_the_clock(self):
        path = os.path.join(self.folder, "in.ndjson")
        future = "2090-01-01T00:00:00.000Z"
        with open(path, "w", encoding="ascii") as file:
            json.dump(patient("a", meta={"lastUpdated": future}), file)
        server = self.start("--load", path)
        self.assertEqual(server.get("/Patient/a").json()["meta"]["lastUpdated"], future)
        now = int(time.time() * 1000000)
        self.assertLess(self.updated(server, "a"), now + 60 * 1000000)
        self.assertEqual(server.get("/Patient/a").json()["meta"]["versionId"], "2")
        self.assertEqual(server.stop(), 0)
        self.assertLess(self.mark(), now + 60 * 1000000)


class Metadata(ServerTest):
    def test_statement(self):
        """CAP-01, CAP-03, CAP-04."""
        self.server.put({"resourceType": "Encounter", "id": "e"})
        self.server.put({"resourceType": "Slot", "id": "s"})
        answer = self.server.get("/metadata")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.header("Content-Type").startswith("application/fhir+json"))
        statement = answer.json()
        self.assertEqual(statement["resourceType"], "CapabilityStatement")
        self.assertEqual(statement["kind"], "instance")
        self.assertEqual(statement["fhirVersion"], "4.0.1")
        self.assertIn("application/fhir+json", statement["format"])
        self.assertRegex(statement["date"], INSTANT)
        self.assertIn("http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data",
                      statement["instantiates"])
        rest, = statement["rest"]
        self.assertEqual(rest["mode"], "server")
        self.assertEqual(rest["operation"], [{
            "name": "export",
            "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}])
        types = [entry["type"] for entry in rest["resource"]]
        self.assertEqual(types, ["Encounter", "Group", "Patient", "Slot"])

    def test_only_what_is_served_is_announced(self):
        """CAP-02 and CAP-05: the levels of export in the statement are those that are taken."""
        rest, = self.server.get("/metadata").json()["rest"]
        by_type = {entry["type"]: entry for entry in rest["resource"]}
        self.server.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
        for path, place in [("/$export", rest), ("/Patient/$export", by_type["Patient"]),
                            ("/Group/g/$export", by_type["Group"])]:
            announced = any(operation["name"] == "export"
                            for operation in place.get("operation", []))
            status = self.server.get(path, headers={"Prefer": "respond-async"}).status
            self.assertEqual(announced, status == 202, path)


class Groups(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(7):
            cls.server.put({"resourceType": "Group", "id": f"g{i}", "type": "person",
                            "actual": True, "name": f"Größe {i}" if i else 'say "x" & y',
                            "identifier": [{"system": "urn:s", "value": f"v{i % 3}"}]})
        cls.server.put({"resourceType": "Group", "id": "plain", "type": "person", "actual": True})
        cls.server.put({"resourceType": "Group", "id": "gone", "type": "person", "actual": True})
        cls.server.request("DELETE", "/Group/gone")

    def find(self, query=""):
        """What is behind /Group, or a whole URL."""
        url = query if query.startswith("http") else "/Group" + query
        bundle = self.server.get(url).json()
        self.assertEqual((bundle["resourceType"], bundle["type"]), ("Bundle", "searchset"))
        for entry in bundle.get("entry", []):
            self.assertEqual(entry["fullUrl"],
                             self.server.base_url + "/Group/" + entry["resource"]["id"])
        return bundle, [entry["resource"]["id"] for entry in bundle.get("entry", [])]

    def test_search(self):
        """CAP-07."""
        self.assertEqual(self.find()[1], [f"g{i}" for i in range(7)] + ["plain"])
        self.assertEqual(self.find("?name=gr%C3%B6%C3%9Fe%203")[1], ["g3"])
        self.assertEqual(self.find("?name=Gr")[1], [f"g{i}" for i in range(1, 7)])
        self.assertEqual(self.find("?name=say+%22x")[1], ["g0"])
        self.assertEqual(self.find("?identifier=v1")[1], ["g1", "g4"])
        self.assertEqual(self.find("?identifier=urn:s%7Cv1")[1], ["g1", "g4"])
        self.assertEqual(self.find("?identifier=urn:t%7Cv1")[1], [])
        self.assertEqual(self.find("?_id=g5")[1], ["g5"])
        self.assertEqual(self.find("?name=&_format=json")[1], self.find()[1])
        self.assertEqual(self.find("?name='%20OR%201=1")[1], [])

    def test_pages(self):
        found, pages, url = [], 0, "?_count=3&name=Gr"
        while url:
            bundle, ids = self.find(url)
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            self.assertIn("self", links)
            found += ids
            pages += 1
            url = links.get("next")
        self.assertEqual((found, pages), ([f"g{i}" for i in range(1, 7)], 2))


class Loading(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fhx-load-")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, data, zipped=False):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with (gzip.open if zipped else open)(path, "wb") as file:
            file.write(data.encode())
        return path

    def lines(self, resources):
        return "".join(json.dumps(resource) + "\n" for resource in resources)

    def test_files_folders_and_bundles(self):
        stamped = '{"resourceType":"Patient","id":"s","meta":{"lastUpdated":' \
                  '"2019-02-03T04:05:06.7890123+02:00"},"x":1.0}'
        plain = self.write("a.ndjson", stamped + "\n\n" + json.dumps(patient("last")))
        zipped = self.write("b.ndjson.gz", self.lines(patient(f"z{i}") for i in range(2000)), True)
        self.write("in/c.ndjson", self.lines([patient("in1")]))
        self.write("in/skipped.txt", "not read")
        self.write("in/.hidden.ndjson", "not read")
        self.write("in/d.json", json.dumps({
            "resourceType": "Bundle", "id": "b", "type": "collection", "entry": [
                {"fullUrl": "urn:x", "resource": patient("b1")},
                {"resource": {"resourceType": "Bundle", "id": "inner", "type": "collection",
                              "entry": [{"resource": patient("no")}]}},
                {"request": {"method": "GET", "url": "x"}}, {"resource": patient("b2")}]}, indent=2))
        single = self.write("e.json", json.dumps(patient("single"), indent=1))
        server = Server("--load", plain, zipped, os.path.join(self.folder.name, "in"), single)
        try:
            self.assertEqual(server.get("/Patient/s").body.decode(), stamped)
            for id_ in ("last", "z0", "z1999", "in1", "b1", "b2", "single"):
                answer = server.get("/Patient/" + id_)
                self.assertEqual(answer.status, 200, id_)
                self.assertRegex(answer.json()["meta"]["lastUpdated"], INSTANT)
            self.assertEqual(server.get("/Bundle/inner").status, 200)
            self.assertEqual(server.get("/Patient/no").status, 404)
            self.assertIn("loaded 2007 resources", server.read_log())
        finally:
            self.assertEqual(server.stop(), 0)

    def test_bad_lines_are_named_and_left_out(self):
        path = self.write("a.ndjson", "nonsense\n" + json.dumps(patient("ok")) + "\n{}\n")
        server = Server("--load", path)
        try:
            self.assertEqual(server.get("/Patient/ok").status, 200)
            log = server.read_log()
            self.assertIn("a.ndjson:1: left out", log)
            self.assertIn("a.ndjson:3: left out", log)
            self.assertIn("loaded 1 resources, had 0, left out 2", log)
        finally:
            server.stop()

    def test_loading_again_changes_only_what_is_newer(self):
        def version(text, stamp):
            return {"resourceType": "Patient", "id": text[0], "meta": {"lastUpdated": stamp},
                    "x": text}
        old, new = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"
        path = self.write("a.ndjson", self.lines(
            [version("a1", old), version("b1", new), patient("c"), version("d1", old)]))
        server = Server("--load", path)
        server.request("DELETE", "/Patient/d")
        before = server.get("/Patient/c").body
        server.stop(keep=True)
        self.write("a.ndjson", self.lines(
            [version("a2", new), version("b2", old), patient("c", x=1), version("d1", old)]))
        again = Server("--load", path, folder=server.folder)
        again.own_folder = True
        try:
            self.assertEqual(again.get("/Patient/a").json()["x"], "a2")
            self.assertEqual(again.get("/Patient/b").json()["x"], "b1")
            self.assertEqual(again.get("/Patient/c").body, before)
            self.assertEqual(again.get("/Patient/d").status, 410)
        finally:
            again.stop()


if __name__ == "__main__":
    fhir_server.run_tests()
