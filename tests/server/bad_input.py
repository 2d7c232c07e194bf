#!/usr/bin/python3
"""Broken, hostile and slow clients: each is refused or bounded, and nobody else notices.

    bad_input.py SERVER
"""
import http.client
import json
import re
import socket
import statistics
import threading
import time

import fhir_server
from fhir_server import ServerTest

HOST = b"Host: x\r\n"
BODY = b'{"resourceType":"Patient","id":"s"}'
PUT = b"PUT /fhir/Patient/s HTTP/1.1\r\n" + HOST + b"Content-Type: application/fhir+json\r\n"
# If this second request of one connection is answered, something was smuggled.
SECOND = b"GET /fhir/Patient/second HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


# Many more than the server takes.
HALF_OPEN = 400


def statuses(received):
    return [int(code) for code in re.findall(rb"(?:^|\n|\}|>)HTTP/1\.1 (\d{3}) ", received)]


class Urls(ServerTest):
    def raw_outcome(self, target, status):
        received = self.server.raw(b"GET " + target + b" HTTP/1.1\r\n" + HOST +
                                   b"Connection: close\r\n\r\n")
        self.assertEqual(statuses(received), [status], (target, received))
        head, body = received.split(b"\r\n\r\n", 1)
        self.assertIn(b"application/fhir+json", head)
        self.check_issues(json.loads(body))
        self.assertIsNone(fhir_server.LEAKS.search(body), body)

    def test_malformed(self):
        """ERR-05, ERR-07, PARAM-28: 400, on our own paths and on those of the engine."""
        for path in (b"/fhir/Patient/", b"/fhir/metadata?a=", b"/fhir/$export?_type=",
                     b"/fhir/$export/"):
            for bad in (b"%", b"%4", b"%zz", b"%0", b"a%g0", b"%00", b"%0a", b"%7f", b"%ff",
                        b"%c0%af", b"%c3", b"%ed%a0%80", b"%f5%80%80%80", b"\xff", b"\x01",
                        b"a b", b"a\tb", b"#x", b"\0", b"a\0b"):
                self.raw_outcome(path + bad, 400)

    def test_strange_paths(self):
        """ERR-07, FILE-15: nothing is decoded twice, and nothing but a slash divides a path."""
        for path in (b"/fhir/../fhir/metadata", b"/fhir/./metadata", b"/fhir//metadata",
                     b"//fhir/metadata", b"/fhir/%2e%2e/fhir/metadata", b"/fhir/Patient/.",
                     b"/fhir/$export/../metadata", b"/fhir/$export/%2e%2e/%2e%2e/etc/passwd",
                     b"/fhir/$export/a/..%2f..%2fresources.db", b"/fhir/$export//a"):
            received = self.server.raw(b"GET " + path + b" HTTP/1.1\r\n" + HOST +
                                       b"Connection: close\r\n\r\n")
            self.assertIn(statuses(received), ([400], [404]), path)
            self.assertIn(b"OperationOutcome", received)
        for path in (b"/", b"/fhirx", b"/FHIR/metadata", b"/fhir%2fmetadata", b"/fhir/%6detadat",
                     b"/fhir/Patient%2f1", b"/fhir/Patient/%252e", b"/etc/passwd",
                     b"/fhir/$export/a%2fb", b"/fhir/$exports", b"/fhir/x$export"):
            self.raw_outcome(path, 404)
        for path in (b"*", b"", b"fhir/metadata", b"http://", b"http://x"):
            received = self.server.raw(b"OPTIONS " + path + b" HTTP/1.1\r\n" + HOST +
                                       b"Connection: close\r\n\r\n")
            self.assertIn(statuses(received), ([400], []), path)

    def test_good_forms(self):
        for target in (b"/fhir/metadata", b"/fhir/metadata/", b"/fhir/%6detadata",
                       b"/fhir/metadata?a=%41&b=+", b"http://example.org/fhir/metadata"):
            received = self.server.raw(b"GET " + target + b" HTTP/1.1\r\n" + HOST +
                                       b"Connection: close\r\n\r\n")
            self.assertEqual(statuses(received), [200], target)
        self.assertEqual(self.server.get("/%24export").status, 202)

    def test_long_targets_and_headers(self):
        """ERR-08."""
        for length in (17000, 70000, 300000, 1 << 20):
            self.check_outcome(self.server.get("/" + "a" * length), 414)
            self.check_outcome(self.server.get("/$export?_type=" + "a" * length), 414)
        self.check_outcome(self.server.get("/metadata?" + "a=b&" * 8000), 414)
        for length in (70000, 300000, 1 << 20):
            self.check_outcome(self.server.get("/metadata", headers={"X-Long": "a" * length}), 431)
        self.check_outcome(
            self.server.get("/metadata", headers={f"X-{i}": "a" * 900 for i in range(90)}), 431)
        self.assertEqual(self.server.get("/metadata?" + "a" * 16000).status, 200)
        self.assertEqual(
            self.server.get("/metadata", headers={"X-Long": "a" * 60000}).status, 200)

    def test_endless_head(self):
        """What does not end is ended, and takes no memory without bound."""
        for start in (b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"):
            received = self.server.raw(start + b"a: b\r\n" * 2000000)
            self.assertTrue(statuses(received) in ([], [400], [414], [431], [413]), received[:200])
        self.check_alive()


class Smuggling(ServerTest):
    def refuse(self, request, allowed=(400,)):
        """It is the client's fault, and the connection ends: the second request has no answer."""
        received = self.server.raw(request + SECOND)
        self.assertTrue(set(statuses(received)) <= set(allowed), (request, received))
        self.assertTrue(statuses(received), (request, received))
        self.check_alive()
        return received

    def outcome(self, request):
        received = self.refuse(request)
        self.assertEqual(statuses(received), [400])
        self.check_issues(json.loads(received.split(b"\r\n\r\n", 1)[1]))

    def test_two_lengths(self):
        """ERR-06."""
        for lengths in (b"Content-Length: 35\r\nContent-Length: 35\r\n",
                        b"Content-Length: 35\r\nContent-Length: 3\r\n",
                        b"Content-Length: 0\r\ncontent-length: 35\r\n",
                        b"Content-Length: 35\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: chunked\r\nContent-Length: 35\r\n",
                        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                        b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                        b"Transfer-Encoding: chunked, chunked\r\n",
                        b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding:\r\n",
                        b"Transfer-Encoding: \x0bchunked\r\n", b"Content-Length : 35\r\n",
                        b"Content-Length\t: 35\r\n", b"Content_Length(: 35\r\n",
                        b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 35\r\n"):
            self.outcome(PUT + lengths + b"\r\n" + BODY)

    def test_lengths_that_are_no_number(self):
        """ERR-06. The HTTP library answers these by itself, and without an OperationOutcome."""
        for length in (b"+35", b"-1", b"3 5", b"35,35", b"0x23", b"abc", b"35a",
                       b"99999999999999999999999"):
            self.refuse(PUT + b"Content-Length: " + length + b"\r\n\r\n" + BODY, (400, 413))

    def test_bad_chunks(self):
        """ERR-06."""
        for chunks in (b"zz\r\n", b"-1\r\nab", b"\r\n", b"23" + BODY, b"fffffffffffffffffff\r\na",
                       b"23\r\n" + BODY + b"xx\r\n0\r\n\r\n", b"0x23\r\n" + BODY + b"\r\n0\r\n\r\n",
                       b"2 3\r\n" + BODY + b"\r\n0\r\n\r\n"):
            self.refuse(PUT + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, (400, 413))

    def test_hosts(self):
        """ERR-06."""
        for head in (b"GET /fhir/metadata HTTP/1.1\r\n\r\n",
                     b"GET /fhir/metadata HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                     b"GET /fhir/metadata HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"):
            self.outcome(head)

    def test_what_is_not_http(self):
        for data in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /fhir/metadata\r\n\r\n",
                     b"GET /fhir/metadata HTTP/0.9\r\n\r\n", b"GET /fhir/metadata HTTP/3.0\r\n\r\n",
                     b"GET /fhir/metadata http/1.1\r\n\r\n", b"nonsense\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 500 + b"\n\n",
                     b"GET /fhir/metadata HTTP/1.1\r\nno colon\r\n\r\n",
                     b"GET /fhir/metadata HTTP/1.1\r\n: empty\r\n\r\n",
                     b"\0" * 5000 + b"\r\n\r\n"):
            received = self.server.raw(data, half_close=True)
            self.assertTrue(all(400 <= code < 500 or code == 505 for code in statuses(received)),
                            (data, received))
            self.check_alive()


class Bodies(ServerTest):
    options = ("--body-bytes", "10000", "--request-seconds", "4")
    headers = {"Content-Type": "application/fhir+json"}

    def test_long_bodies(self):
        """ERR-08, for our own paths and those of the engine, announced or not."""
        for path in ("/Patient/a", "/$export", "/nothing"):
            for length in (10001, 1 << 20, 20 << 20):
                self.check_outcome(
                    self.server.request("PUT", path, b"a" * length, self.headers), 413)
        chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
        received = self.server.raw(
            PUT + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 10 +
            b"0\r\n\r\n")
        self.assertEqual(statuses(received), [413])
        self.assertEqual(self.server.request("PUT", "/Patient/a", b"a" * 10000,
                                             self.headers).status, 400)

    def test_a_body_beyond_all_bounds(self):
        """An announced one is refused before it comes; one in chunks is cut off."""
        received = self.server.raw(PUT + b"Content-Length: 99999999999\r\n\r\n")
        self.assertEqual(statuses(received), [413])
        chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
        before = self.server.memory_kib()
        self.server.raw(PUT + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 100)
        self.assertLess(self.server.memory_kib() - before, 20000)
        self.check_alive()

    def test_expect(self):
        """ERR-09."""
        head = PUT + b"Expect: 100-continue\r\nConnection: close\r\n"
        with socket.create_connection((self.server.host, self.server.port), fhir_server.PATIENCE) as connection:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(BODY))
            self.assertIn(b"100 Continue", connection.recv(100))
            connection.sendall(BODY)
            self.assertRegex(connection.recv(65536), rb"HTTP/1.1 20[01]")
        received = self.server.raw(head + b"Content-Length: 10001\r\n\r\n")
        self.assertEqual(statuses(received), [413])
        received = self.server.raw(head + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n")
        self.assertEqual(statuses(received), [400])

    def test_by_the_book(self):
        """ERR-09: keep-alive, pipelining, HTTP/1.0, chunks."""
        get = b"GET /fhir/metadata HTTP/1.1\r\n" + HOST + b"\r\n"
        received = self.server.raw(get * 5 + SECOND)
        self.assertEqual(statuses(received), [200] * 5 + [404])
        received = self.server.raw(b"GET /fhir/metadata HTTP/1.0\r\n\r\n")
        self.assertEqual(len(re.findall(rb"HTTP/1\.[01] 200", received)), 1)
        pieces = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in BODY)
        received = self.server.raw(PUT + b"Transfer-Encoding: chunked\r\n\r\n" + pieces +
                                   b"0\r\nX-Trailer: y\r\n\r\n" + SECOND)
        self.assertIn(statuses(received), ([200, 404], [201, 404]))
        received = self.server.raw(PUT + b"Content-Length: 35\r\n\r\n" + BODY + SECOND)
        self.assertIn(statuses(received), ([200, 404], [201, 404]))
        connection = self.server.connect()
        for _ in range(50):
            connection.request("GET", "/fhir/metadata")
            self.assertEqual(connection.getresponse().read()[:1], b"{")
        connection.close()

    def test_half_closed(self):
        """A client that has sent all it has to say still gets its answer."""
        received = self.server.raw(b"GET /fhir/metadata HTTP/1.1\r\n" + HOST + b"\r\n",
                                   half_close=True)
        self.assertEqual(statuses(received), [200])
        self.assertEqual(statuses(self.server.raw(PUT + b"Content-Length: 35\r\n\r\n{",
                                                  half_close=True)), [])
        self.check_alive()


class Slow(ServerTest):
    """ERR-10."""
    options = ("--request-seconds", "2", "--connections", "64")

    def drip(self, head, drop):
        """Sends a head, then a byte now and then; how long the server lets that go on."""
        with socket.create_connection((self.server.host, self.server.port), fhir_server.PATIENCE) as connection:
            begin = time.monotonic()
            connection.sendall(head)
            connection.settimeout(0.3)
            while time.monotonic() - begin < 20:
                try:
                    connection.sendall(drop)
                    if connection.recv(4096) == b"":
                        break
                except socket.timeout:
                    continue
                except (ConnectionResetError, BrokenPipeError):
                    break
            return time.monotonic() - begin

    def test_slow_requests_are_bounded_in_time(self):
        for head in (b"", b"GET /fhir/metadata HTTP/1.1\r\nX: ", PUT + b"Content-Length: 9999\r\n\r\n",
                     PUT + b"Transfer-Encoding: chunked\r\n\r\n"):
            drop = b"1\r\na\r\n" if b"chunked" in head else b"a"
            # Not each time: a busy machine may need longer.
            self.assertTrue(any(self.drip(head, drop) < 6 for _ in range(8)), head)
        self.check_alive()

    def test_half_open_connections_harm_nobody(self):
        """Many more than are allowed, and the others are served all the time."""
        held, times, failures, stop = [], [], [], threading.Event()

        def poll():
            while not stop.is_set():
                begin = time.monotonic()
                try:
                    self.check_alive()
                except (OSError, http.client.HTTPException, AssertionError) as failure:
                    failures.append(repr(failure))
                times.append(time.monotonic() - begin)

        poller = threading.Thread(target=poll)
        poller.start()
        try:
            for i in range(HALF_OPEN):
                connection = socket.create_connection((self.server.host, self.server.port), fhir_server.PATIENCE)
                if i % 2:
                    connection.sendall(b"GET /fhir/meta")
                held.append(connection)
            # Longer than such a connection may last.
            time.sleep(3)
            self.wait_for(lambda: len(times) > 20, "the others are not served")
        finally:
            stop.set()
            poller.join()
            for connection in held:
                connection.close()
        self.assertEqual(failures, [])
        # Any may be late on a busy machine.
        self.assertLess(statistics.median(times), 5)

    def test_readers_that_do_not_read_harm_nobody(self):
        big = {"resourceType": "Binary", "id": "big", "contentType": "a/b", "data": "A" * 900000}
        self.assertIn(self.server.put(big).status, (200, 201))
        held = []
        for _ in range(20):
            connection = socket.create_connection((self.server.host, self.server.port), fhir_server.PATIENCE)
            connection.sendall(b"GET /fhir/Binary/big HTTP/1.1\r\n" + HOST + b"\r\n")
            held.append(connection)
        seconds = []
        for _ in range(10):
            begin = time.monotonic()
            self.check_alive()
            seconds.append(time.monotonic() - begin)
        self.assertLess(statistics.median(seconds), 5)
        for connection in held:
            connection.close()


if __name__ == "__main__":
    fhir_server.run_tests()
