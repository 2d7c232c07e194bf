#!/usr/bin/python3
"""Exports everything over HTTP and finds exactly what was loaded.

    exact.py --server PROGRAM --generate PROGRAM [--data FOLDER]

The data are all resources of FOLDER (NDJSON, gzipped or not), or generated ones where it does not
exist. Every resource comes once, JSON-equal to the digits of its numbers; the server may add
meta.versionId, and meta.lastUpdated where there was none (MAN-06, FILE-02 to FILE-05, FILE-21,
FILE-22: references and numbers stay as they were stored).
"""
import argparse
import collections
import sys
import tempfile

import exports
from exports import need


def check_counts(manifest, wanted):
    counts = collections.Counter()
    for entry in manifest["output"]:
        counts[entry["type"]] += entry["count"]
    there = collections.Counter(kind for kind, _ in wanted)
    need(counts == there, f"the manifest counts {counts}, the data have {there}")


def export(server, query, wanted):
    manifest = exports.wait(server, exports.kick_off(server, query))
    need(manifest["request"] == server.base_url + "/$export" + query, "request is not the kick-off")
    check_counts(manifest, wanted)
    exports.compare(exports.download(server, manifest), wanted)
    return len(manifest["output"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--data", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-exact-") as work:
        data = exports.find_data(options.data, options.generate, work, 60)
        wanted = exports.read_data(data)
        server = exports.start(options.server, "--load", data, "--part-bytes", "1M")
        try:
            files = export(server, "", wanted)
            some = {key: value for key, value in wanted.items()
                    if key[0] in ("Patient", "Observation")}
            export(server, "?_type=Patient,Observation", some)
        finally:
            code = server.stop()
        need(code == 0, f"the server ended with {code}")
    print(f"{len(wanted)} resources in {files} files are as they were loaded")


if __name__ == "__main__":
    try:
        main()
    except exports.Failure as failure:
        sys.exit(f"exact.py: {failure}")
