"""A FHIR server in FastAPI that has `$export`: resources in memory, files in a folder."""
import argparse
import json
import pathlib
import signal
import socket

import fastapi
import uvicorn
from fhirexport import Applied, Destination, Engine, Source
from fhirexport.asgi import Caller, Export

app, resources = fastapi.FastAPI(), {}  # these by type and id


class Resources(Source):
    applied = Applied.TYPE

    def list_types(self):
        return sorted(resources)

    def open_cursor(self, query):
        return [row for _, row in sorted(resources.get(query.resource_type, {}).items())]

    def read_resource(self, query, reference):
        return resources.get(reference.split("/")[0], {}).get(reference.split("/")[1])


@app.get("/fhir/{kind}/{id}")
def read(kind: str, id: str):
    if id not in resources.get(kind, {}):
        raise fastapi.HTTPException(404)
    return fastapi.Response(resources[kind][id], media_type="application/fhir+json")


def who_asks(scope):
    return Caller(client="everybody")  # yours: by the token in scope["headers"]; None is answered 401


parser = argparse.ArgumentParser()
parser.add_argument("--load", type=pathlib.Path, required=True)
parser.add_argument("--destination", type=pathlib.Path, required=True)
parser.add_argument("--listen", default="127.0.0.1:8000")
parser.add_argument("--sha256", action="store_true")
for name, usual in (("--part-bytes", 0), ("--part-bytes-min", 0), ("--workers", 2)):
    parser.add_argument(name, type=int, default=usual)
options = parser.parse_args()
for line in b"".join(file.read_bytes() for file in options.load.glob("*.ndjson")).splitlines():
    resources.setdefault((row := json.loads(line))["resourceType"], {})[row["id"]] = line
options.destination.mkdir(exist_ok=True)
listener = socket.create_server((options.listen.split(":")[0], int(options.listen.split(":")[1])))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not, for sockets it is given
base_url = "http://%s:%d/fhir" % listener.getsockname()
with Engine(Resources(), Destination.directory(options.destination), base_url, workers=options.workers,
            sha256=options.sha256, part_bytes=options.part_bytes, part_bytes_min=options.part_bytes_min) as engine:
    app.add_middleware(Export, engine=engine, prefix="/fhir", identify=who_asks, metadata=True)
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn ends, then the engine parks its jobs
    print("ready", base_url, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
