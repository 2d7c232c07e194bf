#!/usr/bin/python3
"""fhirexport-server with --auth smart as a test tool for Bulk Data sees it, from discovery to the
last file, over http and over https; and what TLS it speaks.

    smart_flow.py SERVER
"""
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse
import warnings

import fhir_server
from certificates import Authority
from fhir_server import Server
from smart_client import PATIENTS, Client, Key, KeyServer, SmartServer, SmartTest, entry

KEYS = {"tool": Key("RS384"), "other": Key("ES384")}


class Flow(SmartTest):
    """Over http, where a signed link is enough for a file."""

    needs_token = False

    @classmethod
    def clients(cls):
        return [entry("tool", KEYS["tool"], scope="system/*.rs system/*.cud"),
                entry("other", KEYS["other"])]

    def discover(self):
        """The client, which knows the base URL, its id and its key alone."""
        found = self.server.get("/.well-known/smart-configuration").json()
        statement = self.server.get("/metadata").json()
        uris = statement["rest"][0]["security"]["extension"][0]["extension"]
        self.assertEqual(uris[0]["valueUri"], found["token_endpoint"])
        self.assertTrue(any("export" == one["name"] for one in statement["rest"][0]["operation"]))
        client = Client(self.server, "tool", KEYS["tool"])
        self.assertEqual(client.token_url, found["token_endpoint"])
        self.assertEqual(urllib.parse.urlsplit(found["token_endpoint"]).scheme,
                         "https" if self.server.tls else "http")
        return client

    def export(self, headers, path):
        answer = self.server.get(path, headers={**headers, "Prefer": "respond-async",
                                                "Accept": "application/fhir+json"})
        self.assertEqual(answer.status, 202, answer.body)
        url = answer.header("Content-Location")
        self.check_challenge(self.server.get(url))
        self.wait_for(lambda: self.server.get(url, headers=headers).status != 202,
                      "the export does not end")
        answer = self.server.get(url, headers=headers)
        self.assertEqual((answer.status, answer.header("Content-Type")),
                         (200, "application/json"), answer.body)
        manifest = answer.json()
        self.assertIs(manifest["requiresAccessToken"], self.needs_token)
        self.assertNotIn(headers["Authorization"].split()[1], json.dumps(manifest))
        return url, manifest

    def download(self, headers, manifest):
        """Ids by type."""
        found = {}
        for one in manifest["output"]:
            if self.needs_token:
                self.check_challenge(self.server.get(one["url"]))
                stranger = Client(self.server, "other", KEYS["other"]).bearer()
                self.check_outcome(self.server.get(one["url"], headers=stranger), 404)
            else:
                self.assertEqual(self.server.get(one["url"]).status, 200)
            answer = self.server.get(one["url"], headers=headers)
            self.assertEqual(answer.status, 200)
            lines = answer.body.decode().splitlines()
            self.assertEqual(len(lines), one["count"])
            found.setdefault(one["type"], []).extend(json.loads(line)["id"] for line in lines)
        return {name: sorted(ids) for name, ids in found.items()}

    def test_flow(self):
        """AUTH-02, AUTH-04, AUTH-15, AUTH-19, AUTH-20."""
        client = self.discover()
        self.refuse(client.ask(grant_type="not_a_grant_type"), "unsupported_grant_type")
        self.refuse(client.ask(client_assertion_type="not_an_assertion_type"), "invalid_request")
        self.refuse(client.ask(client.assertion(iss="not_an_issuer")), "invalid_client")
        for path in ("/$export", "/Patient/$export", "/Group/a/$export"):
            self.check_challenge(self.server.get(path, headers={"Prefer": "respond-async"}))
        headers = client.bearer("system/*.read")
        both, first = sorted(PATIENTS), [PATIENTS[0]]

        _, manifest = self.export(headers, "/$export")
        everything = self.download(headers, manifest)
        self.assertEqual(set(everything),
                         {"Patient", "Group", "Condition", "Observation", "Basic"})
        self.assertEqual(everything["Patient"], both)
        for kind in ("application/fhir+ndjson", "application/ndjson", "ndjson"):
            _, manifest = self.export(headers, "/Patient/$export?_type=Patient,Condition"
                                      "&_outputFormat=" + urllib.parse.quote_plus(kind))
            self.assertEqual(self.download(headers, manifest), {
                "Patient": both, "Condition": sorted("condition-" + id for id in PATIENTS)})
        answer = self.server.get("/$export?_outputFormat=text/csv", headers=headers)
        self.check_outcome(answer, 400)
        url, manifest = self.export(headers, "/Group/a/$export?_type=Patient")
        self.assertEqual(self.download(headers, manifest), {"Patient": first})
        _, manifest = self.export(headers, "/Patient/$export?_since=2030-01-01T00:00:00Z")
        self.assertEqual(manifest["output"], [])
        _, manifest = self.export(headers, "/Patient/$export?_type=Patient"
                                  "&_since=2000-01-01T00:00:00%2B01:00")
        self.assertEqual(self.download(headers, manifest), {"Patient": both})

        cancelled = self.server.request("DELETE", url, headers=headers)
        self.assertEqual(cancelled.status, 202)
        self.check_outcome(self.server.get(url, headers=headers), 404)
        answer = self.server.get("/$export", headers={**headers, "Prefer": "respond-async"})
        url = answer.header("Content-Location")
        self.assertEqual(self.server.request("DELETE", url, headers=headers).status, 202)
        self.check_outcome(self.server.get(url, headers=headers), 404)


class SecureFlow(Flow):
    """Over https, where files need the token."""

    needs_token = True

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fhx-tls-")
        cls.authority = Authority(cls.folder)
        Client.secrets.add(cls.authority.key_text.decode().splitlines()[1])
        cls.server = SmartServer("--tls-cert", cls.authority.cert, "--tls-key", cls.authority.key,
                                 "--files", "token", clients=cls.clients(),
                                 tls=cls.authority.client())

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.folder)

    @staticmethod
    def speak_old(context, lowest, highest):
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = lowest, highest
        return context

    def speak(self, version, port=None):
        """The version that is agreed on, by a client that would take this alone."""
        context = self.speak_old(ssl.create_default_context(cafile=self.authority.ca), version,
                                 version)
        with socket.create_connection(("127.0.0.1", port or self.server.port), timeout=fhir_server.PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                return connection.version()

    def test_versions(self):
        """KICK-27: TLS 1.2 and 1.3; the server hangs up on what is older, which another one would take."""
        version = ssl.TLSVersion
        lax = KeyServer(self.speak_old(self.authority.server(), version.TLSv1, version.TLSv1_3))
        try:
            for new, name in ((version.TLSv1_3, "TLSv1.3"), (version.TLSv1_2, "TLSv1.2")):
                self.assertEqual(self.speak(new), name)
            for old, name in ((version.TLSv1, "TLSv1"), (version.TLSv1_1, "TLSv1.1")):
                self.assertEqual(self.speak(old, lax.http.server_port), name)
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.speak(old)
        finally:
            lax.close()
        self.check_alive()

    def test_plain_http(self):
        """It is not answered, and harms nobody."""
        self.assertEqual(self.server.raw(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")[:5]
                         .count(b"HTTP/"), 0)
        self.server.raw(b"\x16\x03\x01" + b"x" * 5000)
        self.check_alive()

    def test_long_bodies(self):
        """A file of some megabytes comes whole, also a part of it."""
        headers = Client(self.server, "tool", KEYS["tool"]).bearer("system/*.cruds")
        for i in range(3):
            text = json.dumps({"resourceType": "Binary", "id": f"b{i}",
                               "contentType": "text/plain", "data": "QUJD" * 250000})
            answer = self.server.request("PUT", f"/Binary/b{i}", text.encode(),
                                         {**headers, "Content-Type": "application/fhir+json"})
            self.assertEqual(answer.status, 201, answer.body)
        _, manifest = self.export(headers, "/$export?_type=Binary")
        self.assertEqual(self.download(headers, manifest), {"Binary": ["b0", "b1", "b2"]})
        url = manifest["output"][0]["url"]
        part = self.server.get(url, headers={**headers, "Range": "bytes=1000000-2999999"})
        self.assertEqual((part.status, len(part.body)), (206, 2000000))


class Places(unittest.TestCase):
    """Where --auth smart may listen, and what is wrong with certificates."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-places-")
        self.authority = Authority(self.folder)
        clients = os.path.join(self.folder, "clients.json")
        with open(clients, "w", encoding="ascii") as file:
            json.dump({"clients": [entry("tool", KEYS["other"])]}, file)
        self.options = ["--db", "sqlite:" + os.path.join(self.folder, "r.db"), "--destination",
                        "file:" + os.path.join(self.folder, "files")]
        self.smart = ["--auth", "smart", "--clients", clients]

    def tearDown(self):
        shutil.rmtree(self.folder)

    def refuse(self, code, words, *options):
        done = subprocess.run([fhir_server.PROGRAM, *self.options, *options], capture_output=True,
                              text=True, timeout=fhir_server.PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(words, done.stderr)
        self.assertNotIn("BEGIN", done.stderr)

    def test_other_machines(self):
        """AUTH-22: no token comes in the clear."""
        for more in ([], ["--allow-open"], ["--base-url", "http://example.org/fhir"]):
            self.refuse(1, "without encryption", *self.smart, "--listen", "0.0.0.0:0", *more)
        self.refuse(1, "--allow-open", "--tls-cert", self.authority.cert, "--tls-key",
                    self.authority.key, "--listen", "0.0.0.0:0")
        clients = [entry("tool", KEYS["other"])]
        proxied = SmartServer("--base-url", "https://example.org/fhir", clients=clients,
                              listen="0.0.0.0:0")
        proxied.host, proxied.public_base = "127.0.0.1", "https://example.org/fhir"
        client = Client(proxied, "tool", KEYS["other"])
        found = proxied.get("/.well-known/smart-configuration").json()
        self.assertEqual(found["token_endpoint"], "https://example.org/fhir/auth/token")
        self.assertEqual(client.ask().status, 200)
        local = Client(proxied, "tool", KEYS["other"])
        local.token_url = f"http://127.0.0.1:{proxied.port}/fhir/auth/token"
        self.assertEqual(local.ask().status, 400)
        self.assertEqual(proxied.stop(), 0)

    def test_nobody_is_known(self):
        """AUTH-01, AUTH-03: with --auth none there is no token to get, and what comes as one is
        ignored."""
        server = Server()
        try:
            for token in ("Bearer", "Bearer ", "Bearer x", "x"):
                answer = server.get("/Group", headers={"Authorization": token})
                self.assertEqual(answer.status, 200)
            for path in ("/.well-known/smart-configuration", "/auth/token",
                         server.base_url[:-len("/fhir")] + "/.well-known/smart-configuration"):
                self.assertEqual(server.get(path).status, 404)
            self.assertNotIn("security", server.get("/metadata").json()["rest"][0])
        finally:
            self.assertEqual(server.stop(), 0)

    def test_certificates(self):
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        other = Authority(other)
        empty = os.path.join(self.folder, "empty")
        with open(empty, "w", encoding="ascii"):
            pass
        listen = ["--listen", "127.0.0.1:0"]
        self.refuse(2, "need each other", "--tls-cert", self.authority.cert)
        self.refuse(2, "need each other", "--tls-key", self.authority.key)
        self.refuse(1, "belong together", *listen, "--tls-cert", self.authority.cert, "--tls-key",
                    other.key)
        self.refuse(1, "not PEM", *listen, "--tls-cert", empty, "--tls-key", self.authority.key)
        self.refuse(1, "No such file", *listen, "--tls-cert", self.authority.cert, "--tls-key",
                    empty + "x")


if __name__ == "__main__":
    fhir_server.run_tests()
