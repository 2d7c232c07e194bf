"""What the tests of the Python package share."""

import contextlib
import json
import threading
import time

import fhirexport as fhx

NO_WAIT = {"settle_us": -1}  # data that does not change


def patients(count, prefix="p"):
    return [b'{"resourceType":"Patient","id":"%s%d"}' % (prefix.encode(), i) for i in range(count)]


class Memory(fhx.CustomDestination):
    """Parts in a dictionary. `fail` names a method that raises `error`, at its call number `at`."""

    def __init__(self, fail=None, error=None, at=1):
        self.parts, self.open_uploads, self.calls, self.threads = {}, 0, [], set()
        self.fail, self.error, self.at = fail, error, at

    def note(self, name):
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        if name == self.fail and self.calls.count(name) == self.at:
            raise self.error

    def open(self, name):
        self.note("open")
        if name in self.parts:
            raise fhx.ExistsError("there is such a part")
        self.open_uploads += 1
        return [name, b""]

    def write(self, upload, data):
        self.note("write")
        upload[1] += data

    def commit(self, upload, part):
        self.open_uploads -= 1
        self.note("commit")
        assert part.name == upload[0] and part.stored_byte_count == len(upload[1])
        self.parts[upload[0]] = upload[1]

    def abort(self, upload):
        self.open_uploads -= 1
        self.note("abort")

    def url(self, part, expires_us):
        self.note("url")
        return "https://files.example/" + part.name

    def remove(self, name):
        self.note("remove")
        self.parts.pop(name, None)

    def stat(self, name):
        self.note("stat")
        return (len(self.parts[name]), None) if name in self.parts else None

    def lines(self):
        return sorted(line for data in self.parts.values() for line in data.splitlines())


class Hospital(fhx.Source):
    """A source with every method, over lists of resources. `fail` names a method that raises `error`."""

    applied = fhx.Applied.TYPE

    def __init__(self, types, fail=None, error=None, deleted=()):
        self.types, self.fail, self.error, self.deleted, self.queries = types, fail, error, deleted, []

    def note(self, name):
        if name == self.fail:
            raise self.error

    def open_cursor(self, query):
        self.note("open_cursor")
        self.queries.append((query.resource_type, query.scope, query.tenant, query.host_context))
        return fhx.Cursor(iter([self.types.get(query.resource_type, [])]), self.applied)

    def next_rows(self, cursor, want_bytes):
        self.note("next_rows")
        return next(cursor, None)

    def close_cursor(self, cursor):
        self.note("close_cursor")

    def list_shards(self, query, count_max):
        self.note("list_shards")
        return []

    def read_resource(self, query, reference):
        self.note("read_resource")
        kind, _, wanted = reference.partition("/")
        return next((r for r in self.types.get(kind, []) if json.loads(r)["id"] == wanted), None)

    def group_members(self, query, group_id, after):
        self.note("group_members")
        if group_id != "g":
            raise fhx.NotFoundError("there is no such Group")
        members = sorted("Patient/" + json.loads(r)["id"] for r in self.types["Patient"][:2])
        return [member for member in members if member > after]

    def list_types(self):
        self.note("list_types")
        return list(self.types)

    def count_estimate(self, query):
        self.note("count_estimate")
        return 10, 10**9

    def snapshot_ready(self, as_of_us):
        self.note("snapshot_ready")
        return True

    def read_clock(self):
        self.note("read_clock")
        return time.time_ns() // 1000, 1

    def open_deleted(self, query):
        self.note("open_deleted")
        return iter([fhx.Rows(self.deleted, [query.as_of_us] * len(self.deleted))])

    def open_patient(self, query, patient_id):
        self.note("open_patient")
        return iter([])


def run(source, destination, **options):
    """A whole export: its progress and parts. An int of `threads` is for run()."""
    threads = options.pop("threads", 1)
    with fhx.Job(source, destination, **{**NO_WAIT, **options}) as job:
        assert job.run(threads)
        return job.progress(), list(job.parts())


@contextlib.contextmanager
def unraisable(monkeypatch):
    """What Python could raise nowhere meanwhile: nothing may be lost so."""
    lost = []
    monkeypatch.setattr("sys.unraisablehook", lambda event: lost.append(event.exc_value))
    yield lost
