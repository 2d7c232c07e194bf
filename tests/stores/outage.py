#!/usr/bin/python3
"""The store goes away for some seconds in the middle of a large export.

    outage.py --export PROGRAM --generate PROGRAM

The gateway is killed and started again while fhirexport-folder exports 1 GB to it (FHX_QUICK: less).
The export ends as if nothing had been: every line once, and nothing else in the store.
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

import component
import store_export
import places
import exports
from exports import need

SECONDS = 5
TRIES = 10
QUICK = "FHX_QUICK" in os.environ


def line_hashes(texts):
    found = collections.Counter()
    for text in texts:
        found.update(map(hash, text.splitlines()))
    return found


def read_files(folder):
    for path in glob.glob(os.path.join(folder, "*.ndjson")):
        with open(path, "rb") as file:
            yield file.read()


def start(options, place, data, work):
    return subprocess.Popen(
        [options.export, "--folder", data, "--out", work, "--to", place.url, "--store",
         os.path.join(work, "jobs"), "--threads", "2", "--part-bytes", "16M" if QUICK else "64M"],
        env={**os.environ, **place.environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=component.die_with_parent)


def interrupt(place, process, size):
    """Once a third is there; whether it was not over by then."""
    def has_begun():
        return sum(place.list().values()) > size / 3 or process.poll() is not None
    component.wait_until(has_begun, "a third of the export", seconds=400)
    place.gateway.kill_gateway()
    if process.poll() is not None:
        place.gateway.start_gateway()
        return False
    time.sleep(SECONDS)
    if process.poll() is not None:
        raise exports.Failure(f"the export gave up: {process.stdout.read().decode()}")
    place.gateway.start_gateway()
    return True


def export(options, place, data, work, size):
    """One that was interrupted: it, and what it said. On a busy machine it may be over too early, and is begun anew."""
    for _ in range(TRIES):
        process = start(options, place, data, work)
        try:
            was_in_time = interrupt(place, process, size)
            said = process.communicate(timeout=600)[0].decode()
        finally:
            process.kill()
            process.wait()
        if was_in_time:
            return process, said
        if process.returncode != 0:
            raise exports.Failure(f"the export ended with {process.returncode}: {said}")
        for name in place.list():
            place.client.delete(places.NAME, name)
        for path in [*glob.glob(os.path.join(work, "*.manifest.json")), *glob.glob(os.path.join(work, "jobs*"))]:
            os.unlink(path)
    raise exports.Failure("the export is always over before the store goes away")


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True)
    parser.add_argument("--generate", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-outage-") as work:
        data = store_export.generate(options.generate, work, "--bytes", "100M" if QUICK else "1G")
        wanted = line_hashes(read_files(data))
        size = sum(os.path.getsize(path) for path in glob.glob(os.path.join(data, "*.ndjson")))
        with places.open_place("rgw") as place:
            process, said = export(options, place, data, work, size)
            need(process.returncode == 0, f"the export ended with {process.returncode}: {said}")
            path, = glob.glob(os.path.join(work, "*.manifest.json"))
            with open(path, encoding="utf-8") as file:
                manifest = json.load(file)
            need(manifest.get("error") == [], "the manifest has errors")
            store_export.check_objects(place, len(manifest["output"]))
            found = line_hashes(body for _, _, body in stream(place, manifest))
        need(found == wanted, f"{sum(found.values())} lines, not {sum(wanted.values())}")
        need(max(found.values()) == 1, "a line came twice")
    print(f"{sum(found.values())} resources of {size} bytes, exact; the store was away for "
          f"{SECONDS} s")


def stream(place, manifest):
    for entry in manifest["output"]:
        yield store_export.files(place, {"output": [entry]})[0]


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"outage.py: {failure}")
