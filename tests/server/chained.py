#!/usr/bin/python3
"""Chains exports by _since while resources change, and finds every change, each at its time.

    chained.py --server PROGRAM --generate PROGRAM [--exports N] [--rate N] [--seed S]

Writers create, update and delete resources all the time and note what the server answered: version,
lastUpdated, content. Each export of the chain begins at the transactionTime of the one before: it
must hold exactly the resources whose newest change at its own transactionTime is later than the one
before, each once and in that version (FILTER-01, FILTER-13). A full export every few links must equal the
state at its transactionTime; so must, at the end, all links put together (MAN-03, MAN-04, MAN-05).
"""
import argparse
import bisect
import datetime
import http.client
import json
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time

import exports
from exports import need

WRITERS = 2
FULL_EVERY = 4
TYPES = ["Patient", "Observation", "Condition", "Encounter"]


class Writer(threading.Thread):
    """Writes resources of its own at an even rate; `changes` is its log, in order.

    A change is (type, id, lastUpdated, resource), the resource being None for a deletion, whose
    answer has no time: it is filled in later."""

    def __init__(self, server, owned, name, rate, seed):
        super().__init__()
        self.server = server
        self.name = name
        self.rate = rate
        self.chance = random.Random(seed)
        self.living = list(owned)
        self.dead = []
        self.made = 0
        self.changes = []
        self.ended = threading.Event()
        self.problem = None
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=60)

    def run(self):
        try:
            begin = time.monotonic()
            while not self.ended.is_set():
                self.write()
                ahead = begin + len(self.changes) / self.rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
        except BaseException as problem:
            self.problem = problem

    def request(self, method, key, body=None):
        headers = {"Content-Type": "application/fhir+json"} if body else {}
        self.connection.request(method, f"{self.server.base}/{key[0]}/{key[1]}", body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.getheader("ETag"), answer.read()

    def write(self):
        choice = self.chance.random()
        if choice < 0.15 and len(self.living) > 50:
            self.delete(self.living.pop(self.chance.randrange(len(self.living))))
        elif choice < 0.25 and self.dead:
            key = self.dead.pop(self.chance.randrange(len(self.dead)))
            self.living.append(key)
            self.put(key)
        elif choice < 0.5:
            self.made += 1
            key = self.chance.choice(TYPES), f"{self.name}-{self.made}"
            self.living.append(key)
            self.put(key)
        else:
            self.put(self.chance.choice(self.living))

    def put(self, key):
        resource = {"resourceType": key[0], "id": key[1],
                    "identifier": [{"value": f"{self.name}/{len(self.changes)}"}]}
        status, tag, body = self.request("PUT", key, json.dumps(resource))
        need(status in (200, 201), f"PUT was answered {status}: {body}")
        stored = exports.exact(body)
        need(exports.without_stamp(stored, resource) == resource, "PUT answered another resource")
        need(tag == f'W/"{stored["meta"]["versionId"]}"', "the ETag is another version")
        self.changes.append((*key, stored["meta"]["lastUpdated"], stored))

    def delete(self, key):
        status, _, body = self.request("DELETE", key)
        need(status == 204, f"DELETE was answered {status}: {body}")
        self.changes.append((*key, None, None))
        self.dead.append(key)


def deletion_times(folder):
    """The server's stamps of deletions, per resource in order: no answer shows them."""
    times = {}
    resources = sqlite3.connect(os.path.join(folder, "resources.db"))
    try:
        for kind, id_, stamp in resources.execute(
                "SELECT type, id, strftime('%Y-%m-%dT%H:%M:%S', updated_us / 1000000, 'unixepoch')"
                " || printf('.%06dZ', updated_us % 1000000) FROM resource_version WHERE deleted = 1"
                " ORDER BY type, id, version"):
            times.setdefault((kind, id_), []).append(stamp)
    finally:
        resources.close()
    return times


def complete_log(changes, times):
    """One writer's log with the times of its deletions, which must fit between its other times."""
    complete = []
    for kind, id_, stamp, resource in changes:
        if stamp is None:
            stamp = times[kind, id_].pop(0)
        # All times have six digits and end in Z, so texts compare as times do.
        need(len(stamp) == 27 and stamp.endswith("Z"), f"{stamp} is not to the microsecond")
        need(not complete or stamp > complete[-1][2], "the server's time went back")
        complete.append((kind, id_, stamp, resource))
    return complete


class History:
    """All versions of all resources, by the writers' logs."""

    def __init__(self, loaded, logs):
        self.versions = {key: [(resource["meta"]["lastUpdated"], resource)]
                         for key, resource in loaded.items()}
        for log in logs:
            for kind, id_, stamp, resource in log:
                self.versions.setdefault((kind, id_), []).append((stamp, resource))
        self.stamps = {key: [stamp for stamp, _ in versions]
                       for key, versions in self.versions.items()}

    def at(self, until, since=""):
        """What there is at `until`, without what last changed at `since` or before."""
        state = {}
        for key, versions in self.versions.items():
            index = bisect.bisect_right(self.stamps[key], until) - 1
            if index >= 0 and versions[index][0] > since and versions[index][1] is not None:
                state[key] = versions[index][1]
        return state

    def dead_at(self, until):
        return {key for key, stamps in self.stamps.items()
                if stamps[0] <= until} - self.at(until).keys()


def same(found, wanted, what):
    missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    need(not missing, f"{what}: {len(missing)} are missing, as {sorted(missing)[:3]}")
    need(not extra, f"{what}: {len(extra)} too many, as {sorted(extra)[:3]}")
    changed = [key for key in wanted if found[key] != wanted[key]]
    need(not changed, f"{what}: {len(changed)} are of another version, as {sorted(changed)[:3]}")


class Export:
    def __init__(self, server, since=None):
        self.server = server
        self.since = since
        self.url = exports.kick_off(server, "" if since is None else f"?_since={since}")

    def end(self):
        manifest = exports.wait(self.server, self.url)
        self.time = manifest["transactionTime"]
        self.found = exports.download(self.server, manifest)
        self.deleted = exports.deletions(self.server, manifest)
        self.end_time = datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="microseconds").replace("+00:00", "Z")
        return self

    def check(self, history):
        need(len(self.time) == 27, f"the transactionTime {self.time} is not to the microsecond")
        if self.since is None:
            same(self.found, history.at(self.time), f"the full export of {self.time}")
        else:
            same(self.found, history.at(self.time, self.since),
                 f"the export from {self.since} to {self.time}")
        need(self.deleted <= history.dead_at(self.time) and (self.since or not self.deleted),
             f"the export of {self.time} tells deletions that nobody made")


def run_chain(server, count, chance):
    chain, fulls = [Export(server).end()], []
    for number in range(count):
        time.sleep(chance.uniform(0, 1))
        link = Export(server, chain[-1].time)
        full = Export(server) if number % FULL_EVERY == 0 else None
        chain.append(link.end())
        fulls += [full.end()] if full else []
    return chain, fulls


def check_all(history, chain, fulls):
    for export in chain + fulls:
        export.check(history)
    # What a client has that follows the chain, deletions included (MAN-13, MAN-14, FILTER-24).
    followed = {}
    for export in chain:
        need(not export.deleted & export.found.keys(), "a resource is exported and deleted")
        followed.update(export.found)
        for key in export.deleted:
            followed.pop(key, None)
    same(followed, history.at(chain[-1].time), "the chain")


def count_meanwhile(history, all_exports):
    """Versions that came between an export's time and its end: what it must not see."""
    return sum(bisect.bisect_right(stamps, export.end_time) - bisect.bisect_right(stamps, export.time)
               for stamps in history.stamps.values() for export in all_exports)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--exports", type=int, default=20)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="fhx-chained-") as work:
        data = exports.find_data("", options.generate, work, 150)
        loaded = exports.read_data(data)
        server = exports.start(options.server, "--load", data, "--part-bytes", "65536",
                               folder=work)
        keys = sorted(loaded)
        writers = [Writer(server, keys[number::WRITERS], f"writer{number}",
                          options.rate / WRITERS, chance.random()) for number in range(WRITERS)]
        begin = time.monotonic()
        try:
            for writer in writers:
                writer.start()
            chain, fulls = run_chain(server, options.exports, chance)
        finally:
            for writer in writers:
                writer.ended.set()
            for writer in writers:
                writer.join()
            seconds = time.monotonic() - begin
            code = server.stop()
        for writer in writers:
            need(writer.problem is None, f"a writer failed: {writer.problem!r}")
        need(code == 0, f"the server ended with {code}")
        times = deletion_times(work)
        history = History(loaded, [complete_log(writer.changes, times) for writer in writers])
        need(not any(times.values()), "the server has deletions that nobody made")
    check_all(history, chain, fulls)
    changes = sum(len(writer.changes) for writer in writers)
    deletes = sum(change[3] is None for writer in writers for change in writer.changes)
    meanwhile = count_meanwhile(history, chain + fulls)
    print(f"{changes} changes, {deletes} of them deletions, {changes / seconds:.0f} a second, over "
          f"{len(loaded)} resources; {len(chain) - 1} chained exports of "
          f"{sum(len(export.found) for export in chain[1:])} resources, {len(fulls) + 1} full ones; "
          f"{meanwhile} changes while these ran; all exact")
    need(meanwhile > 0 and deletes > 0, "nothing changed while the exports ran")


if __name__ == "__main__":
    try:
        main()
    except exports.Failure as failure:
        sys.exit(f"chained.py: {failure}")
