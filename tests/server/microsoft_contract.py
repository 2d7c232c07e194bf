#!/usr/bin/python3
"""The requests that the document of Microsoft's FHIR server showed in 2019 (docs/BulkExport.md), as they are there.

    microsoft_contract.py SERVER

The kick-off is a GET with the base64 of a storage account's connection string, which has four endpoints and a
shared access signature, and names no container. Files land in the storage of the client (Azurite, over TLS).
"""
import base64
import datetime
import hashlib
import hmac
import os
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stores"))
import azurite
import client_destination
import fhir_server
from client_destination import CONTAINER, Place, allowing, encoded

HEADERS = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
SETTINGS = "_destinationConnectionSettings"
setUpModule = client_destination.setUpModule
tearDownModule = client_destination.tearDownModule


def stamp(hours):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def token(rights="rwdlac", begin=-1, end=1, key=None):
    """A SAS token in the order of the document: sv, ss, srt, sp, se, st, spr, sig."""
    storage = client_destination.storage
    fields = {"sv": "2018-03-28", "ss": "b", "srt": "sco", "sp": rights, "se": stamp(end), "st": stamp(begin),
              "spr": "https"}
    signed = [azurite.ACCOUNT, *(fields[name] for name in ("sp", "ss", "srt", "st", "se")), "", fields["spr"],
              fields["sv"], ""]
    digest = hmac.new(base64.b64decode(key or storage.account_key), "\n".join(signed).encode(), hashlib.sha256)
    signature = urllib.parse.quote(base64.b64encode(digest.digest()).decode(), safe="")
    return "&".join(f"{name}={value}" for name, value in fields.items()) + f"&sig={signature}"


def connection_string(sas, queue="https://test.queue.core.windows.net/"):
    return (f"BlobEndpoint={client_destination.storage.endpoint}/;QueueEndpoint={queue};"
            "FileEndpoint=https://test.file.core.windows.net/;TableEndpoint=https://test.table.core.windows.net/;"
            f"SharedAccessSignature={sas}")


class Contract(unittest.TestCase):
    # Not imported by its name, which would run its tests here too.
    of = client_destination.ClientDestination
    check_outcome, check_issues, check_manifest = of.check_outcome, of.check_issues, of.check_manifest
    check_nowhere, check_refused, accepted, wait = of.check_nowhere, of.check_refused, of.accepted, of.wait

    @classmethod
    def setUpClass(cls):
        cls.place = Place(*allowing(), "--client-destinations-container", CONTAINER, "--log", "json",
                          "--log-level", "debug", "--part-bytes", "100k")
        cls.addClassCleanup(cls.place.remove)
        cls.server = cls.place.start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.seen = []

    def kick_off(self, settings, kind="azure-block-blob"):
        """The URL as it stands in the document: the base64 is not encoded once more."""
        return self.server.get(f"/$export?_destinationType={kind}&{SETTINGS}={settings}", headers=HEADERS)

    def test_document(self):
        # In one of the last three there is a plus in the base64, which is not encoded either.
        several = [connection_string(token(), f"https://test.queue/{'a' * number}~") for number in range(3)]
        with_plus = [settings for settings in several if "+" in encoded(settings)]
        self.assertEqual(len(with_plus), 1)
        for settings in (connection_string(token()), *with_plus):
            url = self.accepted(self.kick_off(encoded(settings)))
            answer = self.wait(self.server, url)
            self.check_manifest(answer, url)
            self.assertEqual(answer.json()["request"], self.server.base_url + "/$export")
            self.check_nowhere(settings, answer)

    def test_wrong_settings(self):
        stranger = base64.b64encode(b"x" * 64).decode()
        for sas in (token(end=-0.1), token(begin=0.5), token(key=stranger), token("rl"), token()[:-6],
                    token().replace("sp=rwdlac", "sp=rwdlacup"), token().partition("&sig")[0]):
            settings = connection_string(sas)
            self.check_refused(self.kick_off(encoded(settings)), SETTINGS, settings)
        # An earlier form of the document spoke of the token alone, and never showed it.
        self.check_refused(self.kick_off(encoded(token())), SETTINGS, token())
        for settings in ("", "123", "!!!!", encoded("nothing of the kind"), encoded("BlobEndpoint=;x")):
            self.assertIn("_destination", self.check_outcome(self.kick_off(settings), 400))

    def test_wrong_type(self):
        settings = connection_string(token())
        for kind in ("AzureBlockBlob2", "in-memory", ""):
            self.check_refused(self.kick_off(encoded(settings), kind), "_destinationType", settings)
        answer = self.server.get(f"/$export?{SETTINGS}={encoded(settings)}", headers=HEADERS)
        self.check_refused(answer, "_destinationType", settings)


if __name__ == "__main__":
    fhir_server.run_tests()
