#!/usr/bin/python3
"""A consumer follows what `fhirexport publish` has published, as the IG's flow has it, through 20
updates with a new snapshot in between, and ends with the source's state: from a folder behind a web
server that knows nothing of FHIR, and from the example server, by conditional requests (PUB-01 to
PUB-10).

    published.py SERVER COMMAND
"""
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import fhir_server
from fhir_server import Server, ServerTest
from published_consumer import Consumer, Publisher, Source

COMMAND = None
ROUNDS = 20


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that serves a folder, and knows two media types."""

    protocol_version = "HTTP/1.1"

    def guess_type(self, path):
        if str(path).endswith(".ndjson"):
            return "application/fhir+ndjson"
        return "application/json"

    def log_message(self, *_):
        pass


class WebServer:
    """Any web server: it is started, and read from, as the example server is."""

    def __init__(self, folder):
        def make(*arguments):
            return Quiet(*arguments, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.host, self.port, self.base, self.tls = *self.server.server_address, "", None
        self.base_url = f"http://{self.host}:{self.port}"

    connect = Server.connect
    request, request_once = Server.request, Server.request_once
    get = Server.get

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class PublishedTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fhx-published-")
        cls.published = os.path.join(cls.folder, "published")
        os.mkdir(cls.published)
        cls.options = ("--publish", cls.published)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.source = Source(tempfile.mkdtemp(dir=self.folder))

    def follow(self, server, folder, base_url):
        """Three consumers: one that looks each time, one that often does not, one that comes last."""
        root = base_url + "/$bulk-publish" if not base_url.endswith("$bulk-publish") else base_url
        publisher = Publisher(self.source, folder, base_url, COMMAND)
        self.source.change(30)
        self.assertEqual(publisher.run()["kind"], "snapshot")
        often, seldom = Consumer(self, server, root), Consumer(self, server, root)
        often.poll()
        seldom.poll()
        for number in range(1, ROUNDS + 1):
            self.source.change(8)
            told = publisher.run(*(["--snapshot"] if number == 10 else []))
            self.assertEqual(told["kind"], "snapshot" if number == 10 else "update")
            often.poll()
            self.assertEqual(often.data, self.source.state)
            if number % 4 == 3:
                seldom.poll()
                self.assertEqual(seldom.data, self.source.state)
        seldom.poll()
        last = Consumer(self, server, root)
        last.poll()
        for consumer in (often, seldom, last):
            self.assertEqual(consumer.data, self.source.state)
        self.assertEqual((often.restarts, seldom.restarts, last.restarts), (1, 1, 0))
        # An update without changes says so; nobody has more or less after it.
        publisher.run()
        often.poll()
        self.assertEqual(often.data, self.source.state)
        self.check_files(server, {**often.files, **seldom.files})
        return often

    def check_files(self, server, files):
        """PUB-06: what was published is there still, and is what it was."""
        self.assertGreater(len(files), 2 * ROUNDS)
        for url, digest in files.items():
            answer = server.get(url)
            self.assertEqual((answer.status, hashlib.sha256(answer.body).hexdigest()),
                             (200, digest))

    def test_any_web_server(self):
        """PUB-07, PUB-08"""
        folder = os.path.join(self.folder, "web")
        os.mkdir(folder)
        web = WebServer(folder)
        try:
            self.follow(web, folder, web.base_url)
            # A web server is another user (PUB-10).
            modes = {os.stat(os.path.join(path, name)).st_mode & 0o777
                     for path, folders, files in os.walk(folder) for name in folders + files}
            self.assertEqual(modes, {0o755, 0o644})
        finally:
            web.stop()

    def test_example_server(self):
        base_url = self.server.base_url + "/$bulk-publish"
        consumer = self.follow(self.server, self.published, base_url)
        # Nothing has changed since: each poll costs no more than a header (PUB-03).
        before = consumer.not_modified
        for _ in range(3):
            consumer.poll()
        self.assertEqual(consumer.not_modified, before + 3)
        self.check_headers(base_url)
        self.check_refusals(base_url)

    def check_headers(self, root):
        """PUB-01, PUB-03, PUB-04"""
        answer = self.server.get(root, headers={"Accept": "application/fhir+json"})
        self.assertEqual((answer.status, answer.header("Content-Type")), (200, "application/json"))
        self.assertEqual(answer.header("Cache-Control"), "public, max-age=10")
        etag = answer.header("ETag")
        self.assertRegex(etag, r'^"[0-9a-f]{64}"$')
        for value in (etag, "W/" + etag, f'"x", {etag}', "*"):
            again = self.server.get(root, headers={"If-None-Match": value})
            self.assertEqual((again.status, again.body, again.header("ETag")), (304, b"", etag))
        for value in ('"x"', etag[:-2] + '"', ""):
            again = self.server.get(root, headers={"If-None-Match": value})
            self.assertEqual((again.status, again.body), (200, answer.body))
        head = self.server.request("HEAD", root)
        self.assertEqual((head.status, head.body, head.header("ETag")), (200, b"", etag))
        self.assertEqual(head.header("Content-Length"), str(len(answer.body)))
        self.assertEqual(self.server.get("/%24bulk-publish").body, answer.body)
        self.check_page_headers(answer.json())

    def check_page_headers(self, page):
        """What will never change may be kept for ever; what waits may not."""
        file = self.server.get(page["output"][0]["url"])
        self.assertEqual(file.header("Cache-Control"), "max-age=31536000, immutable")
        again = self.server.get(page["output"][0]["url"],
                                headers={"If-None-Match": file.header("ETag")})
        self.assertEqual((again.status, again.body), (304, b""))
        part = self.server.get(page["output"][0]["url"], headers={"Range": "bytes=0-9"})
        self.assertEqual((part.status, part.body), (206, file.body[:10]))
        while page["link"][0]["url"] != "#pending":
            answer = self.server.get(page["link"][0]["url"])
            page = answer.json()
            waits = page["link"][0]["url"] == "#pending"
            self.assertEqual(answer.header("Cache-Control"), "public, max-age=10" if waits else
                             "public, max-age=31536000, immutable")

    def check_refusals(self, root):
        """PUB-01, PUB-09"""
        for method in ("POST", "PUT", "DELETE"):
            answer = self.server.request(method, root, b"{}",
                                         {"Content-Type": "application/fhir+json"})
            self.check_outcome(answer, 405)
            self.assertEqual(answer.header("Allow"), "GET, HEAD")
        for path in ("/publication.json", "/pages", "/pages/x.json", "/x.ndjson", "/x", "/pages/.x",
                     "/..%2f..%2fetc%2fpasswd", "/pages%2fx.json", "/$bulk-publish"):
            answer = self.server.get("/$bulk-publish" + path)
            self.assertIn(answer.status, (400, 404))
            self.check_outcome(answer, answer.status)

    def test_nothing_there(self):
        """PUB-09"""
        folder = os.path.join(self.folder, "empty")
        os.mkdir(folder)
        server = Server("--publish", folder)
        try:
            self.check_outcome(server.get("/$bulk-publish"), 404)
        finally:
            server.stop()
        self.assertIn(self.check_outcome(Server.get(self.server, "/$nothing"), 404), (
            "there is nothing at this URL",))

    def test_token(self):
        """PUB-10: open, or for who has a token; the manifest says which."""
        folder = os.path.join(self.folder, "closed")
        clients = os.path.join(self.folder, "clients.json")
        subprocess.run([fhir_server.PROGRAM, "client", "add", "acme", "--clients", clients,
                        "--key", os.path.join(self.folder, "key.json")], check=True,
                       capture_output=True)
        self.source.change(4)
        Publisher(self.source, folder, "https://example.org/$bulk-publish", COMMAND).run("--token")
        with open(os.path.join(folder, "$bulk-publish"), encoding="utf-8") as root:
            self.assertIs(json.load(root)["requiresAccessToken"], True)
            self.assertEqual(os.fstat(root.fileno()).st_mode & 0o777, 0o600)
        for files, status in (("token", 401), ("signed", 200)):
            server = Server("--publish", folder, "--auth", "smart", "--clients", clients,
                            "--files", files)
            try:
                answer = server.get("/$bulk-publish")
                self.assertEqual(answer.status, status)
                page = answer.json()
                if status == 200:
                    self.assertEqual(answer.header("Cache-Control"), "private, max-age=10")
                    name = urllib.parse.urlsplit(page["output"][0]["url"]).path
                    self.assertEqual(server.get(name).status, 200)
            finally:
                server.stop()

    def test_command(self):
        """What the command is told wrongly, it says, and publishes nothing."""
        folder = os.path.join(self.folder, "never")
        needed = ["--source", "sqlite:" + self.source.path, "--to", "file:" + folder]
        for options, words in (
                (needed, "--base-url"),
                ([*needed, "--base-url", "ftp://x"], "base_url is not"),
                ([*needed, "--base-url", "http://x", "--cadence", "1 day"], "ISO 8601"),
                ([*needed, "--base-url", "http://x", "--page-files", "0"], "from 1 to 1000"),
                ([*needed, "--base-url", "http://x", "--stray"], "no option")):
            done = subprocess.run([COMMAND, "publish", *options], capture_output=True, text=True,
                                  check=False, timeout=fhir_server.PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertFalse(os.path.exists(os.path.join(folder, "$bulk-publish")))
        publisher = Publisher(self.source, folder, "http://x", COMMAND)
        self.source.change(4)
        kinds = [publisher.run("--snapshot-every", "2")["kind"] for _ in range(5)]
        self.assertEqual(kinds, ["snapshot", "update", "update", "snapshot", "update"])
        self.assertEqual(publisher.run("--final")["kind"], "snapshot")
        with open(os.path.join(folder, "$bulk-publish"), encoding="utf-8") as root:
            page = json.load(root)
        self.assertNotIn("link", page)
        time.sleep(1.1)
        removed = publisher.run("--grace", "1")
        self.assertEqual(removed["kind"], "snapshot")
        self.assertGreater(removed["removed"], 0)


if __name__ == "__main__":
    # Each publication is synced to the disk, which is not what is looked at here.
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    COMMAND = os.path.abspath(sys.argv.pop(2))
    fhir_server.run_tests()
