"""P6: how far the resident memory of an export grows. tests/memory/ has the bound as a test."""
import os
import shutil
import tempfile

from data import MB
from measure import Failed, Figure, NotMeasured, Row

BIG = 100 * MB


def peak_growth(bench, source, folder, threads=1):
    """Megabytes a worker by which the export raised the memory, and the resources it took."""
    with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=folder) as out:
        values = bench.call([bench.program("bench_export"), *source, "--out", os.path.join(out, "o"),
                             "--threads", str(threads)], pinned=False)
    growth = (values["peak_kib"][0] - values["before_kib"][0]) * 1024 / MB
    return growth / threads, values["count"][0]


def growth(size):
    def measure(bench):
        if bench.quick and size > 100 * MB:
            raise NotMeasured("left out by --quick")
        if shutil.disk_usage(bench.disk).free < 4 * size:
            raise NotMeasured(f"the disk has less than {4 * size // MB} MB free")
        with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.disk) as folder:
            bench.data.generate(folder, size, "sqlite")
            source = ["--sqlite", os.path.join(folder, "fhir.sqlite")]
            values = [peak_growth(bench, source, folder, threads)[0] for threads in (1, 2)]
        return Figure(max(values), min(values), max(values), [(value,) for value in values],
                      "the worse of one worker and two; SQLite to a directory on disk")
    return measure


def big_resource(bench):
    """How many of the three resources come out; the one in the middle is big."""
    with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.disk) as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        with open(os.path.join(data, "Binary.ndjson"), "w", encoding="ascii") as file:
            for number, size in enumerate([1000, BIG, 1000]):
                file.write('{"resourceType": "Binary", "id": "%d", "data": "' % number)
                for _ in range(size // 1000):
                    file.write("A" * 1000)
                file.write('"}\n')
        grown, count = peak_growth(bench, ["--folder", data], folder)
    if count > 3:
        raise Failed(f"of 3 resources {count:.0f} came out")
    return Figure(count, note=f"one of {BIG // MB} MB; the memory grew by {grown:.0f} MB")


ROWS = [Row(f"P6.{name}", f"memory growth a worker, export of {name}", growth(size), 32, 8,
            at_most=True, unit="MB")
        for name, size in (("100MB", 100 * MB), ("1GB", 1000 * MB), ("10GB", 10000 * MB))]
ROWS.append(Row("P6.resource", "a resource of 100 MB between two small ones passes", big_resource, 3,
                unit="resources"))
