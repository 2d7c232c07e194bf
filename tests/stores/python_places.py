#!/usr/bin/python3
"""Exports by the Python package to and from what the tests start on 127.0.0.1.

usage: python_places.py (rgw|azurite|postgres) LIBRARY"""
import contextlib
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import component

COMPONENT, LIBRARY = sys.argv[1:]
ROOT = component.ROOT
os.environ["FHIREXPORT_LIBRARY"] = LIBRARY
os.environ["PYTHONPATH"] = os.path.join(ROOT, "bindings", "python")
sys.path.insert(0, os.environ["PYTHONPATH"])
import fhirexport as fhx  # noqa: E402

ROWS = [b'{"resourceType":"Patient","id":"p%05d"}' % number for number in range(20_000)]
BUCKET = "fhx-python"


def exported(destination, source=None, **options):
    """Exports, and follows the manifest's links."""
    with fhx.Job(source or {"Patient": ROWS}, destination, settle_us=-1, part_bytes=200_000, sha256=True,
                 **options) as job:
        assert job.run(threads=2)
        parts, lines = list(job.parts()), []
        for item in job.manifest()["output"]:
            with urllib.request.urlopen(item["url"]) as answer:
                data = answer.read()
                lines += (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()
        job.cancel()
        try:
            job.run()
            raise AssertionError("a job that was cancelled has run")
        except fhx.CancelledError:
            pass
    assert sorted(lines) == ROWS, f"{len(lines)} lines"
    assert len(parts) > 2 and all(part.sha256 for part in parts)
    return parts


def by_command(url, environment):
    """`python -m fhirexport export` to there: stopped by Ctrl-C when it has a few parts, and begun again."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "Patient.ndjson"), "wb") as file:
            file.write(b"\n".join(ROWS))
        command = [sys.executable, "-m", "fhirexport", "export", "--source", f"ndjson:{folder}", "--to", url, "--gzip",
                   "--sha256", "--part-bytes", "20000", "--state", os.path.join(folder, "state")]
        environment = {**os.environ, **environment}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 600
        while count_parts(os.path.join(folder, "state")) < 3:
            assert process.poll() is None and time.monotonic() < end, process.communicate()
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=600)
        assert (process.returncode, out) == (130, "") and "the same command goes on" in told, told
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0 and "goes on: " in done.stderr, done.stderr
        lines, manifest = [], json.loads(done.stdout)
        for item in manifest["output"]:
            with urllib.request.urlopen(item["url"]) as answer:
                text = gzip.decompress(answer.read())
            assert len(text) == item["extension"]["byteCount"]
            lines += text.splitlines()
        assert sorted(lines) == ROWS, f"{len(lines)} lines"
        return len(manifest["output"])


def count_parts(path):
    """How many parts an export has recorded."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=600)) as database:
            return database.execute("SELECT count(*) FROM part").fetchone()[0]
    except sqlite3.OperationalError:  # there is none yet
        return 0


def to_rgw():
    import rgw

    with rgw.Gateway() as gateway:
        client = gateway.client()
        client.create_bucket(BUCKET)
        asked = []

        def credentials():
            asked.append(1)
            return fhx.S3Credentials(gateway.access_key, gateway.secret_key,
                                     expires_us=(time.time_ns() // 1000) + 3_600_000_000)

        with fhx.Destination.s3(BUCKET, prefix="a/b", endpoint=gateway.endpoint, region=rgw.REGION,
                                credentials=credentials) as bucket:
            exported(bucket)
            assert asked
        key = {"access_key_id": gateway.access_key, "secret_access_key": gateway.secret_key, "region": rgw.REGION}
        with fhx.Destination.s3(BUCKET, endpoint=gateway.https_endpoint, http=fhx.Http(ca_file=gateway.ca_file),
                                **key) as bucket, fhx.Writer(bucket, "Patient", gzip=True) as writer:
            writer.append(ROWS[0])
        assert list(client.objects(BUCKET)) == ["Patient-1.ndjson.gz"]

        client.create_bucket("fhx-command")
        count = by_command(f"s3://fhx-command/a/b?endpoint={urllib.parse.quote(gateway.endpoint, safe='')}"
                           f"&region={rgw.REGION}", {"AWS_ACCESS_KEY_ID": gateway.access_key,
                                                     "AWS_SECRET_ACCESS_KEY": gateway.secret_key})
        assert count == len(list(client.objects("fhx-command"))) > 10

        def failing():
            raise LookupError("no credentials")

        with fhx.Destination.s3(BUCKET, endpoint=gateway.endpoint, credentials=failing) as bucket:
            try:
                exported(bucket)
                raise AssertionError("an export without credentials has run")
            except LookupError as error:
                assert str(error) == "no credentials"
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "Patient.ndjson"), "wb") as file:
                file.write(b"\n".join(ROWS))
            example = os.path.join(ROOT, "bindings", "python", "examples", "bucket.py")
            done = subprocess.run([sys.executable, example, folder, BUCKET, gateway.endpoint], capture_output=True,
                                  text=True, env={**os.environ, "AWS_ACCESS_KEY_ID": gateway.access_key,
                                                  "AWS_SECRET_ACCESS_KEY": gateway.secret_key})
            assert done.returncode == 0, done.stderr
            name, count, _ = done.stdout.split()
            assert int(count) == len(ROWS) and f"exports/{name}" in client.objects(BUCKET)


def to_azurite():
    import azurite

    with azurite.Azurite() as plain, azurite.Azurite(https=True) as tls:
        for one in plain, tls:
            one.client().create_container(BUCKET)
        with fhx.Destination.azure(BUCKET, connection_string=plain.connection_string, prefix="a") as container:
            exported(container)
        plain.client().create_container("fhx-command")
        count = by_command("azure-blob://fhx-command/a", {
            "AZURE_STORAGE_CONNECTION_STRING": plain.connection_string})
        assert count == len(list(plain.client().blobs("fhx-command"))) > 10
        ends = (time.time_ns() // 1000) + 3_600_000_000
        with fhx.Destination.azure(BUCKET, account_url=tls.endpoint, token=lambda: (tls.token(), ends),
                                   http=fhx.Http(ca_file=tls.ca_file)) as container, \
                fhx.Writer(container, "Patient") as writer:
            writer.append(ROWS[0])
        assert list(tls.client().blobs(BUCKET)) == ["Patient-1.ndjson"]


def from_postgres():
    import postgres

    with postgres.Postgres() as server, tempfile.TemporaryDirectory() as folder:
        rows = "\n".join(f"Patient\tp{number:05}\t0\t" + row.decode() for number, row in enumerate(ROWS))
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", server.url("x"), "-c",
                        "CREATE TABLE mine(type text, id text, last_updated bigint, json text)", "-c",
                        "COPY mine FROM STDIN"], input=rows, text=True, check=True)
        source = fhx.Source.postgres(server.url("x"), table="mine")
        store = fhx.Store.postgres(server.url("x"), schema="jobs")
        with source, store, fhx.Destination.directory(folder) as destination:
            exported(destination, source, store=store)
            with fhx.Engine(source, destination, "https://x.example", store=store, url_keys=[os.urandom(32)]) as engine:
                states = [job.state for job in engine.jobs(fhx.JobState)]
                assert fhx.JobState.COMPLETE not in states
        try:
            fhx.Source.postgres(server.url("secret-1"), table="nobody")
            raise AssertionError("there is a table nobody")
        except fhx.SourceError as error:
            assert "secret-1" not in json.dumps(error.operation_outcome)


{"rgw": to_rgw, "azurite": to_azurite, "postgres": from_postgres}[COMPONENT]()
print(f"python_places: {COMPONENT}: {len(ROWS)} resources there and back")
