#!/usr/bin/python3
"""The S3 destination against a Ceph RADOS Gateway: parts of many sizes come back as they were
written, URLs are good and no better than they should be, and removing leaves nothing.

    s3_destination.py S3_PUT
"""
import gzip
import hashlib
import os
import re
import subprocess
import sys
import time
import unittest

import component
import rgw

PROGRAM = os.path.abspath(sys.argv.pop(1))
BUCKET = "fhx-test"
MIB = 1 << 20
gateway = None


def setUpModule():
    global gateway
    gateway = rgw.Gateway()
    gateway.__enter__()
    gateway.client().create_bucket(BUCKET)


def tearDownModule():
    gateway.__exit__(None, None, None)


def keys(access_key, secret_key, token=None):
    named = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    return {**named, "AWS_SESSION_TOKEN": token} if token else named


def environment(credentials):
    """Nothing of this machine's own settings for S3."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**plain, "AWS_EC2_METADATA_DISABLED": "true", "HOME": gateway.folder, **credentials}


def run(*arguments, endpoint=None, credentials=None, bucket=BUCKET):
    """Exit code and lines of what the program says."""
    if credentials is None:
        credentials = keys(gateway.access_key, gateway.secret_key)
    done = subprocess.run(
        [PROGRAM, "--bucket", bucket, "--region", rgw.REGION, "--endpoint",
         endpoint or gateway.endpoint, *map(str, arguments)],
        env=environment(credentials), stdout=subprocess.PIPE, check=False, timeout=600)
    return done.returncode, done.stdout.decode().splitlines()


def fetch(url, *options):
    """HTTP status, and the body, as curl gets them."""
    done = subprocess.run(["curl", "-sS", "--globoff", "-w", "\n%{http_code}", *options, url],
                          stdout=subprocess.PIPE, check=True, timeout=600)
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


class Stored(unittest.TestCase):
    def setUp(self):
        self.store = gateway.client()

    def tearDown(self):
        """What a failed test leaves is no other's."""
        for name in self.store.objects(BUCKET):
            self.store.delete(BUCKET, name)
        for name, upload_id in self.store.uploads(BUCKET):
            self.store.done("DELETE", f"/{BUCKET}/{name}", query={"uploadId": upload_id})

    def write(self, *options, count, part=64 * MIB, prefix="j/", **more):
        code, lines = run(*options, "write", prefix, count, part, **more)
        self.assertEqual(code, 0, lines)
        parts = [line.split(" ") for line in lines]
        self.assertTrue(parts)
        return [(name, int(size), digest, url) for name, size, digest, url in parts]

    def check_part(self, name, size, digest, url, stored="", *options):
        """The object is what was written, by its own name and by its URL."""
        self.assertEqual(self.store.objects(BUCKET, stored + name)[stored + name], size)
        status, body = fetch(url, *options)
        self.assertEqual((status, len(body)), (200, size))
        self.assertEqual(hashlib.sha256(body).hexdigest(), digest)
        return body

    def remove(self, name, *options):
        self.assertEqual(run(*options, "remove", name), (0, []))

    def nothing_left(self):
        self.assertEqual(self.store.objects(BUCKET), {})
        self.assertEqual(self.store.uploads(BUCKET), [])


class RoundTrips(Stored):
    def test_sizes(self):
        """Below a piece, exactly one, one byte more, several, many."""
        for count in (200, 100_000, 5 * MIB, 5 * MIB + 200, 12 * MIB, 50 * MIB):
            with self.subTest(count=count):
                parts = self.write(count=count)
                for part in parts:
                    self.check_part(*part)
                    self.remove(part[0])
        self.nothing_left()

    def test_borders_of_pieces(self):
        """The last piece is as long as the others, or has one byte."""
        for count in (1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 10 * MIB + 1, 20 * MIB,
                      25 * MIB):
            with self.subTest(count=count):
                self.assertEqual(run("put", "j/a.ndjson", count), (0, []))
                self.assertEqual(self.store.get(BUCKET, "j/a.ndjson").body, bytes(count))
                self.remove("j/a.ndjson")
        self.nothing_left()

    def test_abort(self):
        for count in (1000, 12 * MIB, 40 * MIB):
            self.assertEqual(run("abort", "j/a.ndjson", count), (0, []))
            self.nothing_left()

    def test_several_parts(self):
        parts = self.write(count=30 * MIB, part=7 * MIB)
        self.assertGreater(len(parts), 3)
        for part in parts:
            self.check_part(*part)
            self.remove(part[0])
        self.nothing_left()

    def test_without_a_thread(self):
        part, = self.write("--no-thread", count=22 * MIB)
        self.check_part(*part)
        self.remove(part[0])

    def test_many_pieces_at_a_time(self):
        part, = self.write("--pieces", 12, count=50 * MIB)
        self.check_part(*part)
        self.remove(part[0])

    def test_prefix_and_headers(self):
        part, = self.write("--prefix", "exports/a-b_c", "--tags", "kind=export&x=1", count=10_000)
        self.check_part(*part, "exports/a-b_c/")
        head = self.store.head(BUCKET, "exports/a-b_c/" + part[0])
        self.assertEqual(head.headers["content-type"], "application/fhir+ndjson")
        self.assertNotIn("content-encoding", head.headers)
        self.remove(part[0], "--prefix", "exports/a-b_c")
        self.nothing_left()

    def test_gzip(self):
        for count in (20_000, 16 * MIB):
            part, = self.write("--gzip", count=count)
            self.assertTrue(part[0].endswith(".ndjson.gz"))
            body = self.check_part(*part)
            self.assertEqual(gzip.decompress(body)[:24], b'{"resourceType":"Basic",')
            self.assertEqual(self.store.head(BUCKET, part[0]).headers["content-encoding"], "gzip")
            self.remove(part[0])
        self.nothing_left()

    def test_https(self):
        for options in ((), ("--unsigned",)):
            for count in (100_000, 12 * MIB):
                part, = self.write("--ca-file", gateway.ca_file, *options, count=count,
                                   endpoint=gateway.https_endpoint)
                self.assertTrue(part[3].startswith("https://"))
                self.check_part(*part, "", "--cacert", gateway.ca_file)
                self.remove(part[0])

    def test_virtual_host(self):
        for count in (100_000, 12 * MIB):
            part, = self.write("--virtual-host", count=count, endpoint=gateway.host_endpoint)
            self.assertTrue(part[3].startswith(f"http://{BUCKET}.s3.localhost:"))
            self.check_part(*part)
            self.remove(part[0])


class SessionToken(unittest.TestCase):
    def test_role(self):
        """Credentials of a role: the token travels in headers and in URLs."""
        with rgw.Gateway(sts=True) as other:
            other.client().create_bucket(BUCKET)
            credentials = keys(*other.assume_role())
            code, lines = run("write", "j/", 11 * MIB, 64 * MIB, endpoint=other.endpoint,
                              credentials=credentials)
            self.assertEqual((code, len(lines)), (0, 1), lines)
            name, _, digest, url = lines[0].split(" ")
            status, body = fetch(url)
            self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, digest))
            status, _ = fetch(url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=a"))
            self.assertIn(status, (400, 403))
            credentials.pop("AWS_SESSION_TOKEN")
            code, lines = run("remove", name, endpoint=other.endpoint, credentials=credentials)
            self.assertEqual((code, lines[0].split(" ")[0]), (1, "DENIED"))


class Urls(Stored):
    def test_tampered(self):
        part, = self.write(count=1000)
        url = part[3]
        self.assertEqual(fetch(url)[0], 200)
        other = url.replace("Basic-1.ndjson", "Basic-2.ndjson")
        longer = re.sub(r"X-Amz-Expires=(\d+)", r"X-Amz-Expires=1\1", url)
        last = "0" if url[-1] != "0" else "1"
        for changed in (other, longer, url[:-1] + last, url.split("?")[0]):
            self.assertNotEqual(changed, url)
            self.assertEqual(fetch(changed)[0], 403)
        self.assertEqual(fetch(url, "-X", "DELETE")[0], 403)
        self.remove(part[0])

    def test_expires(self):
        part, = self.write(count=1000)
        # Two seconds, and longer where a busy machine needs them until it is fetched.
        for seconds in (2, 4, 8, 16, 32, 64):
            code, (url,) = run("url", part[0], seconds)
            self.assertEqual(code, 0)
            status, _ = fetch(url)
            if status == 200:
                break
        self.assertEqual(status, 200)
        end = time.monotonic() + 300
        while fetch(url)[0] == 200:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.5)
        self.assertEqual(fetch(url)[0], 403)
        self.remove(part[0])

    def test_at_most_a_week(self):
        code, (url,) = run("url", "j/a.ndjson", 30 * 86400)
        self.assertEqual(code, 0)
        self.assertIn("X-Amz-Expires=604800&", url)


class Names(Stored):
    def test_exists(self):
        for count in (1000, 12 * MIB):
            part, = self.write(count=count)
            code, lines = run("write", "j/", count, 64 * MIB)
            self.assertEqual((code, lines[0].split(" ")[0]), (1, "EXISTS"))
            self.check_part(*part)
            self.remove(part[0])
        self.nothing_left()

    def test_replaces(self):
        self.write(count=1000)
        part, = self.write("--replaces", count=2000)
        self.check_part(*part)
        part, = self.write("--replaces", count=7 * MIB)
        self.check_part(*part)
        self.remove(part[0])

    def test_stat(self):
        part, = self.write(count=1000)
        self.assertEqual(run("stat", part[0], part[1]), (0, ["there"]))
        code, lines = run("stat", part[0], part[1] + 1)
        self.assertEqual((code, lines[0].split(" ")[0]), (1, "DESTINATION"))
        self.remove(part[0])
        code, lines = run("stat", part[0], part[1])
        self.assertEqual((code, lines[0].split(" ")[0]), (1, "NOT_FOUND"))

    def test_remove_ends_what_a_process_left(self):
        names = ("j/a.ndjson", "j/a.ndjson.gz", "j/a")
        for name in names:
            self.assertEqual(run("leave", name, 12 * MIB)[0], 0)
            self.assertEqual(run("leave", name, 12 * MIB)[0], 0)
        self.assertEqual(len(self.store.uploads(BUCKET)), 6)
        self.remove("j/a")
        self.assertEqual({name for name, _ in self.store.uploads(BUCKET)}, set(names[:2]))
        self.remove("j/a.ndjson")
        self.remove("j/a.ndjson.gz", "--bucket-ends-uploads")
        self.assertEqual(len(self.store.uploads(BUCKET)), 2)
        self.remove("j/a.ndjson.gz")
        self.nothing_left()


class Refusals(Stored):
    def fails(self, status, words, *arguments, **more):
        code, lines = run(*arguments, **more)
        self.assertEqual(code, 1)
        self.assertEqual(lines[0].split(" ")[0], status, lines)
        self.assertIn(words, lines[0])
        for secret in (gateway.secret_key, gateway.access_key, "http", "j/"):
            self.assertNotIn(secret, lines[0])

    def test_check(self):
        self.assertEqual(run("check"), (0, []))
        self.nothing_left()

    def test_wrong_secret(self):
        wrong = keys(gateway.access_key, "wrong")
        for verb in (("check",), ("write", "j/", 1000, MIB), ("write", "j/", 12 * MIB, 64 * MIB)):
            self.fails("DENIED", "secret access key", *verb, credentials=wrong)
        self.nothing_left()

    def test_unknown_key(self):
        self.fails("DENIED", "access key id", "check", credentials=keys("AKIAUNKNOWN", "wrong"))

    def test_no_credentials(self):
        self.fails("DENIED", "no credentials", "check", credentials={})

    def test_no_bucket(self):
        self.fails("DESTINATION", "bucket does not exist", "check", bucket="no-such-bucket")
        self.fails("DESTINATION", "bucket does not exist", "remove", "j/a", bucket="no-such-bucket")

    def test_foreign_bucket(self):
        gateway.tool("radosgw-admin", "user", "create", "--uid=other", "--display-name=other",
                     "--access-key=AKIAOTHER", "--secret-key=other-secret", check=False)
        other = keys("AKIAOTHER", "other-secret")
        self.fails("DENIED", "s3:PutObject", "check", credentials=other)
        self.fails("DENIED", "s3:PutObject", "write", "j/", 1000, MIB, credentials=other)
        self.nothing_left()

    def test_unknown_authority(self):
        code, lines = run("check", endpoint=gateway.https_endpoint)
        self.assertEqual((code, lines[0].split(" ")[0]), (1, "DENIED"))

    def test_quota(self):
        gateway.tool("radosgw-admin", "quota", "set", "--quota-scope=user", "--uid=fhx",
                     "--max-size=1M")
        gateway.tool("radosgw-admin", "quota", "enable", "--quota-scope=user", "--uid=fhx")
        try:
            self.fails("NO_SPACE", "quota", "write", "j/", 4 * MIB, 64 * MIB)
        finally:
            gateway.tool("radosgw-admin", "quota", "disable", "--quota-scope=user", "--uid=fhx")
        self.nothing_left()


class SharedFile(Stored):
    def test_profile(self):
        path = gateway.path("credentials")
        with open(path, "w", encoding="ascii") as file:
            file.write("[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = x\n"
                       f"[export]\naws_access_key_id = {gateway.access_key}\n"
                       f"aws_secret_access_key = {gateway.secret_key}\n")
        named = {"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "export"}
        self.assertEqual(run("check", credentials=named), (0, []))
        code, lines = run("check", credentials={"AWS_SHARED_CREDENTIALS_FILE": path})
        self.assertEqual((code, lines[0].split(" ")[0]), (1, "DENIED"))


if __name__ == "__main__":
    component.end_on_signal()
    unittest.main(verbosity=2)
