"""P1: one resource in memory to one checked line, against what else reads JSON in memory."""
import os

from data import MB, share_beyond_ascii
from measure import Row


def size(bench):
    return 4 * MB if bench.quick else 50 * MB


def against(baseline, kind):
    def measure(bench):
        path = bench.data.texts(kind, size(bench))
        scan, other = bench.program("bench_scan"), bench.program(baseline)
        # The scanner would be over too soon to be timed.
        times = 8
        return bench.pairs(lambda: bench.run([scan, path, str(times)], times=times),
                           lambda: bench.run([other, path]), "cpu",
                           f"{os.path.getsize(path) / MB:.0f} MB,"
                           f" {share_beyond_ascii(path):.0f} % of the bytes not ASCII")
    return measure


ROWS = [
    Row("P1.ascii", "strict line in memory, against yajl re-emit: ASCII",
        against("bench_yajl_reemit", "ascii"), 8, 10),
    Row("P1.latin", "the same, accents in all prose", against("bench_yajl_reemit", "latin"), 8, 10),
    Row("P1.cjk", "the same, all prose in CJK", against("bench_yajl_reemit", "cjk"), 8, 10),
    Row("P1.pretty", "the same, pretty-printed ASCII", against("bench_yajl_reemit", "pretty"), 6, 10),
    Row("P1.simdjson", "strict line in memory, against simdjson's DOM parse: ASCII",
        against("bench_simdjson_dom", "ascii"), reach=1),
    Row("P1.simdjson_cjk", "the same, all prose in CJK", against("bench_simdjson_dom", "cjk"), reach=1),
]
