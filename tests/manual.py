#!/usr/bin/env python3
"""libfhirexport(3): mandoc finds nothing wrong with it, it names what there is and every status, and its example, as a
reader sees it, compiles and exports.

usage: manual.py ROOT COMPILER LIBRARY"""

import pathlib
import re
import sys
import tempfile
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).parent / "abi"))
from docs_examples import manifest_faults, run, words  # noqa: E402
from source_text import public_headers, report  # noqa: E402

PATIENT = '{"resourceType": "Patient", "id": "p%d"}\n'


def example_of(text):
    """The program between its first include and the closing brace."""
    found = re.search(r"^( +)#include <fhirexport/fhirexport.h>\n.*?^\1\}$", text.split("\nEXAMPLES")[1], re.M | re.S)
    return textwrap.dedent(found.group()) if found else ""


def example_faults(root, compiler, library, code):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "example.c").write_text(code)
        status, _, messages = run([compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{root}/include", "example.c",
                                   library, f"-Wl,-rpath,{pathlib.Path(library).parent}", "-o", "example"], folder)
        if status != 0:
            yield f"the example does not compile:\n{messages}"
            return
        (path / "from").mkdir()
        (path / "to").mkdir()
        (path / "from" / "Patient.ndjson").write_text(PATIENT % 1 + PATIENT % 2)
        status, output, messages = run(["./example", "from", "to"], folder)
        if status != 0:
            yield f"the example ends with {status}: {messages}"
            return
        yield from (f"the example {fault}" for fault in manifest_faults(output))
        status, _, messages = run(["./example", "from", "nowhere"], folder)
        if status != 1 or "folder" not in messages:
            yield f"the example ends with {status} where there is no folder, and says: {messages}"


def name_faults(text, headers):
    known = words(headers.values())
    for name in sorted(set(re.findall(r"\b(?:fhx_[a-z]|FHX_[A-Z])\w+", text)) - known):
        yield f"names {name}, which does not exist"
    for name in re.findall(r"^#define (FHX_(?:ERR_\w+|OK|END|WAIT)) ", headers["status.h"], re.M):
        if not re.search(rf"^ +{name}(?: |$)", text, re.M):
            yield f"does not list {name}"


def main(root, compiler, library):
    page = f"{root}/docs/libfhirexport.3"
    status, said, messages = run(["mandoc", "-T", "lint", "-W", "warning", page], root)
    faults = [said + messages] if status != 0 or said else []
    text = re.sub(".\x08", "", run(["mandoc", "-T", "ascii", "-O", "width=100", page], root)[1])
    faults += name_faults(text, public_headers(root))
    faults += example_faults(root, compiler, library, example_of(text))
    report("manual", faults, f"{len(text.splitlines())} lines, and the example")


main(*sys.argv[1:])
