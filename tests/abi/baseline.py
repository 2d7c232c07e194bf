#!/usr/bin/env python3
"""The library's ABI compared with that of the last release, by abidw and abidiff of libabigail.

usage: baseline.py ROOT LIBRARY [--write]

The baseline, baseline/fhirexport-MAJOR.abi, is what abidw says of the library at that release, as far
as hosts see it: exported functions, and all that these lead to. --write makes it anew; docs/abi.md
says when that is right. A host built then works with this library if abidiff finds nothing. What was
added since is left out of the comparison: functions, and members behind the end of a structure.

The library needs debug information; the baseline is that of x86-64."""

import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from source_text import public_headers, report

OPTIONS = ("--exported-interfaces-only --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed "
           "--no-write-default-sizes --no-parameter-names --type-id-style hash").split()
SKIPPED = 77


def run(*command):
    """(exit status, output) of a program; one that does not work at all ends the test."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode < 0 or done.returncode & 3:
        raise SystemExit(f"baseline: {' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.returncode, done.stdout


def public_structures(root):
    """Those whose members the headers have."""
    return set(re.findall(r"struct (fhx_\w+)\s*\{", "\n".join(public_headers(root).values())))


def hide_members(corpus, public):
    """Of all other structures hosts know no more than that they are there."""
    for structure in corpus.iter():
        if structure.tag in ("class-decl", "union-decl") and structure.get("name") not in public:
            structure[:] = []
            structure.attrib.pop("size-in-bits", None)
            structure.set("is-declaration-only", "yes")


def merge(corpus):
    """One unit of all, each thing once and in an order of its own: which file says it first is chance."""
    things = {}
    for unit in corpus.findall("abi-instr"):
        for thing in unit:
            things.setdefault((thing.tag, thing.get("name", ""), thing.get("id", "")), thing)
        corpus.remove(unit)
    unit = ElementTree.SubElement(corpus, "abi-instr", {"address-size": "64", "path": "lib", "language": "LANG_C11"})
    unit.extend(things[key] for key in sorted(things))


def drop_unreached(corpus):
    """Drops the types that no function leads to."""
    unit = corpus.find("abi-instr")
    types = {thing.get("id"): thing for thing in unit if thing.get("id")}
    waiting = unit.findall("function-decl")
    reached = set()
    while waiting:
        for element in waiting.pop().iter():
            name = element.get("type-id")
            if name in types and name not in reached:
                reached.add(name)
                waiting.append(types[name])
    for thing in list(unit):
        if thing.get("id") and thing.get("id") not in reached:
            unit.remove(thing)


def describe(library, public, folder):
    """The library's ABI as hosts see it."""
    out = pathlib.Path(folder, "all.xml")
    status, said = run("abidw", *OPTIONS, "--out-file", out, library)
    if status != 0 or not out.exists():
        raise SystemExit(f"baseline: abidw: {status}\n{said}")
    corpus = ElementTree.parse(out).getroot()
    hide_members(corpus, public)
    merge(corpus)
    drop_unreached(corpus)
    return corpus


def structures(corpus):
    found = {s.get("name"): s for s in corpus.iter("class-decl") if s.get("size-in-bits")}
    if not found:
        raise SystemExit("baseline: no structure is known: was the library built without debug information?")
    return found


def offsets(structure):
    return {member.find("var-decl").get("name"): int(member.get("layout-offset-in-bits"))
            for member in structure.findall("data-member")}


def leave_out_appended(corpus, baseline):
    """What has come behind the end of a structure: hosts of then say that theirs ends before it."""
    before = structures(baseline)
    for name, structure in structures(corpus).items():
        end = int(before[name].get("size-in-bits")) if name in before else None
        if end is None or int(structure.get("size-in-bits")) <= end:
            continue
        for member in structure.findall("data-member"):
            if int(member.get("layout-offset-in-bits")) >= end:
                structure.remove(member)
        structure.set("size-in-bits", str(end))


def member_faults(corpus, baseline):
    """abidiff says nothing where two members of one type change places."""
    now = structures(corpus)
    for name, structure in structures(baseline).items():
        have = offsets(now[name]) if name in now else {}
        for member, offset in offsets(structure).items():
            if not member.startswith("reserved") and have.get(member) != offset:
                yield f"{name}.{member} is not at {offset // 8}, where hosts have it"


def save(corpus, path):
    ElementTree.indent(corpus)
    pathlib.Path(path).write_text(ElementTree.tostring(corpus, encoding="unicode") + "\n")


def compare(corpus, baseline, folder):
    leave_out_appended(corpus, baseline)
    yield from member_faults(corpus, baseline)
    old, new = pathlib.Path(folder, "baseline.abi"), pathlib.Path(folder, "library.abi")
    save(baseline, old)
    save(corpus, new)
    status, said = run("abidiff", "--no-added-syms", old, new)
    if status != 0:
        yield f"abidiff: {status}\n{said}"
        yield "hosts of the last release would not work: docs/abi.md, \"The promise\", has the rules"


def main(root, library, *options):
    if platform.machine() != "x86_64":
        print(f"skipped: the baseline is that of x86-64, this is {platform.machine()}")
        return SKIPPED
    major = re.search(r"FHX_VERSION_MAJOR (\d+)", public_headers(root)["version.h"]).group(1)
    path = pathlib.Path(root, "tests", "abi", "baseline", f"fhirexport-{major}.abi")
    with tempfile.TemporaryDirectory() as folder:
        corpus = describe(library, public_structures(root), folder)
        if options == ("--write",):
            path.parent.mkdir(exist_ok=True)
            save(corpus, path)
            return 0
        baseline = ElementTree.parse(path).getroot()
        known = len(list(baseline.iter("function-decl")))
        report("baseline", list(compare(corpus, baseline, folder)),
               f"{known} functions and {len(structures(baseline))} structures of the last release")
    return 0


sys.exit(main(*sys.argv[1:]))
