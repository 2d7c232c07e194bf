#!/usr/bin/python3
"""Every option of fhirexport export, against the data; what it refuses, and how. About five seconds.

    options.py FHIREXPORT GENERATE
"""
import json
import os
import pty
import select
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import support
from support import command, data_lines, events, files_of, run

DATA = SOURCE = None
OPTIONS = ("source", "to", "source-option", "level", "type", "since", "until", "type-filter", "elements", "patient",
           "associated", "gzip", "sha256", "part-bytes", "workers", "threads", "state", "json", "progress", "quiet",
           "help")
FLAGS = ("gzip", "sha256", "json", "progress", "quiet", "help")


def chosen(condition, *types):
    """The lines of the data whose resource meets a condition."""
    return [line for line in data_lines(DATA, *types) if condition(json.loads(line))]


def refers_to(resource, patients):
    return any(resource.get(name, {}).get("reference") in patients for name in ("subject", "patient"))


class Options(support.Test):
    def test_help(self):
        done = self.ends(run("--help"), 0)
        for name in OPTIONS:
            self.assertIn("--" + name + " ", done.stdout)
        self.assertLess(max(map(len, done.stdout.splitlines())), 100)
        for words, text in ((["--help"], "export"), (["--version"], "fhirexport 0.")):
            self.assertIn(text, subprocess.run([support.PROGRAM, *words], capture_output=True, text=True, check=True).stdout)
        for words in ([], ["import"], ["--nothing"], ["\x1b[2J"], [""]):
            done = subprocess.run([support.PROGRAM, *words], capture_output=True, text=True, check=False)
            self.ends(done, 2, "--help")
            self.assertEqual(done.stdout, "")
            self.assertNotIn("\x1b", done.stderr)

    def test_everything(self):
        for source in (SOURCE, f"sqlite:{DATA}/fhir.sqlite"):
            lines, manifest = self.export("--source", source, "--sha256", "--part-bytes", "200k", "--workers", "3")
            self.assertEqual(lines, data_lines(DATA))
            self.assertTrue(all(len(item["extension"]["sha256"]) == 64 for item in manifest["output"]))
            self.assertGreater(len(manifest["output"]), 10)

    def test_gzip(self):
        lines, manifest = self.export("--source", SOURCE, "--gzip", "--threads", "2")
        self.assertEqual(lines, data_lines(DATA))
        self.assertTrue(all(path.endswith(".ndjson.gz") for path in files_of(manifest)))

    def test_types(self):
        lines, manifest = self.export("--source", SOURCE, "--type", "Patient,Encounter", "--type=Group")
        self.assertEqual(lines, data_lines(DATA, "Patient", "Encounter", "Group"))
        self.assertEqual([item["type"] for item in manifest["output"]], ["Patient", "Encounter", "Group"])

    def test_window(self):
        stamps = sorted(json.loads(line)["meta"]["lastUpdated"] for line in data_lines(DATA))
        since, until = stamps[len(stamps) // 4], stamps[len(stamps) // 2]
        lines, _ = self.export("--source", SOURCE, "--since", since, "--until", until)
        self.assertEqual(lines, chosen(lambda one: since < one["meta"]["lastUpdated"] < until))

    def test_searches(self):
        lines, _ = self.export("--source", SOURCE, "--type", "Encounter", "--type", "Group", "--type-filter",
                               "Encounter?status=finished", "--type-filter", "Encounter?_id=none")
        self.assertEqual(lines, sorted(chosen(lambda one: one["status"] == "finished", "Encounter") + data_lines(DATA, "Group")))
        lines, _ = self.export("--source", SOURCE, "--type", "Patient", "--elements", "Patient.birthDate", "--elements", "gender")
        for line, whole in zip(lines, data_lines(DATA, "Patient")):
            found, whole = json.loads(line), json.loads(whole)
            self.assertEqual(set(found), {"resourceType", "id", "meta", "birthDate", "gender"} & set(whole))
            self.assertIn("SUBSETTED", line.decode())

    def test_levels(self):
        first, second = (json.loads(line)["id"] for line in data_lines(DATA, "Patient")[:2])
        both = {"Patient/" + first, "Patient/" + second}
        wanted = chosen(lambda one: "Patient/" + one["id"] in both or refers_to(one, both), "Patient", "Encounter")
        for patients in ([f"{first},Patient/{second}"], [first, "--patient", second]):
            lines, _ = self.export("--source", SOURCE, "--level", "patient", "--type", "Patient,Encounter", "--patient", *patients)
            self.assertEqual(lines, wanted)
        (group,) = [one for one in map(json.loads, data_lines(DATA, "Group")) if one["id"] == "cohort-inactive"]
        members = {one["entity"]["reference"] for one in group["member"] if not one.get("inactive")}
        lines, _ = self.export("--source", SOURCE, "--level", "group/" + group["id"], "--type", "Patient,Encounter")
        self.assertEqual(lines, chosen(lambda one: "Patient/" + one["id"] in members or refers_to(one, members),
                                       "Patient", "Encounter"))
        lines, _ = self.export("--source", SOURCE, "--level", "system", "--type", "Organization")
        self.assertEqual(lines, data_lines(DATA, "Organization"))

    def test_associated(self):
        for more, count in (([], 0), (["--associated", ",Practitioner", "--associated", "Organization"], 4)):
            _, manifest = self.export("--source", SOURCE, "--level", "patient", *more)
            self.assertEqual(sum(item["count"] for item in manifest["output"]
                                 if item["type"] in ("Practitioner", "Organization")), count)

    def test_names(self):
        path = os.path.join(self.work, "other.db")
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE things(type TEXT, id TEXT, changed TEXT, body TEXT)")
            database.executemany("INSERT INTO things VALUES('Patient', ?, ?, ?)", [
                (one["id"], one["meta"]["lastUpdated"], line.decode()) for line in data_lines(DATA, "Patient")
                for one in [json.loads(line)]])
        database.close()
        names = [word for pair in ("table=things", "updated_column=changed", "json_column=body", "stamp_resolution_us=1000")
                 for word in ("--source-option", pair)]
        self.assertEqual(self.export("--source", "sqlite:" + path, *names)[0], data_lines(DATA, "Patient"))

    def test_refused_resources(self):
        data = os.path.join(self.work, "bad")
        os.mkdir(data)
        with open(os.path.join(data, "Patient.ndjson"), "w", encoding="ascii") as file:
            file.write('{"resourceType":"Patient","id":"a"}\nnonsense\n')
        done = self.ends(run("--source", "ndjson:" + data, "--to", "file:" + self.out), 0, "some resources were refused")
        manifest = json.loads(done.stdout)
        self.assertEqual([item["count"] for item in manifest["output"] + manifest["error"]], [1, 1])

    def test_a_failed_export(self):
        """Groups that are nested too deep are found when the export runs; nothing is left of it."""
        data = os.path.join(self.work, "deep")
        os.mkdir(data)
        with open(os.path.join(data, "Group.ndjson"), "w", encoding="ascii") as file:
            for at in range(14):
                member = {"entity": {"reference": f"Group/g{at + 1}"}}
                print(json.dumps({"resourceType": "Group", "id": f"g{at}", "type": "person", "actual": True, "member": [member]}),
                      file=file)
        arguments = ["--source", "ndjson:" + data, "--to", "file:" + self.out, "--level", "group/g0", "--json"]
        state = ["--state", os.path.join(self.work, "state")]
        for _ in range(2):
            found = events(self.ends(run(*arguments, *state), 3).stdout)
            self.assertEqual((found[0]["resumed"], found[-1]["event"], found[-1]["code"]), (False, "failed", 3))
        self.assertEqual(support.below(self.out), [])

    # --- what is told ---

    def test_json(self):
        done = self.ends(run("--source", SOURCE, "--to", "file:" + self.out, "--json"), 0)
        self.assertEqual(done.stderr, "")
        first, *_, last = events(done.stdout)
        self.assertEqual((first["event"], first["resumed"], last["event"]), ("start", False, "complete"))
        self.assertEqual(first["job"], last["job"])
        wanted = data_lines(DATA)
        self.assertEqual((last["resources"], last["share"], last["errors"], last["tasks"]),
                         (len(wanted), 1, 0, last["tasks_done"]))
        self.assertEqual(last["bytes"], sum(len(line) + 1 for line in wanted))
        paths = files_of(last["manifest"])
        self.assertEqual((last["parts"], support.read_lines(paths)), (len(paths), wanted))

    def test_progress(self):
        arguments = ["--source", SOURCE, "--to", "file:" + self.out]
        self.assertEqual(run(*arguments).stderr, "")
        self.assertEqual(run(*arguments, "--quiet", "--progress").stderr, "")
        line = run(*arguments, "--progress").stderr.splitlines()[-1]
        self.assertRegex(line, r"^100 %  ETA 0:00  9 parts  \d+ resources  [0-9.]+ MB  [0-9.]+ MB/s  \d+/s$")
        self.assertIn(f" {len(data_lines(DATA))} resources", line)

    def on_terminal(self, *arguments, **environment):
        """What an export prints on a terminal of 100 columns."""
        leader, follower = pty.openpty()
        subprocess.run(["stty", "cols", "100"], stdin=follower, check=True)
        with subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=follower,
                              env={**os.environ, **environment}) as process:
            os.close(follower)
            said = b""
            while select.select([leader], [], [], support.SECONDS)[0]:
                try:
                    said += os.read(leader, 65536)
                except OSError:  # its other end is closed
                    break
            self.assertEqual(process.wait(support.SECONDS), 0)
        os.close(leader)
        return said.decode()

    def test_bar(self):
        arguments = ["--source", f"sqlite:{DATA}/fhir.sqlite", "--to", "file:" + self.out]
        said = self.on_terminal(*arguments, TERM="xterm")
        self.assertRegex(said, r"\r\[-+\]   0 %  ETA -:--  0 parts ")
        self.assertRegex(said, r"\r\[#+\] 100 %  ETA 0:00  9 parts ")
        self.assertTrue(all(len(line.replace("\x1b[K", "")) < 100 for line in said.replace("\n", "\r").split("\r")))
        self.assertEqual(self.on_terminal(*arguments, "--quiet", TERM="xterm"), "")
        self.assertNotIn("\x1b", self.on_terminal(*arguments, "--progress", TERM="dumb"))

    def test_stdout_is_full(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command("--source", SOURCE, "--to", "file:" + self.out), stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.ends(done, 1, "No space")

    # --- what is refused ---

    def test_mistakes(self):
        """Exit code 2: the option is named, no value is told, nothing is made."""
        to = ["--to", "file:" + self.out]
        for words, text in (
                ([], "--source ndjson:DIR"), (["--source", SOURCE], "--to file:DIR"),
                (["--source", "csv:HIDDEN", *to], "--source begins neither"), (["--source", "ndjson:", *to], "names no folder"),
                (["--source", "postgresql:", *to], "names no database"),
                (["--source", SOURCE, "--to", "ftp://HIDDEN"], "--to begins neither"),
                (["--source", SOURCE, "--to", "s3://"], "names no bucket"),
                (["--source", SOURCE, "--to", "azure-blob://box"], "AZURE_STORAGE_CONNECTION_STRING"),
                (["--source", SOURCE, "--source-option", "table=HIDDEN", *to], "--source-option"),
                (["--source", "sqlite:HIDDEN", "--source-option", "colour=HIDDEN", *to], "does not know"),
                (["--source", "sqlite:HIDDEN", "--source-option", "schema=HIDDEN", *to], "does not know"),
                (["--source", "sqlite:HIDDEN", "--source-option", "HIDDEN", *to], "NAME=VALUE"),
                (["--source", "sqlite:HIDDEN", "--source-option", "stamp_resolution_us=HIDDEN", *to], "whole number")):
            done = self.ends(run(*words), 2, text)
            self.assertNotIn("HIDDEN", done.stderr)
        for words, text in (
                (["--level", "HIDDEN"], "--level"), (["--level", "group/"], "--level"), (["--type", "hidden"], "--type"),
                (["--since", "HIDDEN"], "--since"), (["--until", "HIDDEN"], "--until"), (["--patient", "HIDDEN/1"], "--patient"),
                (["--type-filter", "Patient?_sort=HIDDEN"], "--type-filter"), (["--elements", "HIDDEN,a.b.c"], "--elements"),
                (["--workers", "0"], "--workers"), (["--threads", "257"], "--threads"), (["--workers", "HIDDEN"], "--workers"),
                (["--part-bytes", "0"], "--part-bytes"), (["--part-bytes", "5X"], "--part-bytes"),
                (["--part-bytes", "99999999999999999999"], "--part-bytes"), (["--part-bytes", "9999999G"], "--part-bytes"),
                (["--gzip=HIDDEN"], "--gzip takes no value"), (["--type"], "--type needs a value"),
                (["--type", "--gzip"], "--type needs a value"), (["--colour", "HIDDEN"], "no option --colour"),
                (["--typ", "Patient"], "no option --typ"), (["HIDDEN"], "argument"), (["-x"], "argument"), (["--"], "no option"),
                (["--state", ""], "--state"), (["--state", ":memory:"], "--state")):
            done = self.ends(run("--source", SOURCE, *to, *words), 2, text)
            self.assertNotIn("HIDDEN", done.stderr)
            self.assertEqual((done.stdout, os.path.exists(self.out)), ("", False), words)

    def test_passwords(self):
        """No password is taken from a command line that others can see, and none is told."""
        for place in ("postgresql://me:SECRET@db/x", "postgres://me:SECRET@db/x", "postgresql://db/x?user=a&password=SECRET",
                      "postgresql:dbname=x password=SECRET", "postgresql:dbname=x PASSWORD = 'SECRET'"):
            done = self.ends(run("--source", place, "--to", "file:" + self.out), 2, "PGPASSWORD")
            self.assertNotIn("SECRET", done.stderr + done.stdout)

    def test_what_cannot_be_had(self):
        """Exit code 1."""
        text = os.path.join(self.work, "text")
        with open(text, "w", encoding="ascii") as file:
            file.write("no database" * 100)
        good = ["--source", SOURCE, "--to", "file:" + self.out]
        for words, said in (
                (["--source", "ndjson:/nowhere", *good[2:]], "the source: "), (["--source", "sqlite:/nowhere", *good[2:]], "the source: "),
                (["--source", "sqlite:" + text, *good[2:]], "the source: "), ([*good[:2], "--to", "file:/nowhere/else"], "the destination: "),
                ([*good, "--level", "group/nobody"], "Group"), ([*good, "--type", "Basic"], "Basic"),
                ([*good, "--type-filter", "Patient?x=1"], "--type-filter"), ([*good, "--state", text], "--state"),
                ([*good, "--state", "/nowhere/state"], "--state")):
            self.assertEqual(self.ends(run(*words), 1, said).stdout, "")
            found = run(*words, "--json")
            self.assertEqual(found.returncode, 1)
        found = events(run("--source", "ndjson:/nowhere", *good[2:], "--json").stdout)
        self.assertEqual([(one["event"], one["code"]) for one in found], [("failed", 1)])

    def test_hostile(self):
        """Whatever is given, it ends by itself, and steers no terminal."""
        texts = ["", "\x1b[31m%s%n%n", "a" * 100_000, "=\n=", ",,,,", "\udcff\udcfe", "../" * 500, "-1", "s3://a?b=c&&&", "postgresql://",
                 "group/../..", "'\"\\$(true)`\x7f"]
        base = ["--source", SOURCE, "--to", "file:" + self.out, "--type", "Organization"]
        nowhere = {**os.environ, "PGHOST": "/nowhere"}
        if os.environ.get("FHX_QUICK"):
            texts = texts[::3]
        for name in OPTIONS:
            for text in texts:
                done = run(*base, f"--{name}={text}", cwd=self.work, env=nowhere, errors="surrogateescape")
                self.assertIn(done.returncode, (0, 1, 2), (name, text, done.stderr[-300:]))
                self.assertNotIn("\x1b", done.stderr)
                self.assertEqual(done.returncode == 0, done.stdout != "", (name, text))
                if name in FLAGS:
                    self.assertEqual(done.returncode, 2)
        for many in (["--type", "Patient"] * 3000, ["--patient", "a,b"] * 3000, ["--associated", "Patient," * 1000], ["x"] * 3000):
            self.assertIn(run(*base, *many).returncode, (0, 1, 2))


if __name__ == "__main__":
    support.PROGRAM, support.GENERATE = map(os.path.abspath, sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="fhx-cli-") as folder:
        DATA = support.generate(os.path.join(folder, "data"), "--patients", "30")
        support.generate(DATA, "--patients", "30", "--format", "sqlite", "--pretty", "0")
        SOURCE = "ndjson:" + DATA
        unittest.main(argv=sys.argv[:1] + sys.argv[3:])
