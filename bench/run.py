#!/usr/bin/python3
"""Measures the rows of docs/performance.md. bench/run.sh builds what this needs and calls it.

One line a row: `P1.ascii 10.4 target 8.0 holds, reach 10.0 holds (...)`, or `short`, or `not
measured: why`, or `failed: why`. Writes results.csv, runs.csv and results.svg. Ends with 1 when a
row failed; one that is short is a result.
"""
import argparse
import datetime
import os
import signal
import sys

import report
from data import Data
from measure import Bench
from rows import ROWS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read_options(arguments=None):
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n", 2)[2])
    parser.add_argument("rows", nargs="*", metavar="ROW",
                        help="P1 for all of P1, or P1.ascii for one; all rows if none is given")
    parser.add_argument("--quick", action="store_true", help="small data; ends within a minute")
    parser.add_argument("--list", action="store_true", help="prints the rows, and measures none")
    parser.add_argument("--document", action="store_true",
                        help="also puts the results into docs/performance.md")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "bench"), metavar="DIR",
                        help="where data and results go; build/bench if not given")
    parser.add_argument("--tmpfs", default="/dev/shm", metavar="DIR",
                        help="a folder on a tmpfs; /dev/shm if not given")
    parser.add_argument("--data", default=os.path.join(ROOT, "..", "shared", "data", "synthea-r4"),
                        metavar="DIR", help="real resources for P1 and P7, as NDJSON; where the"
                        " folder does not exist, generated ones")
    parser.add_argument("--programs", help=argparse.SUPPRESS)
    parser.add_argument("--programs-without-isal", help=argparse.SUPPRESS)
    return parser, parser.parse_args(arguments)


def chosen(parser, names):
    """The rows that are named; a name that fits none is a mistake."""
    def fits(row, name):
        return row.name == name or row.name.startswith(name + ".")
    for name in names:
        if not any(fits(row, name) for row in ROWS):
            parser.error(f"{name} is not a row; --list has them all")
    return [row for row in ROWS if not names or any(fits(row, name) for name in names)]


def main():
    # So that what a row has made is removed when somebody ends it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    parser, options = read_options()
    rows = chosen(parser, options.rows)
    if options.list:
        for row in rows:
            limits = " ".join(part for part in (report.limit(row, row.must), row.unit) if part)
            print(f"{row.name:18} {row.what}{f' ({limits})' if limits else ''}")
        return 0
    if options.document and options.rows:
        parser.error("--document needs all rows")
    tmpfs = options.tmpfs if os.path.isdir(options.tmpfs) and \
        report.file_system(options.tmpfs) == "tmpfs" else None
    os.makedirs(options.out, exist_ok=True)
    generate = os.path.join(options.programs, "examples", "fhirexport-generate")
    real = options.data if os.path.isdir(options.data) else None
    bench = Bench(options.programs, Data(os.path.join(options.out, "data"), generate, real), tmpfs,
                  options.out, options.quick, options.programs_without_isal)
    results = []
    for row in rows:
        results.append(report.result_of(row, bench))
        print(results[-1].line(), flush=True)
    report.write_csv(results, options.out)
    report.write_plot(results, os.path.join(options.out, "results.svg"))
    if options.document:
        report.document(results, bench, ROOT,
                        f"bench/run.sh{' --quick' if options.quick else ''} --document",
                        datetime.date.today().isoformat())
    return 1 if any(result.failed() for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
