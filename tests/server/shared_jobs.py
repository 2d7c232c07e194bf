#!/usr/bin/python3
"""Two servers share their jobs through PostgreSQL: what one begins, the other answers for, removes,
and finishes when the first is killed. With --resources they have these there too.

    shared_jobs.py --server PROGRAM --generate PROGRAM [--data FOLDER] [--resources]
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "stores"))

import component  # noqa: E402
import exports  # noqa: E402
import fhir_server  # noqa: E402
import postgres  # noqa: E402

SECRET = "hunter2secret"
ARGUMENTS = None
LOADED = None
DATABASE = None


def files_of(folder, job):
    """The files of a job, and those that are being written for it."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, "files")):
        found += [name for name in names if job in os.path.join(place, name)]
    return found


def wait_for(condition, what, seconds=fhir_server.PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise exports.Failure(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


class SharedJobs(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="fhx-shared-")
        self.addCleanup(self.work.cleanup)
        self.folder = self.work.name
        self.key = exports.write_key(self.folder)
        self.servers = []
        self.first = self.start("--load", LOADED)
        self.second = self.start()

    def start(self, *options):
        server = exports.start(
            ARGUMENTS.server, "--jobs", DATABASE.url(SECRET), "--url-key-file", self.key,
            "--part-bytes", "65536", "--lease", "1", *options, folder=self.folder)
        self.servers.append(server)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        """Nothing that either said has the password in it."""
        if server in self.servers:
            server.stop(signal.SIGKILL)
            self.servers.remove(server)
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            self.assertNotIn(SECRET, log.read())

    def check(self, server, manifest):
        exports.compare(exports.download(server, manifest), exports.read_data(LOADED))

    def test_one_begins_and_the_other_answers(self):
        poll = exports.kick_off(self.first)
        manifest = exports.wait(self.second, poll)
        self.check(self.second, manifest)
        self.assertEqual(exports.poll(self.first, poll)["transactionTime"],
                         manifest["transactionTime"])

    def test_one_removes_what_the_other_runs(self):
        poll = exports.kick_off(self.first)
        job = poll.rstrip("/").split("/")[-1]
        wait_for(lambda: files_of(self.folder, job), "the first file")
        self.assertEqual(self.second.request("DELETE", poll).status, 202)
        for server in (self.first, self.second):
            self.assertEqual(server.get(poll).status, 404)
        wait_for(lambda: not files_of(self.folder, job), "the end of the files")

    def test_one_finishes_what_a_killed_one_began(self):
        poll = exports.kick_off(self.first)
        job = poll.rstrip("/").split("/")[-1]
        wait_for(lambda: files_of(self.folder, job), "the first file")
        self.end(self.first)
        self.check(self.second, exports.wait(self.second, poll))

    def test_the_database_goes_and_comes_again(self):
        poll = exports.kick_off(self.first)
        job = poll.rstrip("/").split("/")[-1]
        wait_for(lambda: files_of(self.folder, job), "the first file")
        DATABASE.crash()
        try:
            answer = self.second.get(poll, is_busy_told=True)
            self.assertEqual(answer.status, 503)
            self.assertNotIn(SECRET.encode(), answer.body)
        finally:
            DATABASE.run()
        self.check(self.second, exports.wait(self.second, poll))

    def test_a_database_that_is_not_there_is_told_without_the_password(self):
        done = subprocess.run(
            [ARGUMENTS.server, "--listen", "127.0.0.1:0", "--db",
             "sqlite:" + os.path.join(self.folder, "other.db"), "--destination",
             "file:" + os.path.join(self.folder, "other"), "--url-key-file", self.key, "--jobs",
             f"postgresql://fhx:{SECRET}@127.0.0.1:1/none"],
            capture_output=True, text=True, timeout=fhir_server.PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the database cannot be reached", done.stderr)
        self.assertNotIn(SECRET, done.stderr)


def main():
    global ARGUMENTS, LOADED, DATABASE
    parser = argparse.ArgumentParser()
    for option in ("--server", "--generate"):
        parser.add_argument(option, required=True)
    parser.add_argument("--data", default="")
    parser.add_argument("--resources", action="store_true")
    ARGUMENTS = parser.parse_args()
    fhir_server.PROGRAM = ARGUMENTS.server
    component.end_on_signal()
    with tempfile.TemporaryDirectory(prefix="fhx-shared-") as work, postgres.Postgres() as database:
        LOADED = exports.find_data(ARGUMENTS.data, ARGUMENTS.generate, work, 300)
        DATABASE = database
        if ARGUMENTS.resources:
            fhir_server.DATABASES = fhir_server.Databases(database, postgres.find("psql"))
        unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
