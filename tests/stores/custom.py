#!/usr/bin/python3
"""examples/destination_custom exports to an HTTP server, also to one that does not answer well.

    custom.py PROGRAM GENERATE
"""
import glob
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM = GENERATE = None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, length=0):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_PUT(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = server.faults.pop(0) if server.faults else None
        server.puts += 1
        if fault == "refused":
            self.answer(403)
            return
        if fault != "lost":
            exists = self.path in server.objects and self.headers["If-None-Match"] == "*"
            if exists:
                self.answer(412)
                return
            server.objects[self.path] = body
        if fault in ("lost", "unanswered"):
            self.close_connection = True
        else:
            self.answer(503 if fault == "stored, with 503" else 201)

    def do_HEAD(self):
        body = self.server.objects.get(self.path)
        self.answer(404 if body is None else 200, len(body or b""))

    def do_DELETE(self):
        self.answer(404 if self.server.objects.pop(self.path, None) is None else 204)


class Custom(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.objects, self.server.faults, self.server.puts = {}, [], 0
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/store"
        self.work = tempfile.TemporaryDirectory(prefix="fhx-custom-")
        self.data = os.path.join(self.work.name, "data")
        subprocess.run([GENERATE, "--out", self.data, "--patients", "30"], check=True,
                       stdout=subprocess.DEVNULL)

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.work.cleanup()

    def run_it(self):
        return subprocess.run([PROGRAM, self.data, self.url], capture_output=True, check=False,
                              timeout=600)

    def check_exact(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        manifest = json.loads(done.stdout)
        self.assertIs(manifest["requiresAccessToken"], True)
        found = []
        for entry in manifest["output"]:
            found += self.server.objects["/" + entry["url"].split("/", 3)[3]].splitlines()
        self.assertEqual(len(manifest["output"]), len(self.server.objects))
        wanted = []
        for path in glob.glob(os.path.join(self.data, "*.ndjson")):
            with open(path, "rb") as file:
                wanted += file.read().splitlines()
        self.assertEqual(sorted(found), sorted(wanted))

    def test_export(self):
        self.check_exact(self.run_it())

    def test_answers_that_are_lost(self):
        """Whether the part was taken or not, it is there once."""
        self.server.faults = ["unanswered", None, "lost", "stored, with 503"]
        self.check_exact(self.run_it())
        self.assertEqual(self.server.faults, [])

    def test_refused(self):
        """The export fails, and nothing of it is left."""
        self.server.faults = [None, "refused"]
        done = self.run_it()
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"destination_custom: ", done.stderr)
        self.assertEqual(self.server.objects, {})

    def test_no_server(self):
        self.url = "http://127.0.0.1:1/store"
        self.assertEqual(self.run_it().returncode, 1)


if __name__ == "__main__":
    PROGRAM, GENERATE = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main(verbosity=2)
