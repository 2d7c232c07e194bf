#!/usr/bin/python3
"""How clients of fhirexport-server are registered: the file of clients, keys by URL, `client add`.

    smart_registration.py SERVER
"""
import base64
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import fhir_server
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric import ec
from smart_client import Client, Key, KeyServer, SmartServer, SmartTest, entry

KEY = Key("ES384")
# The least time between two fetches for keys that are not there, of which the server sees whole seconds.
PAUSE_SECONDS = 9


class ByUrl(SmartTest):
    """AUTH-14: keys that are fetched."""

    names = ("max_age", "no_store", "silent", "flood", "broken", "redirect", "both", "slow", "aged",
             "failing", "old")

    @classmethod
    def clients(cls):
        cls.places = {name: KeyServer() for name in cls.names}
        cls.places["secure"] = KeyServer(cls.authority.server())
        cls.places["distrusted"] = KeyServer(cls.other.server())
        return [entry(name, *([KEY] if name == "both" else []), jwks_uri=place.url)
                for name, place in cls.places.items()]

    @classmethod
    def setUpClass(cls):
        cls.folders = [tempfile.mkdtemp(prefix="fhx-keys-") for _ in range(2)]
        cls.authority, cls.other = (Authority(folder) for folder in cls.folders)
        cls.options = ("--jwks-ca", cls.authority.ca)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for place in cls.places.values():
            place.close()
        for folder in cls.folders:
            shutil.rmtree(folder)

    def client(self, name, *keys, **headers):
        """A client whose URL has these keys, and an answer with these headers."""
        place = self.places[name]
        place.keys = list(keys)
        place.headers = {key.replace("_", "-"): value for key, value in headers.items()}
        return Client(self.server, name, keys[0] if keys else KEY), place

    def take(self, client, count, place):
        self.assertEqual(client.ask().status, 200)
        self.assertEqual(place.count, count)

    def test_cache(self):
        """AUTH-14: used as long as Cache-Control says, and no longer."""
        client, place = self.client("max_age", KEY, Cache_Control="max-age=3, public")

        def is_kept():
            """Two requests behind each other that fetch once; on a busy machine three seconds may be between them."""
            before = place.count
            answers = [client.ask().status for _ in range(2)]
            return answers == [200, 200] and place.count <= before + (before == 0)
        self.wait_for(is_kept, "the keys are not kept")
        before, begin = place.count, time.monotonic()
        self.wait_for(lambda: client.ask().status == 200 and place.count > before,
                      "the keys are not fetched again")
        # Where nothing is said they are kept for 300 s.
        self.assertLess(time.monotonic() - begin, 150)
        place.keys = [Key("RS384")]
        self.wait_for(lambda: client.ask().status == 400, "a key that is gone is good")
        client, place = self.client("no_store", KEY, Cache_Control="private,no-store")
        for count in (1, 2, 3):
            self.take(client, count, place)
        client, place = self.client("silent", KEY)
        for _ in range(3):
            self.take(client, 1, place)
        client, place = self.client("aged", KEY, Cache_Control="Max-Age=100", Age="100")
        for count in (1, 2):
            self.take(client, count, place)

    def test_new_key(self):
        """AUTH-14: a key that is new is fetched; ids that are made up do not fetch again and again,
        and shut nobody out."""
        client, place = self.client("flood", KEY, Cache_Control="max-age=300")
        self.take(client, 1, place)
        new = Key("ES384")
        place.keys = [KEY, new]
        later = Client(self.server, "flood", new)
        begin = time.monotonic()
        self.take(later, 2, place)
        for _ in range(20):
            made_up = Client(self.server, "flood", Key("ES384"))
            self.refuse(made_up.ask(), "invalid_client")
        self.check_pauses(place, 2, begin)
        self.take(client, place.count, place)
        # The same where nothing may be kept.
        client, place = self.client("old", KEY, Cache_Control="no-cache")
        begin = time.monotonic()
        self.take(client, 1, place)
        for _ in range(20):
            made_up = Client(self.server, "old", Key("ES384"))
            self.refuse(made_up.ask(), "invalid_client")
        self.check_pauses(place, 2, begin)

    def check_pauses(self, place, count, begin):
        """It was fetched so often, or once more for each pause that has passed on a busy machine."""
        self.assertLessEqual(place.count, count + int(time.monotonic() - begin) // PAUSE_SECONDS)

    def test_both(self):
        """AUTH-09, AUTH-14: keys of the registration and of the URL."""
        other = Key("RS384")
        _, place = self.client("both", other, Cache_Control="max-age=300")
        self.take(Client(self.server, "both", KEY), 0, place)
        self.take(Client(self.server, "both", other), 1, place)
        # `jku` may say what is registered.
        client = Client(self.server, "both", other)
        for url, status in ((place.url, 200), (place.url + "?x", 400), ("", 400), (7, 400)):
            answer = client.ask(other.jwt(client.claims(), jku=url))
            self.assertEqual(answer.status, status)

    def test_answers(self):
        """What is no JWK Set, too long, elsewhere, or late; what failed is not repeated at once."""
        for status, body in ((200, b"nonsense"), (200, b"[]"), (200, b'{"keys":{}}'), (404, None),
                             (200, b'{"keys":[],"x":"' + b"x" * 300000 + b'"}')):
            place = KeyServer()
            try:
                place.status, place.body = status, body
                server = SmartServer(clients=[entry("one", jwks_uri=place.url)])
                client = Client(server, "one", KEY)
                begin = time.monotonic()
                for _ in range(3):
                    self.refuse(client.ask(), "invalid_client")
                self.assertGreaterEqual(place.count, 1)
                self.check_pauses(place, 1, begin)
            finally:
                server.stop()
                place.close()
        client, place = self.client("redirect", KEY, Location=self.places["silent"].url)
        place.status = 302
        self.refuse(client.ask(), "invalid_client")
        client, place = self.client("broken", KEY)
        place.keys, place.body = [], json.dumps({"keys": [
            1, {}, {"kty": 1}, {"kid": KEY.kid}, KEY.jwk(kty="RSA"), KEY.jwk(crv="P-256"),
            KEY.jwk(use="enc"), KEY.jwk(alg="ES256"), KEY.jwk(alg=7),
            KEY.jwk(key_ops=["sign"]), KEY.jwk(key_ops="verify"), KEY.jwk(x="AA"), KEY.jwk(y=""),
            {**KEY.jwk(), "kty": "oct", "k": "AA"}]}).encode()
        self.refuse(client.ask(), "invalid_client")
        client, place = self.client("slow", KEY)
        place.delay_s = 1000
        begin = time.monotonic()
        self.refuse(client.ask(), "invalid_client")
        # It does not wait for the answer, which comes when this place is closed.
        self.assertLess(time.monotonic() - begin, 900)

    def test_at_once(self):
        """Many that need the same keys at the same time fetch them once."""
        client, place = self.client("failing", KEY, Cache_Control="max-age=300")
        place.delay_s = 0.3
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(client.ask().status))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((answers, place.count), ([200] * 4, 1))

    def test_certificates(self):
        client, place = self.client("secure", KEY)
        self.take(client, 1, place)
        client, place = self.client("distrusted", KEY)
        self.refuse(client.ask(), "invalid_client")
        self.assertEqual(place.count, 0)


class Files(unittest.TestCase):
    """The file of clients, and `client add`."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-clients-")
        self.path = os.path.join(self.folder, "clients.json")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, content):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def start(self):
        return subprocess.run(
            [fhir_server.PROGRAM, "--db", "sqlite:" + os.path.join(self.folder, "r.db"),
             "--destination", "file:" + os.path.join(self.folder, "files"), "--listen",
             "127.0.0.1:0", "--auth", "smart", "--clients", self.path],
            capture_output=True, text=True, timeout=fhir_server.PATIENCE, check=False)

    def add(self, *options):
        return subprocess.run([fhir_server.PROGRAM, "client", "add", *options],
                              capture_output=True, text=True, timeout=fhir_server.PATIENCE, check=False,
                              cwd=self.folder)

    def read(self, name="clients.json"):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return json.load(file)

    def test_mistakes(self):
        """Each is said, with no word of the file: it may be a key."""
        good = entry("a", KEY)
        secret = {**KEY.jwk(), "d": "very-secret-number"}
        for one in (1, {}, {"client_id": "a"}, {**good, "client_id": ""}, {**good, "client_id": 1},
                    {**good, "client_id": "a b"}, {**good, "client_id": "a" * 129},
                    {**good, "scope": ""}, {**good, "scope": "user/*.read"}, {**good, "scope": 1},
                    {**good, "jwks": {}}, {**good, "jwks": {"keys": []}}, {**good, "jwks": []},
                    {**good, "jwks": {"keys": [secret]}}, {**good, "jwks": {"keys": [1]}},
                    {**good, "jwks": {"keys": [Key("ES256").jwk()]}},
                    {**good, "jwks": {"keys": [Key("RS384", bits=1024).jwk()]}},
                    {**good, "jwks": {"keys": [Key("RS384").jwk(n="A" * 1368)]}},
                    {**good, "jwks": {"keys": [{"kty": "oct", "k": "very-secret", "kid": "x"}]}},
                    {**good, "jwks_uri": "http://example.org/jwks"}, {**good, "jwks_uri": 1},
                    {**good, "jwks_uri": "file:///etc/passwd"}, {**good, "jwks_uri": "https://"},
                    {**good, "jwks_uri": "http://127.0.0.1.example.org/"},
                    {**good, "tenant": "a/b"}, {**good, "tenant": 1}, {**good, "groups": "a"},
                    {**good, "groups": [1]}, {**good, "groups": ["a/b"]}, {**good, "group": ["a"]},
                    {"client_id": "a", "scope": "system/*.read"}):
            self.write({"clients": [entry("first", KEY), one]})
            done = self.start()
            self.assertEqual((done.returncode, done.stdout), (1, ""), one)
            self.assertIn("client number 2", done.stderr, one)
            self.assertNotIn("very-secret", done.stderr)
        for content in ("", "{", "[]", "{}", '{"clients":{}}', '{"clients":[],"more":1}',
                        '{"clients":[],"clients":[]}', '{"clients":["very-secret"}',
                        {"clients": [good, good]}):
            self.write(content)
            done = self.start()
            self.assertEqual((done.returncode, done.stdout), (1, ""), content)
            self.assertNotIn("very-secret", done.stderr)
        os.unlink(self.path)
        self.assertEqual(self.start().returncode, 1)

    def test_used_cannot_be_written(self):
        self.write({"clients": []})
        os.mkdir(self.path + ".used")
        done = self.start()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("--used-assertions", done.stderr)

    def test_add(self):
        """A client that was added can log in with its key, as it was registered."""
        done = self.add("acme", "--clients", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.add("other.one", "--clients", self.path, "--scope", "system/Patient.rs",
                        "--tenant", "west", "--group", "a", "--group", "b", "--key", "kept.json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        first, second = self.read()["clients"]
        self.assertEqual((first["client_id"], first["scope"], first["groups"]),
                         ("acme", "system/*.read", []))
        self.assertEqual((second["client_id"], second["scope"], second["tenant"],
                          second["groups"]), ("other.one", "system/Patient.rs", "west", ["a", "b"]))
        for name, made in (("acme.private.json", first), ("kept.json", second)):
            mode = os.stat(os.path.join(self.folder, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)
            private = self.read(name)
            public = made["jwks"]["keys"]
            self.assertEqual(len(public), 1)
            self.assertNotIn("d", public[0])
            self.assertEqual((public[0]["kid"], public[0]["x"]), (private["kid"], private["x"]))
            self.assertNotIn(private["d"], json.dumps(self.read()) + done.stdout)
        server = SmartServer(folder=self.folder)
        try:
            for name, path in (("acme", "acme.private.json"), ("other.one", "kept.json")):
                client = Client(server, name, self.key(path))
                scope = "system/*.read" if name == "acme" else "system/Patient.read"
                self.assertEqual(client.ask().json()["scope"], scope)
        finally:
            server.stop()

    def key(self, name):
        """The key pair of a private JWK."""
        jwk = self.read(name)
        key = Key("ES384", kid=jwk["kid"])
        padded = jwk["d"] + "=" * (-len(jwk["d"]) % 4)
        number = int.from_bytes(base64.urlsafe_b64decode(padded), "big")
        key.private = ec.derive_private_key(number, ec.SECP384R1())
        return key

    def test_nothing_is_overwritten(self):
        self.assertEqual(self.add("acme", "--clients", self.path).returncode, 0)
        before = self.read(), self.read("acme.private.json")
        for options in (["acme", "--clients", self.path],
                        ["acme", "--clients", self.path, "--key", "new.json"],
                        ["second", "--clients", self.path, "--key", "acme.private.json"],
                        ["second", "--clients", self.path, "--scope", "user/*.read"],
                        ["second", "--clients", self.path, "--group", "a/b"],
                        ["a/b", "--clients", self.path], ["a b", "--clients", self.path],
                        ["second", "--clients", "/no/such/folder/clients.json"],
                        ["second", "--clients", self.path, "--key", "/no/such/folder/key"]):
            done = self.add(*options)
            self.assertEqual((done.returncode, done.stdout), (1, ""), options)
            self.assertTrue(done.stderr)
        for options in ([], ["acme"], ["--clients", self.path], ["b", "--clients", self.path, "x"],
                        ["b", "--clients", self.path, "--nonsense"]):
            self.assertEqual(self.add(*options).returncode, 2, options)
        self.assertEqual((self.read(), self.read("acme.private.json")), before)
        self.assertEqual(sorted(os.listdir(self.folder)), ["acme.private.json", "clients.json"])
        # One that does the same at this time.
        with open(self.path + ".new", "x", encoding="ascii"):
            pass
        self.assertEqual(self.add("second", "--clients", self.path).returncode, 1)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "second.private.json")))


class Lifted(unittest.TestCase):
    def test_includes(self):
        """What another server takes needs no more than the README of the example server says."""
        here = os.path.dirname(os.path.abspath(__file__))
        folder = os.path.join(here, "..", "..", "examples", "server")
        names = [name for name in os.listdir(folder) if name.startswith("smart")]
        self.assertGreater(len(names), 10)
        needed = set()
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                needed |= set(re.findall(r'#include "([^"]+)"', file.read()))
        others = {name for name in needed if not name.startswith("smart")}
        self.assertEqual(others, {"answer.h", "text.h", "types.h", "log.h"})


if __name__ == "__main__":
    fhir_server.run_tests()
