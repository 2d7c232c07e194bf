#!/usr/bin/env python3
"""Follows the guides of docs/ to the letter: with the library installed in an empty home, in an empty folder, each
page's files are written and its commands run one after another in one shell, and what they print is compared.

    ```LANGUAGE file NAME   a file of the reader's
    ```sh build             how the library is built; here the build that is there is installed, by its last line
    ```sh repository        commands in a copy of the repository; here in this one
    ```sh run               commands
    ```text output          what the commands in front of it print; ```json output: the same as JSON

What differs from run to run (ids, times, ports, signed links) is put in one form on both sides; ports 8080 and 8081 are
given as 0, which takes a free one. Pages that start fhirexport-server are left out, and named, where it was not built.

usage: guides.py ROOT BUILD C-COMPILER"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

PATIENCE = 240
INSTALL = 'cmake --install build/release --prefix "$HOME/fhirexport"'
EVERYWHERE = "export PKG_CONFIG_PATH="
SERVER = "fhirexport-server"
LISTEN = r"--listen 127\.0\.0\.1:808[01] "
EMPTY = "empty"


def blocks(path):
    """The fenced blocks: (line, what stands behind the fence, content)."""
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start()) + 1, found.group(1).strip(), found.group(2))
            for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)]


def same_form(text):
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    return re.sub(r'"url": ?"[^"]*"', '"url":"URL"', text)


def read(kind, text):
    """What is compared."""
    return json.loads(same_form(text)) if kind == "json output" else same_form(text).strip()


class Page:
    """A page, and what of it is to be done."""

    def __init__(self, path):
        self.path = path
        self.found = blocks(path)
        self.commands = [(line, text) for line, kind, text in self.found if kind == "sh run"]
        self.beforehand = [text for _, kind, text in self.found if kind == "sh repository"]

    def faults_of_form(self):
        before = None
        for line, kind, text in self.found:
            if kind.endswith(" output") and before != "sh run":
                yield f"{self.path.name}:{line} is an output behind no commands"
            if kind == "sh build" and text.splitlines()[-1] != INSTALL:
                yield f"{self.path.name}:{line} does not end in {INSTALL}"
            if kind == "sh run" and len(re.findall(rf"^{SERVER} ", text, re.M)) != len(re.findall(LISTEN, text)):
                yield f"{self.path.name}:{line} starts {SERVER} without --listen, at a port that others may have"
            before = kind

    def script(self, first, place, root):
        """Each block's output goes into a file of its own, named by its line."""
        parts = ["set -eu", f"exec >'{place}/0.out' 2>&1", first, f"cd '{root}'", *self.beforehand,
                 f"cd '{place}/{EMPTY}'"]
        for line, text in self.commands:
            parts += [f"exec >'{place}/{line}.out' 2>&1", re.sub(r"\b808[01]\b", "0", text)]
        # What the page has ended writes its last into the folder.
        return "\n".join([*parts, "wait"])

    def needs(self, program):
        return any(program in text for _, text in self.commands)

    def write_files(self, folder):
        for _, kind, text in self.found:
            name = re.fullmatch(r"\w+ file (\S+)", kind)
            if name:
                (folder / name.group(1)).write_text(text, encoding="utf-8")

    def faults_of_output(self, folder):
        said = ""
        for line, kind, text in self.found:
            if kind == "sh run":
                output = folder / f"{line}.out"
                said = output.read_text(encoding="utf-8") if output.exists() else ""
            elif kind.endswith(" output"):
                try:
                    if read(kind, said) == read(kind, text):
                        continue
                except ValueError:
                    pass
                yield f"{self.path.name}:{line} says\n{text}and this was printed:\n{said}"


def run(script, folder, environment):
    """Runs the commands in the folder; whatever they leave running is ended."""
    shell = subprocess.Popen(["sh", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                             start_new_session=True)
    try:
        return shell.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return "time"
    finally:
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        shell.wait()


def follow(page, first, root, environment):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = pathlib.Path(place, EMPTY)
        folder.mkdir()
        page.write_files(folder)
        status = run(page.script(first, place, root), folder, environment)
        if status != 0:
            last = max(pathlib.Path(place).glob("*.out"), key=lambda path: int(path.stem), default=None)
            said = last.read_text(encoding="utf-8") if last else ""
            yield f"{page.path.name}:{last.stem if last else 1} ends with {status}:\n{said}"
        else:
            yield from page.faults_of_output(pathlib.Path(place))


def environment_of(home, compiler):
    """A reader's: nothing of ours but where programs are, and the compiler as `cc`."""
    tools = pathlib.Path(home, "tools")
    tools.mkdir()
    wrapper = tools / "cc"
    wrapper.write_text(f"#!/bin/sh\nexec '{shutil.which(compiler)}' \"$@\"\n", encoding="utf-8")
    wrapper.chmod(0o755)
    kept = {name: os.environ[name] for name in ("PATH", "CMAKE_GENERATOR") if name in os.environ}
    return {**kept, "HOME": home, "PATH": f"{tools}:{kept['PATH']}", "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1"}


def main(root, build, compiler):
    root = pathlib.Path(root).resolve()
    pages = [Page(path) for path in sorted(pathlib.Path(root, "docs").glob("*.md"))]
    found = [fault for page in pages for fault in page.faults_of_form()]
    # What the first guide says about where the library is holds for all.
    first = next(text for page in pages for _, text in page.commands if text.startswith(EVERYWHERE))
    pages = [page for page in pages if page.commands]
    with tempfile.TemporaryDirectory() as home:
        environment = environment_of(home, compiler)
        install = INSTALL.replace("build/release", f"'{build}'")
        subprocess.run(["sh", "-c", install], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)
        if not pathlib.Path(home, "fhirexport/bin", SERVER).exists():
            print(f"{SERVER} was not built, so these are left out:", [p.path.name for p in pages if p.needs(SERVER)])
            pages = [page for page in pages if not page.needs(SERVER)]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:  # most of it is waiting
            done = pool.map(lambda page: list(follow(page, "" if EVERYWHERE in page.commands[0][1] else first,
                                                     root, environment)), pages)
            found += [fault for faults in done for fault in faults]
    for fault in found:
        print("guides.py:", fault, file=sys.stderr)
    print(f"{sum(len(page.commands) for page in pages)} commands of {len(pages)} pages: "
          + ", ".join(page.path.name for page in pages))
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
