#!/usr/bin/env python3
"""What servers do wrong, and what others could do to a fetch, against a server of a script.

    faults.py [ARGUMENT OF UNITTEST]...
"""
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(HERE, "..", "..", "..", "bindings", "python")
sys.path.insert(0, PACKAGE)

import fhirexport  # noqa: E402
from fhirexport import client  # noqa: E402
from fhirexport.client import _check, _urls  # noqa: E402
from scripted import (Answer, Scripted, json_answer, lines, outcome, ranged,  # noqa: E402
                      sha256, wait_until)

FAST = {"patience": 120.0, "poll_seconds": 0.05}


class FetchTest(unittest.TestCase):
    def setUp(self):
        self.server = Scripted()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory(prefix="fhx-fetch-")
        self.addCleanup(folder.cleanup)
        self.to = os.path.join(folder.name, "to")
        self.events = []

    def fetch(self, base="/fhir", **options):
        request = options.pop("request", None) or client.ExportRequest(self.server.url + base)
        return client.fetch(request, self.to, client.FetchOptions(**{**FAST, **options}),
                            self.events.append)

    def read(self, name="Patient-0001.ndjson"):
        with open(os.path.join(self.to, name), "rb") as file:
            return file.read()

    def names(self):
        return sorted(os.listdir(self.to))

    def tokens(self):
        """Paths, and the token that came with each."""
        return {(one.path, one.headers.get("Authorization")) for one in self.server.asked}


class OneCall(FetchTest):
    """fhirexport.fetch."""

    def test_what_is_asked_for(self):
        body = lines(7)
        self.server.export({"/f": ({"count": 7}, body)})
        self.server.routes["/fhir/Group/g/$export"] = self.server.routes["/fhir/$export"]
        result = fhirexport.fetch(
            self.server.url + "/fhir", self.to, level="group/g", types=iter(["Patient"]),
            since="2024-01-01T00:00:00Z", type_filters=["Patient?active=true"], elements=["id"],
            token="T1", delete=True, options=client.FetchOptions(**FAST),
            on_event=self.events.append)
        self.assertEqual((result.resources, self.read()), (7, body))
        first, last = self.server.asked[0], self.server.asked[-1]
        self.assertEqual(
            urllib.parse.unquote(first.path),
            "/fhir/Group/g/$export?_type=Patient&_since=2024-01-01T00:00:00Z"
            "&_typeFilter=Patient?active=true&_elements=id")
        self.assertEqual((first.headers["Authorization"], last.method), ("Bearer T1", "DELETE"))
        self.assertEqual(self.events[-1].kind, "removed")

    def test_mistakes(self):
        for wrong in ({"types": "Patient"}, {"patients": "Patient/1"}):
            with self.assertRaisesRegex(TypeError, "is a list"):
                fhirexport.fetch(self.server.url, self.to, **wrong)
        for wrong in ({"level": "moon"}, {"patients": ["1"]}, {"token": "T", "token_file": "x"}):
            with self.assertRaises(ValueError):
                fhirexport.fetch(self.server.url, self.to, **wrong)
        self.assertEqual(self.server.asked, [])

    def test_no_library(self):
        program = "import fhirexport, sys; fhirexport.fetch; sys.exit('fhirexport._library' in sys.modules)"
        environment = {**os.environ, "PYTHONPATH": PACKAGE, "FHIREXPORT_LIBRARY": "/nowhere.so"}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)


class Contents(FetchTest):
    def test_what_comes_is_there(self):
        body = lines(7)
        self.server.export({"/f": ({"count": 7}, body)})
        result = self.fetch()
        self.assertEqual((result.resources, result.transaction_time), (7, "2024-01-01T00:00:00Z"))
        self.assertEqual(self.read(), body)
        self.assertEqual(self.names(), [".fhirexport-fetch.jsonl", "Patient-0001.ndjson",
                                        "manifest.json"])
        manifest = json.loads(self.read("manifest.json"))
        self.assertEqual(manifest["output"], [{
            "type": "Patient", "file": "Patient-0001.ndjson", "count": 7, "bytes": len(body),
            "sha256": sha256(body)}])

    def test_counts_lengths_and_digests(self):
        body = lines(3)
        for item in ({"count": 4}, {"count": 2}, {"extension": {"byteCount": len(body) + 1}},
                     {"extension": {"sha256": sha256(b"other")}}):
            with self.subTest(item=item):
                self.server.export({"/good": ({}, lines(2)), "/bad": (item, body)})
                asked = len(self.server.asked)
                with self.assertRaises(client.VerificationFailed) as caught:
                    self.fetch(restart=True)
                self.assertIn("Patient-0002.ndjson", str(caught.exception))
                paths = [one.path for one in self.server.asked[asked:]]
                self.assertEqual(paths.count("/bad"), 2, "it is fetched once more")
                self.assertEqual(self.names(), [".fhirexport-fetch.jsonl", "Patient-0001.ndjson"])
        good = {"count": 3, "extension": {"byteCount": len(body), "sha256": sha256(body).upper()}}
        self.server.export({"/good": ({}, lines(2)), "/bad": (good, body)})
        self.assertEqual(self.fetch(restart=True).resources, 5)

    def test_a_bad_file_that_is_good_the_second_time(self):
        good = Answer(200, {}, lines(3))
        self.server.export({"/f": ({"count": 3}, [Answer(200, {}, lines(2)), good])})
        self.assertEqual(self.fetch().resources, 3)
        self.assertEqual(self.read(), lines(3))

    def test_gzip(self):
        body = lines(50_000)
        packed = gzip.compress(body[:999]) + gzip.compress(body[999:])
        item = {"count": 50_000, "extension": {"byteCount": len(body)}}
        for coding in ({"Content-Encoding": "gzip"}, {}):
            self.server.export({"/f": (item, Answer(200, coding, packed))})
            self.fetch(restart=True)
            self.assertEqual(self.read(), body)
            self.fetch(restart=True, gzip="keep")
            self.assertEqual(self.read("Patient-0001.ndjson.gz"), packed)
            self.assertNotIn("Patient-0001.ndjson", self.names())
        for broken in (packed[:-20], packed[:500] + b"\0\0\0" + packed[503:]):
            self.server.routes["/f"] = Answer(200, {"Content-Encoding": "gzip"}, broken)
            with self.assertRaises(client.VerificationFailed):
                self.fetch(restart=True)
        bomb = gzip.compress(bytes(50 << 20))
        self.server.routes["/f"] = Answer(200, {"Content-Encoding": "gzip"}, bomb)
        with self.assertRaisesRegex(client.VerificationFailed, "longer than"):
            self.fetch(restart=True)

    def test_sections_and_names(self):
        """Names are of type and number, whatever the server says."""
        manifest = self.server.export({
            "/a": ({"type": "../../../etc/passwd"}, lines(1)), "/b": ({"type": "Patient"}, lines(2)),
            "/c": ({"type": "CON\0"}, lines(3)), "/d": ({"type": "Observation"}, lines(4))})
        self.server.routes["/e"] = Answer(200, {}, lines(1))
        manifest["error"] = [{"type": "OperationOutcome", "url": "/e"}]
        manifest["deleted"] = [{"type": "Bundle", "url": self.server.url + "/e"}]
        manifest["output"][1]["continuesInFile"] = self.server.url + "/d?x=1"
        self.server.routes["/status"] = json_answer(manifest)
        self.fetch()
        self.assertEqual([name for name in self.names() if name.endswith("n")], [
            "Observation-0001.ndjson", "Patient-0001.ndjson", "deleted-Bundle-0001.ndjson",
            "error-OperationOutcome-0001.ndjson", "manifest.json", "resources-0001.ndjson",
            "resources-0002.ndjson"])
        told = json.loads(self.read("manifest.json"))
        self.assertEqual(told["output"][1]["continuesInFile"], "Observation-0001.ndjson")
        self.assertEqual(len(os.listdir(os.path.dirname(self.to))), 1)

    def test_tally(self):
        """Lines however the bytes are cut, against a plain count."""
        dice = random.Random(3)
        for _ in range(300):
            data = bytes(dice.choice(b"a\n\n \r{") for _ in range(dice.randrange(60)))
            tally, rest = _check.Tally(), data
            while rest:
                cut = dice.randrange(1, 9)
                tally.update(rest[:cut])
                rest = rest[cut:]
            plain = sum(bool(line.strip()) for line in data.split(b"\n"))
            self.assertEqual((tally.lines, tally.bytes), (plain, len(data)), data)

    def test_unpack(self):
        dice = random.Random(4)
        data = bytes(dice.randrange(256) for _ in range(5000)) + bytes(3 << 20)
        for level in (0, 1, 9):
            pack = zlib.compressobj(level, zlib.DEFLATED, 31)
            path = self.to
            with open(path, "wb") as file:
                file.write(pack.compress(data) + pack.flush())
            with open(path, "rb") as file:
                pieces = list(_check.unpack(file))
            self.assertEqual(b"".join(pieces), data)
            self.assertLessEqual(max(map(len, pieces)), _check.PIECE)


class Breaks(FetchTest):
    """Connections that end, and what is fetched of a file the second time."""

    def starts(self):
        return [one.headers.get("Range") for one in self.server.asked if one.path == "/f"]

    def test_the_rest_alone_is_fetched(self):
        body = lines(20_000)
        item = {"count": 20_000, "extension": {"sha256": sha256(body)}}
        self.server.export({"/f": (item, ranged(body, cut=(300_000, 200_000, 0)))})
        self.fetch()
        self.assertEqual(self.read(), body)
        self.assertEqual(self.starts()[0], None)
        self.assertTrue(all(self.starts()[1:]), self.starts())
        again = [one.headers.get("If-Range") for one in self.server.asked if one.path == "/f"]
        self.assertEqual(set(again[1:]), {'"a"'})

    def test_a_file_that_has_changed_is_fetched_whole(self):
        old, new = lines(9_000), lines(9_000, begin=7)
        parts = [ranged(old, '"old"', cut=(280_000,)), ranged(new, '"new"')]
        self.server.export({"/f": ({}, lambda asked: parts.pop(0)(asked) if len(parts) > 1
                                   else parts[0](asked))})
        self.fetch()
        self.assertEqual(self.read(), new)

    def test_servers_without_ranges_or_tags(self):
        body = lines(20_000)
        for more in ({"with_range": False}, {"etag": None}):
            self.server.export({"/f": ({"count": 20_000}, ranged(body, cut=(300_000,), **more))})
            self.fetch(restart=True)
            self.assertEqual(self.read(), body)

    def test_a_range_that_is_another(self):
        body = lines(20_000)
        good = ranged(body, cut=(300_000,))

        def lying(asked):
            answer = good(asked)
            if answer.status == 206:
                answer.headers["Content-Range"] = f"bytes 5-{len(body) - 1}/{len(body)}"
            return answer
        self.server.export({"/f": ({"count": 20_000}, lying)})
        self.fetch()
        self.assertEqual(self.read(), body)

    def test_a_file_that_was_whole_already(self):
        """All bytes were there when the process died: 416, and nothing more is needed."""
        body = lines(20_000)
        self.server.export({"/f": ({"count": 20_000}, ranged(body, cut=[300_000] + [0] * 99))})
        with self.assertRaises(client.Unreachable):
            self.fetch(patience=0.5)
        with open(os.path.join(self.to, "Patient-0001.ndjson.part"), "wb") as file:
            file.write(body)
        self.server.routes["/f"] = ranged(body)
        self.fetch()
        self.assertEqual(self.read(), body)
        self.assertEqual(self.starts()[-1], f"bytes={len(body)}-")

    def test_links_that_have_ended(self):
        """Another poll gives new ones; a link that stays bad ends the fetch."""
        for status in (401, 403, 404, 410):
            polls = []

            def status_page(_, polls=polls):
                polls.append(1)
                return json_answer({**manifest, "output": [
                    {"type": "Patient", "url": self.server.url + f"/f?sig={len(polls)}"}]})

            def file(asked, status=status):
                return Answer(status) if asked.path.endswith("sig=1") else Answer(200, {}, lines(2))
            manifest = self.server.export({"/f": ({}, file)})
            self.server.routes["/status"] = status_page
            self.fetch(restart=True)
            self.assertEqual((self.read(), len(polls)), (lines(2), 2))
        self.server.export({"/f": ({}, Answer(410))})
        with self.assertRaises(client.ExportGone):
            self.fetch(restart=True)


class Waits(FetchTest):
    def test_busy_servers(self):
        """429, 503 and other errors of the moment, wherever they come."""
        manifest = self.server.export({"/f": ({}, [Answer(503), Answer(500), Answer(429, {
            "Retry-After": "1"}), Answer(200, {}, lines(1))])})
        start = self.server.routes["/fhir/$export"]
        self.server.routes["/fhir/$export"] = [outcome(429, "throttled", headers={
            "Retry-After": "1"}), Answer(503), start]
        self.server.routes["/status"] = [
            Answer(202, {"Retry-After": "1", "X-Progress": "3%"}), Answer(503),
            outcome(500, "transient"), json_answer(manifest)]
        begin = time.monotonic()
        self.fetch()
        self.assertGreater(time.monotonic() - begin, 3.0, "Retry-After is kept")
        self.assertIn("3%", [event.facts.get("text") for event in self.events])

    def test_patience_ends(self):
        self.server.export({"/f": ({}, Answer(503))})
        with self.assertRaises(client.Unreachable) as caught:
            self.fetch(patience=0.5)
        self.assertTrue(caught.exception.retryable)
        self.assertEqual(caught.exception.exit_code, 5)
        self.server.routes["/f"] = Answer(200, {}, lines(1))
        self.fetch()
        self.assertEqual([one.path for one in self.server.asked].count("/fhir/$export"), 1)

    def test_a_lost_kick_off_is_not_repeated(self):
        self.server.routes["/fhir/$export"] = Answer(202, {"Content-Length": "9"}, b"", cut=0)
        with self.assertRaisesRegex(client.Unreachable, "kick-off"):
            self.fetch()
        self.assertEqual(len(self.server.asked), 1)

    def test_failed_exports(self):
        for answer, kind, text in [
                (outcome(500, "exception", "it broke\x1b[31m"), client.ExportFailed, "it broke"),
                (Answer(404), client.ExportGone, "404"), (Answer(401), client.ExportFailed, "401"),
                (Answer(200, {}, b"[]"), client.ExportFailed, "JSON"),
                (json_answer({"output": []}), client.ExportFailed, "transactionTime")]:
            self.server.export({})
            self.server.routes["/status"] = answer
            with self.assertRaisesRegex(kind, text) as caught:
                self.fetch(restart=True)
            self.assertNotIn("\x1b", str(caught.exception))
        self.server.routes["/fhir/$export"] = outcome(400, "invalid", "_type: no")
        with self.assertRaisesRegex(client.ExportFailed, "_type: no") as caught:
            self.fetch(restart=True)
        self.assertEqual(caught.exception.operation_outcome["issue"][0]["code"], "invalid")

    def test_pages(self):
        """Files of a page are fetched while the server still exports; pages have an end."""
        first = self.server.export({"/f": ({}, lines(1)), "/g": ({}, lines(2))})
        item, other = first["output"]
        page = {**first, "output": [item]}
        link = [{"relation": "next", "url": self.server.url + "/two"}]
        fetched = []

        def slow(_):
            fetched.append([one.path for one in self.server.asked].count("/f"))
            done = fetched[-1] > 0
            return json_answer({**first, "output": [other]}) if done else Answer(202)
        self.server.routes["/status"] = [json_answer(page, 202),
                                         json_answer({**page, "link": link}, 202)]
        self.server.routes["/two"] = slow
        self.assertEqual(self.fetch().resources, 3)
        self.server.routes["/two"] = json_answer({**first, "output": [other], "link": link})
        with self.assertRaisesRegex(client.ExportFailed, "no end"):
            self.fetch(restart=True)


class Safety(FetchTest):
    def setUp(self):
        super().setUp()
        self.other = Scripted()
        self.addCleanup(self.other.close)
        self.other.routes["/f"] = Answer(200, {}, lines(1))

    def export_elsewhere(self, token):
        manifest = self.server.export({"/own": ({}, lines(1))}, token=token)
        manifest["output"].append({"type": "Patient", "url": self.other.url + "/f"})
        self.server.routes["/status"] = json_answer(manifest)

    def test_a_token_stays_with_its_server(self):
        self.export_elsewhere(token=False)
        self.fetch(token=lambda: "abc", delete=True)
        own = {("/fhir/$export", "Bearer abc"), ("/status", "Bearer abc"), ("/own", None)}
        self.assertEqual(self.tokens(), own)
        self.assertEqual([one.headers.get("Authorization") for one in self.other.asked], [None])

    def test_a_manifest_may_ask_for_the_token(self):
        self.export_elsewhere(token=True)
        self.fetch(token=lambda: "abc")
        self.assertIn(("/own", "Bearer abc"), self.tokens())
        self.assertEqual([one.headers.get("Authorization") for one in self.other.asked],
                         ["Bearer abc"])

    def test_a_redirect_does_not_take_the_token_along(self):
        self.server.export({"/f": ({}, Answer(302, {"Location": self.other.url + "/f"}))}, token=True)
        self.fetch(token=lambda: "abc")
        self.assertEqual([one.headers.get("Authorization") for one in self.other.asked], [None])

    def test_a_status_url_elsewhere_gets_no_token(self):
        self.server.export({})
        self.other.routes["/status"] = self.server.routes["/status"]
        self.server.routes["/fhir/$export"] = Answer(
            202, {"Content-Location": self.other.url + "/status"})
        self.fetch(token=lambda: "abc")
        self.assertEqual([one.headers.get("Authorization") for one in self.other.asked], [None])

    def test_urls_that_are_not_followed(self):
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/f", "data:text/plain,x", "//", "http://",
                    "http://u:p@127.0.0.1/f", "http://127.0.0.1:x/f", "http://127.0.0.1/a b",
                    "http://127.0.0.1/\u00e9", "http://127.0.0.1/a\r\nX: y", 7, None):
            with self.subTest(url=url):
                self.server.export({"/f": ({"url": url}, lines(1))})
                with self.assertRaises(client.FetchError):
                    self.fetch(restart=True)
                self.server.export({})
                self.server.routes["/fhir/$export"] = Answer(
                    202, {"Content-Location": url} if isinstance(url, str) and url.isprintable()
                    and url.isascii() else {})
                with self.assertRaises(client.FetchError):
                    self.fetch(restart=True)
                self.server.export({"/f": ({}, Answer(302, {"Location": "file:///etc/passwd"}))})
                with self.assertRaises(client.FetchError):
                    self.fetch(restart=True)
        self.assertEqual(self.other.asked, [])
        with self.assertRaisesRegex(client.FetchError, "from https to http"):
            _urls.follow("http://example.org/f", "https://example.org/", "a link")

    def test_redirects_have_an_end(self):
        self.server.export({"/f": ({}, Answer(307, {"Location": "/f"}))})
        with self.assertRaisesRegex(client.FetchError, "without end"):
            self.fetch()

    def test_no_token_over_http(self):
        request = client.ExportRequest("http://fhir.example.invalid/r4")
        with self.assertRaisesRegex(client.FetchError, "over http"):
            self.fetch(request=request, token=lambda: "abc")

    def test_tokens_are_renewed(self):
        """From a file that changes, and by a command whose answer says how long it is good."""
        file = self.to + ".token"
        with open(file, "w", encoding="ascii") as out:
            out.write("old\n")

        def status(asked):
            if asked.headers.get("Authorization") == "Bearer new":
                return json_answer(manifest)
            with open(file, "w", encoding="ascii") as out:
                out.write("new\n")
            return Answer(401)
        manifest = self.server.export({"/f": ({}, lines(1))})
        self.server.routes["/status"] = status
        self.fetch(token_file=file)
        self.assertIn(("/fhir/$export", "Bearer old"), self.tokens())
        command = "sh -c 'echo \"{\\\"access_token\\\":\\\"new\\\",\\\"expires_in\\\":60}\"'"
        self.fetch(token_command=command, restart=True)
        for bad in ("echo two words", "false", "/nowhere/to/be/found", "echo '{}'"):
            with self.assertRaises(client.FetchError):
                self.fetch(token_command=bad, restart=True)

    def test_nothing_secret_is_kept_or_told(self):
        self.server.export({"/f": ({"url": self.server.url + "/f?signature=SECRET"}, lines(1))},
                           token=True)
        self.fetch(token=lambda: "TOKEN")
        text = "".join(str(event) for event in self.events)
        for name in self.names():
            text += self.read(name).decode()
        self.assertNotIn("SECRET", text)
        self.assertNotIn("TOKEN", text)


class Folders(FetchTest):
    def test_a_folder_with_other_files(self):
        os.mkdir(self.to)
        with open(os.path.join(self.to, "mine"), "w", encoding="ascii") as file:
            file.write("x")
        self.server.export({})
        with self.assertRaisesRegex(client.FetchError, "other files"):
            self.fetch()
        self.assertEqual(self.names(), ["mine"])

    def test_one_process_at_a_time_and_one_request(self):
        self.server.export({"/f": ({}, lines(1))})
        self.fetch()
        other = client.ExportRequest(self.server.url + "/fhir", types=["Patient"])
        with self.assertRaisesRegex(client.FetchError, "another request"):
            self.fetch(request=other)
        asked = len(self.server.asked)
        self.fetch()
        self.assertEqual(len(self.server.asked), asked, "what is complete is not asked for again")
        journal = client._fetch.Journal(self.to)
        try:
            with self.assertRaisesRegex(client.FetchError, "another process"):
                self.fetch()
        finally:
            journal.close()

    def test_a_torn_journal(self):
        """Every prefix of the journal is a state to go on from, with the very same files."""
        files = {f"/f{i}": ({"count": i}, lines(i)) for i in range(1, 4)}
        self.server.export(files)
        self.fetch()
        path = os.path.join(self.to, ".fhirexport-fetch.jsonl")
        whole = self.read(".fhirexport-fetch.jsonl")
        wanted = {f"Patient-000{i}.ndjson": lines(i) for i in range(1, 4)}
        for end in sorted({*range(0, len(whole), 97), len(whole) - 1}):
            if b"\n" not in whole[:end]:
                continue
            with open(path, "wb") as file:
                file.write(whole[:end])
            self.fetch()
            self.assertEqual({name: self.read(name) for name in wanted}, wanted)
            self.assertEqual(len(self.names()), 5)
        with open(path, "wb") as file:
            file.write(whole.replace(b"Patient-0001.ndjson", b"../../x-0001.ndjson"))
        with self.assertRaisesRegex(client.FetchError, "cannot be read"):
            self.fetch()

    def test_accepted_and_not_yet_renamed(self):
        body = lines(9)
        packed = gzip.compress(body)
        self.server.export({"/f": ({"count": 9}, packed)})
        for gzip_way, left, final in (("unpack", ".unpacked", ""), ("keep", ".part", ".gz")):
            self.fetch(restart=True, gzip=gzip_way)
            asked = [one.path for one in self.server.asked].count("/f")
            self.uncomplete()
            name = os.path.join(self.to, "Patient-0001.ndjson")
            os.rename(name + final, name + left)
            self.fetch(gzip=gzip_way)
            self.assertEqual([one.path for one in self.server.asked].count("/f"), asked)
            self.uncomplete()
            os.remove(name + final)
            self.fetch(gzip=gzip_way)
            self.assertEqual([one.path for one in self.server.asked].count("/f"), asked + 1)

    def uncomplete(self):
        path = os.path.join(self.to, ".fhirexport-fetch.jsonl")
        kept = [line for line in self.read(".fhirexport-fetch.jsonl").splitlines(True)
                if b'"complete"' not in line]
        with open(path, "wb") as file:
            file.write(b"".join(kept))

    def test_a_manifest_that_changes(self):
        """Shuffled files are told by their URLs; another export, or another set of files, ends it."""
        files = {f"/f{i}": ({"count": 2}, lines(2, i)) for i in range(4)}
        manifest = self.server.export({**files, "/f3": ({"count": 2}, Answer(503))})
        with self.assertRaises(client.Unreachable):
            self.fetch(patience=0.3)
        shuffled = {**manifest, "output": manifest["output"][::-1]}
        self.server.routes["/f3"] = Answer(200, {}, lines(2, 3))
        for changed in ({**manifest, "transactionTime": "2025-01-01T00:00:00Z"},
                        {**manifest, "output": manifest["output"][:3]},
                        {**manifest, "output": [{**manifest["output"][0], "count": 3},
                                                *manifest["output"][1:]]}):
            self.server.routes["/status"] = json_answer(changed)
            with self.assertRaises(client.ExportGone):
                self.fetch()
        self.server.routes["/status"] = json_answer(shuffled)
        self.fetch()
        for i in range(4):
            self.assertEqual(self.read(f"Patient-000{i + 1}.ndjson"), lines(2, i))


class Command(FetchTest):
    """The command itself: what it prints, and its exit codes."""

    def run_command(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": PACKAGE}
        return subprocess.run([sys.executable, "-m", "fhirexport", "fetch", *arguments], timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    def test_exit_codes(self):
        base, to = self.server.url + "/fhir", self.to
        self.server.export({"/f": ({"count": 1}, lines(1))})
        done = self.run_command(base, "--to", to)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"1 resources in 1 files", done.stderr)
        self.server.export({"/f": ({"count": 2}, lines(1))})
        self.assertEqual(self.run_command(base, "--to", to, "--restart").returncode, 4)
        self.server.routes["/f"] = Answer(503)
        done = self.run_command(base, "--to", to, "--patience", "0.5")
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"run the same again", done.stderr)
        self.server.routes["/status"] = Answer(404)
        self.assertEqual(self.run_command(base, "--to", to).returncode, 6)
        self.server.routes["/fhir/$export"] = outcome(400, "invalid")
        self.assertEqual(self.run_command(base, "--to", to, "--restart").returncode, 3)
        self.assertEqual(self.run_command(base, "--to", to, "--token-file", to + "x",
                                          "--restart").returncode, 1)
        for wrong in (["--level", "moon"], ["--parallel", "0"], ["--parameter", "x"],
                      ["--patient", "1"], ["--token", "abc"]):
            self.assertEqual(self.run_command(base, "--to", to, *wrong).returncode, 2, wrong)
        self.assertEqual(self.run_command("file:///etc", "--to", to).returncode, 1)

    def test_json_lines(self):
        self.server.export({"/f": ({"count": 1}, lines(1))})
        done = self.run_command(self.server.url + "/fhir", "--to", self.to, "--json", "--delete")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        kinds = [event["event"] for event in events]
        self.assertEqual((kinds[0], kinds[-2:]), ("kick_off", ["complete", "removed"]))
        self.assertIn({"event": "file", "name": "Patient-0001.ndjson", "section": "output",
                       "type": "Patient", "count": 1, "bytes": len(lines(1))}, events)
        self.fetch(restart=True)
        self.server.routes["/status"] = Answer(204)
        done = self.run_command(self.server.url + "/fhir", "--to", self.to, "--json", "--cancel")
        self.assertEqual(json.loads(done.stdout), {"event": "removed"})
        self.assertEqual(self.server.asked[-1].method, "DELETE")

    def test_ctrl_c(self):
        """SIGINT and SIGTERM end it at once, with 130; the same command goes on."""
        import signal
        self.server.export({"/f": ({"count": 1}, lines(1))})
        manifest = self.server.routes["/status"]
        self.server.routes["/status"] = Answer(202, {"Retry-After": "60"})
        for number in (signal.SIGINT, signal.SIGTERM):
            asked = len(self.server.asked)
            process = subprocess.Popen(
                [sys.executable, "-m", "fhirexport", "fetch", self.server.url + "/fhir", "--to",
                 self.to], env={**os.environ, "PYTHONPATH": PACKAGE}, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            wait_until(lambda asked=asked: any(
                one.path == "/status" for one in self.server.asked[asked:]))
            process.send_signal(number)
            _, errors = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 130, errors)
            self.assertIn(b"interrupted", errors)
            self.assertNotIn(b"Traceback", errors)
        self.server.routes["/status"] = manifest
        self.assertEqual(self.run_command(self.server.url + "/fhir", "--to", self.to).returncode, 0)
        self.assertEqual([one.path for one in self.server.asked].count("/fhir/$export"), 1)

    def test_kick_off_requests(self):
        """What goes out for the options, by GET and by POST."""
        self.server.export({})
        for path in ("/fhir/Patient/$export", "/fhir/Group/g.1/$export"):
            self.server.routes[path] = self.server.routes["/fhir/$export"]
        base = self.server.url + "/fhir"
        self.run_command(base + "/", "--to", self.to, "--level", "patient", "--type", "Patient,Basic",
                         "--type", "Group", "--since", "2024-01-01T00:00:00+02:00", "--type-filter",
                         "Observation?status=final&date=ge2024", "--elements", "id", "--lenient")
        first = self.server.asked[0]
        self.assertEqual((first.method, first.path), (
            "GET", "/fhir/Patient/$export?_type=Patient,Basic,Group&"
            "_since=2024-01-01T00:00:00%2B02:00&"
            "_typeFilter=Observation%3Fstatus%3Dfinal%26date%3Dge2024&_elements=id"))
        self.assertEqual(first.headers["Prefer"], "respond-async, handling=lenient")
        self.assertEqual(first.headers["Accept"], "application/fhir+json")
        asked = len(self.server.asked)
        self.run_command(base, "--to", self.to, "--restart", "--level", "group/g.1", "--patient",
                         "Patient/1", "--partial", "--parameter", "_x=y")
        first = self.server.asked[asked]
        self.assertEqual((first.method, first.path), ("POST", "/fhir/Group/g.1/$export"))
        self.assertEqual(json.loads(first.body)["parameter"], [
            {"name": "patient", "valueReference": {"reference": "Patient/1"}},
            {"name": "allowPartialManifests", "valueBoolean": True},
            {"name": "_x", "valueString": "y"}])


if __name__ == "__main__":
    unittest.main(verbosity=2)
