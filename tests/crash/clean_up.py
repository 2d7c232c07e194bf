#!/usr/bin/python3
"""Kills the clean-up of a job before each of its steps, and proves that it is gone all the same.

    clean_up.py --victim PROGRAM --generate PROGRAM [--points N]

An export that was killed between a part's name and its record, so that there is more in its folder
than its records say, is removed. strace kills that before its first, second, third ... removal of a
name, write to the store and sync of it. Then it is removed by another process. Behind it there is
nothing of the job in the store and in the folder; what is not one of its names (architecture 4.5)
is as it was, also in its own folder, and so are the published files and records of another job.
"""
import argparse
import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

TYPES = ["Observation", "Encounter"]
STEPS = ["unlinkat", "pwrite64", "fdatasync"]
LEASE_MS = 250
PART_BYTES = 16384
# Before this rename a part has its temporary name, and those before it are recorded.
KILLED_AT = 9


def need(condition, message):
    if not condition:
        sys.exit(f"clean_up: {message}")


class Place:
    """A store, and a folder of exports."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.out = os.path.join(folder, "out")
        self.store = os.path.join(folder, "jobs.sqlite")

    def command(self, job, *more):
        return [self.options.victim, *more, self.options.database, self.store, self.out,
                os.path.join(self.folder, job), "1", str(LEASE_MS), str(PART_BYTES), *TYPES]

    def run(self, job, *more, kill=None, trace=os.devnull):
        """The exit status; `kill`: strace's `syscall:when`."""
        command = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=renameat2," + ",".join(STEPS)]
        if kill is not None:
            name, when = kill
            command += ["-e", f"inject={name}:signal=KILL:when={when}"]
        traced = kill is not None or trace != os.devnull
        return subprocess.run((command if traced else []) + self.command(job, *more),
                              check=False, timeout=600).returncode

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Place(self.options, folder)

    def job_id(self, job):
        with open(os.path.join(self.folder, job), encoding="ascii") as file:
            return file.read()

    def files(self, job_id):
        found = {}
        folder = os.path.join(self.out, job_id)
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def records(self, job_id):
        """What the store has of a job; None if it has nothing."""
        with contextlib.closing(sqlite3.connect(self.store)) as store:
            keys = store.execute("SELECT job_key FROM job WHERE job_id = ?", (job_id,)).fetchall()
            if not keys:
                return None
            return store.execute("SELECT name, byte_count, sha256 FROM part WHERE job_key = ?"
                                 " ORDER BY name", keys[0]).fetchall()

    def rows_left(self):
        """How many rows no job owns."""
        count = 0
        with contextlib.closing(sqlite3.connect(self.store)) as store:
            for table, in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                if "job_key" in columns and table != "job":
                    count += store.execute(f"SELECT count(*) FROM {table} WHERE job_key NOT IN"
                                           " (SELECT job_key FROM job)").fetchone()[0]
        return count


def strange_files(place, job_id):
    """Files in the job's folder that are not its: not a name of it, or a number it cannot have."""
    names = ["notes.txt", "Observation-0-1-99999.ndjson", "Observation-77-1-1.ndjson",
             "Encounter-0-99-1.ndjson", "Observation-0-1-1.ndjson.bak", "Patient-0-1-1.ndjson"]
    for name in names:
        with open(os.path.join(place.out, job_id, name), "x", encoding="ascii") as file:
            file.write(f"not the job's: {name}\n")
    return {name: digest for name, digest in place.files(job_id).items() if name in names}


def prepare(options, folder):
    """One job that is complete, and one that was killed in the middle."""
    place = Place(options, folder)
    os.makedirs(place.out)
    need(place.run("published") == 0, "the first export failed")
    need(place.run("removed", kill=("renameat2", KILLED_AT)) != 0, "the export was not killed")
    job_id = place.job_id("removed")
    left_over = set(place.files(job_id)) - {name.split("/")[-1]
                                            for name, _, _ in place.records(job_id)}
    need(left_over, "nothing was left over")
    # Who removes it waits for no lease, however fast or slow this machine is.
    time.sleep(2 * LEASE_MS / 1000)
    return place


def points_of(place, scratch, limit):
    """The steps of an undisturbed clean-up: (syscall, number), at most about so many."""
    copy = place.copy(os.path.join(scratch, "undisturbed"))
    trace = os.path.join(scratch, "trace")
    need(copy.run("removed", "-r", trace=trace) == 0, "the clean-up failed")
    with open(trace, encoding="utf-8", errors="replace") as file:
        calls = re.findall(r"^\d+ +(\w+)\(", file.read(), re.M)
    points = []
    for name in STEPS:
        count = calls.count(name)
        need(count > 0, f"the clean-up had no {name}")
        step = max(1, -(-count * len(STEPS) // limit))
        points += [(name, number) for number in range(1, count + 1, step)]
    return points


def check(place, job_id, strange, published, where):
    need(place.records(job_id) is None, f"{where}: the job is still in the store")
    need(place.rows_left() == 0, f"{where}: records are left that no job has")
    need(place.files(job_id) == strange, f"{where}: in the job's folder there is"
         f" {sorted(place.files(job_id))}")
    other = place.job_id("published")
    need((place.files(other), place.records(other)) == published,
         f"{where}: another job's files or records have changed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--victim", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--points", type=int, default=36)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-clean-up-") as scratch:
        scratch = os.path.realpath(scratch)
        options.database = os.path.join(scratch, "fhir.sqlite")
        subprocess.run([options.generate, "--out", scratch, "--format", "sqlite", "--patients",
                        "12"], check=True, stdout=subprocess.DEVNULL)
        place = prepare(options, os.path.join(scratch, "place"))
        job_id = place.job_id("removed")
        strange = strange_files(place, job_id)
        other = place.job_id("published")
        published = place.files(other), place.records(other)
        need(published[0] and published[1], "nothing was published")
        points = points_of(place, scratch, options.points)
        for number, point in enumerate(points):
            copy = place.copy(os.path.join(scratch, f"copy-{number}"))
            where = f"killed before {point[0]} {point[1]}"
            need(copy.run("removed", "-r", kill=point) != 0, f"{where}: it was not killed")
            need(copy.run("removed", "-r") == 0, f"{where}: it cannot be removed any more")
            check(copy, job_id, strange, published, where)
            shutil.rmtree(copy.folder)
    kills = ", ".join(f"{sum(name == at for at, _ in points)} at {name}" for name in STEPS)
    print(f"clean_up: {len(points)} kills ({kills}), each job gone, nothing else")


if __name__ == "__main__":
    main()
