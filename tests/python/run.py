#!/usr/bin/env python3
"""Runs the tests of the Python package by pytest, in environments that tests/python/environments.sh has made.

usage: run.py ROOT LIBRARY (own|others|wheels) [PYTEST-ARGUMENT...]

own: with Debian's Python, everything but the wheels. others: with each other CPython that is there, if any, two at a
time; without whole programs, which are the same with each."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys


def own_version():
    done = subprocess.run(["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main(root, library, which, *arguments):
    root, library = pathlib.Path(root).resolve(), str(pathlib.Path(library).resolve())
    folder, own = root / "build" / "python", own_version()
    found = sorted(p.parent.parent.name for p in folder.glob("3.*/bin/python"))
    if own not in found:
        raise SystemExit(f"there is no {folder / own}: tests/run.sh makes it, or tests/python/environments.sh; or say "
                         f"--without python")
    environment = {**os.environ, "FHIREXPORT_LIBRARY": library, "FHX_SOURCE_DIR": str(root),
                   "PYTHONPATH": str(root / "bindings" / "python"), "PYTHONDONTWRITEBYTECODE": "1", "FHX_PYTHON": which}
    versions = [version for version in found if version != own] if which == "others" else [own]
    files = [] if arguments else FILES[which]
    print("CPython", ", ".join(versions) or f"{own} alone is there", flush=True)

    def test(version):
        command = [folder / version / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, *arguments]
        return subprocess.run(command, cwd=root / "tests" / "python", env=environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    failed = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for version, done in zip(versions, pool.map(test, versions)):
            print(f"CPython {version}\n{done.stdout}", flush=True)
            failed += [version] if done.returncode != 0 else []
    if failed:
        raise SystemExit(f"CPython {', '.join(failed)}: failed")


FILES = {"own": ["--ignore=test_wheels.py"], "wheels": ["test_wheels.py"],
         "others": ["--ignore=test_wheels.py", "--ignore=test_examples.py", "--ignore=test_command_interrupted.py"]}
main(*sys.argv[1:])
