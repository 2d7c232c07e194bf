#!/usr/bin/env python3
"""`python -m fhirexport fetch` against fhirexport-server: interrupted in every way, and still exact.

    real_server.py SERVER GENERATE [--rounds N] [--seed N] [ARGUMENT OF UNITTEST]...
"""
import argparse
import gzip
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(HERE, "..", "..", "..", "bindings", "python")
sys.path[:0] = [os.path.join(HERE, "..", "..", "server")]

import fhir_server  # noqa: E402
from exports import compare, exact, read_data, write_key  # noqa: E402

ROUNDS, SEED, DATA = 3, None, None


class Relay:
    """Passes connections on to a server, at a rate, and cuts some of them short."""

    def __init__(self, to):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.to = self.listener.getsockname()[1], to
        self.rate = None  # bytes a second, of each connection
        self.cuts = None  # a random number generator, for connections that end early
        self.cut = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.to), timeout=300)
        except OSError:
            client.close()
            return
        threading.Thread(target=self.requests, args=(client, server), daemon=True).start()
        left = self.cuts.randrange(60_000) if self.cuts and self.cuts.random() < 0.5 else None
        try:
            while left is None or left > 0:
                data = server.recv(4096 if self.rate else 65536)
                if not data:
                    break
                client.sendall(data[:left])
                if self.rate:
                    time.sleep(len(data) / self.rate)
                left = None if left is None else left - len(data)
            self.cut += left is not None and left <= 0
        except OSError:
            pass
        for one in (client, server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    @staticmethod
    def requests(client, server):
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    return
                server.sendall(data)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def free_port():
    """Below the ports that outgoing connections get, so that it stays free while no server is there."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fhx-fetch-")
        self.addCleanup(folder.cleanup)
        self.work = os.path.join(folder.name, "server")
        self.to = os.path.join(folder.name, "to")
        os.mkdir(self.work)
        self.key = write_key(self.work)
        self.relay = Relay(free_port())
        self.addCleanup(self.relay.close)
        self.server = None
        self.dice = random.Random(SEED)

    def tearDown(self):
        if self.server is not None:
            self.assertEqual(self.server.stop(), 0)

    def start(self, *options):
        """A server whose jobs outlive it, behind the relay; the same again each time."""
        self.server = fhir_server.Server(
            "--load", DATA, "--jobs", os.path.join(self.work, "jobs.db"), "--url-key-file",
            self.key, "--base-url", f"http://127.0.0.1:{self.relay.port}/fhir", *options,
            folder=self.work, listen=f"127.0.0.1:{self.relay.to}")

    def popen(self, *more):
        command = [sys.executable, "-m", "fhirexport", "fetch",
                   f"http://127.0.0.1:{self.relay.port}/fhir", "--to", self.to, "--json", *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": PACKAGE})
        self.addCleanup(process.kill)
        return process

    def end(self, process, code=0):
        out, _ = process.communicate(timeout=600)
        events = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(process.returncode, code, events[-3:])
        return events

    def fetch(self, *more, code=0):
        return self.end(self.popen(*more), code)

    def check(self, wanted=None):
        """What is in the folder is exactly what was exported, each resource once; no more files."""
        with open(os.path.join(self.to, "manifest.json"), encoding="ascii") as file:
            manifest = json.load(file)
        found = {}
        for item in manifest["output"]:
            opener = gzip.open if item["file"].endswith(".gz") else open
            with opener(os.path.join(self.to, item["file"]), "rt", encoding="utf-8") as file:
                for line in file:
                    resource = exact(line)
                    key = resource["resourceType"], resource["id"]
                    self.assertEqual(key[0], item["type"])
                    self.assertNotIn(key, found, "twice")
                    found[key] = resource
        compare(found, read_data(DATA) if wanted is None else wanted)
        names = {item["file"] for item in manifest["output"]}
        self.assertEqual(set(os.listdir(self.to)),
                         {*names, "manifest.json", ".fhirexport-fetch.jsonl"})
        return manifest

    def kick_offs(self):
        """How many exports the server has been asked for."""
        return len(os.listdir(os.path.join(self.work, "files")))

    def test_ways(self):
        """Everything, by the options that lead another way; and the export is removed."""
        self.start("--part-bytes", "300k", "--gzip", "--sha256")
        for options in ([], ["--post", "--partial"], ["--gzip", "keep"], ["--gzip", "off"]):
            with self.subTest(options=options):
                self.fetch("--delete", "--restart", *options)
                manifest = self.check()
                kept = [one["file"].endswith(".gz") for one in manifest["output"]]
                self.assertEqual(set(kept), {"keep" in options})
        end = time.monotonic() + 300
        while self.kick_offs() > 0:
            self.assertLess(time.monotonic(), end, "the exports stay")
            time.sleep(0.1)

    def test_filters(self):
        self.start()
        data = read_data(DATA)
        final = {key: one for key, one in data.items() if key[0] == "Patient" or (
            key[0] == "Observation" and one.get("status") == "final")}
        self.fetch("--type", "Patient,Observation", "--type-filter", "Observation?status=final")
        self.check(final)
        one = next(key for key in data if key[0] == "Patient")
        self.fetch("--restart", "--level", "patient", "--patient", "Patient/" + one[1],
                   "--type", "Patient")
        self.check({one: data[one]})
        self.fetch("--restart", "--level", "group/nobody", code=3)
        group = next(key for key in data if key[0] == "Group")
        self.fetch("--restart", "--level", "group/" + group[1], "--type", "Group")

    def test_killed(self):
        """kill -9 at random moments, over a slow line: the same command ends it, exactly."""
        self.start("--part-bytes", "300k", "--sha256", "--gzip")
        self.relay.rate = 1_500_000
        kills = turn = 0
        # Where it is often killed too late there are more.
        while turn < ROUNDS or (kills <= ROUNDS and turn < 10 * ROUNDS):
            way = self.dice.choice(["unpack", "keep", "off"])
            options = ["--gzip", way, "--parallel", str(self.dice.randrange(1, 5))]
            more = ["--restart"] if turn > 0 else []
            turn += 1
            # Longer each time, or a slow machine would never come to the end.
            done, longest = False, 1.2
            while not done:
                process = self.popen(*options, *more)
                if more:  # let it begin anew before it is killed
                    process.stdout.readline()
                more = []
                try:
                    process.wait(self.dice.uniform(0.1, longest))
                    done = True
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    kills += 1
                    longest *= 1.1
                process.stdout.close()
            self.assertEqual(process.returncode, 0)
            self.check()
        self.assertGreater(kills, ROUNDS)
        print(f"\n{ROUNDS} fetches, {kills} times killed", file=sys.stderr)

    def test_a_network_that_breaks(self):
        """Half of all connections end in the middle; whole files are not fetched again."""
        self.start("--part-bytes", "300k", "--sha256")
        self.relay.cuts = self.dice
        while True:
            events = self.fetch("--partial", "--restart")
            if self.relay.cut > 5:
                break
        self.check()
        self.assertTrue(any(event["event"] == "retry" for event in events))

    def test_a_server_that_is_restarted(self):
        """Killed and parked in the middle, on a line that is slow enough for it."""
        self.start("--part-bytes", "300k", "--lease", "2")
        for number in range(1, 21):
            if self.fetch_from_a_restarted():
                break
            self.assertLess(number, 20, "too fast to be interrupted")
        self.check()
        self.assertEqual(self.kick_offs(), number)

    def fetch_from_a_restarted(self):
        """Whether it was not over before the last time, as it may be on a machine that lets the test wait."""
        self.relay.rate = 500_000
        process, is_running = self.popen("--restart"), True
        process.stdout.readline()  # the kick-off is done
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            time.sleep(0.5)
            is_running = process.poll() is None
            self.server.stop(how)
            time.sleep(0.3)
            self.start("--part-bytes", "300k", "--lease", "2")
        self.end(process)
        return is_running

    def test_links_that_expire(self):
        """Links are good for two seconds; files are fetched for longer."""
        self.start("--part-bytes", "300k", "--link-seconds", "2")
        self.relay.rate = 400_000
        begin = time.monotonic()
        self.fetch("--parallel", "1")
        self.assertGreater(time.monotonic() - begin, 3.0, "too fast for a link to expire")
        self.check()

    def test_an_export_that_is_gone(self):
        self.start("--part-bytes", "300k")
        self.relay.rate = 300_000
        process = self.popen("--parallel", "1")
        events = [json.loads(process.stdout.readline())]
        while events[-1]["event"] != "file":
            events.append(json.loads(process.stdout.readline()))
        process.kill()
        process.wait()
        process.stdout.close()
        self.relay.rate = None
        answer = self.server.request("DELETE", events[0]["status_url"])
        self.assertEqual(answer.status, 202)
        self.assertEqual(self.fetch(code=6)[-1]["retryable"], False)
        self.fetch("--restart")
        self.check()


def main():
    global ROUNDS, SEED, DATA
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("generate")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options, rest = parser.parse_known_args()
    fhir_server.PROGRAM, ROUNDS, SEED = options.server, options.rounds, options.seed
    print(f"seed {SEED}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="fhx-data-") as DATA:
        subprocess.run([options.generate, "--out", DATA, "--patients", "30"], check=True,
                       stdout=subprocess.DEVNULL)
        unittest.main(argv=sys.argv[:1] + rest, verbosity=2)


if __name__ == "__main__":
    main()
