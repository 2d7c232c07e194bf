#!/usr/bin/env python3
"""The reference in HTML is written without a warning, and has every public function, with what its comment says of
threads, memory, statuses and version.

usage: reference.py ROOT"""

import html
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "abi"))
from comments import declarations  # noqa: E402
from source_text import report  # noqa: E402

TEN_MINUTES = 600


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def entries(page):
    """What a page says of each function: {name: text}."""
    parts = re.split(r'<h2 class="memtitle">', page)[1:]
    titled = (re.match(r'<span class="permalink">.*?</span>(\w+)\(\)</h2>', part) for part in parts)
    return {found.group(1): text_of(part) for found, part in zip(titled, parts) if found}


def faults_of(function, text):
    for word in ("Threads", "Memory", "Since", *(["Returns"] if function.has_status else [])):
        if f" {word} " not in text:
            yield f"{function.header}: {function.name} has no {word} in the reference"
    for status in set(re.findall(r"\bFHX_(?:ERR_\w+|OK|END|WAIT)\b(?!\.\.\.)", function.comment)):
        if status not in text:
            yield f"{function.header}: {function.name} does not say {status} in the reference"


def main(root):
    faults, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([f"{root}/docs/reference/write.sh", folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TEN_MINUTES, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stdout + "reference: it could not be written")
        for header in sorted(pathlib.Path(root, "include", "fhirexport").glob("*.h")):
            page = pathlib.Path(folder, "html", f"{header.stem.replace('_', '__')}_8h.html")
            found = entries(page.read_text()) if page.exists() else {}
            for function in declarations(header.name, header.read_text()):
                count += 1
                if function.name in found:
                    faults += faults_of(function, found[function.name])
                else:
                    faults.append(f"{header.name}: {function.name} is not in the reference")
        if "Since" not in (pathlib.Path(folder, "html", "index.html")).read_text():
            faults.append("its first page is not docs/reference/main.md")
    if count < 200:
        faults.append(f"only {count} functions were found")
    report("reference", faults, f"{count} functions")


main(*sys.argv[1:])
