#!/usr/bin/python3
"""fhirexport export to a store, or from a database, that the test starts. Some seconds each.

    destinations.py rgw|azurite|postgres FHIREXPORT GENERATE
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "stores"), os.path.join(HERE, "..", "server")]

import component  # noqa: E402
import places  # noqa: E402
import postgres  # noqa: E402
import support  # noqa: E402
from component import Failure  # noqa: E402

TABLE = ("CREATE TABLE things(type text, id text, last_updated text, body text);"
         "CREATE UNIQUE INDEX ON things(type, id COLLATE \"C\")")


def need(condition, message):
    if not condition:
        raise Failure(message)


def export(work, *arguments, environment=None):
    """The `complete` event, and all that was said."""
    done = support.run(*arguments, "--json", "--state", os.path.join(work, "state"),
                       env={**os.environ, **(environment or {})})
    need(done.returncode == 0, f"the export ended with {done.returncode}: {done.stderr[-500:]}")
    return support.events(done.stdout)[-1], done.stdout + done.stderr


def to_store(store, work, data):
    with places.open_place(store) as place:
        end, said = export(work, "--source", "ndjson:" + data, "--to", place.url, "--sha256", "--part-bytes", "500k",
                           environment=place.environment)
        objects, manifest = place.all(), end["manifest"]
        need(len(objects) == len(manifest["output"]) == end["parts"] > 9, f"{len(objects)} objects, {end['parts']} parts")
        need(manifest["error"] == [] and place.unfinished() == [], "there are errors, or unfinished uploads")
        need(sum(objects.values()) == end["bytes"], "the objects are not as long as is told")
        lines = []
        for item in manifest["output"]:
            name = item["url"].split("?")[0].split(places.PREFIX + "/")[1]
            need(name in objects, "a file of the manifest is no object")
            lines += place.read(name).splitlines()
        need(sorted(lines) == support.data_lines(data), "the lines are not those of the data")
        with open(os.path.join(work, "state"), "rb") as file:
            kept = file.read()
        for secret in place.secrets:
            need(secret not in said and secret.encode() not in kept, "a secret is told or kept")
        wrong = support.run("--source", "ndjson:" + data, "--to", place.url, "--quiet",
                            env={**os.environ, **places.without_rights(place)})
        need(wrong.returncode in (1, 3) and wrong.stdout == "", f"without rights it ended with {wrong.returncode}")
        need(len(place.all()) == len(objects), "without rights it left something")
        return len(lines)


def from_postgres(work, data):
    wanted = support.data_lines(data)
    with postgres.Postgres() as server:
        psql = [postgres.find("psql"), "-X", "-q", "-h", server.folder, "-U", "fhx", "-d", "postgres"]
        subprocess.run([*psql, "-c", TABLE], check=True)
        rows = [(one["resourceType"], one["id"], one["meta"]["lastUpdated"],
                 line.decode().replace("\\", "\\\\").replace("\t", "\\t")) for line in wanted for one in [json.loads(line)]]
        subprocess.run([*psql, "-c", "COPY things FROM STDIN"], input="".join("\t".join(row) + "\n" for row in rows), text=True,
                       check=True)
        names = ["--source-option", "table=things", "--source-option", "json_column=body"]
        for source in (f"postgresql:host={server.folder} user=fhx dbname=postgres", f"postgresql://fhx@/postgres?host={server.folder}"):
            out = tempfile.mkdtemp(dir=work)
            # Two places of one database are two sources; PGPASSWORD is libpq's.
            state = tempfile.mkdtemp(dir=work)
            end, said = export(state, "--source", source, *names, "--to", "file:" + out, "--workers", "2",
                               environment={"PGPASSWORD": "HIDDEN"})
            need(support.read_lines(support.files_of(end["manifest"])) == wanted, "the lines are not those of the data")
            need("HIDDEN" not in said, "a password is told")
        gone = support.run("--source", "postgresql:host=/nowhere dbname=x", "--to", "file:" + out)
        need(gone.returncode == 1 and "the source: " in gone.stderr, f"without a database: {gone.returncode}, {gone.stderr}")
    return len(wanted)


def main(kind, program, generate):
    component.end_on_signal()
    support.PROGRAM, support.GENERATE = program, generate
    with tempfile.TemporaryDirectory(prefix="fhx-cli-") as work:
        data = support.generate(os.path.join(work, "data"), "--patients", "100")
        count = from_postgres(work, data) if kind == "postgres" else to_store(kind, work, data)
        print(f"{kind}: {count} resources, each once")


if __name__ == "__main__":
    try:
        main(sys.argv[1], *map(os.path.abspath, sys.argv[2:4]))
    except (Failure, AssertionError) as failure:
        sys.exit(f"destinations.py: {failure}")
