#!/usr/bin/python3
"""Kills, parks and stops exports at random moments, and proves that nothing is lost or doubled.

    crash.py --victim PROGRAM --generate PROGRAM [--rounds N] [--stops N] [--seed S] [--patients N]
             [--exports N] [--gzip]

Each round starts an export in one process or in two, kills one of them with SIGKILL or parks it at
a random moment, starts it again, and so on until the export is complete; then the published files
must hold exactly the wanted resources, each once, the error file exactly the wanted lines, and the
folder nothing else. Rounds with a resumed task are counted: none is a failure. Then the job is
removed, killed again and again too, and neither the store nor the folder has anything of it.
A stop freezes one process past its lease (SIGSTOP), lets another take its tasks over, and thaws it,
in the middle of that or behind it: it can publish nothing.
A process that should end and does not is waited for ten times as long as the export takes when left
alone, and two minutes more; whatever a round leaves behind is killed.
Rounds take turns between an export of everything and two of a Group (ward.py).
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

import records
import ward

TYPES = ["Encounter", "Condition", "Observation", "MedicationRequest", "Claim"]
PART_BYTES = 65536
LEASE_MS = 250
PARKED = 3
PHASES = ["plan", "main", "associated", "documents", "deleted", "finish"]


def canonical(text):
    return json.dumps(json.loads(text, parse_float=str, parse_int=str), sort_keys=True)


class Export:
    """What is asked for and what must come of it."""

    def __init__(self, name, database, types, wanted=None, lines=(), arguments=()):
        self.name, self.database, self.types = name, database, types
        self.arguments = list(arguments)
        self.lines = collections.Counter(lines)
        self.duration = None
        self.wanted = {}
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as table:
            for kind, id_, text in table.execute("SELECT type, id, json FROM resource"):
                if kind in types if wanted is None else f"{kind}/{id_}" in wanted:
                    self.wanted[kind, id_] = canonical(text)


def exports_of(database):
    group = ["-g", ward.GROUP, "-a", ",".join(ward.ASSOCIATED)]
    yield Export("everything", database, TYPES)
    for source in "reads", "plain":
        wanted, lines = ward.expected(database, source == "reads")
        yield Export(f"group, {source}", database, ward.TYPES, wanted, lines,
                     [*group, "-s", source])


class Failure(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Failure(message)


class Round:
    """One export in a folder of its own."""

    def __init__(self, options, export, folder):
        self.export = export
        self.out = os.path.join(folder, "out")
        self.store = os.path.join(folder, "jobs.sqlite")
        self.job_file = os.path.join(folder, "job")
        self.gzip = options.gzip
        os.mkdir(self.out)
        self.processes = []
        self.victim = options.victim
        self.positions = [export.database, self.store, self.out, self.job_file]

    def start(self, threads, *more):
        environment = dict(os.environ, **({"FHX_VICTIM_GZIP": "1"} if self.gzip else {}))
        process = subprocess.Popen([self.victim, *self.export.arguments, *more, *self.positions,
                                    str(threads), str(LEASE_MS), str(PART_BYTES),
                                    *self.export.types], env=environment)
        self.processes.append(process)
        return process

    def end_of(self, process, what):
        """The exit code of a process that is about to end."""
        try:
            return process.wait(120 + 10 * (self.export.duration or 0))
        except subprocess.TimeoutExpired:
            raise Failure(f"{what} does not end") from None

    def close(self):
        """Whatever still runs is killed."""
        for process in self.processes:
            process.kill()
            process.wait()

    def rows(self, query):
        with sqlite3.connect(self.store) as store:
            return store.execute(query).fetchall()

    def phase(self):
        """The phase that is under way, and whether it is the plan with members stored."""
        try:
            (phase,), = self.rows("SELECT min(phase) FROM task WHERE state <> 3")
            if phase == 0 and self.rows("SELECT count(*) FROM member")[0][0] != 0:
                return "roster"
        except sqlite3.OperationalError:
            return "start"  # the tables are not there yet
        return "start" if phase is None else PHASES[phase]

    def resumed(self):
        """Attempts that went on behind parts that an earlier attempt had recorded."""
        return self.rows(records.RESUMED)[0][0]

    def fewest_checkpoints(self):
        """Of the tasks of the export's types, the fewest parts of one."""
        counts = self.rows("SELECT count(*) FROM part GROUP BY task_index")
        return min(count for (count,) in counts)

    def check(self):
        parts = self.rows("SELECT name, resource_count, byte_count, stored_byte_count, sha256, kind,"
                          " resource_type FROM part")
        found, lines = collections.Counter(), collections.Counter()
        for name, count, size, stored, digest, kind, resource_type in parts:
            with open(os.path.join(self.out, name), "rb") as file:
                data = file.read()
            need(len(data) == stored, f"{name} has another size than was recorded")
            need(hashlib.sha256(data).digest() == digest, f"{name} has another digest")
            need(name.endswith(".gz") == self.gzip, f"{name} is encoded in another way")
            if self.gzip:
                data = gzip.decompress(data)
            need(len(data) == size, f"{name} holds another size than was recorded")
            need(data.endswith(b"\n") and b"\n\n" not in data, f"{name} has a bad line")
            resources = [json.loads(line, parse_float=str, parse_int=str)
                         for line in data.decode()[:-1].split("\n")]
            need(len(resources) == count, f"{name} has {len(resources)} lines, not {count}")
            need({one["resourceType"] for one in resources} == {resource_type},
                 f"{name} has another type")
            if kind == 1:
                lines.update(issue["diagnostics"] for one in resources for issue in one["issue"])
            else:
                self.check_resources(resources, found)
        doubled = sum(1 for count in found.values() if count > 1)
        missing = len(self.export.wanted.keys() - found.keys())
        need(doubled == 0 and missing == 0, f"{missing} missing, {doubled} doubled")
        need(lines == self.export.lines,
             f"error lines: {list((lines - self.export.lines).items())[:3]} too many, "
             f"{list((self.export.lines - lines).items())[:3]} missing")
        self.check_orphans({name for name, *_ in parts})

    def check_resources(self, resources, found):
        for resource in resources:
            key = resource["resourceType"], resource["id"]
            found[key] += 1
            need(key in self.export.wanted, f"{key[0]}/{key[1]} was not asked for")
            need(json.dumps(resource, sort_keys=True) == self.export.wanted[key],
                 f"a {key[0]} is not as it was")

    def check_gone(self):
        for table in "job", "task", "attempt", "part", "error_line", "member":
            (count,), = self.rows(f"SELECT count(*) FROM {table}")
            need(count == 0, f"the removed job left {count} rows in the table {table}")
        self.check_orphans(set())

    def check_orphans(self, published):
        present = records.files_in(self.out)
        need(present == published, f"orphans: {sorted(present - published)[:3]}")


def time_one(options, export, folder):
    """How long an export takes that nobody kills."""
    one = Round(options, export, folder)
    begin = time.monotonic()
    need(one.start(2).wait() == 0, "the export failed before anybody killed it")
    duration = time.monotonic() - begin
    one.check()
    need(export.arguments or one.fewest_checkpoints() >= 10,
         "a task has fewer than ten checkpoints: use more patients")
    return duration


def start_some(one, running, count, chance):
    """So many processes of one job: only the first may find none."""
    while len(running) < count:
        running.append(one.start(chance.choice([1, 2, 4])))
        while not os.path.exists(one.job_file) and running[0].poll() is None:
            time.sleep(0.001)


def wait_for_one(running, seconds):
    """Whether a process has ended by then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(process.poll() is not None for process in running):
            return True
        time.sleep(0.002)
    return False


def remove(one, chance):
    """Kills the removal too, five times at most."""
    for number in range(6):
        process = one.start(1, "-r")
        if number < 5 and not wait_for_one([process], chance.uniform(0.005, 0.1)):
            process.kill()
            process.wait()
            continue
        code = one.end_of(process, "the removal")
        need(code == 0, f"the removal ended with {code}")
        break
    one.check_gone()


def wait_for_roster(one, running, count, seconds):
    """Waits until so many members are stored while the export is planned, and a little longer."""
    while one.phase() in ("start", "plan", "roster"):
        if wait_for_one(running, 0.002):
            return
        try:
            if one.rows("SELECT count(*) FROM member")[0][0] >= count:
                break
        except sqlite3.OperationalError:
            pass  # the tables are not there yet
    wait_for_one(running, seconds)


def kill_round(one, chance, done):
    export, running = one.export, []
    # The plan is short: a Group's is sought out.
    in_plan = chance.randrange(1, 6) if export.arguments else 0
    while True:
        start_some(one, running, chance.choice([1, 1, 2]), chance)
        if in_plan > 0:
            wait_for_roster(one, running, chance.choice([1, 10001, 12500, 20000]),
                            chance.uniform(0, 0.04))
            in_plan -= 1
        elif wait_for_one(running, chance.uniform(0.005, 0.7 * export.duration)):
            break
        if any(process.poll() is not None for process in running):
            break
        hit = running.pop(chance.randrange(len(running)))
        parks = chance.randrange(4) == 0
        done["park" if parks else "kill", one.phase()] += 1
        hit.send_signal(signal.SIGTERM if parks else signal.SIGKILL)
        code = one.end_of(hit, "a process that was stopped")
        need(code in ((0, PARKED, -signal.SIGTERM) if parks else (0, -signal.SIGKILL)),
             f"a process that was stopped ended with {code}")
    for process in running:
        need(one.end_of(process, "the export") == 0, f"the export ended with {process.returncode}")
    one.check()
    resumed = one.resumed()
    remove(one, chance)
    return resumed


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
    for number in range(1000):
        if process.poll() is not None:
            return False
        process.send_signal(signal.SIGSTOP)
        state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if state.si_code != os.CLD_STOPPED:
            return False
        if store_is_free(store):
            return True
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001 * (1 + number % 50))  # on a busy machine it is not run at once
    raise Failure("the process always held the store's lock")


def run_until(one, process, query, count):
    """Waits until there are so many of something, or the process ends."""
    while process.poll() is None:
        try:
            if one.rows(query)[0][0] >= count:
                return
        except sqlite3.OperationalError:
            pass  # the tables are not there yet
        time.sleep(0.002)


def stop_round(one, chance, done):
    """None if the export ended before it could be stopped."""
    export, frozen = one.export, one.start(1)
    if export.arguments and chance.randrange(4) != 0:
        run_until(one, frozen, "SELECT count(*) FROM member", chance.randrange(1, 20000))
    else:
        run_until(one, frozen, "SELECT count(*) FROM part", chance.randrange(1, 100))
    if not freeze(frozen, one.store):
        need(one.end_of(frozen, "the export") == 0, f"the export ended with {frozen.returncode}")
        one.check()
        return None
    done["stop", one.phase()] += 1
    other = one.start(2)
    if chance.randrange(2) == 0:
        wait_for_one([other], LEASE_MS / 1000 + chance.uniform(0, export.duration))
    else:
        need(one.end_of(other, "the process that took over") == 0,
             "the process that took over failed")
        one.check()
    frozen.send_signal(signal.SIGCONT)
    need(one.end_of(other, "the process that took over") == 0, "the process that took over failed")
    need(one.end_of(frozen, "the thawed process") == 0,
         "the thawed process did not see that the job is complete")
    one.check()
    return one.resumed()


def in_folder(options, export, one_round):
    """What a round gives, in a folder of its own."""
    folder = tempfile.mkdtemp(prefix="round-", dir=options.folder)
    one = Round(options, export, folder)
    try:
        return one_round(one)
    finally:
        one.close()
        shutil.rmtree(folder)


def run_rounds(what, count, one_round, chance, options, exports):
    resumed_rounds = 0
    total = collections.Counter()
    for number in range(count):
        done = collections.Counter()
        export = exports[number % len(exports)]
        resumed = None
        for _ in range(20):
            resumed = in_folder(options, export, lambda one: one_round(one, chance, done))
            if resumed is not None:
                break
        need(resumed is not None, "twenty exports ended before they were stopped")
        total += done
        resumed_rounds += resumed > 0
        print(f"{what} {number + 1} ({export.name}): {told(done)}; {resumed} resumed", flush=True)
    print(f"{what}: {count} rounds exact; {told(total)}; {resumed_rounds} rounds resumed from a "
          "token", flush=True)
    in_main = sum(count for (_, phase), count in total.items() if phase == "main")
    need(resumed_rounds > 0 or in_main < 5, f"{what}: no round resumed from a token")


def told(done):
    parts = []
    for how in "kill", "park", "stop":
        counts = {phase: count for (kind, phase), count in done.items() if kind == how}
        if counts:
            where = ", ".join(f"{phase} {count}" for phase, count in sorted(counts.items()))
            parts.append(f"{sum(counts.values())} {how}s ({where})")
    return "; ".join(parts) or "nothing"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--victim", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--stops", type=int, default=3)
    parser.add_argument("--patients", type=int, default=400)
    parser.add_argument("--exports", type=int, default=3, help="of the three kinds, the first so many")
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
        ward.add(database)
        exports = list(exports_of(database))[:options.exports]
        for export in exports:
            export.duration = time_one(options, export, tempfile.mkdtemp(dir=options.folder))
            print(f"{export.name}: {len(export.wanted)} resources, {sum(export.lines.values())} "
                  f"error lines, {export.duration:.2f} s when left alone", flush=True)
        run_rounds("kill", options.rounds, kill_round, chance, options, exports)
        run_rounds("stop", options.stops, stop_round, chance, options, exports)
    except Failure as failure:
        print(f"FAILED with seed {options.seed}: {failure}", flush=True)
        return 1
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
