#!/usr/bin/env python3
"""docs/log.md lists the events and docs/operations.md the metrics that the library has, no more and no
fewer, with their levels, kinds and labels.

usage: operations.py ROOT"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "abi"))
from source_text import report, without_comments  # noqa: E402

TASK_FIELDS = {"job", "task", "phase", "type", "shard", "attempt"}


def rows(page, heading):
    """The cells of the first table below a heading."""
    body = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in found[2:]]


def names(cell):
    return set(re.findall(r"`([^`]+)`", cell))


def documented_events(page):
    """{event: (level, fields)}; the level of audit events is info."""
    events = {}
    for name, level, fields, _ in rows(page, "The log"):
        name = name.strip("`")
        more = TASK_FIELDS if name.startswith(("task.", "checkpoint.")) else set()
        events[name] = level, names(fields) | more
    for name, fields, _ in rows(page, "The audit"):
        events[name.strip("`")] = "info", names(fields)
    return events


def documented_metrics(page):
    """{family: (kind, label names)}"""
    return {name.strip("`"): (kind, names(labels))
            for name, kind, labels, _ in rows(page, "Metrics")}


def coded_events(root):
    text = pathlib.Path(root, "lib/observe/event.c").read_text(encoding="utf-8")
    found = re.findall(r'\{"([a-z_.]+)",\s*FHX_LOG_(\w+),\s*([01]),', text)
    return {name: (level.lower(), audit == "1") for name, level, audit in found}


def coded_fields(root):
    """The names of all fields that are added to any event."""
    fields = set()
    for path in pathlib.Path(root, "lib").rglob("*.c"):
        text = without_comments(path.read_text(encoding="utf-8"))
        fields |= set(re.findall(r'fhx__event_(?:text|number|count)\(\s*\&?event,\s*"(\w+)"', text))
    return fields


def coded_metrics(root):
    text = pathlib.Path(root, "lib/observe/metrics.c").read_text(encoding="utf-8")
    return set(re.findall(r'\{"(fhirexport_\w+)"', text))


def faults(root):
    log, operations = (pathlib.Path(root, "docs", name).read_text(encoding="utf-8")
                       for name in ("log.md", "operations.md"))
    events, metrics = documented_events(log), documented_metrics(operations)
    coded = coded_events(root)
    if len(coded) < 20 or len(coded_metrics(root)) < 20:
        yield "the tables of the library could not be read"
    for name in sorted(set(events) ^ set(coded)):
        yield f"the event {name} is {'documented only' if name in events else 'not documented'}"
    for name in sorted(set(events) & set(coded)):
        if events[name][0] != coded[name][0]:
            yield f"the event {name} is documented with another level"
        if coded[name][1] != name.startswith("audit."):
            yield f"the event {name} has a name of the other class"
    fields = set().union(*(more for _, more in events.values()))
    for name in sorted(fields ^ coded_fields(root)):
        yield f"the field {name} is {'documented only' if name in fields else 'not documented'}"
    for name in sorted(set(metrics) ^ coded_metrics(root)):
        yield f"the metric {name} is {'documented only' if name in metrics else 'not documented'}"


if __name__ == "__main__":
    report("operations", list(faults(sys.argv[1])), "events, fields and metrics are documented")
