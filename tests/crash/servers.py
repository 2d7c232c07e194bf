#!/usr/bin/python3
"""Kills servers in the middle of exports while resources change, and finds every export exact.

    servers.py --server PROGRAM --store sqlite|postgres [--rounds N] [--rate N] [--seed S]

One server with its jobs in SQLite, or two that share them in PostgreSQL, and one database of
resources, which writers create, update and delete all the time. Each round kicks off an export of
everything and one `_since` the round before, asks any server for them, and meanwhile kills servers
with SIGKILL at random moments and starts them again. Then:

- both exports are complete, and so is one whose kick-off was taken and never answered;
- each holds exactly the state, or the changes and deletions, at its own transactionTime, each
  resource once and in that version (FILTER-01, MAN-03, MAN-04, MAN-05);
- a client that follows the chain of `_since` has the state (FILTER-24, MAN-13, MAN-14);
- the folder holds the files of these exports and no other: those of the round before are removed
  while servers are killed.

Rounds with an attempt that went on from a token are counted: none is a failure. After ROUNDS_MAX
rounds all begins anew, so that the database does not grow. The same seed draws the same moments, servers
and changes.
"""
import argparse
import collections
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for room in "server", "stores":
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), room))

import changes  # noqa: E402
import component  # noqa: E402
import exports  # noqa: E402
import fhir_server  # noqa: E402
import postgres  # noqa: E402
import records  # noqa: E402
from exports import need  # noqa: E402

WRITERS = 4
LEASE_SECONDS = 1
PART_BYTES = 65536
SHARDS = 1
CHECKPOINTS_MIN = 10
LOADED_OF_TYPE = 450
TEXT_BYTES = 2000
ROUNDS_MAX = 20
QUICK_ROUNDS = 3
# A few rounds alone may meet no moment in which something could be resumed.
RESUMED_WITHIN = 40
# How long removals and kick-offs take about.
KICK_OFF_SECONDS = 0.05
ANSWER_SECONDS = 300
END_SECONDS = 600
BASE_URL = "http://fhir.example/fhir"


def with_text(resource):
    """Long enough that a type makes many parts."""
    text = ("<div xmlns=\"http://www.w3.org/1999/xhtml\">" +
            f"{resource['resourceType']} {resource['id']} ".ljust(TEXT_BYTES, ".") + "</div>")
    return {**resource, "text": {"status": "generated", "div": text}}


def write_data(folder):
    """The resources that are there at the beginning, as the server will have them."""
    os.mkdir(folder)
    loaded = {}
    for kind in changes.TYPES:
        with open(os.path.join(folder, kind + ".ndjson"), "w", encoding="ascii") as file:
            for number in range(LOADED_OF_TYPE):
                resource = with_text({
                    "resourceType": kind, "id": f"loaded-{number}",
                    "meta": {"versionId": "1", "lastUpdated": "2020-01-01T00:00:00.000000Z"}})
                loaded[kind, resource["id"]] = exports.exact(json.dumps(resource))
                print(json.dumps(resource), file=file)
    return loaded


# --- the stores ---

class SqliteJobs:
    """A server alone, with its jobs in a file."""

    servers = 1

    def __init__(self, folder):
        self.url = os.path.join(folder, "jobs")

    def rows(self, query):
        store = sqlite3.connect(self.url, timeout=fhir_server.PATIENCE)
        try:
            return [tuple(map(str, row)) for row in store.execute(query)]
        finally:
            store.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        pass


class PostgresJobs(postgres.Postgres):
    """Two servers that share their jobs."""

    servers = 2

    def __init__(self, _):
        super().__init__()
        self.url = super().url("unused")

    def rows(self, query):
        told = subprocess.run(
            [postgres.find("psql"), "-X", "-A", "-t", "-F", "\t", "-h", self.folder, "-U", "fhx",
             "-d", "postgres", "-c", query], capture_output=True, text=True, check=True,
            env={**os.environ, "PGOPTIONS": "-c search_path=fhirexport"}).stdout
        return [tuple(line.split("\t")) for line in told.splitlines()]


STORES = {"sqlite": SqliteJobs, "postgres": PostgresJobs}


# --- the servers ---

class Fleet:
    """Servers that are killed; who asks one that is dead asks again."""

    def __init__(self, program, jobs, folder, seed):
        self.jobs = jobs
        self.folder = folder
        self.out = os.path.join(folder, "files")
        # For each request the next server is drawn, with numbers of its own: how many requests
        # there are is not the seed's.
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.lost = self.busy = 0
        fhir_server.PROGRAM = program
        self.options = ["--jobs", jobs.url, "--url-key-file", exports.write_key(folder),
                        "--base-url", BASE_URL, "--part-bytes", str(PART_BYTES),
                        "--shards", str(SHARDS), "--lease", str(LEASE_SECONDS),
                        "--max-polls", "1000000"]
        self.servers = [self.start("127.0.0.1:0", "--load", os.path.join(folder, "data"))]
        self.servers += [self.start("127.0.0.1:0") for _ in range(jobs.servers - 1)]

    def start(self, listen, *more):
        return fhir_server.Server(*self.options, *more, folder=self.folder, listen=listen)

    def kill(self, number):
        server = self.servers[number]
        need(server.process.poll() is None, f"a server ended by itself:\n{server.read_log()}")
        server.stop(signal.SIGKILL)

    def revive(self, number, early):
        """With `early` seconds, one that is killed so long after its start comes first."""
        dead = self.servers[number]
        if early > 0:
            with open(os.path.join(self.folder, "log"), "ab") as log:
                starting = subprocess.Popen(dead.process.args, stdout=subprocess.DEVNULL, stderr=log)
            time.sleep(early)
            starting.kill()
            need(starting.wait() == -signal.SIGKILL, "a server ended while it started")
        self.servers[number] = self.start(f"{dead.host}:{dead.port}")

    def pick(self):
        with self.lock:
            return self.chance.choice(self.servers)

    def request(self, method, path, **more):
        end = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < end:
            try:
                answer = self.pick().request(method, path, is_busy_told=True, **more)
            except TimeoutError as late:
                raise exports.Failure(f"a {method} was not answered") from late
            except (OSError, http.client.HTTPException):
                self.lost += 1
                time.sleep(0.02)
                continue
            if answer.status != 503:
                return answer
            need(answer.json()["issue"][0]["code"] == "transient",
                 f"a 503 that will not pass: {answer.body}")
            self.busy += 1
            time.sleep(0.1)
        raise exports.Failure(f"a {method} had no answer for {ANSWER_SECONDS} s")

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def end(self):
        codes = [server.stop() for server in self.servers]
        need(not any(codes), f"the servers ended with {codes}")


class Writer(changes.Writer):
    """One that goes on at another server, with what the first has not done, when that is killed."""

    # As many resources as there were at first.
    deleted, revived, made_new = 0.3, 0.15, 0.15

    def __init__(self, fleet, *more):
        super().__init__(fleet.servers[0], *more)
        self.daemon = True
        self.fleet = fleet

    def make(self, key):
        return with_text(super().make(key))

    def request(self, method, key, body=None):
        end = time.monotonic() + ANSWER_SECONDS
        asked = False
        while time.monotonic() < end:
            try:
                done = self.look(method, key, body) if asked else None
                asked = True
                return done or super().request(method, key, body)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                self.connection.close()
                server = self.fleet.pick()
                self.connection = http.client.HTTPConnection(server.host, server.port, timeout=fhir_server.PATIENCE)
                time.sleep(0.01)
        raise exports.Failure(f"a {method} had no answer for {ANSWER_SECONDS} s")

    def look(self, method, key, body):
        """What would have been answered, if it was done before the server was killed."""
        status, tag, text = super().request("GET", key)
        if method == "DELETE":
            return (204, None, b"") if status == 410 else None
        if status != 200:
            return None
        same = json.loads(text)["identifier"] == json.loads(body)["identifier"] \
            if b'"identifier"' in text else False
        return (200, tag, text) if same else None


class Kills(threading.Thread):
    """Kills servers as planned, until the round is over."""

    def __init__(self, fleet, duration, chance):
        super().__init__()
        self.fleet = fleet
        self.plan = []
        for number in range(chance.choice([1, 1, 2, 2, 3])):
            # What a killed server held can be taken by another when its lease is over.
            behind = LEASE_SECONDS if number > 0 else 0
            self.plan.append({"server": chance.randrange(len(fleet.servers)),
                              "files": chance.choice([0, chance.randrange(1, 40)]),
                              "pause": behind + chance.uniform(0, chance.choice(
                                  [KICK_OFF_SECONDS, 0.8 * duration, 0.8 * duration])),
                              "dead": chance.choice([0, chance.uniform(0, 2 * LEASE_SECONDS)]),
                              "early": chance.choice([0, 0, 0, chance.uniform(0, 0.1)])})
        self.over = threading.Event()
        self.done = 0
        self.problem = None

    def run(self):
        try:
            for kill in self.plan:
                if not self.wait(kill):
                    return
                self.fleet.kill(kill["server"])
                self.done += 1
                time.sleep(kill["dead"])
                self.fleet.revive(kill["server"], kill["early"])
        except BaseException as problem:
            self.problem = problem

    def wait(self, kill):
        """For so many new files, or the time; False if the round is over before."""
        if kill["files"] == 0:
            return not self.over.wait(kill["pause"])
        there = records.files_in(self.fleet.out)
        while not self.over.wait(0.002):
            if len(records.files_in(self.fleet.out) - there) >= kill["files"]:
                return True
        return False

    def end(self):
        self.over.set()
        self.join()
        if self.problem is not None:
            raise self.problem


# --- rounds ---

class Attached(changes.Export):
    """The export of a job that nobody has been told of."""

    def __init__(self, server, job):
        self.server = server
        self.url = f"/$export/{job}"

    def take(self, manifest):
        self.since = manifest["request"].partition("?_since=")[2] or None
        return super().take(manifest)


def job_of(export):
    return export.url.rpartition("/")[2]


class Chain:
    """One database, its writers, and the exports of one after another."""

    def __init__(self, options, jobs, folder, seed):
        self.chance = random.Random(seed)
        self.loaded = write_data(os.path.join(folder, "data"))
        self.jobs = jobs
        self.folder = folder
        self.fleet = Fleet(options.server, jobs, folder, self.chance.random())
        keys = sorted(self.loaded)
        self.writers = [
            Writer(self.fleet, keys[number::WRITERS], f"writer{number}", options.rate / WRITERS,
                   self.chance.random()) for number in range(WRITERS)]
        self.begun = time.monotonic()
        for writer in self.writers:
            writer.start()
        self.current = []
        self.state = {}
        self.time = self.duration = None
        self.untold = 0

    def first(self):
        """Nobody is killed, and it is seen how long an export of everything takes then."""
        begin = time.monotonic()
        export = changes.Export(self.fleet)
        manifest = exports.wait(self.fleet, export.url, END_SECONDS)
        self.duration = time.monotonic() - begin
        self.check([export.take(manifest)])
        fewest = min(int(count) for (count,) in self.jobs.rows(
            "SELECT count(*) FROM part JOIN task ON task.job_key = part.job_key AND"
            " task.task_index = part.task_index WHERE task.phase = 1 GROUP BY part.task_index"))
        need(fewest >= CHECKPOINTS_MIN, f"a task has {fewest} checkpoints only")
        export.follow(self.state)
        self.time = export.time

    def round(self):
        kills = Kills(self.fleet, self.duration, self.chance)
        kills.start()
        try:
            gone = self.remove()
            made = [changes.Export(self.fleet, self.time), changes.Export(self.fleet)]
            for export in made:
                export.take(exports.wait(self.fleet, export.url, END_SECONDS))
        finally:
            kills.end()
        self.wait_until_gone(gone)
        (link, _), made = made, made + self.take_unknown({job_of(export) for export in made})
        self.check(made)
        link.follow(self.state)
        self.time = link.time
        changes.same(self.state, self.history.at(self.time), "the chain")
        (resumed,), = self.jobs.rows(records.RESUMED)
        return kills.done, int(resumed)

    def remove(self):
        """What the round before has made."""
        for job in self.current:
            # 404: an earlier try was taken, and its answer lost.
            status = self.fleet.request("DELETE", f"/$export/{job}").status
            need(status in (202, 404), f"DELETE was answered {status}")
        return self.current

    def known(self):
        return {job for (job,) in self.jobs.rows("SELECT job_id FROM job")}

    def wait_until_gone(self, gone):
        end = time.monotonic() + END_SECONDS
        while self.known() & set(gone):
            need(time.monotonic() < end, "a job that was removed has files still")
            time.sleep(0.05)

    def take_unknown(self, told):
        found = [Attached(self.fleet, job) for job in sorted(self.known() - told)]
        self.untold += len(found)
        for export in found:
            export.take(exports.wait(self.fleet, export.url, END_SECONDS))
        return found

    def check(self, made):
        """All that there is was made now, and is exact."""
        self.current = sorted(job_of(export) for export in made)
        recorded = {name for (name,) in self.jobs.rows("SELECT name FROM part")}
        listed = set().union(*(exports.file_names(export.manifest) for export in made))
        need(listed == recorded, "the manifests are not what was recorded: "
             f"{sorted(listed ^ recorded)[:3]}")
        self.check_files(recorded)
        self.history = self.read_history()
        for export in made:
            export.check(self.history)

    def check_files(self, recorded):
        """Who has lost a lease on a busy machine may be writing yet, and drops that when it asks for its lease."""
        end = time.monotonic() + END_SECONDS
        while True:
            present = records.files_in(self.fleet.out)
            need(recorded <= present, f"missing: {sorted(recorded - present)[:3]}")
            if present == recorded:
                return
            need(time.monotonic() < end, f"orphans: {sorted(present - recorded)[:3]}")
            time.sleep(0.1)

    def read_history(self):
        for writer in self.writers:
            writer.lock.acquire()
        try:
            for writer in self.writers:
                if writer.problem is not None:
                    raise writer.problem
            return changes.history_of(self.folder, self.loaded, self.writers)[0]
        finally:
            for writer in self.writers:
                writer.lock.release()

    def end(self):
        for writer in self.writers:
            writer.ended.set()
        for writer in self.writers:
            writer.join()
        seconds = time.monotonic() - self.begun
        self.fleet.end()
        _, untold = changes.history_of(self.folder, self.loaded, self.writers)
        need(not untold, "the server has deletions that nobody made")
        return sum(len(writer.changes) for writer in self.writers), seconds

    def abandon(self):
        for writer in self.writers:
            writer.ended.set()
        for server in self.fleet.servers:
            server.stop(signal.SIGKILL)


def run_chain(options, rounds, seed, total):
    with tempfile.TemporaryDirectory(prefix="fhx-crash-") as folder, \
            STORES[options.store](folder) as jobs:
        chain = Chain(options, jobs, folder, seed)
        try:
            chain.first()
            for _ in range(rounds):
                begin = time.monotonic()
                kills, resumed = chain.round()
                total["round"] += 1
                total["kill"] += kills
                total["resumed"] += resumed > 0
                total["attempt"] += resumed
                print(f"{options.store} {total['round']}: {kills} kills, {resumed} resumed, "
                      f"{time.monotonic() - begin:.1f} s", flush=True)
        except BaseException:
            chain.abandon()
            raise
        made, seconds = chain.end()
        total["change"] += made
        total["second"] += seconds
        total["untold"] += chain.untold
        total["lost"] += chain.fleet.lost
        total["busy"] += chain.fleet.busy


def run(options):
    chance = random.Random(options.seed)
    total = collections.Counter()
    begin = time.monotonic()
    while total["round"] < options.rounds or (
            total["resumed"] == 0 and total["round"] < RESUMED_WITHIN):
        rounds = min(ROUNDS_MAX, max(1, options.rounds - total["round"]))
        run_chain(options, rounds, chance.random(), total)
    print(f"{options.store}: {total['round']} rounds exact in {time.monotonic() - begin:.0f} s; "
          f"{total['kill']} kills; {total['resumed']} rounds resumed from a token, with "
          f"{total['attempt']} attempts; {total['change']} changes, "
          f"{total['change'] / total['second']:.0f} a second; {total['lost']} requests lost, "
          f"{total['untold']} of them kick-offs that were taken, {total['busy']} answered 503; seed {options.seed}", flush=True)
    need(total["resumed"] > 0, "no round resumed from a token")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--store", required=True, choices=sorted(STORES))
    parser.add_argument("--rounds", type=int,
                        default=QUICK_ROUNDS if os.environ.get("FHX_QUICK") else 20)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    component.end_on_signal()
    print(f"seed {options.seed}", flush=True)
    try:
        run(options)
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"FAILED with seed {options.seed}: {failure}")


if __name__ == "__main__":
    main()
