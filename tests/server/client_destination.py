#!/usr/bin/python3
"""Exports to a container that the client names, on a real storage (Azurite) over TLS.

    client_destination.py SERVER

What the client sends is found nowhere: not in the record of jobs, the log, the manifest or an answer.
Two servers share a record of jobs; one is killed; exports are cancelled; and servers without the
option, or without $export, refuse.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stores"))
import azurite
import fhir_server
from fhir_server import Server, ServerTest

CONTAINER = "of-client"
JSON = {"Content-Type": "application/fhir+json"}
PATIENTS = 900
# A busy machine does not let a server wait for so long.
LEASE_SECONDS = 60
# What a server had that was killed is given up after this. A server that comes too late is killed once more.
SHORT_SECONDS = 2
TRIES = 20
storage = None


def setUpModule():
    global storage
    storage = azurite.Azurite(https=True)
    try:
        storage.start()
        storage.client().create_container(CONTAINER)
    except BaseException:
        storage.stop(tell=True)
        raise


def tearDownModule():
    storage.stop()


def host():
    return f"127.0.0.1:{storage.port}"


def allowing():
    return ["--client-destinations", host(), "--client-destinations-ca", storage.ca_file]


def signature():
    """A shared access signature of the account, for an hour."""
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    fields = {"sp": "rwdlac", "ss": "b", "srt": "sco", "st": "",
              "se": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "sip": "", "spr": "https",
              "sv": "2019-12-12"}
    text = "\n".join([azurite.ACCOUNT, *fields.values(), ""])
    digest = hmac.new(base64.b64decode(storage.account_key), text.encode(), hashlib.sha256).digest()
    fields["sig"] = base64.b64encode(digest).decode()
    return urllib.parse.urlencode({name: value for name, value in fields.items() if value})


def with_signature():
    return f"BlobEndpoint={storage.endpoint}/;SharedAccessSignature={signature()}"


def encoded(settings):
    return base64.b64encode(settings.encode()).decode()


def secrets_of(settings):
    """What must not be found anywhere, in every form in which it was sent."""
    found = {settings, encoded(settings), storage.account_key}
    for name, value in urllib.parse.parse_qsl(settings.partition("SharedAccessSignature=")[2]):
        if name == "sig":
            found |= {value, urllib.parse.quote(value, safe="")}
    # In base64 a piece of it looks as it does whatever stands in front, three bytes apart.
    return {text.encode() for text in found} | {encoded(settings)[80:140].encode()}


def post_body(settings, container=CONTAINER, **more):
    values = {"_destinationType": "azure-block-blob",
              "_destinationConnectionSettings": encoded(settings), "_container": container, **more}
    return json.dumps({"resourceType": "Parameters", "parameter": [
        {"name": name, "valueString": value} for name, value in values.items()]}).encode()


def kick_off(server, settings, **more):
    return server.request("POST", "/$export", post_body(settings, **more), JSON)


def blobs_of(job_url):
    folder = job_url.rsplit("/", 1)[1] + "/"
    return {name for name in storage.client().blobs(CONTAINER) if name.startswith(folder)}


class Place:
    """A folder with resources and a record of jobs, for one server or several at a time."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="fhx-client-")
        self.key = os.path.join(self.folder, "keys")
        self.jobs = os.path.join(self.folder, "jobs.db")
        self.options = options
        with open(self.key, "w", encoding="ascii") as file:
            print(os.urandom(32).hex(), file=file)
        path = os.path.join(self.folder, "patients.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            for number in range(PATIENTS):
                file.write(json.dumps({"resourceType": "Patient", "id": f"p{number:05}",
                                       "name": [{"family": "x" * 200}]}) + "\n")
        self.start("--load", path).stop()

    def start(self, *options, lease=LEASE_SECONDS):
        return Server("--jobs", self.jobs, "--url-key-file", self.key, "--part-bytes", "4096",
                      "--lease", str(lease), "--workers", "2", *self.options, *options,
                      folder=self.folder)

    def texts(self):
        """All that the servers have written but the resources."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.startswith(("resources.db", "patients")):
                    with open(os.path.join(folder, name), "rb") as file:
                        yield name, file.read()

    def remove(self):
        shutil.rmtree(self.folder)


class ClientDestination(unittest.TestCase):
    check_outcome, check_issues = ServerTest.check_outcome, ServerTest.check_issues

    @classmethod
    def setUpClass(cls):
        cls.place = Place(*allowing())

    @classmethod
    def tearDownClass(cls):
        cls.place.remove()

    def setUp(self):
        self.servers = []
        self.seen = []

    def tearDown(self):
        for server in self.servers:
            server.stop(signal.SIGKILL)

    def start(self, *options, **more):
        self.servers.append(self.place.start(*options, **more))
        return self.servers[-1]

    def accepted(self, answer):
        self.assertEqual(answer.status, 202, answer.body)
        url = answer.header("Content-Location")
        self.assertRegex(url, r"/fhir/\$export/[0-9a-f]{32}$")
        return url

    def wait(self, server, url):
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            answer = server.get(url)
            if answer.status != 202:
                return answer
            self.assertRegex(answer.header("X-Progress"), r"^\d+%")
            self.seen.append(answer.body + repr(answer.headers).encode())
            time.sleep(0.05)
        self.fail("the export does not end")

    def check_manifest(self, answer, url):
        """All patients are there, once, in blobs of plain URLs; gives the number of files."""
        self.assertEqual(answer.status, 200, answer.body)
        manifest = answer.json()
        self.assertIs(manifest["requiresAccessToken"], True)
        found, begin = [], f"{storage.endpoint}/{CONTAINER}/"
        for item in manifest["output"]:
            self.assertTrue(item["url"].startswith(begin), item["url"])
            self.assertNotIn("?", item["url"])
            blob = storage.client().get(CONTAINER, item["url"][len(begin):])
            lines = blob.body.decode().splitlines()
            self.assertEqual(len(lines), item["count"])
            found += [json.loads(line)["id"] for line in lines]
        self.assertEqual(sorted(found), [f"p{number:05}" for number in range(PATIENTS)])
        self.assertEqual(blobs_of(url), {item["url"][len(begin):] for item in manifest["output"]})
        return len(manifest["output"])

    def check_nowhere(self, settings, *answers):
        for secret in secrets_of(settings):
            for name, text in self.place.texts():
                self.assertNotIn(secret, text, name)
            for text in (*self.seen, *(answer.body + repr(answer.headers).encode()
                                       for answer in answers)):
                self.assertNotIn(secret, text)

    def check_refused(self, answer, name, settings):
        diagnostics = self.check_outcome(answer, 400)
        self.assertIn(name, diagnostics)
        self.check_nowhere(settings, answer)

    # --- exports ---

    def test_by_post(self):
        server = self.start()
        for settings in (with_signature(), storage.connection_string):
            url = self.accepted(kick_off(server, settings))
            answer = self.wait(server, url)
            self.assertGreater(self.check_manifest(answer, url), 10)
            self.assertEqual(answer.json()["request"], server.base_url + "/$export")
            self.check_nowhere(settings, answer)
        self.assertEqual(server.stop(), 0)
        self.check_nowhere(settings)

    def test_by_get(self):
        server, settings = self.start(), with_signature()
        query = urllib.parse.urlencode({"_destinationConnectionSettings": encoded(settings)})
        url = self.accepted(server.get(f"/$export?_type=Patient&{query}&_container={CONTAINER}"
                                       "&_destinationType=azure-block-blob"))
        answer = self.wait(server, url)
        self.check_manifest(answer, url)
        self.assertEqual(answer.json()["request"], server.base_url + "/$export?_type=Patient")
        self.check_nowhere(settings, answer)

    def test_files_outlive_the_job(self):
        server, settings = self.start(), with_signature()
        url = self.accepted(kick_off(server, settings))
        answer = self.wait(server, url)
        count = self.check_manifest(answer, url)
        self.assertEqual(server.request("DELETE", url).status, 202)
        self.assertEqual(server.get(url).status, 404)
        time.sleep(2.5)
        self.assertEqual(len(blobs_of(url)), count)

    def wait_for_blobs(self, url, condition):
        end = time.monotonic() + fhir_server.PATIENCE
        while not condition(len(blobs_of(url))):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def is_whole(self, url):
        """Whether all patients are there."""
        client = storage.client()
        return sum(client.request("GET", f"/{CONTAINER}/{name}").body.count(b"{\"resourceType")
                   for name in blobs_of(url)) == PATIENTS

    def test_cancelled(self):
        server = self.start()
        for _ in range(TRIES):
            url = self.accepted(kick_off(server, with_signature()))
            self.wait_for_blobs(url, lambda count: count >= 3)
            self.assertEqual(server.request("DELETE", url).status, 202)
            self.assertEqual(server.get(url).status, 404)
            # Files of an export that was complete before stay.
            if not self.is_whole(url):
                break
        self.wait_for_blobs(url, lambda count: count == 0)

    # --- two servers ---

    def test_two_servers(self):
        first, second = self.start(), self.start()
        settings = with_signature()
        url = self.accepted(kick_off(first, settings))
        path = url[len(first.base_url):]
        answer = self.wait(second, path)
        self.check_manifest(answer, url)
        self.assertEqual(answer.body, first.get(path).body)
        self.check_nowhere(settings, answer)

    def test_killed_holder(self):
        second = self.start(lease=SHORT_SECONDS)
        settings = with_signature()
        for _ in range(TRIES):
            first = self.start(lease=SHORT_SECONDS)
            url = self.accepted(kick_off(first, settings))
            path = url[len(first.base_url):]
            self.wait_for_blobs(url, lambda count: count >= 3)
            first.stop(signal.SIGKILL)
            answer = self.wait(second, path)
            if answer.status != 200:
                break
        self.assertIn("start the export again", self.check_outcome(answer, 500))
        self.assertEqual(answer.json()["issue"][0]["code"], "security")
        self.check_nowhere(settings, answer)
        # What is there stays with the client, and the server forgets it.
        self.assertGreaterEqual(len(blobs_of(url)), 3)
        self.assertEqual(second.request("DELETE", path).status, 202)
        self.assertEqual(second.get(path).status, 404)
        # Once more, as it was told to.
        second = self.start()
        url = self.accepted(kick_off(second, settings))
        self.check_manifest(self.wait(second, url), url)

    # --- refusals ---

    def test_refused(self):
        server, settings = self.start(), with_signature()
        name = "_destinationConnectionSettings"
        self.check_refused(kick_off(server, settings, container="not-there"), "_container", settings)
        self.check_refused(kick_off(server, settings, _destinationType="s3"), "_destinationType",
                           settings)
        wrong = storage.connection_string.replace(storage.account_key, encoded("another key"))
        self.check_refused(kick_off(server, wrong), name, wrong)
        for place in (f"https://localhost:{storage.port}/{azurite.ACCOUNT}",
                      "https://169.254.169.254/latest", "https://example.org/",
                      f"http://{host()}/{azurite.ACCOUNT}"):
            moved = f"BlobEndpoint={place};SharedAccessSignature={signature()}"
            self.check_refused(kick_off(server, moved), name, moved)
        self.assertEqual(server.get("/metadata").status, 200)

    def test_not_enabled(self):
        settings = with_signature()
        server = Server()
        try:
            answer = kick_off(server, settings)
            self.assertIn("_destination", self.check_outcome(answer, 400))
            lenient = server.request("POST", "/$export", post_body(settings),
                                     {**JSON, "Prefer": "handling=lenient"})
            self.check_outcome(lenient, 400)
            self.assertNotIn(encoded(settings), server.read_log())
        finally:
            server.stop()

    def test_switched_off(self):
        server = self.start()
        url = self.accepted(kick_off(server, with_signature()))
        first = self.wait(server, url)
        server.stop()
        server = self.start("--disabled")
        for path in ("/$export", "/Patient/$export", "/Group/g/$export"):
            answer = server.get(path)
            self.check_outcome(answer, 400)
            self.assertEqual(answer.json()["issue"][0]["code"], "not-supported")
        self.assertNotIn(b"OperationDefinition", server.get("/metadata").body)
        again = server.get(url[url.index("/$export"):])
        self.assertEqual((again.status, again.json()["output"]), (200, first.json()["output"]))


if __name__ == "__main__":
    fhir_server.run_tests()
