#!/usr/bin/python3
"""The Azure destination against Azurite: what is written comes back, by the URLs and nothing else;
what may not be done is refused with a sentence; what is removed is gone.

    azure_destination.py AZURE_TOOL [UNITTEST ARGUMENT]...
"""
import base64
import datetime
import hashlib
import hmac
import os
import random
import subprocess
import sys
import time
import unittest
import urllib.parse

import azurite
import component

TOOL = None
CONTAINER = "fhir"
PREFIX = "exports/one"
MB = 1 << 20


def content(length, seed=1):
    return random.Random(seed).randbytes(length)


def in_us(seconds):
    return int((time.time() + seconds) * 1_000_000)


def iso(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer:
    def __init__(self, text):
        *self.lines, self.last = text.rstrip("\n").split("\n")
        self.status = self.last.split(":")[0].split(" ")[0]

    def __repr__(self):
        return self.last


def tool(environment, *arguments, data=b""):
    run = subprocess.run([TOOL, *map(str, arguments)], input=data, stdout=subprocess.PIPE,
                         env={"PATH": os.environ["PATH"], **environment}, check=False, timeout=600)
    if run.returncode != 0:
        raise component.Failure(f"{arguments} ended with {run.returncode}")
    return Answer(run.stdout.decode())


def fetch(url, ca_file=None, *options):
    """The HTTP status and the body, by curl."""
    command = ["curl", "--silent", "--noproxy", "*", "--write-out", "%{http_code}", "--output", "-"]
    if ca_file is not None:
        command += ["--cacert", ca_file]
    run = subprocess.run([*command, *options, url], stdout=subprocess.PIPE, check=False, timeout=600)
    return int(run.stdout[-3:] or 0), run.stdout[:-3]


class Service:
    """An Azurite that all tests of a class share."""
    https = False

    @classmethod
    def setUpClass(cls):
        cls.azurite = azurite.Azurite(https=cls.https)
        cls.azurite.__enter__()
        cls.addClassCleanup(cls.azurite.__exit__, None, None, None)
        cls.client = cls.azurite.client()
        cls.client.create_container(CONTAINER)

    def environment(self):
        return {"CONNECTION_STRING": self.azurite.connection_string, "CONTAINER": CONTAINER,
                "PREFIX": PREFIX}

    def tool(self, *arguments, data=b"", **more):
        return tool({**self.environment(), **more}, *arguments, data=data)

    def done(self, *arguments, **more):
        answer = self.tool(*arguments, **more)
        self.assertEqual(answer.status, "OK", answer)
        return answer

    def url(self, name, seconds=3600, **more):
        return self.done("url", name, in_us(seconds) if seconds else 0, **more).lines[0]

    def names(self):
        return self.client.blobs(CONTAINER, uncommitted=True)

    def sas(self, **pairs):
        """A shared access signature of the account (version 2021-12-02)."""
        values = {"sp": "rwdlac", "ss": "b", "srt": "sco", "st": "", "se": iso(3600), "sip": "",
                  "spr": "https,http", "sv": "2021-12-02", "ses": "", **pairs}
        lines = [azurite.ACCOUNT] + [values[name] for name in ("sp", "ss", "srt", "st", "se", "sip",
                                                               "spr", "sv", "ses")] + [""]
        key = base64.b64decode(self.azurite.account_key)
        digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
        values["sig"] = base64.b64encode(digest).decode()
        return urllib.parse.urlencode({name: value for name, value in values.items() if value})

    def container_sas(self, permissions="racwd", seconds=3600):
        """A service SAS of the container."""
        values = {"sp": permissions, "se": iso(seconds), "spr": "https,http", "sv": "2021-12-02",
                  "sr": "c"}
        lines = [permissions, "", values["se"], f"/blob/{azurite.ACCOUNT}/{CONTAINER}", "", "",
                 values["spr"], values["sv"], "c", "", "", "", "", "", "", ""]
        key = base64.b64decode(self.azurite.account_key)
        digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
        values["sig"] = base64.b64encode(digest).decode()
        return urllib.parse.urlencode(values)


class Writes(Service):
    """What every way to authenticate must do."""

    def check_fetch(self, name, data):
        status, body = fetch(self.url(name), self.azurite.ca_file)
        self.assertEqual(status, 200)
        self.assertTrue(body == data)

    def test_round_trips(self):
        for number, length in enumerate([1, 100_000, 5 * MB, 5 * MB + 1, 12 * MB + 345, 50 * MB]):
            name, data = f"job-1/Patient-{number}-1-0.ndjson", content(length, number)
            self.done("put", name, data=data)
            self.done("stat", name, length)
            self.check_fetch(name, data)
            head = self.client.head(CONTAINER, f"{PREFIX}/{name}").headers
            self.assertEqual(head["content-type"], "application/fhir+ndjson")
            self.assertNotIn("content-encoding", head)
            self.done("remove", name)
            self.assertEqual(self.tool("stat", name, length).status, "NOT_FOUND")
        self.assertEqual(self.names(), {})

    def test_small_blocks_without_a_thread(self):
        data = content(300_000)
        for flags, in_flight in (("0", "1"), ("0", "16"), ("1", "1"), ("1", "4")):
            more = {"PIECE_BYTES": "7777", "PIECES_IN_FLIGHT": in_flight, "HTTP_FLAGS": flags}
            self.done("put", "job-2/a.ndjson.gz", data=data, **more)
            head = self.client.head(CONTAINER, f"{PREFIX}/job-2/a.ndjson.gz").headers
            self.assertEqual(head["content-encoding"], "gzip")
            self.check_fetch("job-2/a.ndjson.gz", data)
            self.done("remove", "job-2/a.ndjson.gz")
        self.assertEqual(self.names(), {})

    def test_nothing_is_replaced(self):
        self.done("put", "job-3/a.ndjson", data=b"first\n")
        for data in b"second\n", content(20_000):
            answer = self.tool("put", "job-3/a.ndjson", data=data, PIECE_BYTES="5000")
            self.assertEqual(answer.status, "EXISTS", answer)
        self.check_fetch("job-3/a.ndjson", b"first\n")
        self.done("remove", "job-3/a.ndjson")
        self.assertEqual(self.names(), {})

    def test_abort_leaves_nothing(self):
        for data in b"small", content(50_000):
            self.done("abort", "job-4/a.ndjson", data=data, PIECE_BYTES="4096")
        self.assertEqual(self.names(), {})

    def test_remove_takes_what_a_process_left(self):
        self.done("leave", "job-5/a.ndjson", data=content(50_000), PIECE_BYTES="4096")
        self.assertEqual(list(self.names()), [f"{PREFIX}/job-5/a.ndjson"])
        self.assertEqual(self.client.blobs(CONTAINER), {})
        self.assertEqual(self.tool("stat", "job-5/a.ndjson", 1).status, "NOT_FOUND")
        self.done("remove", "job-5/a.ndjson")
        self.done("remove", "job-5/a.ndjson")
        self.assertEqual(self.names(), {})

    def test_check_leaves_nothing(self):
        self.done("check")
        self.assertEqual(self.names(), {})

    def test_stat_compares(self):
        self.done("put", "job-6/a.ndjson", data=b"12345\n")
        self.done("stat", "job-6/a.ndjson", 6)
        self.assertEqual(self.tool("stat", "job-6/a.ndjson", 7).status, "DESTINATION")
        self.done("remove", "job-6/a.ndjson")

    def test_no_container(self):
        for command in ("put", "job-7/a.ndjson"), ("check",):
            answer = self.tool(*command, data=b"x", **self.elsewhere())
            self.assertEqual(answer.status, "NOT_FOUND", answer)
            self.assertIn("the container does not exist", answer.last)

    def elsewhere(self):
        return {"CONTAINER": "other"}


class Signs:
    """URLs that are signed."""

    def test_url_is_for_one_blob_and_its_time(self):
        self.done("put", "job-8/a.ndjson", data=b"a\n")
        self.done("put", "job-8/b.ndjson", data=b"b\n")
        url, ca_file = self.url("job-8/a.ndjson"), self.azurite.ca_file
        self.assertEqual(fetch(url, ca_file), (200, b"a\n"))
        self.assertEqual(fetch(url, ca_file, "--range", "0-0"), (206, b"a"))
        signature = urllib.parse.parse_qs(url.split("?")[1])["sig"][0]
        other = ("A" if signature[0] != "A" else "B") + signature[1:]
        bad = {"another blob": url.replace("a.ndjson", "b.ndjson"),
               "another signature": url.replace(urllib.parse.quote(signature, safe=""),
                                                urllib.parse.quote(other, safe="")),
               "another right": url.replace("sp=r&", "sp=rw&"),
               "another end": url.replace("se=20", "se=21"),
               "no signature": url.split("?")[0],
               "over": self.url("job-8/a.ndjson", -30)}
        for why, one in bad.items():
            self.assertNotEqual(one, url, why)
            self.assertIn(fetch(one, ca_file)[0], (401, 403, 404), why)
        for method in "PUT", "DELETE":
            self.assertEqual(fetch(url, ca_file, "--request", method, "--header",
                                   "x-ms-blob-type: BlockBlob", "--data-binary", "x")[0], 403)
        self.assertEqual(fetch(url, ca_file), (200, b"a\n"))
        self.done("remove", "job-8/a.ndjson")
        self.done("remove", "job-8/b.ndjson")

    def test_flags(self):
        self.assertEqual(self.done("flags").lines, ["2"])

    def test_plain_urls(self):
        self.assertEqual(self.done("flags", FLAGS="1").lines, ["3"])
        self.assertEqual(self.url("job-9/a.ndjson", FLAGS="1"),
                         f"{self.azurite.endpoint}/{CONTAINER}/{PREFIX}/job-9/a.ndjson")


class AccountKey(Signs, Writes, unittest.TestCase):
    def test_a_wrong_key(self):
        string = self.azurite.connection_string.replace(
            self.azurite.account_key, base64.b64encode(bytes(64)).decode())
        for command in ("put", "job-1/a.ndjson"), ("check",), ("stat", "a", 1), ("remove", "a"):
            answer = self.tool(*command, data=b"x", CONNECTION_STRING=string)
            self.assertEqual(answer.status, "DENIED", answer)
            self.assertNotIn("AAAA", answer.last)

    def test_a_url_without_end(self):
        self.done("put", "job-10/a.ndjson", data=b"a\n")
        self.assertEqual(fetch(self.url("job-10/a.ndjson", 0)), (200, b"a\n"))
        self.done("remove", "job-10/a.ndjson")

    def test_nobody_answers(self):
        string = ("AccountName=fhxaccount;AccountKey=AAAA;"
                  f"BlobEndpoint=http://127.0.0.1:{component.free_port()}/fhxaccount")
        answer = self.tool("check", CONNECTION_STRING=string, RETRY_US="500000")
        self.assertIn(answer.status, ("IO", "DESTINATION"), answer)


class PlainUrls:
    """A signature cannot sign: nobody is given it."""

    def check_fetch(self, name, data):
        self.assertTrue(self.client.get(CONTAINER, f"{PREFIX}/{name}").body == data)

    def test_urls_are_plain(self):
        self.assertEqual(self.done("flags").lines, ["3"])
        self.assertEqual(self.url("job-1/a.ndjson"),
                         f"{self.azurite.endpoint}/{CONTAINER}/{PREFIX}/job-1/a.ndjson")


class AccountSas(PlainUrls, Writes, unittest.TestCase):
    def environment(self):
        return self.with_sas(self.sas())

    def with_sas(self, sas):
        return {"CONNECTION_STRING": f"BlobEndpoint={self.azurite.endpoint};"
                                     f"SharedAccessSignature={sas}",
                "CONTAINER": CONTAINER, "PREFIX": PREFIX}

    def test_rights_that_are_missing(self):
        sas = [self.sas(sp="r"), self.sas(srt="c"), self.sas(ss="q"), self.sas(spr="https"),
               self.sas(se=iso(-60)), self.sas(sp="rw")]
        for one in sas:
            answer = self.tool("check", **self.with_sas(one))
            self.assertEqual(answer.status, "DENIED", answer)
        for one in sas[:-1]:
            answer = self.tool("put", "job-1/a.ndjson", data=b"x", **self.with_sas(one))
            self.assertEqual(answer.status, "DENIED", answer)
            self.assertNotIn("sig", answer.last.replace("signature", ""))
            self.assertNotIn("127.0.0.1", answer.last)
        self.assertEqual(self.names(), {})


class ContainerUrl(PlainUrls, Writes, unittest.TestCase):
    def environment(self):
        return self.with_sas(self.container_sas())

    def with_sas(self, sas):
        return {"CONTAINER_URL": f"{self.azurite.endpoint}/{CONTAINER}?{sas}", "PREFIX": PREFIX}

    def elsewhere(self):
        return {"CONTAINER_URL": f"{self.azurite.endpoint}/other?{self.sas()}"}

    def test_read_only(self):
        for data in b"x", content(20_000):
            answer = self.tool("put", "job-1/a.ndjson", data=data, PIECE_BYTES="4096",
                               **self.with_sas(self.container_sas("r")))
            self.assertEqual(answer.status, "DENIED", answer)
        self.assertEqual(self.names(), {})

    def test_over(self):
        answer = self.tool("check", **self.with_sas(self.container_sas(seconds=-60)))
        self.assertEqual(answer.status, "DENIED", answer)


class Token(Signs, Writes, unittest.TestCase):
    https = True

    def environment(self):
        return self.with_token(self.azurite.token())

    def with_token(self, token):
        return {"ACCOUNT_URL": self.azurite.endpoint, "TOKEN": token,
                "TOKEN_EXPIRES_US": str(in_us(3600)), "CA_FILE": self.azurite.ca_file,
                "CONTAINER": CONTAINER, "PREFIX": PREFIX}

    def test_url_ends_with_its_key(self):
        self.done("put", "job-1/a.ndjson", data=b"a\n")
        for seconds in 0, 30 * 24 * 3600:
            url = self.url("job-1/a.ndjson", seconds)
            self.assertEqual(fetch(url, self.azurite.ca_file), (200, b"a\n"))
            query = urllib.parse.parse_qs(url.split("?")[1])
            self.assertEqual(query["se"], query["ske"])
            self.assertLessEqual(query["se"][0], iso(7 * 24 * 3600))
            self.assertGreater(query["se"][0], iso(6 * 24 * 3600))
        self.done("remove", "job-1/a.ndjson")

    def test_a_token_that_is_over(self):
        for command in ("put", "job-1/a.ndjson"), ("check",), ("url", "a", in_us(60)):
            answer = self.tool(*command, data=b"x", **self.with_token(self.azurite.token(-10)))
            self.assertEqual(answer.status, "DENIED", answer)
            self.assertNotIn(".ey", answer.last)

    def test_a_certificate_that_nobody_knows(self):
        environment = self.with_token(self.azurite.token())
        environment["CA_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
        answer = tool(environment, "check")
        self.assertEqual(answer.status, "DENIED", answer)


if __name__ == "__main__":
    component.end_on_signal()
    TOOL = sys.argv.pop(1)
    unittest.main()
