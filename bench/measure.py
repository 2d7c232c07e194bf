"""How rows are measured: programs in turn, the median of the ratios, and the verdict."""
import contextlib
import dataclasses
import math
import os
import shutil
import statistics
import subprocess
import time

PAIRS = 7
NOT_THERE = 4  # the exit code of a program that is asked for what the machine does not have


class NotMeasured(Exception):
    """The row cannot be measured here: never a pass."""


class Failed(Exception):
    """The row was to be measured, and went wrong."""


@dataclasses.dataclass
class Row:
    name: str
    what: str
    measure: object
    must: float = None
    reach: float = None
    at_most: bool = False
    unit: str = ""


@dataclasses.dataclass
class Figure:
    """What a row came to. `times` has the runs: seconds of ours and of the baseline, or values."""
    value: float
    low: float = None
    high: float = None
    times: list = dataclasses.field(default_factory=list)
    note: str = ""


@dataclasses.dataclass
class Run:
    """What one run of a program did. `did` is what the other side of the pair must do as well."""
    did: object
    wall: float
    cpu: float


def figure_of(values, note="", times=None):
    """The median, with the runs behind it."""
    return Figure(statistics.median(values), min(values), max(values),
                  times or [(value,) for value in values], note)


def verdict(row, value):
    """"holds" or "short" for each limit, of the figure itself, not of what is printed of it."""
    def one(limit):
        if limit is None:
            return None
        return "holds" if (value <= limit if row.at_most else value >= limit) else "short"
    return one(row.must), one(row.reach)


def shown(row, value):
    """Rounded away from the limit, so that a figure that is short never looks as if it held."""
    digits = 0 if abs(value) >= 1000 else 4 if 0 < abs(value) < 0.1 else 2
    rounding = math.ceil if row.at_most else math.floor
    return f"{rounding(round(value * 10 ** digits, 6)) / 10 ** digits:.{digits}f}"


class Bench:
    """What a row is given to measure with."""

    def __init__(self, programs, data, tmpfs, disk, quick, without_isal=None):
        self.programs = programs  # the build folder
        self.without_isal = without_isal  # another one, of a library without ISA-L
        self.data = data
        self.tmpfs = tmpfs
        self.disk = disk
        self.quick = quick
        self.load = os.getloadavg()[0]  # what others do here
        self.known = {}

    def once(self, key, measure):
        """The result of `measure`, which several rows share; its failure too."""
        if key not in self.known:
            try:
                self.known[key] = measure(), None
            except (NotMeasured, Failed) as failure:
                self.known[key] = None, failure
        result, failure = self.known[key]
        if failure:
            raise failure
        return result

    def program(self, name, build=None):
        """A program of this tree."""
        for folder in ("bench", "examples"):
            path = os.path.join(build or self.programs, folder, name)
            if os.access(path, os.X_OK):
                return path
        raise NotMeasured(f"{name} was not built; what it needs is missing")

    @staticmethod
    def tool(name):
        """A program that users have."""
        path = shutil.which(name)
        if path is None:
            raise NotMeasured(f"{name} is missing")
        return path

    @staticmethod
    @contextlib.contextmanager
    def start(command, pinned, **more):
        """A process; pinned to the last processor, away from where the system does its work. It
        does not outlive the measurement, whatever ends that."""
        last = max(os.sched_getaffinity(0))
        pin = (lambda: os.sched_setaffinity(0, {last})) if pinned else None
        process = subprocess.Popen(command, preexec_fn=pin, **more)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()

    def call(self, command, pinned=True):
        """The words "name value" that a program prints, the values of a name as a list."""
        with self.start(command, pinned, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True) as process:
            out, err = process.communicate()
        if process.returncode == NOT_THERE:
            raise NotMeasured(err.strip())
        if process.returncode != 0:
            raise Failed(f"{os.path.basename(command[0])} ended with {process.returncode}:"
                         f" {err.strip()[-300:]}")
        words, values = out.split(), {}
        for name, value in zip(words[::2], words[1::2]):
            values.setdefault(name, []).append(float(value))
        return values

    def run(self, command, pinned=True, times=1):
        """One run of a program that times itself (support/stopwatch.h). It was told to do its work
        so many times; the result is that of one."""
        values = self.call(command, pinned)
        count, wall, cpu = (values[name][0] / times for name in ("count", "wall", "cpu"))
        return Run(count, wall, cpu)

    def run_outside(self, command, did, pinned=True, output=os.devnull):
        """One run of a program that does not, from its start to its end."""
        with open(output, "wb") as file:
            begin = time.monotonic()
            with self.start(command, pinned, stdout=file, stderr=subprocess.DEVNULL) as process:
                _, status, usage = os.wait4(process.pid, 0)
                wall = time.monotonic() - begin
                process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(f"{os.path.basename(command[0])} ended with {process.returncode}")
        return Run(did(), wall, usage.ru_utime + usage.ru_stime)

    @staticmethod
    def pairs(ours, baseline, clock, note=""):
        """Both sides in turn, each first in every other pair; the ratio is how many times as fast
        ours is. One pair before, which does not count, brings the caches to the same state."""
        times = []
        for number in range(PAIRS + 1):
            sides = (ours, baseline) if number % 2 == 0 else (baseline, ours)
            runs = [side() for side in sides]
            mine, other = runs if number % 2 == 0 else reversed(runs)
            if mine.did != other.did:
                raise Failed(f"the two sides did not do the same: {mine.did} and {other.did}")
            if number > 0:
                times.append((getattr(mine, clock), getattr(other, clock)))
        return figure_of([theirs / mine for mine, theirs in times], f"{clock} time; {note}".rstrip("; "),
                         times)
