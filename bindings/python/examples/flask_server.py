"""A FHIR server in Flask that has `$export`: resources in an SQLite table, files in a folder."""
import argparse
import json
import pathlib
import signal
import socket
import sqlite3
import sys

import flask
from werkzeug.serving import make_server

from fhirexport import Destination, Engine, Source
from fhirexport.wsgi import Export

app = flask.Flask(__name__)
parser = argparse.ArgumentParser()
parser.add_argument("--load", type=pathlib.Path, required=True)
parser.add_argument("--destination", type=pathlib.Path, required=True)
parser.add_argument("--listen", default="127.0.0.1:8000")
parser.add_argument("--part-bytes", type=int, default=0)
options = parser.parse_args()
options.destination.mkdir(exist_ok=True)
path = options.destination.with_name("resources.db")
with sqlite3.connect(path) as database:
    database.execute("CREATE TABLE IF NOT EXISTS resource(type, id, last_updated, json, PRIMARY KEY(type, id))")
    for file in options.load.glob("*.ndjson"):
        for line in file.read_text("utf-8").splitlines():
            facts = json.loads(line)
            row = facts["resourceType"], facts["id"], facts.get("meta", {}).get("lastUpdated"), line
            database.execute("REPLACE INTO resource VALUES(?, ?, ?, ?)", row)


@app.get("/fhir/<kind>/<id>")
def read(kind, id):
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT json FROM resource WHERE type = ? AND id = ?", (kind, id))
        row = found.fetchone()
    return flask.Response(row[0], mimetype="application/fhir+json") if row else flask.abort(404)


host, _, port = options.listen.rpartition(":")
listener = socket.create_server((host, int(port)))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an ACK
base_url = "http://%s:%d/fhir" % listener.getsockname()
with Engine(Source.sqlite(path), Destination.directory(options.destination), base_url, workers=2,
            part_bytes=options.part_bytes) as engine:
    app.wsgi_app = Export(app.wsgi_app, engine=engine, prefix="/fhir", metadata=True)
    server = make_server(host, int(port), app, threaded=True, fd=listener.fileno())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # and the engine parks its jobs
    print("ready", base_url, flush=True)
    server.serve_forever()
