#!/usr/bin/python3
"""That the components of the other tests here start, hold what they are given, and end.

    components.py rgw | azurite | dynalite
"""
import contextlib
import os
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import azurite
import component
import dynalite
import rgw
import s3

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "a b/ä+%.ndjson"
BODY = b'{"resourceType":"Basic"}\n'


def is_running(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


class Ends:
    """What is started ends, whatever happens."""

    def make(self):
        raise NotImplementedError

    def test_ends_after_a_failure(self):
        with self.assertRaises(ZeroDivisionError):
            with self.make() as one:
                pids = [process.pid for process in one.processes.values()]
                self.assertTrue(pids and all(map(is_running, pids)))
                raise ZeroDivisionError
        self.assertFalse(any(map(is_running, pids)))
        self.assertFalse(os.path.exists(one.folder))

    def test_does_not_start(self):
        one = self.make()

        def start():
            one.spawn("false", "false").wait()
            component.wait_until(lambda: False, "false", alive=lambda: one.is_alive("false"))
        one.start = start
        self.assertRaises(component.Failure, one.__enter__)
        self.assertFalse(os.path.exists(one.folder))


class Rgw(unittest.TestCase, Ends):
    def make(self):
        return rgw.Gateway()

    def test_objects(self):
        with rgw.Gateway(sts=True) as gateway:
            client = gateway.client()
            client.create_bucket("one")
            client.put("one", NAME, BODY)
            client.done("POST", "/one/open", query={"uploads": ""})
            (name, upload), = client.uploads("one")
            client.done("PUT", "/one/open", {"partNumber": "1", "uploadId": upload}, b"x" * 10)
            self.assertEqual((name, client.parts("one", name, upload)), ("open", [10]))
            gateway.kill_gateway()
            self.assertRaises(OSError, client.objects, "one")
            gateway.start_gateway()
            self.assertEqual(client.objects("one"), {NAME: len(BODY)})
            self.assertEqual(client.uploads("one"), [(name, upload)])
            self.assertEqual(client.get("one", NAME).body, BODY)
            session = s3.Client(gateway.https_endpoint, *gateway.assume_role(),
                                ca_file=gateway.ca_file)
            self.assertEqual(session.head("one", NAME).status, 200)
            for one in client, s3.Client(gateway.endpoint, *gateway.assume_role()):
                with urllib.request.urlopen(one.presigned("one", NAME, 60)) as answer:
                    self.assertEqual(answer.read(), BODY)
            wrong = s3.Client(gateway.endpoint, gateway.access_key, "wrong")
            self.assertEqual(wrong.head("one", NAME).status, 403)
            client.delete("one", NAME)
            self.assertEqual(client.objects("one"), {})

    def test_many_objects(self):
        """More than a page of the list."""
        with self.make() as gateway:
            client = gateway.client()
            client.create_bucket("one")
            names = {f"{number:04}": 0 for number in range(1001)}
            for name in names:
                client.put("one", name, b"")
            self.assertEqual(client.objects("one"), names)

    def test_command(self):
        command = [sys.executable, os.path.join(HERE, "with_rgw.py"), "--sts", "--", "sh", "-c"]
        done = subprocess.run([*command, 'curl -sf "$FHX_S3_ENDPOINT" >/dev/null || exit 9; env'
                               ' | grep -c "^FHX_S3_"; exit 7'], stdout=subprocess.PIPE,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (7, b"11\n"))

    def test_command_is_killed(self):
        """What a test leaves that is killed itself."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            command = [sys.executable, os.path.join(HERE, "with_rgw.py"), "--", "sh", "-c",
                       "echo $FHX_S3_ENDPOINT; exec sleep 1000"]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                endpoint = process.stdout.readline().decode().strip()
                urllib.request.urlopen(endpoint).close()
                process.send_signal(how)
            component.wait_until(lambda: not self.answers(endpoint), "the end")

    def answers(self, endpoint):
        return component.answers_http(int(endpoint.rsplit(":", 1)[1]))


class Azurite(unittest.TestCase, Ends):
    def make(self):
        return azurite.Azurite()

    def test_blobs(self):
        for https in (False, True):
            with azurite.Azurite(https) as one:
                client = one.client()
                client.create_container("ctr")
                client.put("ctr", NAME, BODY)
                client.done("PUT", "/ctr/open", {"comp": "block", "blockid": "AAAA"}, b"x")
                self.assertEqual(client.blobs("ctr"), {NAME: len(BODY)})
                self.assertEqual(set(client.blobs("ctr", uncommitted=True)), {NAME, "open"})
                self.assertEqual(client.get("ctr", NAME).body, BODY)
                with urllib.request.urlopen(
                        f"{one.endpoint}/ctr/{s3.escape(NAME)}?" + client.container_sas(
                            "ctr", "r", 60),
                        context=component.trusting(one.ca_file)) as answer:
                    self.assertEqual(answer.read(), BODY)
                client.delete("ctr", NAME)
                self.assertEqual(client.head("ctr", NAME).status, 404)

    def test_token(self):
        with azurite.Azurite(https=True) as one:
            one.client().create_container("ctr")
            one.client().put("ctr", "x", BODY)
            for token, status in ((one.token(), 200), (one.token(-1), 403)):
                request = urllib.request.Request(
                    f"{one.endpoint}/ctr/x", headers={"Authorization": "Bearer " + token,
                                                      "x-ms-version": "2021-08-06"})
                try:
                    with urllib.request.urlopen(
                            request, context=component.trusting(one.ca_file)) as answer:
                        found = answer.status
                except urllib.error.HTTPError as error:
                    found = error.code
                self.assertEqual(found, status)

    def test_command(self):
        command = [sys.executable, os.path.join(HERE, "with_azurite.py"), "--", "sh", "-c"]
        done = subprocess.run([*command, 'env | grep -c "^FHX_AZURE_"; kill -9 $$'],
                              stdout=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stdout), (128 + 9, b"6\n"))


class Dynalite(unittest.TestCase, Ends):
    def make(self):
        return dynalite.Dynalite()

    def test_table(self):
        with self.make() as one:
            one.create_table("table", "id", ("vid", "N"))
            one.write("table", ({"id": {"S": str(number)}, "vid": {"N": "1"}}
                                for number in range(60)))
            self.assertEqual(one.call("Scan", TableName="table")["Count"], 60)


if __name__ == "__main__":
    kind = {"rgw": Rgw, "azurite": Azurite, "dynalite": Dynalite}[sys.argv.pop(1)]
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(kind)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
