#!/usr/bin/python3
"""An export whose rows are in the memory of a Python program, timed by itself: prints "count wall cpu".

usage: python_source.py LIBRARY NDJSON OUT (batches|generator|plain)

batches: a source that hands over 200 rows at a time, about what the library asks for. generator: one that yields them one by one. plain: no library, what
a program would do without it, a loop that writes each row and a line feed to the file of its type."""
import collections
import os
import re
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    """The rows of each type."""
    types = collections.defaultdict(list)
    with open(path, "rb") as file:
        for line in file:
            types[re.search(rb'"resourceType": ?"(\w+)"', line).group(1).decode()].append(line.rstrip(b"\n"))
    return types


def export(types, out, batches):
    sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
    import fhirexport as fhx

    class Batches(fhx.Source):
        applied = fhx.Applied.TYPE

        def list_types(self):
            return list(types)

        def open_cursor(self, query):
            rows = types[query.resource_type]
            return (rows[first:first + 200] for first in range(0, len(rows), 200))

        def next_rows(self, cursor, want_bytes):
            return next(cursor, None)

    source = Batches() if batches else {name: (lambda rows: lambda query: (row for row in rows))(rows)
                                        for name, rows in types.items()}
    with fhx.Destination.directory(out) as destination, fhx.Job(source, destination, settle_us=-1) as job:
        job.run()
        return job.progress().resource_count


def plain(types, out):
    count = 0
    for name, rows in types.items():
        with open(os.path.join(out, name), "wb", 2**20) as file:
            for row in rows:
                file.write(row)
                file.write(b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
    return count


def main(library, data, out, how):
    os.environ["FHIREXPORT_LIBRARY"] = library
    types = read(data)
    os.makedirs(out)
    if how != "plain":
        export({"Patient": types["Patient"][:1]}, out, True)  # loads the library
    wall, cpu = time.monotonic(), time.process_time()
    count = plain(types, out) if how == "plain" else export(types, out, how == "batches")
    print("count", count, "wall", time.monotonic() - wall, "cpu", time.process_time() - cpu)


main(*sys.argv[1:])
