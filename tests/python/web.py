#!/usr/bin/env python3
"""The adapters to ASGI and WSGI: the examples pass the server's own end-to-end tests, and more.

    web.py LIBRARY GENERATE [ARGUMENT OF UNITTEST]...

They run with FastAPI, uvicorn, Flask and Django in the environment that tests/python/environments.sh has made.
"""
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, "bindings", "python", "examples")
sys.path[:0] = [os.path.join(ROOT, "tests", "server")]

import exports  # noqa: E402
import fhir_server  # noqa: E402

GENERATE = DATA = None
ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}

# Run by the Python that has the packages: an engine mounted, with callers, in the ways that the examples do not show.
MOUNTED = '''
import signal, socket, sys
from fhirexport import Destination, Engine, Source
from fhirexport.asgi import Caller, Export
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

def who_asks(scope):
    headers = dict(scope["headers"])
    name = headers.get(b"authorization", b"").decode().partition(" ")[2]
    return Caller(client=name, permitted_types=["Patient"]) if name else None

async def who_asks_later(scope):
    return who_asks(scope)

data, files = sys.argv[1:3]
listener = socket.create_server(("127.0.0.1", 0))
base = "http://127.0.0.1:%d" % listener.getsockname()[1]
signal.signal(signal.SIGTERM, lambda *_: None)
with Engine(Source.folder(data), Destination.directory(files), base + "/fhir", settle_us=-1) as engine:
    export = Export(engine=engine, identify=who_asks_later, metadata=True)
    app = Starlette(routes=[Mount("/fhir", app=export)])
    print("ready", base + "/fhir", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
print("closed", flush=True)
'''


# The same by Django, beside its own views: by WSGI with threads of werkzeug's server, or by ASGI.
DJANGO = '''
import logging, signal, socket, sys
import django.conf, django.http, django.urls
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.views.decorators.csrf import csrf_exempt
from fhirexport import Destination, Engine, Source, asgi, wsgi
import uvicorn, werkzeug.serving

@csrf_exempt
def echo(request, name):
    return django.http.JsonResponse({"method": request.method, "name": name, "body": request.body.decode()})

urlpatterns = [django.urls.path("fhir/echo/<str:name>", echo)]
django.conf.settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="of a test")
logging.getLogger("werkzeug").setLevel(logging.ERROR)
kind, data, files = sys.argv[1:4]
listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
port = listener.getsockname()[1]
base = f"http://127.0.0.1:{port}/fhir"
with Engine(Source.folder(data), Destination.directory(files), base, settle_us=-1, workers=2) as engine:
    print("ready", base, flush=True)
    if kind == "asgi":
        app = asgi.Export(get_asgi_application(), engine=engine, prefix="/fhir")
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listener])
    else:
        app = wsgi.Export(get_wsgi_application(), engine=engine, prefix="/fhir")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            werkzeug.serving.make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno()).serve_forever()
        except KeyboardInterrupt:
            pass
print("closed", flush=True)
'''


class Shared(unittest.TestCase):
    """What tests/server asks of fhirexport-server, for the parameters that the examples serve."""

    def check(self, example, script, *classes):
        program = os.path.join(EXAMPLES, example)
        with open(program, encoding="utf-8") as file:
            self.assertLess(len(file.readlines()), 60)
        run_shared(program, script, *classes)

    def test_fastapi(self):
        self.check("fastapi_server.py", "end_to_end.py", "WholeSystem")

    def test_fastapi_manifests(self):
        self.check("fastapi_server.py", "manifests.py", "12", "Pages", "Status")

    def test_flask(self):
        self.check("flask_server.py", "end_to_end.py", "WholeSystem")


def run_shared(program, script, *arguments):
    script = os.path.join(ROOT, "tests", "server", script)
    subprocess.run([sys.executable, script, program, GENERATE, *arguments], check=True)


class Application(unittest.TestCase):
    """The same of an application over the same adapter that is longer than an example: with writes, versions, Groups,
    a store in a file, and all options of the engine that these tests use."""

    def check(self, script, *arguments):
        run_shared(os.path.join(HERE, "application.py"), script, *arguments)

    def test_windows_and_restarts(self):
        self.check("end_to_end.py", "Windows", "Restart")

    def test_manifests(self):
        self.check("manifests.py", "Deletions", "Blocks", "Attachments", "Metadata")

    def test_groups(self):
        """All its classes; with fewer patients, as each case is an export or two."""
        with tempfile.TemporaryDirectory(prefix="fhx-groups-") as folder:
            subprocess.run([GENERATE, "--out", folder, "--patients", "12"], check=True, stdout=subprocess.DEVNULL)
            self.check("groups.py", folder)

    def test_gzip(self):
        self.check("gzip_files.py")


class Examples(unittest.TestCase):
    """The application's own routes, long bodies, clients that go, and the client of this package."""

    program = "fastapi_server.py"

    @classmethod
    def setUpClass(cls):
        fhir_server.PROGRAM = os.path.join(EXAMPLES, cls.program)
        cls.server = fhir_server.Server("--load", DATA, "--part-bytes", "20000k")

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, "the server did not end cleanly"

    def test_own_routes(self):
        key = next(key for key in exports.read_data(DATA) if key[0] == "Patient")
        answer = self.server.get("/Patient/" + key[1])
        self.assertEqual((answer.status, answer.json()["id"]), (200, key[1]))
        self.assertEqual(self.server.get("/Patient/nobody").status, 404)
        self.assertEqual(self.server.get("/metadata").json()["resourceType"], "CapabilityStatement")

    def test_posts(self):
        key = next(key for key in exports.read_data(DATA) if key[0] == "Patient")
        body = {"resourceType": "Parameters", "parameter": [
            {"name": "patient", "valueReference": {"reference": "Patient/" + key[1]}},
            {"name": "_type", "valueString": "Patient"}]}
        headers = {**ASYNC, "Content-Type": "application/fhir+json"}
        answer = self.server.request("POST", "/Patient/$export", json.dumps(body).encode(), headers)
        self.assertEqual(answer.status, 202, answer.body)
        manifest = exports.wait(self.server, answer.header("Content-Location"))
        self.assertEqual(list(exports.download(self.server, manifest)), [key])
        answer = self.server.request("POST", "/Patient/$export", b" " * (2 << 20), headers)
        self.assertEqual(answer.status, 413)

    def test_clients_that_go(self):
        """Downloads that are broken off do not keep the server from answering, nor from ending."""
        manifest = exports.wait(self.server, exports.kick_off(self.server))
        url = max(manifest["output"], key=lambda item: item["count"])["url"]
        path = url[url.index("/", 8):]
        for _ in range(40):
            with socket.create_connection((self.server.host, self.server.port)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                self.assertTrue(one.recv(100).startswith(b"HTTP/1.1 200"))
        self.assertEqual(exports.compare(exports.download(self.server, manifest),
                                         exports.read_data(DATA)), None)
        files = f"/proc/{self.server.process.pid}/fd"
        end = time.monotonic() + fhir_server.PATIENCE
        while any(".ndjson" in os.readlink(os.path.join(files, one)) for one in os.listdir(files)
                  if os.path.lexists(os.path.join(files, one))):
            self.assertLess(time.monotonic(), end, "files stay open")
            time.sleep(0.1)

    def test_fetch(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "fhirexport", "fetch", self.server.base_url, "--to",
                            os.path.join(folder, "to"), "--delete"], check=True)
            exports.compare(exports.read_data(os.path.join(folder, "to")), exports.read_data(DATA))


class FlaskExample(Examples):
    program = "flask_server.py"


@contextlib.contextmanager
def serving(program, *arguments):
    """A program that says where it is ready, and at its end that it has closed."""
    with tempfile.TemporaryDirectory() as files:
        process = subprocess.Popen([os.environ["FHX_PYTHON"], "-c", program, *arguments, DATA, files],
                                   stdout=subprocess.PIPE)
        base = process.stdout.readline().decode().split()[1]
        server = fhir_server.Server.__new__(fhir_server.Server)
        server.tls, server.base_url, server.public_base = None, base, base
        server.host, server.port, server.base = "127.0.0.1", int(base.split(":")[2][:-5]), "/fhir"
        try:
            yield server
        finally:
            process.terminate()
            try:
                out, _ = process.communicate(timeout=fhir_server.PATIENCE)
            finally:
                process.kill()
        assert (process.returncode, out) == (0, b"closed\n"), (process.returncode, out)


class Django(unittest.TestCase):
    """Export beside the views of a Django application."""

    def test_wsgi(self):
        self.check("wsgi")

    def test_asgi(self):
        self.check("asgi")

    def check(self, kind):
        with serving(DJANGO, kind) as server:
            answer = server.request("POST", "/echo/me?x=1", b"a body", {"Content-Type": "text/plain"})
            self.assertEqual((answer.status, answer.json()), (200, {"method": "POST", "name": "me", "body": "a body"}))
            self.assertEqual(server.get("/nothing").status, 404)
            url = exports.kick_off(server)
            manifest = exports.wait(server, url)
            exports.compare(exports.download(server, manifest), exports.read_data(DATA))
            key = next(key for key in exports.read_data(DATA) if key[0] == "Patient")
            body = {"resourceType": "Parameters", "parameter": [
                {"name": "patient", "valueReference": {"reference": "Patient/" + key[1]}},
                {"name": "_type", "valueString": "Patient"}]}
            answer = server.request("POST", "/Patient/%24export", json.dumps(body).encode(),
                                    {**ASYNC, "Content-Type": "application/fhir+json"})
            manifest = exports.wait(server, answer.header("Content-Location"))
            self.assertEqual(list(exports.download(server, manifest)), [key])
            self.assertEqual(server.request("DELETE", url).status, 202)
            self.assertEqual(server.get(url).status, 404)


class Mounted(unittest.TestCase):
    """An application that is mounted, and one who asks: 401, other people's jobs, links that need nobody."""

    def test_callers(self):
        with serving(MOUNTED) as server:
            self.check(server)

    def check(self, server):
        answer = server.get("/$export", headers=ASYNC)
        self.assertEqual((answer.status, answer.header("WWW-Authenticate")), (401, "Bearer"))
        self.assertEqual(answer.json()["issue"][0]["code"], "login")
        alice, bob = ({"Authorization": "Bearer " + name} for name in ("alice", "bob"))
        answer = server.get("/$export?_type=Observation", headers={**ASYNC, **alice})
        self.assertEqual(answer.status, 403)
        url = server.get("/$export", headers={**ASYNC, **alice}).header("Content-Location")
        self.assertEqual(server.get(url).status, 401)
        self.assertEqual(server.get(url, headers=bob).status, 404)
        end = time.monotonic() + fhir_server.PATIENCE
        answer = server.get(url, headers=alice)
        while answer.status == 202:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
            answer = server.get(url, headers=alice)
        self.assertEqual({item["type"] for item in answer.json()["output"]}, {"Patient"})
        link = answer.json()["output"][0]["url"]
        self.assertEqual(server.get(link).status, 200)
        self.assertEqual(server.get(link.split("?")[0]).status, 401)
        self.assertEqual(server.get("/Patient/1").status, 404)
        self.assertEqual(server.get("/$export", headers={**ASYNC, **alice, "Accept": "text/html"}).status, 406)


def main():
    global GENERATE, DATA
    os.environ["FHIREXPORT_LIBRARY"], GENERATE = sys.argv.pop(1), sys.argv.pop(1)
    python = os.path.join(ROOT, "build", "python", "%d.%d" % sys.version_info[:2], "bin", "python")
    if not os.path.exists(python):
        raise SystemExit(f"there is no {python}: tests/run.sh makes it, or tests/python/environments.sh; or say "
                         f"--without python")
    os.environ["FHX_PYTHON"] = python
    os.environ["PYTHONPATH"] = os.path.join(ROOT, "bindings", "python")
    with tempfile.TemporaryDirectory(prefix="fhx-data-") as DATA:
        subprocess.run([GENERATE, "--out", DATA, "--patients", "60"], check=True, stdout=subprocess.DEVNULL)
        unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
