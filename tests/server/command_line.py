#!/usr/bin/python3
"""How fhirexport-server starts and ends, and what its options do.

    command_line.py SERVER
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import fhir_server
from fhir_server import Server

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"


def wait_for_end(server, url):
    end = time.monotonic() + fhir_server.PATIENCE
    while time.monotonic() < end:
        answer = server.get(url)
        if answer.status != 202:
            return answer
        time.sleep(0.05)
    raise AssertionError("the export does not end")


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-command-")
        self.needed = ["--db", "sqlite:" + os.path.join(self.folder, "r.db"),
                       "--destination", "file:" + os.path.join(self.folder, "files")]

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name, content=""):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
        return path

    def run_it(self, *options, environment=None):
        return subprocess.run([fhir_server.PROGRAM, *options], capture_output=True, text=True,
                              timeout=fhir_server.PATIENCE, check=False, env={**os.environ, **(environment or {})})

    def test_help(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--listen", "--base-url", "--db", "--load", "--destination", "--jobs",
                       "--workers", "--helpers", "--auth", "--files", "--url-key-file", "--admin-token-file",
                       "--part-bytes", "--part-count", "--max-jobs", "--max-jobs-per-client",
                       "--keep", "--allow-open", "--client-destinations", "--disabled", "--clients",
                       "--used-assertions", "--jwks-ca", "--token-seconds", "--tls-cert",
                       "--tls-key", "client add"):
            self.assertIn(option, done.stdout)

    def test_mistakes(self):
        for options in ([], self.needed[:2], self.needed[2:], [*self.needed, "--nonsense"],
                        [*self.needed, "stray"], [*self.needed, "--auth", "smart"],
                        [*self.needed, "--files", "open"], [*self.needed, "--workers", "0"],
                        [*self.needed, "--workers", "x"], [*self.needed, "--keep", "-1"],
                        [*self.needed, "--part-bytes", "1T"],
                        [*self.needed, "--base-url", "example.org/fhir"],
                        [*self.needed, "--base-url", "http://x/fhir?a=b"],
                        [*self.needed, "--clients", "c.json"], [*self.needed, "--jwks-ca", "ca.pem"],
                        [*self.needed, "--auth", "smart", "--clients", "c.json",
                         "--token-seconds", "301"], [*self.needed, "--auth", "basic"],
                        [*self.needed, "--tls-cert", "c.pem"], [*self.needed, "--jobs", "j.db"], ["--db", "r.db", *self.needed[2:]],
                        [*self.needed, "--client-destinations-ca", "ca.pem"],
                        [*self.needed, "--client-destinations-container", "exports"],
                        [*self.needed[:2], "--destination", "s3:bucket"],
                        [*self.needed, "--link-seconds", "0"], [*self.needed, "--shards", "0"]):
            done = self.run_it(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn("fhirexport-server: ", done.stderr)

    def test_destinations(self):
        """What is wrong with a destination is said; its text is there, and no secret is a part."""
        for text, words in (("ftp://host/folder", "begins neither with"), ("file:", "no folder"),
                            ("s3://", "no bucket"), ("s3:///prefix", "no bucket"),
                            ("s3://bucket?style=some", "neither path nor host"),
                            ("s3://bucket?region", "without a value"),
                            ("s3://bucket?region=", "without a value"),
                            ("s3://bucket?ca=a&ca=b", "twice"), ("s3://bucket?secret=x", "not know"),
                            ("s3://bucket?endpoint=%zz", "percent sign"),
                            ("s3://bucket?endpoint=%00", "percent sign"),
                            ("azure-blob://box?region=x", "not know"),
                            ("azure-blob://box", "AZURE_STORAGE_CONNECTION_STRING")):
            done = self.run_it(*self.needed[:2], "--destination", text)
            self.assertEqual((done.returncode, done.stdout), (2, ""), text)
            self.assertIn(words, done.stderr, text)
        other = {"AZURE_STORAGE_SAS_URL": "https://a.blob.core.windows.net/other?sig=hidden"}
        done = self.run_it(*self.needed[:2], "--destination", "azure-blob://box",
                           environment=other)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another container", done.stderr)
        self.assertNotIn("hidden", done.stderr)

    def test_what_cannot_be_had(self):
        for options in (["--listen", "nonsense"], ["--listen", "127.0.0.1:99999"],
                        ["--listen", "127.0.0.1:"], ["--load", "/no/such/file.ndjson"],
                        ["--load", self.path("x.txt")],
                        ["--url-key-file", self.path("short", "short\n")],
                        ["--url-key-file", self.path("empty")],
                        ["--url-key-file", "/no/such/file"],
                        ["--client-destinations", ","], ["--client-destinations", "https://a/"],
                        ["--client-destinations", "example.org", "--client-destinations-ca",
                         "/no/such/file"]):
            done = self.run_it(*self.needed, "--listen", "127.0.0.1:0", *options)
            self.assertEqual((done.returncode, done.stdout), (1, ""), options)
            self.assertIn("fhirexport-server: ", done.stderr)
            self.assertNotIn("short\n", done.stderr.replace("short:", ""))
        for wrong in (["--db", "sqlite:/no/such/folder/r.db", *self.needed[2:]],
                      ["--db", "sqlite:" + self.path("no.db", "not a database" * 100),
                       *self.needed[2:]],
                      [*self.needed[:2], "--destination", "file:/proc/none"]):
            done = self.run_it("--listen", "127.0.0.1:0", *wrong)
            self.assertEqual((done.returncode, done.stdout), (1, ""), wrong)

    def test_open_to_others_only_if_told_so(self):
        for place in ("0.0.0.0:0", "[::]:0"):
            done = self.run_it(*self.needed, "--listen", place, "--auth", "none")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("--allow-open", done.stderr)
        server = Server("--allow-open", listen="0.0.0.0:0")
        server.host = "127.0.0.1"
        self.assertEqual(server.get("/metadata").status, 200)
        self.assertEqual(server.stop(), 0)

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.run_it(*self.needed, "--listen", place)
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_ends_at_a_signal(self):
        """Also with idle connections, a request that does not end and an export that runs."""
        for how in (signal.SIGTERM, signal.SIGINT):
            # Not each time: a busy machine may need longer.
            self.assertTrue(any(self.end_with_connections(how) < 4 for _ in range(20)))

    def end_with_connections(self, how):
        """How long it takes."""
        server = Server()
        held = [socket.create_connection((server.host, server.port)) for _ in range(5)]
        held[0].sendall(b"GET /fhir/meta")
        held[1].sendall(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")
        server.get("/$export")
        begin = time.monotonic()
        self.assertEqual(server.stop(how), 0)
        seconds = time.monotonic() - begin
        for connection in held:
            connection.close()
        return seconds

    def test_base_url(self):
        """URLs are built of it, never of what a request says (architecture 4.13)."""
        server = Server("--base-url", "https://example.org/r4/")
        try:
            headers = {"X-Forwarded-Host": "evil", "X-Forwarded-Proto": "ftp",
                       "Forwarded": "host=evil"}
            url = server.get("/$export", headers=headers).header("Content-Location")
            self.assertTrue(url.startswith("https://example.org/r4/$export/"))
            made = server.put({"resourceType": "Patient", "id": "a"})
            self.assertEqual(made.header("Location"), "https://example.org/r4/Patient/a")
            self.assertNotIn(b"evil", server.get("/metadata", headers=headers).body)
        finally:
            self.assertEqual(server.stop(), 0)

    def export_one(self, server):
        server.put({"resourceType": "Patient", "id": "a"})
        url = server.get("/$export?_type=Patient").header("Content-Location")
        manifest = wait_for_end(server, url).json()
        return manifest, manifest["output"][0]["url"]

    def test_files_that_need_a_token(self):
        """MAN-07: `--files token` says so in the manifest, and links are signed as well."""
        server = Server("--files", "token")
        try:
            manifest, file = self.export_one(server)
            self.assertIs(manifest["requiresAccessToken"], True)
            self.assertEqual(server.get(file).status, 200)
            self.assertIn(server.get(file.split("?")[0]).status, (401, 403))
        finally:
            self.assertEqual(server.stop(), 0)

    def test_keys_can_be_changed(self):
        """A link of an old key stays good while the file of keys has it."""
        keys = self.path("keys", KEY + "\n")
        options = ["--jobs", os.path.join(self.folder, "jobs.db"), "--url-key-file", keys]
        server = Server(*options, folder=self.folder)
        listen = f"127.0.0.1:{server.port}"
        _, old = self.export_one(server)
        server.stop()
        self.path("keys", f"{OTHER_KEY}\n\n{KEY}\n")
        server = Server(*options, folder=self.folder, listen=listen)
        self.assertEqual(server.get(old).status, 200)
        _, new = self.export_one(server)
        server.stop()
        self.path("keys", OTHER_KEY)
        server = Server(*options, folder=self.folder, listen=listen)
        self.assertEqual(server.get(old).status, 403)
        self.assertEqual(server.get(new).status, 200)
        self.assertNotIn(KEY, server.read_log())
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    fhir_server.run_tests()
