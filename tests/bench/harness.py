#!/usr/bin/python3
"""What bench/ says of a measurement: the verdicts, what is not measured, and its files. Nothing is
timed here. usage: harness.py ROOT"""
import contextlib
import csv
import io
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, "bench"))
sys.dont_write_bytecode = True
import measure  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
from data import KINDS, Data  # noqa: E402
from measure import Bench, Figure, NotMeasured, Row, Run  # noqa: E402
from rows import ROWS  # noqa: E402


def bench_at(folder):
    return Bench(folder, None, None, folder, True)


def result_of(measured, **more):
    return report.result_of(Row("X1", "something", measured, **more), bench_at("/nonexistent"))


def script(folder, text):
    path = os.path.join(folder, "program")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return [path]


class Verdicts(unittest.TestCase):
    def line(self, value, **more):
        return result_of(lambda bench: Figure(value), **more).line()

    def test_at_least(self):
        self.assertEqual(self.line(10.4, must=10), "X1 10.40 target 10.0 holds ()")
        self.assertEqual(self.line(9.4, must=10), "X1 9.40 target 10.0 short ()")
        self.assertIn("target 8.0 holds, reach 10.0 short", self.line(9, must=8, reach=10))

    def test_at_most(self):
        self.assertIn("target at most 8.0 holds", self.line(8.0, must=8, at_most=True))
        self.assertIn("target at most 8.0 short", self.line(8.1, must=8, at_most=True))

    def test_what_is_short_looks_short(self):
        self.assertIn("X1 7.99 target 8.0 short", self.line(7.9999, must=8))
        self.assertIn("X1 8.01 target at most 8.0 short", self.line(8.0001, must=8, at_most=True))

    def test_limits_are_not_rounded(self):
        self.assertIn("0.60 target 0.55 holds", self.line(0.6, must=0.55))
        self.assertIn("target 300000 short", self.line(299999.5, must=300000))
        self.assertIn("299999 target", self.line(299999.5, must=300000))

    def test_without_target(self):
        self.assertEqual(self.line(3), "X1 3.00 no target ()")
        self.assertNotIn("target", self.line(3, reach=2))


class NoPass(unittest.TestCase):
    """What could not be measured never holds."""

    def check(self, measured, words):
        result = result_of(measured, must=0, reach=0)
        self.assertIn(words, result.line())
        self.assertNotIn("holds", result.line())
        self.assertNotIn("holds", "".join(report.target_table([result])))
        self.assertEqual(result.failed(), "failed" in words)

    def test_missing(self):
        self.check(lambda bench: bench.tool("fhx-no-such-tool"),
                   "not measured: fhx-no-such-tool is missing")
        self.check(lambda bench: bench.program("bench_scan"), "not measured: bench_scan was not built")

    def test_programs_that_end_badly(self):
        with tempfile.TemporaryDirectory() as folder:
            self.check(lambda bench: bench.run(script(folder, "echo no helpers >&2; exit 4")),
                       "not measured: no helpers")
            self.check(lambda bench: bench.run(script(folder, "exit 1")), "failed: ")
            self.check(lambda bench: bench.run(script(folder, "echo nothing")), "failed: ")

    def test_sides_that_differ(self):
        self.check(lambda bench: bench.pairs(lambda: Run(5, 1, 1), lambda: Run(6, 1, 1), "wall"),
                   "failed: the two sides did not do the same")

    def test_shared_failure(self):
        def fails():
            raise NotMeasured("it cannot be")
        bench = bench_at("/nonexistent")
        for _ in range(2):
            with self.assertRaises(NotMeasured):
                bench.once("key", fails)


class Pairs(unittest.TestCase):
    def test_median_of_the_ratios_in_turn(self):
        calls = []
        seconds = iter(range(1, 100))

        def side(name, wall):
            calls.append(name)
            return Run(1, wall, 0)
        figure = Bench.pairs(lambda: side("ours", 1), lambda: side("other", next(seconds)), "wall")
        # The first pair does not count, so the others took 2 to 8 seconds.
        self.assertEqual((figure.value, figure.low, figure.high), (5, 2, 8))
        self.assertEqual(len(figure.times), measure.PAIRS)
        self.assertEqual(calls[:4], ["ours", "other", "other", "ours"])


class Rows(unittest.TestCase):
    def test_names(self):
        names = [row.name for row in ROWS]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual({name.split(".")[0] for name in names},
                         {"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "I"})

    def test_chosen(self):
        parser, _ = run.read_options([])
        self.assertEqual([row.name for row in run.chosen(parser, ["P1.cjk"])], ["P1.cjk"])
        self.assertTrue(all(row.name.startswith("P1.") for row in run.chosen(parser, ["P1"])))
        self.assertEqual(len(run.chosen(parser, [])), len(ROWS))
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            run.chosen(parser, ["P99"])


class Files(unittest.TestCase):
    results = [result_of(lambda bench: Figure(9, 8, 10, [(1, 9)]), must=8, reach=10, unit="<&>"),
               result_of(lambda bench: bench.tool("fhx-no-such-tool"), must=8),
               result_of(lambda bench: Figure(2), must=1, at_most=True)]

    def test_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            report.write_csv(self.results, folder)
            with open(os.path.join(folder, "results.csv"), encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            with open(os.path.join(folder, "runs.csv"), encoding="utf-8") as file:
                self.assertEqual(len(file.readlines()), 2)
        self.assertEqual([row["verdict"] for row in rows], ["holds", "not measured", "short"])
        self.assertEqual(rows[1]["value"], "")

    def test_plot(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plot.svg")
            report.write_plot(self.results, path)
            bars = xml.etree.ElementTree.parse(path).findall(".//{*}rect")
        self.assertEqual(len(bars), 3)  # the ground, and a bar for each figure
        self.assertGreater(float(bars[1].get("width")), float(bars[2].get("width")))

    def test_places_in_the_document(self):
        with open(os.path.join(ROOT, "docs", "performance.md"), encoding="utf-8") as file:
            text = file.read()
        for name in ("machine", "rows", "instructions"):
            text = report.replace(text, name, ["one", "two"])
            self.assertIn(f"<!-- {name} -->\none\ntwo\n<!-- end {name} -->", text)
        with self.assertRaises(SystemExit):
            report.replace(text, "nothing", [])

    def test_machine_has_no_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            bench = bench_at(folder)
            bench.data = Data(folder, None, None)
            words = "\n".join(report.machine(bench))
        self.assertNotIn(folder, words)
        self.assertNotIn(os.uname().nodename, words.split())


class Texts(unittest.TestCase):
    LINE = '{"resourceType":"Patient","id":"a","name":[{"family":"Müller"}],"text":{"div":"<p>one</p>"}}'

    def test_kinds(self):
        self.assertTrue(KINDS["ascii"](self.LINE).isascii())
        self.assertGreater(KINDS["pretty"](self.LINE).count("\n"), 5)
        for kind in ("latin", "cjk"):
            text = KINDS[kind](self.LINE)
            self.assertFalse(text.isascii())
            self.assertIn('"id":"a"', text)
            self.assertIn('"<p>', text)
            self.assertNotIn("one", text)


if __name__ == "__main__":
    unittest.main()
