#!/usr/bin/python3
"""Measures what a status poll and a kick-off cost a server that keeps many jobs.

    many_jobs.py --server PROGRAM --generate PROGRAM [--jobs N] [--polls N]

One real export is copied N times in the jobs file, under other ids, all complete. Then a complete
job is polled, and one that runs elsewhere: its tasks are held by another process, so that nothing
but the polls costs time here. The figures are the server's CPU time, from /proc, with one job and
with N, beside that of a request that the engine does not see; the bound on them is generous.
"""
import argparse
import os
import sqlite3
import sys
import tempfile
import threading
import time

import exports
import fhir_server
from exports import need

TYPE = "Patient"
POLL_MS_MAX = 5
KICK_OFF_MS_MAX = 50
# Where a machine is slow: how often as much as a request that the engine does not see.
POLL_TIMES_MAX = 5
KICK_OFF_TIMES_MAX = 50
KICK_OFFS = 200
CROWD = 200
CROWD_POLLS = 10
LEASE_US = 3600 * 10**6


class Jobs:
    """The jobs file of a server that is not running."""

    def __init__(self, path):
        self.store = sqlite3.connect(path, isolation_level=None)

    def columns(self, table):
        return [row[1] for row in self.store.execute(f"PRAGMA table_info({table})")]

    def copy_rows(self, table, key, changes):
        """Copies a job's rows, with other values (SQL) for some columns."""
        names = self.columns(table)
        values = ", ".join(changes.get(name, name) for name in names)
        self.store.execute(f"INSERT INTO {table} ({', '.join(names)})"
                           f" SELECT {values} FROM {table} WHERE job_key = {key}")

    def copy(self, key, number, task_changes=None, job_changes=None):
        """The copy's id."""
        old_id = self.store.execute("SELECT job_id FROM job WHERE job_key = ?", (key,)).fetchone()[0]
        new_id = f"{number:032x}"
        new_key = {"job_key": str(key + number)}
        name = f"replace(name, '{old_id}', '{new_id}')"
        self.copy_rows("job", key, {**new_key, "job_id": f"'{new_id}'", **(job_changes or {})})
        self.copy_rows("task", key, {**new_key, **(task_changes or {})})
        self.copy_rows("attempt", key, new_key)
        self.copy_rows("part", key, {**new_key, "name": name})
        return new_id

    def copy_all(self, count):
        """Many complete jobs, and one that another process runs; the id of this one."""
        key = self.store.execute("SELECT min(job_key) FROM job").fetchone()[0]
        self.store.execute("BEGIN")
        for number in range(1, count):
            self.copy(key, number)
        far_us = time.time_ns() // 1000 + LEASE_US
        running = self.copy(key, count, job_changes={"state": "1", "ended_us": "0"},
                            task_changes={"state": "2", "claim_id": "'elsewhere'",
                                          "lease_until_us": str(far_us)})
        self.store.execute("COMMIT")
        return running

    def close(self):
        self.store.close()


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, what, count, act):
    """CPU milliseconds of the server for each of `count` acts."""
    before, begin = cpu_seconds(server), time.monotonic()
    for _ in range(count):
        act()
    each = (cpu_seconds(server) - before) / count * 1000
    wall = (time.monotonic() - begin) / count * 1000
    print(f"{what}: {each:.3f} ms of CPU each, {wall:.3f} ms until the answer, {count} times",
          flush=True)
    return each


def poll(server, url, status):
    answer = server.get(url)
    need(answer.status == status, f"a poll was answered {answer.status}, not {status}")


def wait_for_all(server, urls):
    for url in urls:
        exports.wait(server, url)


def measure_kick_offs(server, name, least):
    """Of an export of one type, and of this with its export."""
    urls = []
    before = cpu_seconds(server)
    each = measure(server, f"kick-off, {name}", KICK_OFFS,
                   lambda: urls.append(exports.kick_off(server, "?_type=" + TYPE)))
    wait_for_all(server, urls)
    print(f"  with its export and the polls for it: "
          f"{(cpu_seconds(server) - before) / KICK_OFFS * 1000:.3f} ms of CPU each")
    need(each < max(KICK_OFF_MS_MAX, KICK_OFF_TIMES_MAX * least), f"a kick-off costs {each:.3f} ms")


def measure_polls(server, name, polls, complete, running, least):
    figures = [measure(server, f"poll of a complete job, {name}", polls,
                       lambda: poll(server, complete, 200))]
    if running:
        figures.append(measure(server, f"poll of a running job, {name}", polls,
                               lambda: poll(server, running, 202)))
    need(max(figures) < max(POLL_MS_MAX, POLL_TIMES_MAX * least), f"a poll costs {max(figures):.3f} ms")


def measure_crowd(server, name, running, least):
    """Many clients at a time, each with one poll after the other."""
    statuses = []

    def poll_on():
        """Who is told that the store is busy comes again."""
        end = time.monotonic() + fhir_server.PATIENCE
        for _ in range(CROWD_POLLS):
            while True:
                statuses.append(server.get(running, is_busy_told=True).status)
                if statuses[-1] != 503 or time.monotonic() > end:
                    break
                time.sleep(0.1)
            time.sleep(0.02)

    clients = [threading.Thread(target=poll_on) for _ in range(CROWD)]
    before = cpu_seconds(server)
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    each = (cpu_seconds(server) - before) / (CROWD * CROWD_POLLS) * 1000
    print(f"poll of a running job by {CROWD} clients at a time, {name}: {each:.3f} ms of CPU each, "
          f"{len(statuses)} times, {statuses.count(503)} answered 503", flush=True)
    need(statuses.count(202) == CROWD * CROWD_POLLS and set(statuses) <= {202, 503}, "a poll went wrong")
    need(each < max(POLL_MS_MAX, POLL_TIMES_MAX * least), f"a poll costs {each:.3f} ms")


def start(options, work, *more):
    return exports.start(options.server, "--max-polls", "1000000", "--jobs", os.path.join(work, "jobs"), "--url-key-file",
                         os.path.join(work, "url-keys"), "--max-jobs", "100000",
                         "--max-jobs-per-client", "100000", *more, folder=work)


def stop(server):
    code = server.stop()
    need(code == 0, f"the server ended with {code}")


def run(options, work):
    data = exports.find_data("", options.generate, work, 20)
    exports.write_key(work)
    server = start(options, work, "--load", data)
    try:
        complete = exports.kick_off(server, "?_type=" + TYPE)
        exports.wait(server, complete)
        least = measure(server, "request answered 404 by the server alone", options.polls,
                        lambda: poll(server, "/nothing", 404))
        measure_polls(server, "one job kept", options.polls, complete, None, least)
    finally:
        stop(server)
    jobs = Jobs(os.path.join(work, "jobs"))
    running = jobs.copy_all(options.jobs)
    jobs.close()
    server = start(options, work)
    try:
        # The port is another one.
        complete = server.base_url + "/$export/" + complete.rpartition("/")[2]
        running = server.base_url + "/$export/" + running
        name = f"{options.jobs} jobs kept"
        measure(server, f"a second without requests, {name}", 3, lambda: time.sleep(1))
        measure_polls(server, name, options.polls, complete, running, least)
        measure_crowd(server, name, running, least)
        measure_kick_offs(server, name, least)
    finally:
        stop(server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--jobs", type=int, default=10000)
    parser.add_argument("--polls", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-many-") as work:
        run(options, work)


if __name__ == "__main__":
    try:
        main()
    except exports.Failure as failure:
        sys.exit(f"many_jobs.py: {failure}")
