"""P2, P3 and P4: whole exports, and what users could do instead."""
import concurrent.futures
import dataclasses
import os
import shutil
import tempfile

from data import MB
from measure import PAIRS, NotMeasured, Row, figure_of


def size(bench):
    return 20 * MB if bench.quick else 260 * MB


def amount(bench):
    """For the note of a row. What a job costs by itself is P2.job."""
    few = ", so few that what a job costs by itself weighs" if bench.quick else ""
    return f"{size(bench) // MB} MB{few}"


def into(bench, folder, act):
    """`act(path)` with a path in `folder` at which nothing is yet; what it makes is removed."""
    if folder is None:
        raise NotMeasured("there is no tmpfs; --tmpfs DIR names one")
    work = tempfile.mkdtemp(prefix="fhx-bench-", dir=folder)
    try:
        return act(os.path.join(work, "out"))
    finally:
        shutil.rmtree(work)


def export(bench, source, folder, *options, pinned=True, build=None):
    """A side of a pair: an export to a new folder in `folder`."""
    command = [bench.program("bench_export", build), *source, *options]
    return lambda: into(bench, folder, lambda out: bench.run([*command, "--out", out], pinned))


def table(bench):
    return ["--sqlite", bench.data.sqlite(size(bench))]


def against_copy(where, *options, baseline=()):
    def measure(bench):
        folder = getattr(bench, where)
        copy = [bench.program("bench_sqlite_copy"), *baseline, bench.data.sqlite(size(bench))]
        return bench.pairs(export(bench, table(bench), folder, *options, pinned="--helpers" not in options),
                           lambda: into(bench, folder, lambda out: bench.run([*copy, out])), "wall",
                           f"{amount(bench)}, output on {where}")
    return measure


def against_whole(*options):
    """Against the same export without these options, which change how much comes out."""
    def measure(bench):
        def side(*more):
            run = export(bench, table(bench), bench.tmpfs, *more)
            return lambda: dataclasses.replace(run(), did=None)
        return bench.pairs(side(*options), side(), "cpu", f"{amount(bench)}, output on tmpfs")
    return measure


def job_alone(bench):
    """An export of hardly anything: what there is of it in every other."""
    export_it = export(bench, ["--sqlite", bench.data.sqlite(1)], bench.tmpfs)
    export_it()
    return figure_of([export_it().cpu * 1000 for _ in range(PAIRS)],
                     "CPU time; 50 resources of 9 types; output on tmpfs")


def against_tool(command, lines, most=None):
    """NDJSON to NDJSON, both timed from outside. `lines`: the tool writes each resource again.
    `most`: bytes enough for a slow tool."""
    def measure(bench):
        data_size = min(size(bench), most or size(bench))
        path = bench.data.joined(data_size)
        source = bench.data.ndjson(data_size)
        tool = [bench.tool(command[0]), *command[1:], path]
        ours = [bench.program("bench_export"), "--folder", source]

        def exported(out):
            return bench.run_outside([*ours, "--out", out],
                                     lambda: sum(measured(os.path.join(folder, name))
                                                 for folder, _, names in os.walk(out)
                                                 for name in names))

        def written(out):
            return bench.run_outside(tool, lambda: measured(out), output=out)

        def measured(name):
            with open(name, "rb") as file:
                return sum(1 for _ in file) if lines else os.path.getsize(name)

        return bench.pairs(lambda: into(bench, bench.tmpfs, exported),
                           lambda: into(bench, bench.tmpfs, written), "wall",
                           f"{data_size // MB} MB, output on tmpfs, processes timed as a whole")
    return measure


def command(bench):
    """What a user of the command line waits for and pays, both as processes timed from outside."""
    source = table(bench)
    ours = [bench.program("cli/fhirexport"), "export", "--source", "sqlite:" + source[1], "--workers", "1", "--quiet", "--to"]
    job = [bench.program("bench_export"), *source, "--out"]

    def side(words, prefix=""):
        def run(out):
            return bench.run_outside([*words, prefix + out], lambda: sum(
                os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(out) for name in names))
        return lambda: into(bench, bench.tmpfs, run)
    return bench.pairs(side(ours, "file:"), side(job), "cpu", f"{amount(bench)}, output on tmpfs, processes as a whole")


def copied(bench):
    """The plainest program that reads a file and writes another."""
    copy = [bench.program("bench_copy"), bench.data.joined(size(bench))]
    source = ["--folder", bench.data.ndjson(size(bench))]
    return bench.pairs(export(bench, source, bench.tmpfs),
                       lambda: into(bench, bench.tmpfs, lambda out: bench.run([*copy, out])), "wall",
                       f"{size(bench) // MB} MB, output on tmpfs")


def two_workers(where):
    """Against one worker with the same shards. Parts are small enough that large types have two."""
    def measure(bench):
        options = ["--shards", "2", "--part-bytes", str(size(bench) // 20)]
        command = [bench.program("bench_export"), *table(bench), *options]

        def side(threads):
            if where == "null":
                return lambda: bench.run([*command, "--null", "--threads", threads], pinned=False)
            return export(bench, table(bench), bench.tmpfs, *options, "--threads", threads, pinned=False)
        if len(os.sched_getaffinity(0)) < 2:
            raise NotMeasured("there is one processor only")
        return bench.pairs(side("2"), side("1"), "wall", f"{amount(bench)}, not pinned")
    return measure


def two_processes(bench):
    """What this machine gives to two that have nothing in common: as often as one alone does the
    same, both together do it."""
    command = [bench.program("bench_export"), *table(bench), "--null"]

    def run(_=None):
        return bench.run(command, pinned=False).wall

    def ratio():
        alone = run()
        with concurrent.futures.ThreadPoolExecutor(2) as both:
            return 2 * alone / max(both.map(run, range(2)))
    if len(os.sched_getaffinity(0)) < 2:
        raise NotMeasured("there is one processor only")
    run()
    return figure_of([ratio() for _ in range(PAIRS)], f"wall time; {amount(bench)}, not pinned")


def gzip_parts(baseline, *options, without_isal=False):
    """Against the compressor alone on the NDJSON of the same resources."""
    def measure(bench):
        if without_isal and bench.without_isal is None:
            raise NotMeasured("the library cannot be built without ISA-L yet")
        alone = [bench.program(baseline), bench.data.joined(size(bench))]
        ours = export(bench, table(bench), bench.tmpfs, "--gzip", *options,
                      pinned="--helpers" not in options,
                      build=bench.without_isal if without_isal else None)
        return bench.pairs(ours,
                           lambda: into(bench, bench.tmpfs, lambda out: bench.run([*alone, out])),
                           "wall", f"{amount(bench)}, level 1, output on tmpfs")
    return measure


ROWS = [
    Row("P2.tmpfs", "SQLite to a directory on tmpfs, one thread, against SQLite -> copy -> file",
        against_copy("tmpfs"), 0.5, 0.6),
    Row("P2.helper", "the same with a writing thread", against_copy("tmpfs", "--helpers", "1"), 0.75, 0.9),
    Row("P2.sha256", "the same on one thread with SHA-256, as the baseline",
        against_copy("tmpfs", "--sha256", baseline=["--sha256"]), 0.5, 0.6),
    Row("P2.disk", "SQLite to a directory on disk, both synced", against_copy("disk"), 0.5, 0.6),
    Row("P2.copy", "a folder of NDJSON to a directory on tmpfs, against a copy in pieces of 1 MiB",
        copied),
    Row("P2.cat", "the same against cat", against_tool(["cat"], lines=False)),
    Row("P2.jq", "the same against jq -c", against_tool(["jq", "-c", "."], lines=True, most=20 * MB)),
    Row("P2.elements", "an export with _elements against that of whole resources, one thread",
        against_whole("--elements", "subject,patient,code,status,Patient.birthDate"), 0.9),
    Row("P2.filter", "one with Observation?category=laboratory&date=gt2020 against that of all",
        against_whole("--type-filter", "Observation?category=laboratory&date=gt2020")),
    Row("P2.command", "the command fhirexport export with one worker, against the job of P2.tmpfs", command),
    Row("P2.job", "what a job costs by itself", job_alone, at_most=True, unit="ms"),
    Row("P3.machine", "two separate exports at once against one alone, for the machine's own limit",
        two_processes),
    Row("P3.null", "two workers against one, to a destination that keeps nothing", two_workers("null"),
        1.8, 1.9),
    Row("P3.tmpfs", "the same to a directory on tmpfs", two_workers("tmpfs"), 1.5, 1.7),
    Row("P4.igzip", "SQLite to gzip parts on tmpfs, one thread, against igzip alone",
        gzip_parts("bench_igzip"), 0.55),
    Row("P4.helper", "the same with one helper", gzip_parts("bench_igzip", "--helpers", "1"), 0.9),
    Row("P4.zlib", "the same on one thread without igzip, against zlib alone",
        gzip_parts("bench_zlib", without_isal=True), 0.85),
]
