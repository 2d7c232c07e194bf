"""Instructions by callgrind, which repeat: a regression shows without a clock. The data are
generated from a seed, so that they are the same everywhere."""
import os
import re
import shutil
import subprocess
import tempfile

from data import MB
from measure import NOT_THERE, Failed, Figure, NotMeasured, Row


def count(bench, command):
    with tempfile.TemporaryDirectory(prefix="fhx-bench-") as work:
        done = subprocess.run([bench.tool("valgrind"), "--tool=callgrind",
                               f"--callgrind-out-file={work}/out", *command], check=False,
                              capture_output=True, text=True)
    if done.returncode == NOT_THERE:
        raise NotMeasured(re.sub(r"==\d+==.*\n", "", done.stderr).strip())
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise Failed(f"callgrind ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return int(found.group(1))


def in_memory(program, kind, *options):
    """A byte of input: two runs that differ in nothing but one more pass over the data."""
    def measure(bench):
        path = bench.data.texts(kind, MB, generated=True)
        command = [bench.program(program), *options, path]
        instructions = count(bench, [*command, "2"]) - count(bench, [*command, "1"])
        return Figure(instructions / os.path.getsize(path), note=f"{instructions} in all")
    return measure


def whole(bench):
    """A byte of output of a whole process, starting and ending included."""
    source = bench.data.sqlite(MB)
    with tempfile.TemporaryDirectory(prefix="fhx-bench-") as work:
        out = os.path.join(work, "out")
        instructions = count(bench, [bench.program("bench_export"), "--sqlite", source, "--out", out])
        size = sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(out) for name in names)
        shutil.rmtree(out)
    return Figure(instructions / size, note=f"{instructions} in all")


UNIT = "instructions a byte"
ROWS = [
    Row("P1.plain", "the scanner in plain C, ASCII", in_memory("bench_scan", "ascii", "--variant", "plain"),
        8, at_most=True, unit=UNIT),
    Row("P1.sse2", "the scanner with SSE2, ASCII", in_memory("bench_scan", "ascii", "--variant", "sse2"),
        6.5, at_most=True, unit=UNIT),
    *(Row(f"I.{variant}.{kind}", f"the scanner, {variant}, {kind}",
          in_memory("bench_scan", kind, "--variant", variant), unit=UNIT)
      for variant in ("plain", "sse2", "ssse3") for kind in ("ascii", "cjk", "pretty")
      if (variant, kind) not in {("plain", "ascii"), ("sse2", "ascii")}),
    Row("I.yajl", "yajl re-emit, ASCII", in_memory("bench_yajl_reemit", "ascii"), unit=UNIT),
    Row("I.export", "an export of 1 MB, SQLite to a directory, whole process", whole, unit=UNIT),
]
