"""P9: CPU time of kick-off, status and manifest, in the process of the engine."""
import statistics
import tempfile

from measure import NotMeasured, Row, figure_of


def measured(bench):
    jobs, parts = (200, 3000) if bench.quick else (10000, 100000)

    def measure():
        if bench.tmpfs is None:
            raise NotMeasured("there is no tmpfs; --tmpfs DIR names one")
        with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.tmpfs) as folder:
            return bench.call([bench.program("bench_engine"), folder, str(jobs), str(parts)])
    return bench.once("P9", measure), jobs, parts


def milliseconds(name):
    """With many jobs in the store; the note has the figure of a store that has a few."""
    def measure(bench):
        values, jobs, _ = measured(bench)
        few = statistics.median(values[name + "_few"])
        return figure_of(values[name + "_many"],
                         f"CPU time; {jobs} jobs in the store, with few {few:.3f} ms")
    return measure


def manifest(bench):
    values, _, parts = measured(bench)
    grown = values["peak_kib"][0] - values["before_kib"][0]
    return figure_of(values["items_a_second"],
                     f"a manifest of {parts} parts; reading it raised the memory by {grown:.0f} KiB")


ROWS = [
    Row("P9.kick_off", "a kick-off", milliseconds("kick_off"), 1, 0.1, True, "ms"),
    Row("P9.running", "a poll of a job that runs", milliseconds("running"), 1, 0.1, True, "ms"),
    Row("P9.complete", "a poll of a complete job of 100 parts, its manifest read",
        milliseconds("complete"), 1, 0.1, True, "ms"),
    Row("P9.manifest", "items of a manifest with signed links", manifest, 100000,
        unit="items a CPU second"),
]
