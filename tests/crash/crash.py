#!/usr/bin/python3
"""Kills and stops an export at random moments, and proves that nothing is lost and nothing doubled.

    crash.py --victim PROGRAM --generate PROGRAM [--rounds N] [--stops N] [--seed S] [--patients N]
             [--gzip]

Each round starts an export, kills it with SIGKILL at a random moment, starts it again, and so on
until it is complete; then the published files must hold exactly the resources of the table, each
once, and the folder nothing else. Rounds with a resumed task are counted: none is a failure.
A stop freezes one process past its lease (SIGSTOP), lets another take its tasks over, and thaws it:
it can publish nothing.
"""
import argparse
import collections
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

TYPES = ["Encounter", "Condition", "Observation", "MedicationRequest", "Claim"]
PART_BYTES = 65536
LEASE_MS = 250


def canonical(text):
    return json.dumps(json.loads(text, parse_float=str, parse_int=str), sort_keys=True)


def expected_set(database):
    wanted = {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as table:
        for kind, id_, text in table.execute("SELECT type, id, json FROM resource"):
            if kind in TYPES:
                wanted[kind, id_] = canonical(text)
    return wanted


class Failure(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Failure(message)


class Round:
    """One export in a folder of its own."""

    def __init__(self, options, database, folder):
        self.out = os.path.join(folder, "out")
        self.store = os.path.join(folder, "jobs.sqlite")
        self.job_file = os.path.join(folder, "job")
        self.gzip = options.gzip
        os.mkdir(self.out)
        self.command = [options.victim, database, self.store, self.out, self.job_file]

    def start(self, threads):
        environment = dict(os.environ, **({"FHX_VICTIM_GZIP": "1"} if self.gzip else {}))
        return subprocess.Popen(self.command + [str(threads), str(LEASE_MS), str(PART_BYTES)]
                                + TYPES, env=environment)

    def rows(self, query):
        with sqlite3.connect(self.store) as store:
            return store.execute(query).fetchall()

    def resumed(self):
        """Attempts that went on behind parts that an earlier attempt had recorded."""
        return self.rows("SELECT count(DISTINCT attempt.task_index || '/' || attempt.fence)"
                         " FROM attempt JOIN part USING (job_key, task_index)"
                         " WHERE attempt.fence > part.fence AND attempt.first_seq > part.seq")[0][0]

    def fewest_checkpoints(self):
        """Of the tasks of the export's types, the fewest parts of one."""
        counts = self.rows("SELECT count(*) FROM part GROUP BY task_index")
        return min(count for (count,) in counts)

    def check(self, wanted):
        parts = self.rows("SELECT name, resource_count, byte_count, stored_byte_count, sha256"
                          " FROM part")
        found = collections.Counter()
        for name, count, size, stored, digest in parts:
            with open(os.path.join(self.out, name), "rb") as file:
                data = file.read()
            need(len(data) == stored, f"{name} has another size than was recorded")
            need(hashlib.sha256(data).digest() == digest, f"{name} has another digest")
            need(name.endswith(".gz") == self.gzip, f"{name} is encoded in another way")
            if self.gzip:
                data = gzip.decompress(data)
            need(len(data) == size, f"{name} holds another size than was recorded")
            need(data.endswith(b"\n") and b"\n\n" not in data, f"{name} has a bad line")
            lines = data.decode()[:-1].split("\n")
            need(len(lines) == count, f"{name} has {len(lines)} lines, not {count}")
            for line in lines:
                resource = json.loads(line, parse_float=str, parse_int=str)
                key = resource["resourceType"], resource["id"]
                found[key] += 1
                need(json.dumps(resource, sort_keys=True) == wanted.get(key),
                     f"a {key[0]} is not as it was")
        doubled = sum(1 for count in found.values() if count > 1)
        missing = len(wanted.keys() - found.keys())
        need(doubled == 0 and missing == 0, f"{missing} missing, {doubled} doubled")
        self.check_orphans({name for name, *_ in parts})

    def check_orphans(self, published):
        present = set()
        for folder, _, files in os.walk(self.out):
            present |= {os.path.relpath(os.path.join(folder, file), self.out) for file in files}
        need(present == published, f"orphans: {sorted(present - published)[:3]}")


def time_one(options, database, folder):
    """How long an export takes that nobody kills."""
    one = Round(options, database, folder)
    begin = time.monotonic()
    need(one.start(2).wait() == 0, "the export failed before anybody killed it")
    duration = time.monotonic() - begin
    need(one.fewest_checkpoints() >= 10, "a task has fewer than ten checkpoints: use more patients")
    return duration


def kill_round(options, database, folder, wanted, chance, duration):
    one = Round(options, database, folder)
    kills = 0
    while True:
        process = one.start(chance.choice([1, 2, 4]))
        try:
            code = process.wait(chance.uniform(0.005, 0.7 * duration))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            continue
        need(code == 0, f"the export ended with {code}")
        one.check(wanted)
        return kills, one.resumed()


def store_is_free(store):
    """Whether nobody holds the lock of the store's file."""
    connection = sqlite3.connect(store, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        return True
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


def freeze(process, store):
    """Stops a process outside the store's transactions: inside one it would hold SQLite's lock.
    False if it ended before."""
    for _ in range(1000):
        if process.poll() is not None:
            return False
        process.send_signal(signal.SIGSTOP)
        state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if state.si_code != os.CLD_STOPPED:
            return False
        if store_is_free(store):
            return True
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    raise Failure("the process always held the store's lock")


def run_until(one, process, part_count):
    """Waits until so many parts are recorded, or the process ends."""
    while process.poll() is None:
        try:
            if one.rows("SELECT count(*) FROM part")[0][0] >= part_count:
                return
        except sqlite3.OperationalError:
            pass  # the tables are not there yet
        time.sleep(0.002)


def stop_round(options, database, folder, wanted, chance, _):
    one = Round(options, database, folder)
    frozen = one.start(1)
    run_until(one, frozen, chance.randrange(1, 100))
    need(freeze(frozen, one.store), "the export ended before it was stopped")
    need(one.start(2).wait() == 0, "the process that took over failed")
    one.check(wanted)
    frozen.send_signal(signal.SIGCONT)
    need(frozen.wait(30) == 0, "the thawed process did not see that the job is complete")
    one.check(wanted)
    return 0, one.resumed()


def run_rounds(what, count, one_round, chance, options, *arguments):
    resumed_rounds = kills = 0
    for number in range(1, count + 1):
        folder = tempfile.mkdtemp(prefix="round-", dir=options.folder)
        database, wanted, duration = arguments
        killed, resumed = one_round(options, database, folder, wanted, chance, duration)
        kills += killed
        resumed_rounds += resumed > 0
        shutil.rmtree(folder)
        print(f"{what} {number}: {killed} kills, {resumed} resumed", flush=True)
    print(f"{what}: {count} rounds exact, {kills} kills, {resumed_rounds} rounds resumed from a token",
          flush=True)
    need(count == 0 or resumed_rounds > 0, f"{what}: no round resumed from a token")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--victim", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--stops", type=int, default=3)
    parser.add_argument("--patients", type=int, default=400)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    options.folder = tempfile.mkdtemp(prefix="fhx-crash-")
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    try:
        subprocess.run([options.generate, "--out", options.folder, "--format", "sqlite",
                        "--patients", str(options.patients)], check=True,
                       stdout=subprocess.DEVNULL)
        database = os.path.join(options.folder, "fhir.sqlite")
        wanted = expected_set(database)
        duration = min(time_one(options, database, tempfile.mkdtemp(dir=options.folder))
                       for _ in range(3))
        print(f"{len(wanted)} resources, {duration:.2f} s when left alone", flush=True)
        arguments = database, wanted, duration
        run_rounds("kill", options.rounds, kill_round, chance, options, *arguments)
        run_rounds("stop", options.stops, stop_round, chance, options, *arguments)
    except Failure as failure:
        print(f"FAILED with seed {options.seed}: {failure}", flush=True)
        return 1
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
