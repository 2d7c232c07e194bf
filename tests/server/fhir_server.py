"""Starts fhirexport-server for a test, talks to it, and checks what every answer must obey."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

PROGRAM = None
# With --postgres a server has its resources in a database of its folder's.
DATABASES = None
SEVERITIES = {"fatal", "error", "warning", "information"}
# How long anything is waited for, on a machine that does other things as well.
PATIENCE = 300
# The codes of FHIR R4's IssueType that a server may give.
CODES = {"invalid", "structure", "required", "value", "invariant", "security", "login", "unknown",
         "expired", "forbidden", "suppressed", "processing", "not-supported", "duplicate",
         "multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension",
         "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
         "exception", "timeout", "incomplete", "throttled", "informational"}
# What an answer must never show: paths, SQL, source files (ERR-03).
LEAKS = re.compile(rb"/tmp/|/home/|sqlite|SELECT |INSERT |\.c:\d|0x[0-9a-f]{6}", re.IGNORECASE)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)

    def is_busy(self):
        """An OperationOutcome that asks to come again in a moment, and nothing has been done."""
        return self.status == 503 and b'"transient"' in self.body and self.header("Retry-After") is not None


class Databases:
    """A PostgreSQL server with a database for each folder."""

    def __init__(self, server, psql):
        self.server = server
        self.psql = psql
        self.names = {}

    def run(self, name, sql):
        """Rows of texts."""
        done = subprocess.run(
            [self.psql, "-X", "-q", "-At", "-h", self.server.folder, "-U", "fhx", "-d", name,
             "-c", sql], capture_output=True, text=True, check=True,
            env={**os.environ, "PGOPTIONS": "-c search_path=fhir"})
        return [line.split("|") for line in done.stdout.splitlines()]

    def url(self, folder):
        if folder not in self.names:
            self.names[folder] = f"of{len(self.names)}"
            self.run("postgres", f"CREATE DATABASE {self.names[folder]}")
        return self.server.url("x").replace("/postgres?", f"/{self.names[folder]}?")


@contextlib.contextmanager
def use_postgres():
    global DATABASES
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                    "stores"))
    import postgres  # the other tests need nothing of it
    with postgres.Postgres() as server:
        DATABASES = Databases(server, postgres.find("psql"))
        yield


def database_of(folder):
    """What --db takes."""
    if DATABASES is not None:
        return DATABASES.url(folder)
    return "sqlite:" + os.path.join(folder, "resources.db")


def ask_database(folder, sql):
    """Runs SQL in the database of a folder's server; rows of texts or numbers."""
    if DATABASES is not None:
        return DATABASES.run(DATABASES.names[folder], sql)
    connection = sqlite3.connect(os.path.join(folder, "resources.db"), timeout=PATIENCE)
    with connection:
        rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


def command_of(folder, listen, options):
    """fhirexport-server, or one of the examples in Python, which knows some of its options."""
    files = os.path.join(folder, "files")
    if not PROGRAM.endswith(".py"):
        return [PROGRAM, "--listen", listen, "--auth", "none", "--db", database_of(folder),
                "--destination", "file:" + files, *options]
    return [os.environ["FHX_PYTHON"], PROGRAM, "--listen", listen, "--destination", files,
            *(re.sub(r"^(\d+)k$", r"\g<1>000", option) for option in options)]


class Server:
    """One process, in a folder of its own unless `folder` is given."""

    def __init__(self, *options, folder=None, listen="127.0.0.1:0", environment=None,
                 tls=None):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="fhx-server-")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(command_of(self.folder, listen, options),
                                        stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline().decode().split()
        if len(line) != 2 or line[0] != "ready":
            self.process.kill()
            raise AssertionError("the server did not start: " + self.read_log())
        # As its ready line has it, and as it tells clients.
        self.base_url = self.public_base = line[1]
        parts = urllib.parse.urlsplit(line[1])
        self.host, self.port, self.base = parts.hostname, parts.port, parts.path
        # What its certificate is checked with, if it answers by https.
        self.tls = tls

    def read_log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def connect(self, timeout=PATIENCE):
        if self.tls is not None:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                               context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE, is_busy_told=False):
        """`path` is behind the base, or a whole URL. Who finds the job store busy comes again, as the answer says;
        with `is_busy_told` that answer is the caller's."""
        end = time.monotonic() + timeout
        while True:
            answer = self.request_once(method, path, body, headers, timeout)
            if is_busy_told or not answer.is_busy() or time.monotonic() > end:
                return answer
            time.sleep(0.1)

    def request_once(self, method, path, body, headers, timeout):
        if path.startswith("http"):
            path = path[path.index("/", 8):]
        else:
            path = self.base + path
        connection = self.connect(timeout)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def put(self, resource, headers=None):
        if isinstance(resource, dict):
            resource = json.dumps(resource)
        facts = json.loads(resource)
        headers = headers or {"Content-Type": "application/fhir+json"}
        return self.request("PUT", f"/{facts['resourceType']}/{facts['id']}",
                            resource.encode(), headers)

    def raw(self, data, timeout=PATIENCE, half_close=False):
        """Sends bytes as they are; all that comes back until the server closes."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            received = b""
            try:
                connection.sendall(data)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    received += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            return received

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def stop(self, how=signal.SIGTERM, keep=False):
        """Ends it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process.stdout.close()
        self.log.close()
        if code not in (0, -how):
            print(f"the server ended with {code}:\n" + self.read_log(), file=sys.stderr)
        if self.own_folder and not keep:
            shutil.rmtree(self.folder)
        return code


class ServerTest(unittest.TestCase):
    """One server for all tests of a class."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, "the server did not end cleanly"

    def check_outcome(self, answer, status):
        """A refusal is an OperationOutcome that leaks nothing (ERR-01, ERR-02, ERR-03)."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertTrue(answer.header("Content-Type").startswith("application/fhir+json"))
        self.check_issues(answer.json())
        self.assertIsNone(LEAKS.search(answer.body), answer.body)
        return answer.json()["issue"][0]["diagnostics"]

    def check_issues(self, outcome):
        self.assertEqual(outcome["resourceType"], "OperationOutcome")
        self.assertGreater(len(outcome["issue"]), 0)
        for issue in outcome["issue"]:
            self.assertIn(issue["severity"], SEVERITIES)
            self.assertIn(issue["code"], CODES)
            self.assertTrue(issue["diagnostics"])

    def check_alive(self):
        self.assertEqual(self.server.get("/metadata").status, 200)

    def wait_for(self, condition, message):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        self.fail(message)


def run_tests():
    """Runs the tests of the calling script: SCRIPT PROGRAM [--postgres] [ARGUMENT OF UNITTEST]..."""
    global PROGRAM
    sys.modules.setdefault("fhir_server", sys.modules[__name__])
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    with contextlib.ExitStack() as stack:
        if "--postgres" in sys.argv:
            sys.argv.remove("--postgres")
            stack.enter_context(use_postgres())
        unittest.main(module="__main__", verbosity=2)
