#!/usr/bin/env python3
"""Exports what a generator yields to a folder, and prints the manifest.

usage: export_folder.py FOLDER"""

import json
import sqlite3
import sys
from typing import Iterator, Tuple

import fhirexport as fhx


def database() -> sqlite3.Connection:
    """A hospital's tables, which know nothing of FHIR."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE person(number INTEGER PRIMARY KEY, name TEXT, born TEXT, changed TEXT)")
    connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", [
        (number, f"Example {number}", f"19{number % 90 + 10}-01-01", "2024-03-01T12:00:00Z") for number in range(1000)])
    return connection


def patients(query: fhx.Query) -> Iterator[fhx.Resource]:
    """Runs on a thread of the export, so the connection is made here. Rows come in the order of a key."""
    people: Iterator[Tuple[int, str, str, str]] = database().execute("SELECT * FROM person ORDER BY number")
    for number, name, born, changed in people:
        yield {"resourceType": "Patient", "id": str(number), "meta": {"lastUpdated": changed},
               "name": [{"text": name}], "birthDate": born}


def main(folder: str) -> None:
    source = {"Patient": patients}
    with fhx.Filter(since="2024-01-01T00:00:00Z") as only, fhx.Destination.directory(folder) as destination, \
            fhx.Job(source, destination, filter=only, sha256=True) as job:
        job.run(tqdm=True)
        print(json.dumps(job.manifest(), indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
