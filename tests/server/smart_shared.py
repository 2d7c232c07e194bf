#!/usr/bin/python3
"""Servers on different machines, here in different folders, refuse an assertion that one of them
has seen: the record of them is in PostgreSQL, with the jobs or by itself.

    smart_shared.py SERVER
"""
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import fhir_server
from smart_client import Client, Key, SmartServer, entry, write_clients

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "stores"))

import component  # noqa: E402
import postgres  # noqa: E402

KEY = Key("ES384")
LINK_KEY = "0123456789abcdef" * 4
PASSWORD = "hunter2secret"
BASE = "https://example.org/fhir"
DATABASE = None


class SharedRecord(unittest.TestCase):
    def setUp(self):
        self.servers = []
        Client.secrets.update((LINK_KEY, PASSWORD))

    def start(self, *options):
        """A server in a folder of its own, which knows the same clients by the same URL."""
        server = SmartServer("--base-url", BASE, *options, clients=[entry("ours", KEY)])
        server.public_base = BASE
        self.servers.append(server)
        self.addCleanup(self.end, server)
        return server

    def start_with_jobs(self):
        # The key is of no use to the test, but shared jobs need it.
        path = os.path.join(DATABASE.folder, "link-keys")
        with open(path, "w", encoding="ascii") as file:
            file.write(LINK_KEY + "\n")
        return self.start("--jobs", DATABASE.url(PASSWORD), "--url-key-file", path)

    def end(self, server):
        """Nobody has told a secret."""
        if server not in self.servers:
            return
        self.servers.remove(server)
        leaks = server.find_leaks(Client.secrets)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(leaks, [])

    def ask(self, server, form, is_busy_told=False):
        answer = Client(server, "ours", KEY).post(form, is_busy_told=is_busy_told)
        return answer.status, answer.json().get("error")

    def new_form(self, server):
        return Client(server, "ours", KEY).form()

    def check_share(self, first, second):
        form = self.new_form(first)
        self.assertEqual(self.ask(first, form), (200, None))
        for server in (second, first):
            self.assertEqual(self.ask(server, form), (400, "invalid_client"))
        for _ in range(5):
            form, answers = self.new_form(first), []
            threads = [threading.Thread(target=lambda s=server: answers.append(self.ask(s, form)))
                       for server in (first, second, first, second)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(status for status, _ in answers), [200, 400, 400, 400])
        return form

    def rows(self, sql):
        done = subprocess.run(
            [postgres.find("psql"), "-X", "-q", "-At", "-h", DATABASE.folder, "-U", "fhx", "-d",
             "postgres", "-c", sql], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_with_the_jobs(self):
        """AUTH-13: also after a restart."""
        first, second = self.start_with_jobs(), self.start_with_jobs()
        used = self.check_share(first, second)
        self.end(second)
        self.assertEqual(self.ask(self.start_with_jobs(), used), (400, "invalid_client"))
        self.assertFalse(os.path.exists(os.path.join(first.folder, "clients.json.used")))
        # Nothing but a digest is kept.
        self.assertEqual(self.rows("SELECT DISTINCT octet_length(digest) FROM fhir.used_assertion"),
                         ["32"])

    def test_by_itself(self):
        """Jobs may be elsewhere."""
        place = ("--used-assertions", DATABASE.url(PASSWORD))
        self.check_share(self.start(*place), self.start(*place))

    def test_a_file_if_that_is_wanted(self):
        first = self.start_with_jobs()
        second = self.start("--used-assertions", os.path.join(first.folder, "mine"))
        form = self.new_form(first)
        self.assertEqual([self.ask(server, form)[0] for server in (first, second)], [200, 200])

    def test_what_has_expired_is_forgotten(self):
        """Later than it expires: another machine's clock may be behind."""
        server = self.start_with_jobs()
        now = int(time.time())
        self.rows("INSERT INTO fhir.used_assertion VALUES ('\\x01', %d), ('\\x02', %d)" %
                  (now - 330, now - 200))
        self.assertEqual(self.ask(server, self.new_form(server))[0], 200)
        self.assertEqual(self.rows("SELECT digest FROM fhir.used_assertion"
                                   " WHERE octet_length(digest) = 1"), ["\\x02"])
        self.rows("DELETE FROM fhir.used_assertion WHERE octet_length(digest) = 1")

    def test_the_database_goes_and_comes_again(self):
        """Without the record nobody gets a token, and what was used stays used."""
        server = self.start_with_jobs()
        used = self.new_form(server)
        self.assertEqual(self.ask(server, used), (200, None))
        DATABASE.crash()
        try:
            self.assertEqual(self.ask(server, self.new_form(server), is_busy_told=True),
                             (503, "temporarily_unavailable"))
        finally:
            DATABASE.run()
        self.assertEqual(self.ask(server, used), (400, "invalid_client"))
        self.assertEqual(self.ask(server, self.new_form(server)), (200, None))

    def test_a_database_that_is_not_there(self):
        """It is told at the start, without the password."""
        with tempfile.TemporaryDirectory(prefix="fhx-smart-") as folder:
            done = subprocess.run(
                fhir_server.command_of(folder, "127.0.0.1:0", [
                    "--auth", "smart", "--clients", write_clients(folder, entry("ours", KEY)),
                    "--used-assertions", f"postgresql://fhx:{PASSWORD}@127.0.0.1:1/none"]),
                capture_output=True, text=True, timeout=fhir_server.PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the record of used assertions in PostgreSQL", done.stderr)
        self.assertIn("the database cannot be reached", done.stderr)
        self.assertNotIn(PASSWORD, done.stderr)


def main():
    global DATABASE
    fhir_server.PROGRAM = sys.argv[1]
    component.end_on_signal()
    with postgres.Postgres() as database:
        DATABASE = database
        unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
