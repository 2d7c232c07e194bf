#!/usr/bin/env python3
"""What a program can check of the documents: their C compiles, their programs export what they say,
and the names and files they mention exist.

A block of C says what it is: ```c unit and ```c file NAME are compiled, ```c program is also run; it prints a
manifest. What guides do with their files is for guides.py.
The example of README.md is compiled by abi/headers.sh.

usage: docs_examples.py ROOT COMPILER LIBRARY"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent / "abi"))
from source_text import public_headers, report, without_comments  # noqa: E402


def blocks(text):
    """The fenced blocks: (line, what stands behind the fence, content)."""
    for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, found.start()) + 1, found.group(1).strip(), found.group(2)


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


def manifest_faults(text):
    """What is wrong with a manifest, or with the files it links to."""
    try:
        manifest = json.loads(text)
    except ValueError as error:
        yield f"printed no manifest ({error})"
        return
    if not manifest["output"] or manifest["error"]:
        yield "exported nothing, or refused a resource"
    for item in manifest["output"]:
        file = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(item["url"]).path))
        types = [json.loads(line)["resourceType"] for line in file.read_text().splitlines()]
        if types != [item["type"]] * item["count"]:
            yield f"wrote {file.name} with {len(types)} lines, the manifest says {item['count']}"


def block_faults(root, compiler, library, kind, code):
    if kind not in ("c unit", "c program") and not kind.startswith("c file "):
        yield 'is C that is neither "c unit", "c program" nor "c file NAME"'
        return
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "example.c").write_text(code)
        command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{root}/include",
                   f"-I{root}/tests/store_conformance/include", "example.c"]
        if kind != "c program":
            command += ["-c"]
        else:
            command += [library, f"-Wl,-rpath,{pathlib.Path(library).parent}", "-o", "example"]
        status, _, messages = run(command, folder)
        if status != 0:
            yield f"does not compile:\n{messages}"
        elif kind == "c program":
            status, output, messages = run([f"{folder}/example"], folder)
            if status != 0:
                yield f"ends with {status}: {messages}"
            else:
                yield from manifest_faults(output)


def words(texts):
    return {word for text in texts for word in re.findall(r"\w+", text)}


def name_faults(text, public, internal):
    """Names of the library that it does not have. `fhx_query_...` stands for any that begins so."""
    for name, more in set(re.findall(r"\b((?:fhx__?|FHX_)[a-zA-Z0-9]\w*)(\.\.\.)?", text)):
        known = internal if name.lower().startswith("fhx__") else public
        if not (any(n.startswith(name) for n in known) if more else name in known):
            yield f"names {name}{more}, which does not exist"
    own = words(code for _, _, code in blocks(text))
    for name in set(re.findall(r"`(?!fhx_)([a-z0-9]+(?:_[a-z0-9]+)+)`", text)):
        if name not in public | internal | own:
            yield f"names {name}, which is in none of include/, lib/ and bindings/"


def anchors(text):
    """What `#...` may name: headings as GitHub turns them into ids."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", prose, re.M)}


def link_faults(path, text):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        place = path.parent / target if target else path
        if "://" in target:
            continue
        if not place.exists():
            yield f"links to {target}, which does not exist"
        elif anchor and anchor not in anchors(place.read_text()):
            yield f"links to {target}#{anchor}, and there is no such heading"


def path_faults(root, text):
    """Files of this tree that are mentioned; a star stands for any."""
    for target in re.findall(r"`((?:lib|include|tests|examples|docs|cmake|bench)/[\w./*-]+)`", text):
        if not any(root.glob(target.rstrip("/"))):
            yield f"mentions {target}, which does not exist"


def main(root, compiler, library):
    root = pathlib.Path(root).resolve()
    # What is installed besides: the tests of a store.
    suite = (without_comments(p.read_text()) for p in root.glob("tests/store_conformance/include/*/*.h"))
    public = words(public_headers(root).values()) | words(suite)
    internal = words(without_comments(p.read_text()) for p in root.glob("lib/*/*.[ch]"))
    internal |= words(p.read_text() for p in root.glob("bindings/python/fhirexport/**/*.py"))
    faults, programs = [], 0
    documents = [root / "README.md", root / "SECURITY.md", *sorted(root.glob("docs/*.md"))]
    for path in (root / "CONTRIBUTING.md", *sorted(root.glob("examples/**/*.md")), *sorted(root.glob("bindings/*/*.md"))):
        faults += [f"{path.relative_to(root)} {fault}" for fault in link_faults(path, path.read_text())]
    for path in documents:
        name, text = path.relative_to(root), path.read_text()
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        for fault in (*name_faults(text, public, internal), *link_faults(path, prose), *path_faults(root, prose)):
            faults.append(f"{name} {fault}")
        for line, kind, code in blocks(text) if path.parent.name == "docs" else ():
            if kind.split(" ")[0] != "c":
                continue
            programs += kind == "c program"
            faults += [f"{name}:{line} {fault}" for fault in block_faults(root, compiler, library, kind, code)]
    if programs == 0:
        faults.append("no document has a complete program")
    report("docs", faults, f"{len(documents)} documents, {programs} program(s) run")


if __name__ == "__main__":
    main(*sys.argv[1:])
