#!/usr/bin/env python3
"""Writes the C tables that are made of the facts beside this file.

usage: tables.py [ROOT]    ROOT is where the files go; the repository unless given"""

import pathlib
import re
import sys

import elements
import search

FACTS = pathlib.Path(__file__).resolve().parent
VERSIONS = {"R4": "4.0.1", "R4B": "4.3.0", "R5": "5.0.0"}
# The example server is one of this version.
SERVER_VERSION = "R4"
# As in lib/select/compartment_table.h.
PATHS_MAX, SEGMENTS_MAX = 16, 3
COLUMNS = 100

TYPE_NAME = r"[A-Z][A-Za-z]{0,63}"
ELEMENT = r"[a-z][A-Za-z0-9]{0,63}"
PATH = rf"{ELEMENT}(?:\.{ELEMENT}){{0,{SEGMENTS_MAX - 1}}}"


def read(name, *patterns):
    """The lines of a file of facts, each as its fields; these must have the forms given."""
    rows = []
    for number, line in enumerate((FACTS / name).read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != len(patterns) or not all(map(re.fullmatch, patterns, fields)):
            sys.exit(f"{name}:{number}: not of the form of these facts")
        rows.append(tuple(fields))
    if [row[0] for row in rows] != sorted(row[0] for row in rows):
        sys.exit(f"{name}: not in the order of types")
    return rows


def read_types():
    """The versions that have each type."""
    one = "|".join(VERSIONS)
    rows = read("types.tsv", TYPE_NAME, f"(?:{one})(?:,(?:{one}))*")
    types = {name: versions.split(",") for name, versions in rows}
    if len(types) != len(rows):
        sys.exit("types.tsv: a type stands there twice")
    return types


def read_compartment(version, types):
    """The types and paths of a version's compartment; two parameters may lead to one path."""
    name = f"compartment-{version.lower()}.tsv"
    rows = read(name, TYPE_NAME, r"[a-z-]+", PATH)
    paths = list(dict.fromkeys((resource_type, path) for resource_type, _, path in rows))
    for resource_type in {resource_type for resource_type, _ in paths}:
        if version not in types.get(resource_type, []) or resource_type == "Patient":
            sys.exit(f"{name}: {resource_type} cannot stand here")
        if sum(one == resource_type for one, _ in paths) > PATHS_MAX:
            sys.exit(f"{name}: {resource_type} has too many paths")
    return paths


def opening(what, facts):
    return f"/* {what} Written by lib/facts/tables.py from\n   lib/facts/{facts}; change it there. */\n"


def compartment_tables(types):
    text = [opening("The Patient compartments of FHIR.", "compartment-*.tsv"),
            '#include "select/compartment_table.h"\n']
    tables = {}
    for version, number in VERSIONS.items():
        name, paths = version.lower(), read_compartment(version, types)
        same = next((other for other, its in tables.items() if its == paths), None)
        tables[name] = paths
        if same is None:
            text.append(f"\n/* {version} ({number}). */\n"
                        f"static const fhx__compartment_path {name}_paths[] = {{\n")
            text += [f'    {{"{resource_type}", "{path}"}},\n' for resource_type, path in paths]
            text.append("};\n")
        else:
            text.append(f"\n/* {version} ({number}) has the paths of {same.upper()}. */")
        array = f"{same or name}_paths"
        text.append(f"\nconst fhx__compartment fhx__compartment_{name} = "
                    f"{{{array}, sizeof {array} / sizeof {array}[0]}};\n")
    return "".join(text)


def type_table(types):
    text = [opening("The resource types of FHIR, and the versions that have them.", "types.tsv"),
            '#include "request/type_table.h"\n\n',
            "const fhx__type_row fhx__type_table[] = {\n"]
    for name, versions in types.items():
        bits = " | ".join(f"FHX__IN_{version}" for version in versions)
        text.append(f'    {{"{name}", {bits}}},\n')
    text.append("};\n\nconst size_t fhx__type_count = "
                "sizeof fhx__type_table / sizeof fhx__type_table[0];\n")
    return "".join(text)


def server_types(types):
    text = [opening(f"The resource types of FHIR {SERVER_VERSION}.", "types.tsv"),
            '#include "types.h"\n\nconst char *const resource_types[] = {\n']
    text += [f'    "{name}",\n' for name, versions in types.items() if SERVER_VERSION in versions]
    text.append("};\n\nconst size_t resource_type_count = "
                "sizeof resource_types / sizeof resource_types[0];\n")
    return "".join(text)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FACTS.parent.parent
    types = read_types()
    tables = {
        "lib/select/compartment_tables.c": compartment_tables(types),
        "lib/select/element_tables.c": elements.table(FACTS, types, VERSIONS),
        "lib/request/type_table.c": type_table(types),
        "lib/select/fold_table.c": search.fold_table(opening),
        "lib/select/search_table.c": search.table(read, opening, types, VERSIONS),
        "examples/server/resource_types.c": server_types(types),
    }
    for name, text in tables.items():
        if max(map(len, text.splitlines())) > COLUMNS:
            sys.exit(f"{name}: a line is too long")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        print(name)


main()
