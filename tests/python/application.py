#!/usr/bin/env python3
"""A FHIR server in FastAPI for tests/python/web.py: what examples/fastapi_server.py has no room for. Resources are
written by PUT and DELETE and every version is kept, in SQLite; the source, in Python, has all methods and answers as of
the job's time; the options are those of fhirexport-server that concern exports."""

import argparse
import contextlib
import json
import pathlib
import signal
import socket
import sqlite3
import threading
import time
import urllib.parse

import fastapi
import fhirexport as fhx
import uvicorn
from fhirexport.asgi import Export

TABLE = """PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS version(type TEXT, id TEXT, updated_us INTEGER, number INTEGER, json TEXT, patients TEXT,
  PRIMARY KEY(type, id, number)) WITHOUT ROWID"""
# As of a time, what is newest of each; without `json` it was deleted.
AS_OF = """FROM version AS v WHERE updated_us <= :as_of AND number = (SELECT max(number) FROM version AS w
  WHERE w.type = v.type AND w.id = v.id AND w.updated_us <= :as_of)"""
BATCH = 300


def instant(time_us):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_us // 1_000_000)) + f".{time_us % 1_000_000:06}Z"


class Database:
    """One lock for all writers: who has it stamps, writes and commits. Compartments are the library's to know."""

    def __init__(self, path, base_url):
        self.path, self.lock, self.last_us = path, threading.Lock(), 0
        self.filter = fhx.Filter(base_url=base_url)
        self.writer = sqlite3.connect(path, timeout=300, check_same_thread=False)
        self.writer.execute("PRAGMA synchronous = OFF")  # processes are stopped here, not machines
        self.writer.executescript(TABLE)

    @contextlib.contextmanager
    def open(self):
        connection = sqlite3.connect(self.path, timeout=300, check_same_thread=False)
        try:
            yield connection
        finally:
            connection.close()

    def now_us(self):
        """Later than all stamps so far, with the lock."""
        self.last_us = max(self.last_us + 1, time.time_ns() // 1000)
        return self.last_us

    def load(self, paths):
        """What is there already is not loaded again. A resource keeps its time, and was always there."""
        with self.lock, self.writer:
            for path in paths:
                for file in sorted(path.glob("*.ndjson")) if path.is_dir() else [path]:
                    for line in filter(None, file.read_text("utf-8").split("\n")):
                        facts = json.loads(line)
                        self.writer.execute("INSERT OR IGNORE INTO version VALUES(?, ?, 0, 1, ?, ?)",
                                            (facts["resourceType"], facts["id"], line, self.patients_of(line)))

    def patients_of(self, line):
        return f" {' '.join(self.filter.patients_of(line))} "

    def write(self, kind, id_, resource):
        """Writes a version, None: of a deletion. Its number and text; 0: there was nothing to delete."""
        with self.lock, self.writer:
            stamp = self.now_us()
            number, there = self.writer.execute(
                "SELECT max(number), json IS NOT NULL FROM version WHERE type = ? AND id = ?", (kind, id_)).fetchone()
            number = (number or 0) + 1
            if resource is None:
                if not there:
                    return 0, None
                line = patients = None
            else:
                meta = {**resource.get("meta", {}), "versionId": str(number), "lastUpdated": instant(stamp)}
                line = json.dumps({**resource, "meta": meta})
                patients = self.patients_of(line)
            self.writer.execute("INSERT INTO version VALUES(?, ?, ?, ?, ?, ?)",
                                (kind, id_, stamp, number, line, patients))
        return number, line

    def read(self, kind, id_, as_of=1 << 62):
        with self.open() as connection:
            found = connection.execute(f"SELECT json {AS_OF} AND type = :type AND id = :id",
                                       {"as_of": as_of, "type": kind, "id": id_}).fetchone()
        return found and found[0]


class Resources(fhx.Source):
    applied = fhx.Applied.TYPE | fhx.Applied.AS_OF | fhx.Applied.ASCENDING_IDS

    def __init__(self, database):
        self.database = database

    def list_types(self):
        with self.database.open() as connection:
            return sorted({"Group", "Patient"} | {row[0] for row in connection.execute(
                "SELECT DISTINCT type FROM version")})

    def read_clock(self):
        with self.database.lock:
            return self.database.now_us(), 1

    def snapshot_ready(self, as_of_us):
        with self.database.lock:  # nobody is between a stamp and its commit
            return self.database.now_us() > as_of_us

    def open_cursor(self, query):
        after = (query.token or b"").decode()
        with self.database.open() as connection:
            rows = connection.execute(
                f"SELECT id, json {AS_OF} AND type = :type AND id > :after AND json IS NOT NULL ORDER BY id",
                {"as_of": query.as_of_us, "type": query.resource_type, "after": after})
            while True:
                page = rows.fetchmany(BATCH)
                if not page:
                    return
                yield fhx.Rows([row[1].encode() for row in page], token=page[-1][0].encode())

    def open_deleted(self, query):
        with self.database.open() as connection:
            gone = connection.execute(
                "SELECT (SELECT json FROM version AS w WHERE w.type = v.type AND w.id = v.id AND w.number = v.number - 1),"
                f" updated_us {AS_OF} AND type = :type AND json IS NULL AND updated_us > :since",
                {"as_of": query.as_of_us, "type": query.resource_type, "since": query.since_us}).fetchall()
        return iter([fhx.Rows([row[0].encode() for row in gone], [row[1] for row in gone])] if gone else [])

    def open_patient(self, query, patient_id):
        with self.database.open() as connection:
            found = connection.execute(
                f"SELECT type, json {AS_OF} AND instr(patients, :patient)",
                {"as_of": query.as_of_us, "patient": f" {patient_id} "}).fetchall()
        return iter([row[1].encode() for row in found if query.wants_type(row[0])])

    def read_resource(self, query, reference):
        return self.database.read(*reference.split("/"), query.as_of_us)


def fhir(text, status=200):
    return fastapi.Response(text, status, media_type="application/fhir+json")


def routes(app, database):
    @app.get("/fhir/{kind}/{id}")
    def read(kind: str, id: str):
        found = database.read(kind, id)
        return fhir(found) if found else fhir('{"resourceType":"OperationOutcome"}', 404)

    @app.put("/fhir/{kind}/{id}")
    async def write(kind: str, id: str, request: fastapi.Request):
        resource = json.loads(await request.body())
        number, text = await fastapi.concurrency.run_in_threadpool(database.write, kind, id, resource)
        return fhir(text, 201 if number == 1 else 200)

    @app.delete("/fhir/{kind}/{id}")
    def remove(kind: str, id: str):
        number, _ = database.write(kind, id, None)
        return fastapi.Response(status_code=204 if number else 404)


def parse():
    parser = argparse.ArgumentParser()
    for name in ("--load", "--destination", "--jobs", "--url-key-file"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--associated", default="")
    for name in ("--sha256", "--gzip", "--new-members"):
        parser.add_argument(name, action="store_true")
    for name, usual in (("--part-bytes", 0), ("--part-bytes-min", 0), ("--workers", 2), ("--keep", 0), ("--max-jobs", 0)):
        parser.add_argument(name, type=int, default=usual)
    return parser.parse_args()


def main():
    options = parse()
    options.destination.mkdir(exist_ok=True)
    host, _, port = options.listen.rpartition(":")
    listener = socket.create_server((host, int(port)))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    base_url = "http://%s:%d/fhir" % listener.getsockname()
    database = Database(options.destination.with_name("resources.db"), base_url)
    database.load([options.load] if options.load else [])
    keys = options.url_key_file.read_bytes().split() if options.url_key_file else []
    store = fhx.Store.sqlite(options.jobs) if options.jobs else None
    with fhx.Engine(
            Resources(database), fhx.Destination.directory(options.destination), base_url, store=store, url_keys=keys,
            workers=options.workers, sha256=options.sha256, gzip=options.gzip, new_members=options.new_members,
            associated_types=options.associated, part_bytes=options.part_bytes, part_bytes_min=options.part_bytes_min,
            keep_us=options.keep * 1_000_000, jobs_max=options.max_jobs,
            attachment_hook=lambda query, reference, url: urllib.parse.urljoin(base_url + "/", url)) as engine:
        app = fastapi.FastAPI()
        routes(app, database)
        app.add_middleware(Export, engine=engine, prefix="/fhir", metadata=True)
        signal.signal(signal.SIGTERM, lambda *_: None)
        print("ready", base_url, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


main()
