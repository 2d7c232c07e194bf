#!/usr/bin/python3
"""The job store goes away, or a worker does, and the exports of the real server go on exactly.

    outages.py --server PROGRAM --generate PROGRAM [--data FOLDER] [--rounds N]

PostgreSQL is stopped at once and started 10 s later; another process keeps the jobs file of SQLite
locked; a server is frozen by SIGSTOP until its leases have lapsed; another one is cut from the
database by a relay that passes nothing on and closes nothing. Whoever asks meanwhile is told 503 to
try again; every export is complete in the end, each resource once, and the folder has no file that
nobody knows of, also when who was frozen goes on.
"""
import argparse
import contextlib
import os
import select
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "stores"))

import component  # noqa: E402
import exports  # noqa: E402
import fhir_server  # noqa: E402
import postgres  # noqa: E402
from exports import need  # noqa: E402
from shared_jobs import files_of, wait_for  # noqa: E402

AWAY_SECONDS = 10
LOCKED_SECONDS = 4
LEASE_SECONDS = 1
# States in the store: of a task, and of a job.
RUNNING = 2
JOB_RUNNING = 1
JOB_COMPLETE = 2
# A transaction that waits for its process and has changed or locked something. The database ends
# it after 10 s.
INSIDE_A_STEP = ("FROM pg_stat_activity WHERE application_name = 'fhirexport'"
                 " AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
                 " AND state_change < clock_timestamp() - interval '20 ms'")
STEP_SECONDS = 300
# A task that runs, while the database does nothing for who holds it: what was sent before the
# freeze has been done, so that the task runs on until its lease has lapsed.
A_TASK_RUNS = (f"FROM task WHERE state = {RUNNING} AND NOT EXISTS (SELECT FROM pg_stat_activity"
               " WHERE application_name = 'fhirexport' AND state = 'active'"
               " AND wait_event_type IS DISTINCT FROM 'Lock')")
# A request gives the store less than a second, and then some to a server that is busy. What a
# machine under load adds is more than that; a request that waits as a worker does takes longer.
ANSWER_SECONDS = 10
# An answer that comes later is asked for again so often: a busy machine is not as busy each time.
ASKED_AGAIN = 10
# An export that is over before it could be interfered with is begun anew so often.
TRIES = 30
ARGUMENTS = None
LOADED = WANTED = None
DATABASE = None


class Relay:
    """Passes bytes on between TCP and the database's socket, unless it is frozen: then it still
    accepts connections, and nothing comes through, and nothing is closed."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.wake, self.waker = socket.socketpair()
        self.peers = {}
        self.is_frozen = False
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def set_frozen(self, is_frozen):
        self.is_frozen = is_frozen
        self.waker.send(b"x")

    def close(self):
        self.is_over = True
        self.waker.send(b"x")
        self.thread.join()
        for one in [*self.peers, self.listener, self.wake, self.waker]:
            one.close()

    def run(self):
        while not self.is_over:
            watched = [self.wake, self.listener] + ([] if self.is_frozen else list(self.peers))
            ready = select.select(watched, [], [])[0]
            for one in ready:
                if one is self.wake:
                    one.recv(64)
                elif one is self.listener:
                    self.admit()
                elif one in self.peers and not self.is_frozen:
                    self.pass_on(one)

    def admit(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.path)
        except OSError:
            client.close()
            server.close()
            return
        self.peers[client], self.peers[server] = server, client

    def pass_on(self, one):
        other = self.peers[one]
        try:
            piece = one.recv(65536)
            if piece:
                other.sendall(piece)
                return
        except OSError:
            pass
        for end in (one, other):
            del self.peers[end]
            end.close()


class Answers:
    """What polls were answered while the store was away, and how long that took."""

    def __init__(self, test):
        self.test = test
        self.seconds = []
        self.statuses = []

    def ask(self, server, method, path, headers=None):
        for _ in range(ASKED_AGAIN):
            begin = time.monotonic()
            answer = server.request(method, path, headers=headers, is_busy_told=True)
            seconds = time.monotonic() - begin
            if seconds < ANSWER_SECONDS:
                break
        self.seconds.append(seconds)
        self.statuses.append(answer.status)
        if answer.status == 503:
            self.test.check_unavailable(answer)
        return answer.status

    def tell(self, what):
        print(f"{what}: {len(self.seconds)} answers, {self.statuses.count(503)} of them 503; "
              f"median {statistics.median(self.seconds) * 1000:.0f} ms, "
              f"longest {max(self.seconds) * 1000:.0f} ms", flush=True)
        need(max(self.seconds) < ANSWER_SECONDS, f"{what}: an answer took {max(self.seconds)} s")


class Outage(unittest.TestCase):
    """Servers that share a folder, and a database of resources."""

    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="fhx-outage-")
        self.addCleanup(self.work.cleanup)
        self.folder = self.work.name
        shutil.copy(LOADED, os.path.join(self.folder, "resources.db"))
        self.key = exports.write_key(self.folder)
        self.servers = []

    def start(self, jobs, *options):
        server = exports.start(ARGUMENTS.server, "--jobs", jobs, "--url-key-file", self.key,
                               "--part-bytes", "65536", "--lease", str(LEASE_SECONDS), "--max-polls",
                               "1000000", *options, folder=self.folder)
        self.servers.append(server)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)
            server.stop(signal.SIGKILL)

    def kick_off_and_begin(self, server, query=""):
        """The poll URL of an export whose first file is being written."""
        poll = exports.kick_off(server, query)
        job = poll.rstrip("/").split("/")[-1]
        wait_for(lambda: files_of(self.folder, job), "the first file")
        return poll

    def check_unavailable(self, answer):
        """503, transient, with a time to come again (STAT-11, ERR-01)."""
        self.assertEqual(answer.header("Content-Type"), "application/fhir+json")
        self.assertEqual(answer.json()["resourceType"], "OperationOutcome")
        self.assertEqual([issue["code"] for issue in answer.json()["issue"]], ["transient"])
        self.assertGreater(int(answer.header("Retry-After")), 0)
        self.assertIsNone(fhir_server.LEAKS.search(answer.body), answer.body)

    def rows(self, query):
        """Of the store's tables."""
        raise NotImplementedError

    def present(self):
        out = os.path.join(self.folder, "files")
        return {os.path.relpath(os.path.join(folder, name), out)
                for folder, _, names in os.walk(out) for name in names}

    def begin_again(self):
        """Without the jobs, the files and the servers of before."""
        while self.servers:
            self.end(self.servers.pop())
        shutil.rmtree(os.path.join(self.folder, "files"), ignore_errors=True)

    def check_files(self):
        """No file stays that nobody knows of, none is missing. Who was frozen may be writing one yet,
        which it drops when it asks for its lease: what is recorded is there and nothing else, ten times."""
        recorded = {name for name, in self.rows("SELECT name FROM part")}
        end, same = time.monotonic() + fhir_server.PATIENCE, 0
        while same < 10:
            present = self.present()
            need(recorded <= present, f"missing: {sorted(recorded - present)[:3]}")
            need(time.monotonic() < end, f"orphans: {sorted(present - recorded)[:3]}")
            same = same + 1 if present == recorded else 0
            time.sleep(0.05)

    def check(self, server, poll):
        manifest = exports.wait(server, poll)
        exports.compare(exports.download(server, manifest), WANTED)
        self.check_files()

    def taken_over(self):
        """How often an attempt at a task began where there had been one."""
        return sum(int(fence) - 1 for fence, in self.rows("SELECT fence FROM task WHERE fence > 1"))


class Postgres(Outage):
    def setUp(self):
        super().setUp()
        self.begin_again()

    def begin_again(self):
        super().begin_again()
        self.rows("DROP SCHEMA IF EXISTS fhirexport CASCADE")

    def rows(self, query):
        done = subprocess.run(
            ["psql", "-h", DATABASE.folder, "-U", "fhx", "-d", "postgres", "-AtqX", "-F", "\t", "-c",
             "SET client_min_messages = error; SET search_path = fhirexport", "-c", query],
            check=True, capture_output=True, text=True, timeout=fhir_server.PATIENCE)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def test_the_database_is_away_for_ten_seconds(self):
        first = self.start(DATABASE.url("none"))
        second = self.start(DATABASE.url("none"))
        poll = self.kick_off_and_begin(first)
        answers, others = Answers(self), Answers(self)
        DATABASE.crash()
        try:
            end = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < end:
                for server in (first, second):
                    self.assertEqual(answers.ask(server, "GET", poll), 503)
                for method, path in (("GET", "/$export"), ("DELETE", poll)):
                    self.assertEqual(others.ask(first, method, path, {"Prefer": "respond-async"}),
                                     503)
                time.sleep(0.05)
        finally:
            DATABASE.run()
        answers.tell("polls without the database")
        others.tell("kick-offs and cancels without the database")
        self.check(second, poll)
        # What was refused has begun nothing, and removed nothing.
        self.assertEqual(self.rows("SELECT count(*) FROM job"), [["1"]])
        self.assertEqual(first.stop(), 0)

    def hold(self, freeze, thaw, *conditions):
        """Freezes something when a task runs that another will have to take over, and there are
        rows of the other conditions. False if the export was over before such a moment was met."""
        for _ in range(500):
            freeze()
            # Once more, as what the database does is looked at behind what it has done.
            if all(self.there_is(one) for one in (A_TASK_RUNS, *conditions, A_TASK_RUNS)):
                return True
            is_over = not self.there_is(f"FROM job WHERE state = {JOB_RUNNING}")
            thaw()
            if is_over:
                need(not self.there_is(f"FROM job WHERE state <> {JOB_COMPLETE}"), "the export has failed")
                return False
            time.sleep(0.005)
        raise exports.Failure("it was never the moment")

    def in_time(self, interfere):
        """Begins anew while the export is over before it is interfered with."""
        for _ in range(TRIES):
            self.begin_again()
            if interfere():
                return
        raise exports.Failure("the export is always over too early")

    def there_is(self, condition):
        return self.rows("SELECT count(*) " + condition) != [["0"]]

    def check_same(self, first, second, poll):
        """Who has come back has let go of the export, and answers as the other does."""
        here, there = exports.wait(first, poll), exports.wait(second, poll)
        self.assertEqual(exports.file_names(here), exports.file_names(there))

    def test_a_frozen_server_publishes_nothing(self):
        for number in range(ARGUMENTS.rounds):
            with self.subTest(number=number):
                self.in_time(lambda one=number: self.freeze_one(one))

    def freeze_one(self, number):
        """Inside a step or anywhere; it goes on while another does its tasks, or behind them. Whether there
        was a moment for it."""
        first = self.start(DATABASE.url("none"), "--part-bytes", "16384")
        poll = self.kick_off_and_begin(first)
        time.sleep(0.05 * number)
        freeze = [lambda: first.process.send_signal(signal.SIGSTOP),
                  lambda: first.process.send_signal(signal.SIGCONT)]
        if not self.hold(*freeze, *([INSIDE_A_STEP] if number % 2 == 0 else [])):
            return False
        before = self.taken_over()
        second = self.start(DATABASE.url("none"))
        wait_for(lambda: not self.there_is(INSIDE_A_STEP),
                 "the end of the step that is frozen", STEP_SECONDS)
        self.take_over(first, second, poll, before, number % 4 in (0, 3),
                       lambda: first.process.send_signal(signal.SIGCONT))
        return True

    def take_over(self, first, second, poll, before, thaws_early, thaw):
        """The second goes on alone; the first thaws meanwhile or behind, and publishes nothing."""
        if thaws_early:
            wait_for(lambda: self.taken_over() > before, "the first task to be taken over")
        else:
            exports.wait(second, poll)
        thaw()
        self.check(second, poll)
        need(self.taken_over() > before, "no task was taken over")
        self.check_same(first, second, poll)
        for server in (first, second):
            self.assertEqual(server.stop(), 0)
        self.check_files()

    def test_a_server_that_is_cut_off_publishes_nothing(self):
        for number in range(ARGUMENTS.rounds):
            with self.subTest(number=number):
                self.in_time(lambda one=number: self.cut_off_one(one % 2 == 0, 0.05 * one))

    def cut_off_one(self, thaws_early, pause):
        """Whether there was a moment for it."""
        with contextlib.closing(Relay(DATABASE.path(".s.PGSQL.5432"))) as relay:
            first = self.start(f"postgresql://fhx:none@127.0.0.1:{relay.port}/postgres")
            poll = self.kick_off_and_begin(first)
            time.sleep(pause)
            if not self.hold(lambda: relay.set_frozen(True), lambda: relay.set_frozen(False)):
                return False
            before = self.taken_over()
            answers = Answers(self)
            second = self.start(DATABASE.url("none"))
            for method, path in (("GET", poll), ("GET", "/$export"), ("DELETE", poll)):
                self.assertEqual(answers.ask(first, method, path, {"Prefer": "respond-async"}),
                                 503)
            answers.tell("poll, kick-off and cancel of a server that is cut off")
            self.take_over(first, second, poll, before, thaws_early,
                           lambda: relay.set_frozen(False))
            return True


class Sqlite(Outage):
    def setUp(self):
        super().setUp()
        self.jobs = os.path.join(self.folder, "jobs")

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(self.jobs, timeout=fhir_server.PATIENCE)) as store:
            return store.execute(query).fetchall()

    def test_the_file_is_locked_by_another_process(self):
        server = self.start(self.jobs)
        with contextlib.closing(sqlite3.connect(self.jobs, timeout=fhir_server.PATIENCE,
                                                isolation_level=None)) as locker:
            for count in range(1, TRIES + 1):
                poll = self.kick_off_and_begin(server)
                locker.execute("BEGIN EXCLUSIVE")
                if locker.execute(f"SELECT count(*) FROM job WHERE state = {JOB_RUNNING}").fetchone() == (1,):
                    break
                # It was over before the file was locked.
                locker.execute("ROLLBACK")
                need(self.rows("SELECT state FROM job") == [(JOB_COMPLETE,)], "the export has failed")
                self.assertEqual(server.request("DELETE", poll).status, 202)
                wait_for(lambda: not self.rows("SELECT 1 FROM job"), "the end of the job")
                need(count < TRIES, "the export is always over too early")
            polls, changes = Answers(self), Answers(self)
            end = time.monotonic() + LOCKED_SECONDS
            while time.monotonic() < end:
                # Its log lets readers read, so a poll does not even notice.
                self.assertIn(polls.ask(server, "GET", poll), (202, 503))
                for method, path in (("GET", "/$export"), ("DELETE", poll)):
                    self.assertEqual(changes.ask(server, method, path,
                                                 {"Prefer": "respond-async"}), 503)
            locker.execute("ROLLBACK")
        polls.tell("polls with a locked file")
        changes.tell("kick-offs and cancels with a locked file")
        self.check(server, poll)
        self.assertEqual(self.rows("SELECT count(*) FROM job"), [(1,)])
        self.assertEqual(server.stop(), 0)


def load(work):
    """A database of resources, to be copied, and what it holds."""
    data = exports.find_data(ARGUMENTS.data, ARGUMENTS.generate, work, 150)
    folder = os.path.join(work, "loaded")
    os.mkdir(folder)
    server = exports.start(ARGUMENTS.server, "--load", data, folder=folder)
    need(server.stop() == 0, "the loading server did not end cleanly")
    return os.path.join(folder, "resources.db"), exports.read_data(data)


def main():
    global ARGUMENTS, LOADED, WANTED, DATABASE
    parser = argparse.ArgumentParser()
    for option in ("--server", "--generate"):
        parser.add_argument(option, required=True)
    parser.add_argument("--data", default="")
    parser.add_argument("--rounds", type=int, default=2)
    ARGUMENTS, more = parser.parse_known_args()
    component.end_on_signal()
    with tempfile.TemporaryDirectory(prefix="fhx-outages-") as work, \
            postgres.Postgres() as DATABASE:
        LOADED, WANTED = load(work)
        unittest.main(argv=[*sys.argv[:1], *more], verbosity=2)


if __name__ == "__main__":
    main()
