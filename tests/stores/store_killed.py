#!/usr/bin/python3
"""Kills the server in the middle of uploads in pieces; the export ends exactly, nothing is left.

    store_killed.py STORE --server PROGRAM --generate PROGRAM [--rounds N]

Each round kicks off an export, waits until the store has an upload that is not finished, and kills
the server with SIGKILL. The one that is started then completes it at the same poll URL.
"""
import argparse
import sys
import tempfile
import time

import component
import store_export
import places
import exports
import fhir_server
from exports import need

LEASE_SECONDS = 1
ROUNDS_MAX = 20


def keys_of(found):
    keys = set()
    for kind, _, body in found:
        for line in body.splitlines():
            key = kind, exports.exact(line)["id"]
            need(key not in keys, f"{key} was exported twice")
            keys.add(key)
    return keys


def kill_in_an_upload(place, one, url):
    """Whether one was seen."""
    while exports.poll(one.server, url) is None:
        for _ in range(20):
            if place.unfinished():
                one.kill()
                return True
            time.sleep(0.005)
    return False


def run_round(options, place, loaded, work, name, wanted):
    with store_export.Exporter(options.server, loaded, work, name, place, "--part-bytes", "40M",
                               "--lease", str(LEASE_SECONDS)) as one:
        url = one.kick_off()
        kills = 0
        for _ in range(2):
            kills += kill_in_an_upload(place, one, url)
            time.sleep(LEASE_SECONDS)
        manifest = one.wait(url)
        need(manifest.get("error") == [], "the manifest has errors")
        need(keys_of(store_export.files(place, manifest)) == wanted, "the export is not exact")
        store_export.check_objects(place, len(manifest["output"]))
        one.check_secrets()
        need(one.server.request("DELETE", url).status == 202, "the export cannot be removed")
        component.wait_until(lambda: place.all() == {}, "an empty store", seconds=fhir_server.PATIENCE)
    return kills


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=places.STORES)
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-killed-") as work:
        data = store_export.generate(options.generate, work, "--bytes", "80M")
        wanted = set(exports.read_data(data))
        loaded = store_export.load(options.server, work, data)
        kills = 0
        with places.open_place(options.store) as place:
            rounds = 0
            # A few rounds alone may meet no upload on a busy machine.
            while rounds < options.rounds or (kills == 0 and rounds < ROUNDS_MAX):
                kills += run_round(options, place, loaded, work, f"round{rounds}", wanted)
                rounds += 1
    print(f"{rounds} exports of {len(wanted)} resources, {kills} kills; all exact")
    need(kills > 0, "no upload was seen that was not finished")


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"store_killed.py: {failure}")
