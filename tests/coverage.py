#!/usr/bin/env python3
"""Which lines of lib/ ran, by the counts that a build with --coverage has left.

usage: coverage.py ROOT BUILD [--least PERCENT] [--lines]"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys


def counts(root, build):
    """{file of lib/: {line: times}}. A file that no test has linked is there with zeros."""
    lib = root / "lib"
    found = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = sorted((build / "CMakeFiles" / "fhx_objects.dir").glob("lib/**/*.gcno"))
    if not notes:
        sys.exit("coverage: nothing was built with --coverage")
    for note in notes:
        told = subprocess.run(["gcov", "--json-format", "--stdout", str(note)], cwd=build, check=True,
                              capture_output=True, text=True).stdout
        for file in json.loads(told)["files"]:
            path = pathlib.Path(build, file["file"]).resolve()
            if path.is_relative_to(lib):
                lines = found[path.relative_to(lib).as_posix()]
                for line in file["lines"]:
                    lines[line["line_number"]] += line["count"]
    return found


def ranges(numbers):
    """'3-5 9' of the lines 3, 4, 5 and 9."""
    begun, told = None, []
    for number in [*sorted(numbers), None]:
        if begun is not None and number != last + 1:
            told.append(f"{begun}-{last}" if last > begun else str(begun))
            begun = None
        if number is not None and begun is None:
            begun = number
        last = number
    return " ".join(told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--least", type=float, default=90)
    parser.add_argument("--lines", action="store_true")
    given = parser.parse_args()
    found = counts(given.root.resolve(), given.build.resolve())
    rooms = collections.defaultdict(lambda: [0, 0])
    for path, lines in found.items():
        room = rooms[path.split("/")[0]]
        room[0] += sum(times > 0 for times in lines.values())
        room[1] += len(lines)
    if given.lines:
        for path, lines in sorted(found.items()):
            missed = [number for number, times in lines.items() if times == 0]
            if missed:
                print(f"lib/{path}: {len(missed)} of {len(lines)}: {ranges(missed)}")
        print()
    ran, all_lines = (sum(pair) for pair in zip(*rooms.values()))
    for name, (some, of) in sorted(rooms.items(), key=lambda item: item[1][0] / item[1][1]):
        print(f"{name:12} {100 * some / of:6.1f} %  {some:6} of {of:6}")
    print(f"{'lib/':12} {100 * ran / all_lines:6.1f} %  {ran:6} of {all_lines:6}")
    if 100 * ran < given.least * all_lines:
        sys.exit(f"coverage: FAILED: less than {given.least:g} %")


main()
