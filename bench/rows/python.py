"""P11: exports whose source is Python."""
import os
import statistics
import sys

from measure import PAIRS, NotMeasured, Row, figure_of
from rows.export import amount, into, size

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs", "python_source.py")


def side(bench, how):
    """A whole run in a new folder on tmpfs."""
    library = os.path.join(bench.programs, "libfhirexport.so.0")
    if not os.path.exists(library):
        raise NotMeasured("the shared library was not built")
    data = bench.data.joined(size(bench))
    return lambda: into(bench, bench.tmpfs, lambda out: bench.run([sys.executable, PROGRAM, library, data, out, how]))


def rows_a_second(how):
    def measure(bench):
        run = side(bench, how)
        run()
        runs = [run() for _ in range(PAIRS)]
        python = ".".join(map(str, sys.version_info[:2]))
        return figure_of([one.did / one.wall for one in runs],
                         f"wall time; {statistics.median(one.did / one.cpu for one in runs):.0f} a second of CPU; "
                         f"{amount(bench)}, {runs[0].did:.0f} rows, CPython {python}, output on tmpfs")
    return measure


def against_plain(bench):
    return bench.pairs(side(bench, "batches"), side(bench, "plain"), "wall", f"{amount(bench)}, output on tmpfs")


ROWS = [
    Row("P11.batches", "rows from a Python source, 200 at a time", rows_a_second("batches"), 250_000, 1_000_000,
        unit="rows a second"),
    Row("P11.generator", "rows from a plain Python generator", rows_a_second("generator"), unit="rows a second"),
    Row("P11.plain", "the batches against a loop in Python that writes each row, unchecked", against_plain),
]
