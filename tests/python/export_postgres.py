#!/usr/bin/env python3
"""`python -m fhirexport export` from a PostgreSQL that the test starts: the same set as from the files.

    export_postgres.py LIBRARY GENERATE
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "server"), os.path.join(HERE, "..", "stores")]

import exports  # noqa: E402
import postgres  # noqa: E402

TABLE = "CREATE TABLE resource(type text, id text, last_updated text, json text, PRIMARY KEY(type, id))"


def fill(server, data):
    """One row for each line, by COPY."""
    psql = [postgres.find("psql"), "-X", "-q", "-h", server.folder, "-U", "fhx", "-d", "postgres"]
    subprocess.run([*psql, "-c", TABLE], check=True)
    lines = []
    for name in sorted(os.listdir(data)):
        with open(os.path.join(data, name), encoding="utf-8") as file:
            for line in file:
                facts = json.loads(line)
                row = [facts["resourceType"], facts["id"], facts.get("meta", {}).get("lastUpdated", "\\N"),
                       line.rstrip("\n").replace("\\", "\\\\").replace("\t", "\\t")]
                lines.append("\t".join(row) + "\n")
    subprocess.run([*psql, "-c", "COPY resource FROM STDIN"], input="".join(lines), text=True, check=True)


def main(library, generate):
    environment = {**os.environ, "FHIREXPORT_LIBRARY": library,
                   "PYTHONPATH": os.path.join(HERE, "..", "..", "bindings", "python")}
    with tempfile.TemporaryDirectory(prefix="fhx-export-") as work, postgres.Postgres() as server:
        data = os.path.join(work, "data")
        subprocess.run([generate, "--out", data, "--patients", "30"], check=True, stdout=subprocess.DEVNULL)
        fill(server, data)
        done = subprocess.run(
            [sys.executable, "-m", "fhirexport", "export", "--source",
             f"postgresql:host={server.folder} user=fhx dbname=postgres", "--to", f"file:{work}/out", "--threads", "2"],
            stdout=subprocess.PIPE, check=True, env=environment)
        manifest = json.loads(done.stdout)
        exports.need(manifest["error"] == [], "resources were refused")
        (folder,) = {os.path.dirname(urllib.parse.urlsplit(item["url"]).path) for item in manifest["output"]}
        exports.compare(exports.read_data(folder), exports.read_data(data))
    print(sum(item["count"] for item in manifest["output"]), "resources")


main(*sys.argv[1:])
