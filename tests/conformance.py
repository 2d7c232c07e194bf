#!/usr/bin/env python3
"""docs/conformance.md says what it can show: every test that a row names cites the row's id, every id
that a test cites has a row, and only what is not there yet has no test.

    conformance.py ROOT
"""
import pathlib
import re
import sys

STATUSES = {"yes", "host", "not yet"}
CITATION = re.compile(r"\b([A-Z]{3,6})-(\d\d)((?:(?:,|;| and| to)\s+(?:[*#]\s+)?(?:\1)?-\d\d)*)")
FURTHER = re.compile(r"(,|;| and| to)\s+(?:[*#]\s+)?(?:[A-Z]+)?-(\d\d)")
ROW = re.compile(r"\| ([A-Z]+-\d\d) \| (\w+) \| ([a-z ]+) \| ([^|]*) \|")
# Codes of other standards that look alike.
OTHER = {"CRC", "ISO", "UTF", "SHA", "RFC", "AVX", "HMAC"}


def cited(text):
    """All ids of "MAN-01, -02", "FILE-01 to -05", "MAN-01 to MAN-17"."""
    found = set()
    for first in CITATION.finditer(text):
        name, last = first.group(1), int(first.group(2))
        numbers = {last}
        for link, number in FURTHER.findall(first.group(3)):
            numbers |= set(range(last, int(number) + 1)) if link == " to" else {int(number)}
            last = int(number)
        if name not in OTHER:
            found |= {f"{name}-{number:02}" for number in numbers}
    return found


def read_tests(root):
    return {str(path.relative_to(root / "tests")): cited(path.read_text(encoding="utf-8"))
            for path in sorted((root / "tests").rglob("*"))
            if path.suffix in (".c", ".h", ".py") and path.name != "conformance.py"}


def faults(rows, tests):
    if len({row[0] for row in rows}) != len(rows):
        yield "an id has two rows"
    for name, _, status, named in rows:
        if status not in STATUSES:
            yield f"{name}: the status \"{status}\" is unknown"
        if (status == "not yet") != (not named):
            yield f"{name}: \"{status}\" with {len(named)} tests"
        for test in named:
            if name not in tests.get(test, ()):
                yield f"{name}: tests/{test} does not cite it"
    for name in sorted(set().union(*tests.values()) - {row[0] for row in rows}):
        yield f"{name} is cited by a test and has no row"


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = [(name, level, status, re.findall(r"`([^`]+)`", named))
            for name, level, status, named in ROW.findall(text)]
    found = list(faults(rows, read_tests(root)))
    for fault in found:
        print("conformance.py:", fault, file=sys.stderr)
    print(f"{len(rows)} rows, {sum(row[2] != 'not yet' for row in rows)} with tests")
    return 1 if found or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
