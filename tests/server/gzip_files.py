#!/usr/bin/python3
"""Files in gzip (fhirexport-server --gzip) as clients get them: curl, Python, with and without.

    gzip_files.py SERVER GENERATE
"""
import gzip
import os
import subprocess
import sys
import tempfile
import time
import zlib

import fhir_server
from fhir_server import Server, ServerTest

DATA = None


def curl(url, *options):
    return subprocess.run(["curl", "--silent", "--show-error", "--fail", *options, url], check=True,
                          stdout=subprocess.PIPE).stdout


class GzipFiles(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--load", DATA, "--gzip")
        cls.plain_server = Server("--load", DATA)
        cls.items = cls.export(cls.server)
        cls.plain_items = cls.export(cls.plain_server)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        assert cls.plain_server.stop() == 0

    @classmethod
    def export(cls, server):
        answer = server.get("/$export", headers={"Accept": "application/fhir+json",
                                                 "Prefer": "respond-async"})
        url = answer.header("Content-Location")
        while server.get(url).status == 202:
            time.sleep(0.05)
        return server.get(url).json()["output"]

    def path_of(self, url):
        job, name = url.split("?")[0].split("/")[-2:]
        return os.path.join(self.server.folder, "files", job, name + ".gz")

    def test_every_client_gets_the_same(self):
        """FILE-06: curl with and without --compressed, Python, and an export without gzip."""
        expected = {}
        for item in self.plain_items:
            expected.setdefault(item["type"], []).extend(
                self.plain_server.get(item["url"]).body.splitlines())
        found = {}
        for item in self.items:
            self.assertNotIn(".gz", item["url"])
            plain = curl(item["url"])
            self.assertEqual(curl(item["url"], "--compressed"), plain)
            answer = self.server.get(item["url"], headers={"Accept-Encoding": "gzip"})
            self.assertEqual(answer.header("Content-Encoding"), "gzip")
            self.assertEqual(int(answer.header("Content-Length")), len(answer.body))
            self.assertEqual(gzip.decompress(answer.body), plain)
            found.setdefault(item["type"], []).extend(plain.splitlines())
        for lines in (*expected.values(), *found.values()):
            lines.sort()
        self.assertEqual(found.keys(), expected.keys())
        for kind, lines in found.items():
            # The two servers have stamped what they loaded each in its own time.
            self.assertEqual([line.split(b'"id":"')[1].split(b'"')[0] for line in lines],
                             [line.split(b'"id":"')[1].split(b'"')[0] for line in expected[kind]])

    def test_files_are_gzip_files(self):
        """What lies in the folder any tool reads."""
        for item in self.items:
            path = self.path_of(item["url"])
            by_zcat = subprocess.run(["zcat", path], check=True, stdout=subprocess.PIPE).stdout
            with gzip.open(path) as file:
                self.assertEqual(file.read(), by_zcat)

    def test_resumed_download(self):
        """FILE-13: cut off in the middle and gone on with, in both codings."""
        url = max(self.items, key=lambda item: item["count"])["url"]
        whole = curl(url)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "file")
            for cut in (1, len(whole) // 2, len(whole) - 1):
                with open(path, "wb") as file:
                    file.write(whole[:cut])
                curl(url, "--continue-at", "-", "--output", path)
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), whole)
        packed = self.server.get(url, headers={"Accept-Encoding": "gzip"})
        half = len(packed.body) // 2
        rest = self.server.get(url, headers={"Accept-Encoding": "gzip", "Range": f"bytes={half}-",
                                             "If-Range": packed.header("ETag")})
        self.assertEqual(rest.status, 206)
        self.assertEqual(packed.body[:half] + rest.body, packed.body)

    def test_head(self):
        """FILE-12."""
        url = self.items[0]["url"]
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            get = self.server.get(url, headers=headers)
            head = self.server.request("HEAD", url, headers=headers)
            self.assertEqual((head.status, head.body), (200, b""))
            for name in ("Content-Type", "Content-Length", "Content-Encoding", "ETag", "Vary"):
                self.assertEqual(head.header(name), get.header(name))

    def test_nothing_acceptable(self):
        answer = self.server.get(self.items[0]["url"], headers={"Accept-Encoding": "*;q=0"})
        self.assertIn("Accept-Encoding", self.check_outcome(answer, 406))

    def test_damaged_file(self):
        """The connection ends before the announced length does; what came is right."""
        items = self.export(self.server)
        url = max(items, key=lambda item: item["count"])["url"]
        whole = curl(url)
        packed = self.server.get(url, headers={"Accept-Encoding": "gzip"}).body
        with open(self.path_of(url), "r+b") as file:
            file.seek(len(packed) - 60)
            file.write(bytes([packed[-60] ^ 1]))
        done = subprocess.run(["curl", "--silent", url], stdout=subprocess.PIPE, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertLess(len(done.stdout), len(whole))
        self.assertTrue(whole.startswith(done.stdout))
        packed = subprocess.run(["curl", "--silent", "-H", "Accept-Encoding: gzip", url],
                                stdout=subprocess.PIPE, check=True).stdout
        self.assertRaises((zlib.error, gzip.BadGzipFile), gzip.decompress, packed)
        self.check_alive()


def main():
    global DATA
    generate = sys.argv.pop(2)
    with tempfile.TemporaryDirectory(prefix="fhx-data-") as folder:
        DATA = os.path.join(folder, "data")
        subprocess.run([generate, "--out", DATA, "--patients", "60"], check=True,
                       stdout=subprocess.DEVNULL)
        fhir_server.run_tests()


if __name__ == "__main__":
    main()
