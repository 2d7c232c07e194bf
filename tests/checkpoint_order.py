#!/usr/bin/python3
"""Proves by strace that a part is durable under its name before the store hears of it.

    checkpoint_order.py VICTIM GENERATE

Runs a job with a store file. For every part: the rename to its name, then the fsync of its folder,
then the first write to the store's log that holds its name, then the log's fsync before the next
part gets its name (architecture: "and only then the checkpoint"; lessons.md 3).
"""
import os
import re
import subprocess
import sys
import tempfile

TYPES = ["Observation", "Encounter"]


def run(victim, generate, folder):
    trace, out = os.path.join(folder, "trace"), os.path.join(folder, "out")
    os.mkdir(out)
    subprocess.run([generate, "--out", folder, "--format", "sqlite", "--patients", "40"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["strace", "-f", "-y", "-s", "70000", "-o", trace,
                    "-e", "trace=renameat2,fsync,fdatasync,pwrite64",
                    victim, os.path.join(folder, "fhir.sqlite"), os.path.join(folder, "jobs"), out,
                    os.path.join(folder, "job"), "1", "60000", "65536", *TYPES], check=True)
    with open(trace, encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in file if " = -1 " not in line], out


def events(lines, out):
    """(kind, detail) in order: rename NAME, folder (its fsync), log TEXT (a write), logged (its fsync)."""
    for line in lines:
        call = re.sub(r"^\d+ +", "", line).split("(")[0]
        if call == "renameat2":
            yield "rename", re.findall(r'"([^"]*)"', line)[1]
        elif call in ("fsync", "fdatasync"):
            path = re.search(r"<([^>]*)>", line).group(1)
            if os.path.dirname(path) == out:
                yield "folder", ""
            elif path.endswith("-wal"):
                yield "logged", ""
        elif call == "pwrite64" and "-wal>" in line:
            yield "log", line


def check(happened):
    """What is wrong with the order, or "" and how many parts there were."""
    names = [detail for kind, detail in happened if kind == "rename"]
    for name in names:
        begin = happened.index(("rename", name))
        wanted = iter([lambda event: event == ("folder", ""),
                       lambda event, name=name: event[0] == "log" and name in event[1],
                       lambda event: event == ("logged", "")])
        waits_for = next(wanted)
        known_early = any(kind == "log" and name in detail for kind, detail in happened[:begin])
        for event in happened[begin + 1:]:
            if event[0] == "log" and name in event[1] and waits_for(("folder", "")):
                known_early = True
            if event[0] == "rename":
                break
            if waits_for is not None and waits_for(event):
                waits_for = next(wanted, None)
        if known_early:
            return f"the store knew {name} too early", len(names)
        if waits_for is not None:
            return f"{name} was not recorded before the next part", len(names)
    return "", len(names)


def main():
    victim, generate = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="fhx-order-") as folder:
        folder = os.path.realpath(folder)
        lines, out = run(victim, generate, folder)
        happened = list(events(lines, out))
    fault, parts = check(happened)
    assert not fault, fault
    assert parts > 10, f"only {parts} parts"
    # The check notices what it is for: no sync of the folder, no sync of the log, a swapped order.
    assert check([event for event in happened if event[0] != "folder"])[0]
    assert check([event for event in happened if event[0] != "logged"])[0]
    first = next(i for i, (kind, _) in enumerate(happened) if kind == "rename")
    log = next(i for i, event in enumerate(happened)
               if event[0] == "log" and happened[first][1] in event[1])
    assert check([happened[log]] + happened[:log] + happened[log + 1:])[0]
    print(f"{parts} parts, each durable before it was recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
