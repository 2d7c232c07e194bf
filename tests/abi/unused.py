#!/usr/bin/env python3
"""Nothing of lib/ is left over: what the linker sees is used by another file, or by a test of the
inside; what a header declares is there; macros and constants of the inside are used.

usage: unused.py ROOT ARCHIVE

ARCHIVE is the static library with everything in it (S3, Azure, PostgreSQL)."""

import collections
import pathlib
import re
import subprocess
import sys

from source_text import public_headers, report, without_comments

# What others read: the headers of the system and of zlib, and the reader of an enumeration.
FOR_OTHERS = {
    "_POSIX_C_SOURCE",
    "ZLIB_CONST",
    "FHX__ROUTE_OTHER",  # what a route is before it is known: 0
}


def members(archive):
    """(number, object file, kind, symbol) of the static library. Names of files repeat."""
    table = subprocess.run(["nm", archive], check=True, capture_output=True, text=True)
    number, name = 0, ""
    for line in table.stdout.splitlines():
        if line.endswith(".o:"):
            number, name = number + 1, line[:-3]
        elif line:
            yield number, name, *line.split()[-2:]


def words(paths):
    """How often each word occurs in the files, comments left out: {word: count}, by file."""
    return {
        path: collections.Counter(re.findall(r"\b\w+\b", without_comments(path.read_text())))
        for path in paths
    }


def symbol_faults(archive, inside, outside):
    """Symbols that are defined for the linker, and that no other file refers to."""
    defined, used = {}, collections.defaultdict(set)
    for number, name, kind, symbol in members(archive):
        if kind == "U":
            used[symbol].add(number)
        elif kind.isupper() and symbol.startswith("fhx__"):
            defined[symbol] = (number, name)
    if len(defined) < 500 or len(used) < 500:
        raise SystemExit("unused: the symbols of the static library could not be read")
    for symbol, (number, name) in sorted(defined.items()):
        if used[symbol] - {number}:
            continue
        by_tests = any(symbol in counts for counts in outside.values())
        # In its own file: the definition, and a use.
        by_itself = any(counts[symbol] > 1 for path, counts in inside.items() if path.suffix == ".c")
        if not by_itself:
            yield f"{name} defines {symbol}, which " + ("tests alone use" if by_tests else "nothing uses")
        elif not by_tests:
            yield f"{name} defines {symbol}, which no other file uses: it can be static"


def header_faults(archive, inside):
    """Functions that a header of the inside declares and nobody defines."""
    defined = {symbol for _, _, kind, symbol in members(archive) if kind != "U"}
    for path in inside:
        if path.suffix == ".h":
            text = without_comments(path.read_text())
            for symbol in re.findall(r"^\w[\w* ]*\b(fhx__\w+)\([^{}]*?\);", text, re.M):
                if symbol not in defined and inside[path][symbol] == 1:
                    yield f"{path.name} declares {symbol}, which is not there"


def word_faults(inside, public):
    """Macros, and names of the inside, that occur once: where they are made."""
    count = sum(inside.values(), collections.Counter())
    for path in inside:
        text = without_comments(path.read_text())
        made = set(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.M))
        made |= set(re.findall(r"\b(?:fhx__|FHX__)\w*[a-zA-Z0-9]\b", text))
        for word in sorted(made - FOR_OTHERS - public):
            if count[word] == 1 and not word.endswith("_H"):
                yield f"{path.name} has {word}, which nothing uses"


def main(root, archive):
    root = pathlib.Path(root)
    inside = words(sorted(root.glob("lib/**/*.[ch]")))
    outside = words(sorted(f for d in ("tests", "bench", "examples") for f in root.glob(f"{d}/**/*.[ch]")))
    public = {word for text in public_headers(root).values() for word in re.findall(r"\w+", text)}
    faults = [*symbol_faults(archive, inside, outside), *header_faults(archive, inside),
              *word_faults(inside, public)]
    report("unused", faults, f"{sum(len(counts) for counts in inside.values())} words of {len(inside)} files")


main(*sys.argv[1:])
