#!/usr/bin/env python3
"""docs/jobs.md shows exactly the transitions of jobs and tasks that stores are held to: its tables are
compared with tests/unit/store_transitions.h, which tests of each store compare with what it does. Its
pictures have an arrow from a state to another where, and only where, the tables have a step.

    transitions.py ROOT
"""
import pathlib
import re
import sys

STATES_THAT_END = {"complete": {"removing"}, "failed": {"failed, cleaned", "removing"},
                   "failed, cleaned": {"removing"}, "removing": {"none"}}


def of_header(text, name):
    found = re.search(name + r"\[\] = \{\n(.*?)\n\};", text, re.S)
    return re.findall(r'\{"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\}', found.group(1)) if found else []


def of_document(text, heading):
    """The rows of the table with a column "step" under the heading."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    table = re.search(r"^\| from \| step \| to \| when \|\n\|[-|]+\n((?:\|.*\n)+)",
                      found.group(1) if found else "", re.M)
    rows = table.group(1).splitlines() if table else []
    return [tuple(cell.strip() for cell in row.strip("|").split("|")[:3]) for row in rows]


def faults(what, header, document):
    if not header or not document:
        yield f"there is no table of {what}"
    if len(set(document)) != len(document) or len(set(header)) != len(header):
        yield f"the table of {what} says something twice"
    for row in sorted(set(header) - set(document)):
        yield f"docs/jobs.md lacks {what}: {' | '.join(row)}"
    for row in sorted(set(document) - set(header)):
        yield f"docs/jobs.md has {what} that no store makes: {' | '.join(row)}"


def of_picture(text):
    """The pairs of states with an arrow from the one to the other; a point is "none"."""
    names = {name: title.strip() for name, title in re.findall(r"^box (\w+) \S+ \S+ ([^|\n]+)", text, re.M)}
    names.update(dict.fromkeys(re.findall(r"^dot (\w+)", text, re.M), "none"))
    return {(names[start], names[end]) for start, end in re.findall(r"^arrow (\w+)\.\S+ (\w+)\.", text, re.M)}


def picture_faults(what, steps, picture):
    pairs = {(start, end) for start, _, end in steps if start != end}
    for start, end in sorted(pairs - picture):
        yield f"the picture of {what} has no arrow from {start} to {end}"
    for start, end in sorted(picture - pairs):
        yield f"the picture of {what} has an arrow from {start} to {end}, and there is no such step"


def final_faults(jobs):
    for start, step, end in jobs:
        if start in STATES_THAT_END and end not in STATES_THAT_END[start]:
            yield f"a job that is {start} becomes {end} by {step}"


def main():
    root = pathlib.Path(sys.argv[1])
    header = (root / "tests/unit/store_transitions.h").read_text(encoding="utf-8")
    document = (root / "docs/jobs.md").read_text(encoding="utf-8")
    jobs = of_header(header, "job_transitions")
    tasks = of_header(header, "task_transitions")
    pictures = [of_picture((root / f"docs/diagrams/{name}_states.txt").read_text(encoding="utf-8"))
                for name in ("job", "task")]
    # A task that lapses does so by no step; that all tasks of a job go with it is not drawn.
    drawn_tasks = [*((start, step, end) for start, step, end in tasks if end != "none"), ("running", "", "lapsed")]
    found = [*picture_faults("jobs", jobs, pictures[0]), *picture_faults("tasks", drawn_tasks, pictures[1]),
             *faults("transitions of jobs", jobs, of_document(document, "States of a job")),
             *faults("transitions of tasks", tasks, of_document(document, "States of a task")),
             *final_faults(jobs)]
    for fault in found:
        print("transitions.py:", fault, file=sys.stderr)
    print(f"{len(jobs)} transitions of jobs, {len(tasks)} of tasks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
