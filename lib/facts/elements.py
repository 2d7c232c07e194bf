"""The root elements of the resource types, for tables.py."""

import pathlib
import re
import sys

NAME = "elements.tsv"
PATH = r"[A-Z][A-Za-z]{0,63}(?:\.[a-z][A-Za-z0-9]{0,63})+"
TYPES = r"-|[A-Za-z][A-Za-z0-9]*(?:,[A-Za-z][A-Za-z0-9]*)*"
# A line of the table, less its indent and quotes.
TEXT_COLUMNS = 90

OPENING = """/* The root elements of FHIR's resource types. Written by lib/facts/tables.py from
   lib/facts/elements.tsv; change it there. */
#include "select/element_table.h"

const fhx__element_row fhx__element_table[] = {
"""
CLOSING = """};

const size_t fhx__element_count = sizeof fhx__element_table / sizeof fhx__element_table[0];
"""


def read(facts, versions):
    """The root elements of each type and version: their minimum, and whether they are a choice."""
    one = "|".join(versions)
    forms = (PATH, r"[01]", TYPES, f"(?:{one})(?:,(?:{one}))*")
    roots = {}
    lines = (pathlib.Path(facts) / NAME).read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != len(forms) or not all(map(re.fullmatch, forms, fields)):
            sys.exit(f"{NAME}:{number}: not of the form of these facts")
        path, minimum, data_types, has = fields
        resource_type, element = path.split(".", 1)
        if "." in element:
            continue
        for version in has.split(","):
            of_type = roots.setdefault((resource_type, version), {})
            if element in of_type:
                sys.exit(f"{NAME}:{number}: the element stands there twice")
            of_type[element] = (minimum == "1", data_types != "-")
    return roots


def check(roots, types):
    """A choice is told by its name, so no other element may begin as if it were of it."""
    if set(roots) != {(name, version) for name, its in types.items() for version in its}:
        sys.exit(f"{NAME}: its types are not those of types.tsv")
    for (resource_type, _), its in roots.items():
        if any(len(name) < 2 for name in its):
            sys.exit(f"{NAME}: {resource_type} has an element of one letter")
        for choice in (name for name, (_, is_choice) in its.items() if is_choice):
            if any(re.match(choice + "[A-Z]", name) for name in its):
                sys.exit(f"{NAME}: {resource_type}.{choice} is not the only one of its name")


def literal(words):
    """The words, a space behind each, as lines of a string."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > TEXT_COLUMNS:
            lines.append("")
        lines[-1] += word + " "
    return "\n".join(f'     "{line}"' for line in lines)


def table(facts, types, versions):
    """Per type one row for all versions in which its elements are the same."""
    roots = read(facts, versions)
    check(roots, types)
    rows = []
    for name, its in types.items():
        same = {}
        for version in its:
            words = (element + "!" * is_mandatory + "*" * is_choice
                     for element, (is_mandatory, is_choice) in sorted(roots[name, version].items()))
            same.setdefault(tuple(words), []).append(version)
        for words, having in same.items():
            bits = " | ".join(f"FHX__ELEMENTS_{version}" for version in having)
            rows.append(f'    {{"{name}", {bits},\n{literal(words)}}},\n')
    return OPENING + "".join(rows) + CLOSING
