#!/usr/bin/python3
"""fhirexport export that is cancelled, killed, stopped and gone on with. About ten seconds.

    interrupted.py FHIREXPORT GENERATE [--bytes N] [--rounds N]

--rounds N kills an export of --bytes N so often before it may end.
"""
import argparse
import os
import random
import signal
import subprocess
import tempfile
import unittest

import support
from support import below, command, data_lines, events, files_of, run, wait_until

DATA = {}
FOLDER = None
ROUNDS = 3
# An export that is over before its signal comes is begun anew so often.
TRIES = 30
FIRST_BYTES = 20_000_000
PART = ["--part-bytes", "200k"]


def data_of(size):
    """As much data, made once."""
    if size not in DATA:
        DATA[size] = support.generate(os.path.join(FOLDER, str(size)), "--bytes", str(size))
    return DATA[size]


class Interrupted(support.Test):
    def parts(self):
        return [path for path in below(self.out) if path.endswith(".ndjson")]

    def arguments(self, data, *more):
        return ["--source", "ndjson:" + data, "--to", "file:" + self.out, *PART, *more]

    def interrupt(self, how, data, *more, after=0):
        """Starts an export, and sends it signals when so many more parts are there; its end."""
        before = len(self.parts())
        with subprocess.Popen(command(*self.arguments(data, "--workers", "2", *more)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            wait_until(lambda: len(self.parts()) > before + after or process.poll() is not None, "a part")
            how(process)
            said, errors = process.communicate(timeout=support.SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, said, errors)

    def in_time(self, how, *more, code, after=0):
        """The same, with data enough for the signal to come before the end."""
        for attempt in range(TRIES):
            data = self.more_data(attempt)
            done = self.interrupt(how, data, *more, after=after)
            if done.returncode != 0:
                self.assertEqual(done.returncode, code, done.stderr)
                return data, done
            subprocess.run(["rm", "-rf", self.out, self.state], check=True)
        self.fail("the export is always over before the signal")

    def more_data(self, attempt):
        """A machine may be fast, or have let this test wait: twice as much each third time, up to 16 times as much."""
        return data_of(FIRST_BYTES << min(attempt // 3, 4))

    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.work, "state")

    def exact(self, data, manifest):
        """Everything is exported, nothing twice, and no other file is there."""
        paths = files_of(manifest)
        self.assertEqual(sorted(paths), below(self.out))
        self.assertTrue(support.read_lines(paths) == data_lines(data), "the lines are not those of the data")

    def test_killed(self):
        """Killed several times; what was recorded before is not written again."""
        again = ["--state", self.state]
        # Of so many, two threads cannot have all between the destination and the record.
        data, _ = self.in_time(lambda process: process.kill(), *again, code=-signal.SIGKILL, after=6)
        first = {path: os.stat(path).st_ino for path in self.parts()}
        for _ in range(ROUNDS - 1):
            done = self.interrupt(lambda process: process.kill(), data, *again, after=random.randrange(1, 9))
            self.assertIn(done.returncode, (0, -signal.SIGKILL), done.stderr)
        done = self.ends(run(*self.arguments(data, *again, "--json")), 0)
        begin, *_, end = events(done.stdout)
        self.assertEqual((begin["resumed"], end["event"]), (True, "complete"))
        self.exact(data, end["manifest"])
        self.assertTrue([path for path, inode in first.items() if os.path.exists(path) and os.stat(path).st_ino == inode])
        self.assertEqual(os.stat(self.state).st_mode & 0o777, 0o600)
        # It is complete: told again, not made again.
        told = self.ends(run(*self.arguments(data, *again, "--json")), 0, "complete; for a new one")
        self.assertEqual(events(told.stdout)[-1]["manifest"], end["manifest"])
        self.assertEqual(sorted(files_of(end["manifest"])), below(self.out))

    def test_other_parameters(self):
        data, _ = self.in_time(lambda process: process.kill(), "--state", self.state, code=-signal.SIGKILL)
        before = below(self.out)
        good = self.arguments(data, "--state", self.state)
        for more, names in ((["--gzip"], "--gzip"), (["--type", "Patient", "--patient", "HIDDEN"], "--type, --patient"),
                            (["--part-bytes", "1M"], "--part-bytes"), (["--to", "file:" + self.work], "--to"),
                            (["--source", "ndjson:."], "--source")):
            done = self.ends(run(*good, *more), 2, f"differs in {names}: repeat that command")
            self.assertEqual((done.stdout, "HIDDEN" in done.stderr), ("", False))
        self.assertEqual(below(self.out), before)
        # How many threads there are, and what is told, may differ, and a path from where it counts.
        relative = ["--source", "ndjson:" + os.path.basename(data), *good[2:], "--workers", "1", "--quiet"]
        self.ends(run(*relative, cwd=self.work), 2, "differs in --source")
        done = self.ends(run(*good, "--workers", "1", "--quiet", "--json"), 0)
        self.exact(data, events(done.stdout)[-1]["manifest"])

    def test_cancelled(self):
        """Ctrl-C, with a state and without; SIGTERM without one. Nothing is left, the next begins anew."""
        for how, more in ((signal.SIGINT, []), (signal.SIGTERM, []), (signal.SIGINT, ["--state", self.state])):
            data, done = self.in_time(lambda process, how=how: process.send_signal(how), "--json", *more, code=130)
            self.assertIn("nothing is left of the export", done.stderr)
            self.assertEqual(events(done.stdout)[-1]["event"], "cancelled")
            self.assertEqual(below(self.out), [])
        done = self.ends(run(*self.arguments(data, "--state", self.state, "--json", "--type", "Patient")), 0)
        self.assertFalse(events(done.stdout)[0]["resumed"])

    def test_stopped(self):
        """SIGTERM with a state keeps what is done."""
        more = ["--state", self.state, "--json"]
        data, done = self.in_time(lambda process: process.terminate(), *more, code=5)
        self.assertEqual(events(done.stdout)[-1]["event"], "parked")
        self.assertIn("the same command goes on", done.stderr)
        kept = self.parts()
        self.assertTrue(kept)
        done = self.ends(run(*self.arguments(data, *more)), 0)
        self.exact(data, events(done.stdout)[-1]["manifest"])
        self.assertTrue(set(kept) & set(below(self.out)))

    def test_second_signal(self):
        """Both wait when the process goes on: the second one ends it at once."""
        def twice(process):
            for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGHUP, signal.SIGCONT):
                process.send_signal(number)
        more = ["--state", self.state]
        for attempt in range(TRIES):
            data = self.more_data(attempt)
            done = self.interrupt(twice, data, *more)
            if done.returncode != 0:
                break
            subprocess.run(["rm", "-rf", self.out, self.state], check=True)
        self.assertIn(done.returncode, (-signal.SIGINT, -signal.SIGHUP), done.stderr)
        done = self.ends(run(*self.arguments(data, *more, "--json")), 0)
        self.exact(data, events(done.stdout)[-1]["manifest"])

    def test_killed_while_cancelling(self):
        """What a cancelled export leaves that is killed is removed, and the export begins anew."""
        def cancel_and_kill(process):
            process.send_signal(signal.SIGINT)
            process.stderr.readline()
            process.kill()
        data = data_of(FIRST_BYTES)
        done = self.interrupt(cancel_and_kill, data, "--state", self.state)
        self.assertIn(done.returncode, (0, 130, -signal.SIGKILL))
        done = self.ends(run(*self.arguments(data, "--state", self.state, "--json")), 0)
        self.exact(data, events(done.stdout)[-1]["manifest"])

    def test_in_use(self):
        """A state is one process's alone."""
        def try_beside(process):
            process.send_signal(signal.SIGSTOP)
            try:
                if process.poll() is None:
                    self.ends(run(*self.arguments(data_of(FIRST_BYTES), "--state", self.state)), 1, "another fhirexport is using it")
                    tried.append(True)
            finally:
                process.send_signal(signal.SIGCONT)
                process.kill()
        tried = []
        self.in_time(try_beside, "--state", self.state, code=-signal.SIGKILL)
        self.assertTrue(tried)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("generate")
    parser.add_argument("--bytes", type=int, default=FIRST_BYTES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options, rest = parser.parse_known_args()
    support.PROGRAM, support.GENERATE = map(os.path.abspath, (options.program, options.generate))
    FIRST_BYTES, ROUNDS = options.bytes, options.rounds
    with tempfile.TemporaryDirectory(prefix="fhx-cli-") as FOLDER:
        unittest.main(argv=["interrupted.py", *rest])
