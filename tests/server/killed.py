#!/usr/bin/python3
"""Kills the server in the middle of exports; each is completed at the same poll URL, exactly.

    killed.py --server PROGRAM --generate PROGRAM [--data FOLDER] [--rounds N] [--seed S]

Each round kicks off an export and kills the server with SIGKILL at a random moment, starts it again
with the same files, and so on, up to four kills. The export that is then complete holds exactly the
resources that were loaded, and the folder no file that is not in the manifest. Attempts that went
on behind parts of a killed one are counted: none is a failure.
"""
import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

import exports
from exports import need

LEASE_SECONDS = 1
KILLS_MAX = 4


class Round:
    """A server in a folder of its own, with a copy of the loaded database."""

    def __init__(self, program, work, database, name):
        self.program = program
        self.folder = os.path.join(work, name)
        os.mkdir(self.folder)
        shutil.copy(database, os.path.join(self.folder, "resources.db"))
        self.key = exports.write_key(self.folder)
        self.jobs = os.path.join(self.folder, "jobs")
        self.server = None
        self.start("127.0.0.1:0")

    def start(self, listen):
        self.server = exports.start(
            self.program, "--jobs", self.jobs, "--url-key-file", self.key,
            "--part-bytes", "65536", "--lease", str(LEASE_SECONDS),
            folder=self.folder, listen=listen)

    def kill(self):
        self.server.stop(signal.SIGKILL)
        self.start(f"{self.server.host}:{self.server.port}")

    def rows(self, query):
        store = sqlite3.connect(self.jobs)
        try:
            return store.execute(query).fetchall()
        finally:
            store.close()

    def resumed(self):
        """Attempts that went on behind parts that an earlier attempt had recorded."""
        return self.rows("SELECT count(DISTINCT attempt.task_index || '/' || attempt.fence)"
                         " FROM attempt JOIN part USING (job_key, task_index) WHERE attempt.fence"
                         " > 1 AND attempt.fence > part.fence AND attempt.first_seq > part.seq")[0][0]

    def check_files(self, manifest):
        """No file is left that nobody knows of, none is missing."""
        present = set()
        out = os.path.join(self.folder, "files")
        for folder, _, files in os.walk(out):
            present |= {os.path.relpath(os.path.join(folder, file), out) for file in files}
        recorded = {name for (name,) in self.rows("SELECT name FROM part")}
        listed = exports.file_names(manifest)
        need(listed == recorded, "the manifest is not what was recorded")
        need(present == recorded, f"orphans: {sorted(present - recorded)[:3]}, "
             f"missing: {sorted(recorded - present)[:3]}")

    def end(self):
        code = self.server.stop()
        need(code == 0, f"the server ended with {code}")


def load(program, work, data):
    """A loaded database, to be copied."""
    folder = os.path.join(work, "loaded")
    os.mkdir(folder)
    server = exports.start(program, "--load", data, folder=folder)
    need(server.stop() == 0, "the loading server did not end cleanly")
    return os.path.join(folder, "resources.db")


def time_one(options, work, database, wanted):
    """How long an export takes that nobody disturbs."""
    one = Round(options.server, work, database, "calm")
    try:
        begin = time.monotonic()
        manifest = exports.wait(one.server, exports.kick_off(one.server))
        duration = time.monotonic() - begin
        exports.compare(exports.download(one.server, manifest), wanted)
        one.check_files(manifest)
        need(one.resumed() == 0, "an export was resumed that nobody killed")
    finally:
        one.end()
    return duration


def is_running(one, url):
    return exports.poll(one.server, url) is None


def kill_round(options, work, database, name, wanted, chance, duration):
    one = Round(options.server, work, database, name)
    try:
        kills = 0
        url = exports.kick_off(one.server)
        pause = chance.uniform(0, 0.9 * duration)
        while kills < KILLS_MAX:
            time.sleep(pause)
            if kills > 0 and not is_running(one, url):
                break
            one.kill()
            kills += 1
            # Tasks of the killed process can be taken once their leases have lapsed.
            pause = LEASE_SECONDS + chance.uniform(0, 0.9 * duration)
        manifest = exports.wait(one.server, url)
        exports.compare(exports.download(one.server, manifest), wanted)
        one.check_files(manifest)
        resumed = one.resumed()
    finally:
        one.end()
    shutil.rmtree(one.folder)
    return kills, resumed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--data", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    kills = resumed = 0
    with tempfile.TemporaryDirectory(prefix="fhx-killed-") as work:
        data = exports.find_data(options.data, options.generate, work, 100)
        wanted = exports.read_data(data)
        database = load(options.server, work, data)
        duration = time_one(options, work, database, wanted)
        for number in range(options.rounds):
            more = kill_round(options, work, database, f"round{number}", wanted, chance, duration)
            print(f"round {number}: {more[0]} kills, {more[1]} resumed", flush=True)
            kills += more[0]
            resumed += more[1]
    print(f"{options.rounds} exports of {len(wanted)} resources, {kills} kills, {resumed} resumed "
          f"attempts; seed {options.seed}; all exact")
    need(resumed > 0, "no attempt went on behind parts of a killed one")


if __name__ == "__main__":
    try:
        main()
    except exports.Failure as failure:
        sys.exit(f"killed.py: {failure}")
