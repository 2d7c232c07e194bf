"""P8: exports from a PostgreSQL table, against psql's COPY of the same rows to a file."""
import glob
import json
import os
import subprocess
import sys

from measure import NotMeasured, Row
from rows.export import amount, into, size

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "stores"))
# What the tests start, too.
import component  # noqa: E402
import postgres  # noqa: E402

TABLE = """CREATE TABLE resource (type text COLLATE "C", id text COLLATE "C", last_updated bigint,
 json text, PRIMARY KEY (type, id)) WITH (toast_tuple_target = 8160)"""
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def psql(server, *arguments, **more):
    return subprocess.run([postgres.find("psql"), "-X", "-q", "-h", server.folder, "-U", "fhx", "-d",
                           "postgres", *arguments], check=True, text=True, **more)


def rows(folder):
    """COPY's lines, in the order of the files."""
    for name in sorted(glob.glob(os.path.join(folder, "*.ndjson"))):
        with open(name, encoding="utf-8") as file:
            for line in file:
                resource = json.loads(line)
                yield (f"{resource['resourceType']}\t{resource['id']}\t\\N\t"
                       f"{line.rstrip().translate(ESCAPES)}\n")


def fill(server, folder):
    psql(server, "-c", TABLE)
    with subprocess.Popen([postgres.find("psql"), "-X", "-q", "-h", server.folder, "-U", "fhx", "-d",
                           "postgres", "-c", "COPY resource FROM STDIN"], stdin=subprocess.PIPE,
                          text=True) as process:
        process.stdin.writelines(rows(folder))
    psql(server, "-c", "VACUUM ANALYZE resource")
    psql(server, "-c", "CHECKPOINT")


def lines_of(path):
    names = [path] if os.path.isfile(path) else [
        os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    count = 0
    for name in names:
        with open(name, "rb") as file:
            count += sum(1 for _ in file)
    return count


def against_psql(*options):
    """Both processes are timed as a whole; the database's are not pinned."""
    def measure(bench):
        try:
            with postgres.Postgres() as server:
                fill(server, bench.data.ndjson(size(bench)))
                place = f"host={server.folder} user=fhx dbname=postgres"
                ours = [bench.program("bench_export"), "--postgres", place, *options]
                copy = [postgres.find("psql"), "-X", "-q", place, "-c"]

                def exported(out):
                    return bench.run_outside([*ours, "--out", out], lambda: lines_of(out))

                def copied(out):
                    command = f"\\copy (SELECT json FROM resource) TO '{out}'"
                    return bench.run_outside([*copy, command], lambda: lines_of(out))

                return bench.pairs(lambda: into(bench, bench.tmpfs, exported),
                                   lambda: into(bench, bench.tmpfs, copied), "wall",
                                   f"{amount(bench)}, output on tmpfs, processes timed as a whole")
        except component.Failure as failure:
            raise NotMeasured(str(failure)) from failure
    return measure


ROWS = [
    Row("P8.psql", "a PostgreSQL table to a directory on tmpfs, one thread, against psql's COPY",
        against_psql(), 0.9, 1.0),
]
