#!/usr/bin/env python3
"""What the shared library exports, what the version script lists and what the headers declare is
the same, and nothing else of ours can be linked to.

usage: symbols.py ROOT LIBRARY ARCHIVE"""

import pathlib
import re
import subprocess
import sys

from source_text import public_headers, report, without_comments


def nm(path, *options):
    return subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout


def exported(library):
    """{symbol: version node} of the dynamic symbols; the nodes themselves are left out."""
    symbols = {}
    for line in nm(library, "-D", "--defined-only").splitlines():
        kind, name = line.split()[1:3]
        if kind != "A":
            name, _, node = name.partition("@@")
            symbols[name] = node
    return symbols


def mapped(path):
    """[(node, symbols)] of the version script, in order."""
    text = without_comments(path.read_text())
    nodes = []
    for node, body in re.findall(r"(FHIREXPORT_[\d.]+)\s*\{(.*?)\}", text, re.S):
        body = re.sub(r"\b(?:global|local):|\*;", "", body)
        nodes.append((node, [s.strip() for s in body.split(";") if s.strip()]))
    return nodes


def declared(headers):
    names = set()
    for text in headers.values():
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        found = re.findall(r"\bFHX_API\b[^;(]*?\b(\w+)\s*\(", text)
        if len(found) != len(re.findall(r"\bFHX_API\b", text)):
            raise SystemExit("symbols: a declaration with FHX_API could not be read")
        names.update(found)
    return names


def external(archive):
    """The symbols that the static library defines for the linker to see."""
    rows = (line.split() for line in nm(archive, "--defined-only", "--extern-only").splitlines())
    return {row[2] for row in rows if len(row) == 3}


def main(root, library, archive):
    nodes = mapped(pathlib.Path(root, "lib", "fhirexport.map"))
    where = {symbol: node for node, symbols in nodes for symbol in symbols}
    ours, api = exported(library), declared(public_headers(root))
    faults = []
    for node, symbols in nodes:
        if symbols != sorted(set(symbols)):
            faults.append(f"{node} is not sorted, or names a symbol twice")
    if len(where) != sum(len(symbols) for _, symbols in nodes):
        faults.append("a symbol stands in two nodes")
    for have, want, words in (
        (where, api, "is in the map but in no header"),
        (api, where, "is in a header but not in the map"),
        (where, ours, "is in the map but not defined by the library"),
        (ours, where, "is exported but not in the map"),
    ):
        faults += [f"{symbol} {words}" for symbol in sorted(set(have) - set(want))]
    faults += [f"{s} has the version {n}" for s, n in ours.items() if where.get(s, n) != n]
    for symbol in sorted(external(archive)):
        if symbol not in api and not symbol.startswith("fhx__"):
            faults.append(f"{symbol} is visible to the linker but does not begin with fhx__")
    report("symbols", faults, f"{len(ours)} exported symbols")


main(*sys.argv[1:])
