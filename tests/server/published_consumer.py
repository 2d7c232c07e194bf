"""A data set that changes, `fhirexport publish`, and a consumer of what is published, which follows
it as the IG's flow has it. For the tests of publishing."""
import hashlib
import json
import os
import random
import re
import sqlite3
import subprocess
import time

import fhir_server

MANIFEST_TYPE = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest"
# Of the ballot's manifest and of what is published (PUB-02); none of the older ones.
KEYS = {"manifestType", "transactionTime", "updateCadence", "requiresAccessToken", "outputFormat",
        "output", "deleted", "outcome", "link"}
ITEM_KEYS = {"type", "url", "count", "fileSize", "countSeverity"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Source:
    """A directory of practitioners and organizations in SQLite, which changes."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "directory.db")
        self.random = random.Random(5)
        self.state = {}
        self.versions = {}
        columns = "type TEXT, id TEXT, last_updated INTEGER, json TEXT"
        with self.connect() as connection:
            connection.execute(f"CREATE TABLE resource ({columns}, PRIMARY KEY (type, id))")
            connection.execute(f"CREATE TABLE gone ({columns}, PRIMARY KEY (type, id))")

    def connect(self):
        return sqlite3.connect(self.path)

    def write(self, connection, kind, id_):
        key = f"{kind}/{id_}"
        self.versions[key] = version = self.versions.get(key, 0) + 1
        resource = {"resourceType": kind, "id": id_, "meta": {"versionId": str(version)}}
        row = (kind, id_, time.time_ns() // 1000, json.dumps(resource))
        connection.execute("INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?)", row)
        connection.execute("DELETE FROM gone WHERE type = ? AND id = ?", row[:2])
        self.state[key] = resource

    def delete(self, connection, key):
        kind, id_ = key.split("/")
        connection.execute("DELETE FROM resource WHERE type = ? AND id = ?", (kind, id_))
        connection.execute("INSERT OR REPLACE INTO gone VALUES (?, ?, ?, NULL)",
                           (kind, id_, time.time_ns() // 1000))
        del self.state[key]

    def change(self, count):
        """Writes some, deletes some; who was deleted may come again. Stamps are of milliseconds, so
        that nothing may have that of an export before or behind."""
        time.sleep(0.003)
        with self.connect() as connection:
            for _ in range(count):
                kind = self.random.choice(["Practitioner", "Organization"])
                self.write(connection, kind, f"n{self.random.randrange(40)}")
            for key in self.random.sample(sorted(self.state), min(len(self.state) - 1, count // 4)):
                self.delete(connection, key)
        time.sleep(0.003)


class Publisher:
    def __init__(self, source, folder, base_url, program):
        self.source, self.folder, self.base_url = source, folder, base_url
        self.program = program

    def destination(self):
        return "file:" + self.folder

    def environment(self):
        return None

    def run(self, *options):
        done = subprocess.run(
            [self.program, "publish", "--source", "sqlite:" + self.source.path, "--source-option",
             "deleted_table=gone", "--to", self.destination(), "--base-url", self.base_url,
             "--cadence", "PT1H", "--settle", "0", "--part-bytes", "400", "--page-files", "3",
             *options], capture_output=True, text=True, check=False, timeout=fhir_server.PATIENCE,
            env=self.environment())
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)


class Consumer:
    """Follows the root and what pages lead to, and remembers where it is."""

    def __init__(self, test, server, root):
        self.test, self.server, self.root = test, server, root
        self.data = None
        self.page = None
        self.etags = {}
        # What has been read, by URL: the digest of its bytes.
        self.files = {}
        self.restarts = self.not_modified = 0

    def get_page(self, url):
        """The page, or None if it has not changed since it was last asked for. PUB-03"""
        headers = {"If-None-Match": self.etags[url]} if url in self.etags else {}
        answer = self.server.get(url, headers=headers)
        if answer.status == 304:
            self.test.assertEqual(answer.body, b"")
            self.not_modified += 1
            return None
        self.test.assertEqual(answer.status, 200, answer.body)
        self.test.assertEqual(answer.header("Content-Type"), "application/json")
        if answer.header("ETag"):
            self.test.assertNotEqual(answer.header("ETag"), headers.get("If-None-Match"))
            self.etags[url] = answer.header("ETag")
        return self.check(answer.json(), url)

    def check(self, page, url):
        """PUB-02, PUB-05, PUB-08"""
        test = self.test
        test.assertEqual(set(page) - KEYS, set())
        test.assertEqual(page["manifestType"], MANIFEST_TYPE)
        test.assertEqual(page["updateCadence"], "PT1H")
        test.assertIs(page["requiresAccessToken"], False)
        test.assertRegex(page["transactionTime"], INSTANT)
        for link in page.get("link", []):
            test.assertEqual(set(link), {"relation", "url"})
            test.assertEqual(link["relation"], "next")
        test.assertLessEqual(len(page.get("link", [])), 1)
        if url == self.root:
            test.assertFalse(self.next_of(page).startswith("#"), "the root waits")
        return page

    @staticmethod
    def next_of(page):
        return page["link"][0]["url"] if "link" in page else ""

    def lines(self, item):
        """PUB-10: files are as they are of an export (FILE-01 to FILE-05)."""
        test = self.test
        test.assertEqual(set(item) - ITEM_KEYS, set())
        answer = self.server.get(item["url"])
        test.assertEqual(answer.status, 200, item["url"])
        test.assertEqual(answer.header("Content-Type"), "application/fhir+ndjson")
        digest = hashlib.sha256(answer.body).hexdigest()
        test.assertEqual(self.files.setdefault(item["url"], digest), digest)
        test.assertEqual(len(answer.body), item["fileSize"])
        lines = answer.body.decode().split("\n")
        test.assertEqual((len(lines) - 1, lines[-1]), (item["count"], ""))
        return [json.loads(line) for line in lines[:-1]]

    def process(self, page):
        seen = set()
        for item in page.get("output", []):
            for resource in self.lines(item):
                self.test.assertEqual(resource["resourceType"], item["type"])
                key = f"{resource['resourceType']}/{resource['id']}"
                self.test.assertFalse((item["url"], key) in seen)
                seen.add((item["url"], key))
                self.data[key] = resource
        for item in page.get("deleted", []):
            self.test.assertNotIn("type", item)
            for bundle in self.lines(item):
                for entry in bundle["entry"]:
                    self.test.assertEqual(entry["request"]["method"], "DELETE")
                    self.data.pop(entry["request"]["url"], None)

    def start(self):
        """The root, and all that follows now."""
        self.etags.pop(self.root, None)
        self.data = {}
        self.page = self.root
        page = self.get_page(self.root)
        self.process(page)
        self.follow(page)

    def follow(self, page):
        while True:
            target = self.next_of(page)
            if target in ("", "#pending"):
                return
            if target == "#closed":
                self.restarts += 1
                self.start()
                return
            self.page = target
            self.etags.pop(target, None)
            page = self.get_page(target)
            self.process(page)

    def poll(self):
        if self.page is None:
            self.start()
            return
        page = self.get_page(self.page)
        # A page that is asked for again has the files that it had: only the link is new.
        if page is not None:
            self.follow(page)
