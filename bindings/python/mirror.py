#!/usr/bin/env python3
"""Writes fhirexport/_mirror.py: the public headers as ctypes.

usage: mirror.py [--check] [INCLUDE]

Run it after a change of a public header, and commit what it wrote. --check writes nothing and says whether what is
there is what it would write. tests/python/test_mirror.py compares the result with what the C compiler says."""

import pathlib
import re
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE / "fhirexport" / "_mirror.py"
SCALARS = {"int32_t": "c_int32", "uint32_t": "c_uint32", "int64_t": "c_int64", "uint64_t": "c_uint64",
           "size_t": "c_size_t", "double": "c_double", "uint8_t": "c_uint8"}
HEAD = '''\
"""The public headers of libfhirexport as ctypes: constants, callbacks, structures, functions.

Written by bindings/python/mirror.py; do not change it by hand."""

# fmt: off
# ruff: noqa: E501
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64,
                    c_void_p)
from typing import Any, Dict, Tuple
'''


def header_texts(include):
    """The headers without comments, in the order in which they include each other."""
    done, texts = set(), []

    def visit(name):
        if name in done:
            return
        done.add(name)
        text = (include / "fhirexport" / name).read_text()
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        for included in re.findall(r"#include <fhirexport/(\w+\.h)>", text):
            visit(included)
        texts.append(text)

    visit("fhirexport.h")
    return texts


def split_parameters(text):
    """Parameters between commas that are not inside parentheses."""
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [" ".join(p.split()) for p in [*parts, current] if p.strip() not in ("", "void")]


class Mirror:
    def __init__(self, texts):
        self.text = "\n".join(texts)
        self.callbacks = {}
        self.structures = {}

    def type_of(self, declaration):
        """The ctypes type of `const char *name`, `fhx_x_callback name`, `void (*name)(...)`."""
        pointer = re.match(r"^(.*?)\(\*(?:\w+)?\)\s*\((.*)\)$", declaration, re.S)
        if pointer:
            return self.callback(pointer.group(1), pointer.group(2))
        is_const = "const" in declaration.split("*")[0]
        declaration = re.sub(r"\bconst\b", " ", declaration)
        match = re.match(r"^\s*(\w+)\s*((?:\*\s*)*)\s*(\w*)$", declaration)
        if not match:
            raise SystemExit(f"mirror.py: cannot read the declaration: {declaration}")
        base, stars = match.group(1), match.group(2).count("*")
        if base in self.callbacks and stars == 0:
            return base
        if stars == 0:
            return "None" if base == "void" else SCALARS[base]
        if stars == 1:
            if base == "char":
                return "c_char_p"
            # Numbers that the library reads are arrays, whose address does; those that it writes are by reference.
            return f"POINTER({SCALARS[base]})" if base in SCALARS and not is_const else "c_void_p"
        return "POINTER(c_char_p)" if base == "char" else "POINTER(c_void_p)"

    def callback(self, result, parameters):
        types = [self.type_of(result + " "), *map(self.type_of, split_parameters(parameters))]
        return f"CFUNCTYPE({', '.join(types)})"

    def constants(self):
        for name, value in re.findall(r"^#define (FHX_\w+)[ \t]+(\S.*?)\s*$", self.text, re.M):
            if name in ("FHX_API", "FHX_BEGIN_DECLS", "FHX_END_DECLS"):
                continue
            if value == "INT64_MIN":
                value = "-(2**63)"
            if not value.startswith('"'):
                value = value.strip("()").rstrip("u") if value != "-(2**63)" else value
            yield f"{name} = {value}"

    def declare_callbacks(self):
        pattern = r"typedef\s+([\w \*]+?)\s*\(\*(fhx_\w+_callback)\)\s*\((.*?)\);"
        for result, name, parameters in re.findall(pattern, self.text, re.S):
            self.callbacks[name] = self.callback(result, parameters)
            yield f"{name} = {self.callbacks[name]}"

    def declare_structures(self):
        for name, body in re.findall(r"typedef struct (fhx_\w+)\s*\{(.*?)\}\s*\1;", self.text, re.S):
            fields = []
            for declaration in filter(None, (" ".join(d.split()) for d in body.split(";"))):
                pointer = re.search(r"\(\*(\w+)\)\s*\(", declaration)
                member = pointer.group(1) if pointer else re.search(r"(\w+)$", declaration).group(1)
                fields.append(f'("{member}", {self.type_of(declaration)})')
            self.structures[name] = fields
            whole = ", ".join(field.replace(" ", "\0") for field in fields)  # lines end between fields alone
            lines = textwrap.fill(whole, 112, initial_indent=" " * 8, subsequent_indent=" " * 8,
                                  break_long_words=False).replace("\0", " ")
            yield f"class {name}(Structure):\n    _fields_ = [\n{lines},\n    ]"

    def functions(self):
        for found in re.finditer(r"^FHX_API\s+([\w \*]+?)\b(fhx_\w+)\((.*?)\);", self.text, re.M | re.S):
            result, name, parameters = found.groups()
            types = ", ".join(map(self.type_of, split_parameters(parameters)))
            yield f'    "{name}": ({self.type_of(result.strip() + " ")}, ({types}{"," if types and ", " not in types else ""})),'


def written(include):
    mirror = Mirror(header_texts(include))
    parts = [HEAD, "\n".join(mirror.constants()), "", "\n".join(mirror.declare_callbacks()), "", "",
             "\n\n\n".join(mirror.declare_structures()), "", "",
             "# name: (result, arguments)",
             "FUNCTIONS: Dict[str, Tuple[Any, Tuple[Any, ...]]] = {", "\n".join(mirror.functions()), "}", ""]
    return "\n".join(parts)


def main(arguments):
    check = "--check" in arguments
    given = [a for a in arguments if a != "--check"]
    text = written(pathlib.Path(given[0]) if given else HERE.parent.parent / "include")
    if not check:
        TARGET.write_text(text)
    elif TARGET.read_text() != text:
        raise SystemExit("mirror.py: fhirexport/_mirror.py is not what the headers say; run mirror.py")


if __name__ == "__main__":
    main(sys.argv[1:])
