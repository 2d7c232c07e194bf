#!/usr/bin/env python3
"""Every constant and structure of the public headers stands in layout.c; the headers keep the rules
that docs/abi.md sets for what crosses the border.

usage: layout.py ROOT"""

import pathlib
import re
import sys

from source_text import public_headers, report, without_comments

# Macros that are not values.
NOT_VALUES = {"FHX_API", "FHX_BEGIN_DECLS", "FHX_END_DECLS", "FHX_INIT"}
# What may not cross the border: types whose size or rules differ between compilers and languages.
BANNED_WORDS = r"\b(?:enum|union|long|short|int|unsigned|bool|_Bool|float|time_t|off_t|inline|va_list)\b"


def members(body):
    """The names of a structure's members, in order."""
    names = []
    for declaration in filter(None, (d.strip() for d in body.split(";"))):
        pointer = re.search(r"\(\*(\w+)\)\s*\(", declaration)
        names.append(pointer.group(1) if pointer else re.search(r"(\w+)$", declaration).group(1))
    return names


def coverage_faults(headers, layout):
    text = "\n".join(headers.values())
    for name in re.findall(r"^#define (FHX_\w+)", text, re.M):
        if name not in NOT_VALUES and not re.search(rf"\b(?:CONSTANT|TEXT)\({name},", layout):
            yield f"the constant {name} is not asserted"
    for name, body in re.findall(r"struct (fhx_\w+)\s*\{(.*?)\}", text, re.S):
        if not re.search(rf"\bSTRUCT\({name},", layout):
            yield f"the size of {name} is not asserted"
        if members(body) != re.findall(rf"\bMEMBER\({name},\s*(\w+),", layout):
            yield f"the members of {name} are not asserted in their order"


def rule_faults(name, text):
    for include in re.findall(r"^#include (.+)$", text, re.M):
        if not re.fullmatch(r"<(?:stddef\.h|stdint\.h|fhirexport/\w+\.h)>", include.strip()):
            yield f"{name} includes {include}"
    begin, end = text.find("\nFHX_BEGIN_DECLS"), text.rfind("\nFHX_END_DECLS")
    if any(not begin < m.start() < end for m in re.finditer(r"^FHX_API", text, re.M)):
        yield f"{name} declares a function outside FHX_BEGIN_DECLS and FHX_END_DECLS"
    for word in re.findall(BANNED_WORDS, re.sub(r"^#.*$", "", text, flags=re.M)):
        yield f"{name} uses `{word}`"
    if re.search(r"\.\.\.", re.sub(r"^#.*$", "", text, flags=re.M)):
        yield f"{name} has a function with variable arguments"
    for struct, body in re.findall(r"struct (fhx_\w+)\s*\{(.*?)\}", text, re.S):
        if not re.match(r"\s*uint32_t size;", body):
            yield f"{struct} does not begin with its size"
        if not re.search(rf"\bvoid {struct}_init\({struct} \*\w+, uint32_t size\);", text):
            yield f"{struct} has no {struct}_init"
        if re.search(r"[\[:]", body):
            yield f"{struct} has an array or a bit-field"


def main(root):
    headers = public_headers(root)
    layout = without_comments(pathlib.Path(root, "tests", "abi", "layout.c").read_text())
    faults = list(coverage_faults(headers, layout))
    for name, text in headers.items():
        faults += rule_faults(name, text)
    count = len(re.findall(r"^CONSTANT", layout, re.M))
    report("layout", faults, f"{len(headers)} headers, {count} constants")


main(*sys.argv[1:])
