"""Clients that change resources and note what the server answered, and what exports must hold then."""
import bisect
import datetime
import http.client
import json
import os
import random
import sqlite3
import threading
import time

import exports
import fhir_server
from exports import need

TYPES = ["Patient", "Observation", "Condition", "Encounter"]


class Writer(threading.Thread):
    """Writes resources of its own at an even rate; `changes` is its log, in order.

    A change is (type, id, lastUpdated, resource), the resource being None for a deletion, whose
    answer has no time: it is filled in later. Under `lock`, all that was written is noted."""

    # How often it is a deletion, a resource that comes back, or a new one; else an update.
    deleted, revived, made_new = 0.15, 0.1, 0.25

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
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.problem = None
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=fhir_server.PATIENCE)

    def run(self):
        try:
            begin = time.monotonic()
            while not self.ended.is_set():
                with self.lock:
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
        if choice < self.deleted and len(self.living) > 50:
            self.delete(self.living.pop(self.chance.randrange(len(self.living))))
        elif choice < self.deleted + self.revived and self.dead:
            key = self.dead.pop(self.chance.randrange(len(self.dead)))
            self.living.append(key)
            self.put(key)
        elif choice < self.deleted + self.revived + self.made_new:
            self.made += 1
            key = self.chance.choice(TYPES), f"{self.name}-{self.made}"
            self.living.append(key)
            self.put(key)
        else:
            self.put(self.chance.choice(self.living))

    def make(self, key):
        """A resource that no change before this one has made."""
        return {"resourceType": key[0], "id": key[1],
                "identifier": [{"value": f"{self.name}/{len(self.changes)}"}]}

    def put(self, key):
        resource = self.make(key)
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

    def dead_at(self, until, since=""):
        """What is gone at `until`, and was deleted behind `since`."""
        dead = set()
        for key, versions in self.versions.items():
            index = bisect.bisect_right(self.stamps[key], until) - 1
            if index >= 0 and versions[index][0] > since and versions[index][1] is None:
                dead.add(key)
        return dead


def history_of(folder, loaded, writers):
    """By the logs of writers that are not writing, and whether there are more deletions than these."""
    times = deletion_times(folder)
    history = History(loaded, [complete_log(writer.changes, times) for writer in writers])
    return history, any(times.values())


def same(found, wanted, what):
    missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    need(not missing, f"{what}: {len(missing)} are missing, as {sorted(missing)[:3]}")
    need(not extra, f"{what}: {len(extra)} too many, as {sorted(extra)[:3]}")
    changed = [key for key in wanted if found[key] != wanted[key]]
    need(not changed, f"{what}: {len(changed)} are of another version, as {sorted(changed)[:3]}")


class Export:
    """One export; `server` is asked as one of fhir_server's."""

    def __init__(self, server, since=None):
        self.server = server
        self.since = since
        self.url = exports.kick_off(server, "" if since is None else f"?_since={since}")

    def end(self):
        return self.take(exports.wait(self.server, self.url))

    def take(self, manifest):
        self.manifest = manifest
        self.time = manifest["transactionTime"]
        self.found = exports.download(self.server, manifest)
        self.deleted = exports.deletions(self.server, manifest)
        self.end_time = datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="microseconds").replace("+00:00", "Z")
        return self

    def check(self, history):
        need(len(self.time) == 27, f"the transactionTime {self.time} is not to the microsecond")
        since = self.since or ""
        what = f"the export from {since} to {self.time}"
        same(self.found, history.at(self.time, since), what)
        dead = history.dead_at(self.time, since) if since else set()
        need(self.deleted == dead, f"{what}: {len(dead - self.deleted)} deletions are missing, "
             f"{len(self.deleted - dead)} are told that nobody made")

    def follow(self, state):
        """What a client has that had `state` before this one (MAN-13, MAN-14, FILTER-24)."""
        need(not self.deleted & self.found.keys(), "a resource is exported and deleted")
        state.update(self.found)
        for key in self.deleted:
            state.pop(key, None)
