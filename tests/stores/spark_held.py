"""For tests of exports on Spark: attempts that stop in the midst until they are told to go on. Executors import it."""
import os
import time

from fhirexport import _piece

PATIENCE = 600
_take = _piece._Reader._take


def _held_take(reader):
    place = reader._plan.place
    if isinstance(place, Held):
        reader.taken = getattr(reader, "taken", 0) + 1
        if reader.taken == place.at:
            place.hold()
    return _take(reader)


class Held(_piece.Place):
    """A place that is the same, but first attempts at a partition stop before their chunk number `at`, until the file
    `open-<partition>` is in the folder. The file `at-<partition>` says who waits: the worker's address, the attempt."""

    def __init__(self, place, folder, at):
        super().__init__(place.kind, place.options)
        object.__setattr__(self, "folder", folder)
        object.__setattr__(self, "at", at)

    def open(self):
        _piece._Reader._take = _held_take
        return super().open()

    def hold(self):
        from pyspark import TaskContext  # pylint: disable=import-outside-toplevel
        context = TaskContext.get()
        if context.attemptNumber() > 0:
            return
        partition = context.partitionId()
        name = os.path.join(self.folder, f"at-{partition}")
        with open(name + ".new", "w", encoding="ascii") as file:
            file.write(f"{os.environ['SPARK_LOCAL_IP']} {context.taskAttemptId() + 1}")
        os.rename(name + ".new", name)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(os.path.join(self.folder, f"open-{partition}")) and time.monotonic() < end:
            time.sleep(0.05)


def waiting(folder, partitions):
    """Partition to worker and attempt of those that wait."""
    found = {}
    for partition in partitions:
        try:
            with open(os.path.join(folder, f"at-{partition}"), encoding="ascii") as file:
                found[partition] = tuple(file.read().split())
        except FileNotFoundError:
            continue
    return found


def go_on(folder, partitions):
    for partition in partitions:
        with open(os.path.join(folder, f"open-{partition}"), "w", encoding="ascii"):
            pass
