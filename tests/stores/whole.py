#!/usr/bin/python3
"""Whole exports over HTTP to a store, downloaded through the manifest's URLs by plain curl.

    whole.py STORE --server PROGRAM --generate PROGRAM [--data FOLDER]

Each file is, byte for byte, the one that the same export writes to a folder: in one piece, in
several, and in gzip. Nothing else is in the store, and no secret where others can read. DELETE
removes all objects of an export.
"""
import argparse
import sys
import tempfile

import component
import store_export
import places
import exports
import fhir_server
from exports import need


def fetch(server, manifest):
    """The files of an export to a folder, in the order of its manifest."""
    return [(entry["type"], entry["count"], server.get(entry["url"]).body)
            for entry in manifest["output"]]


def check_headers(place, manifest, gzip):
    _, head = store_export.curl(manifest["output"][0]["url"], *place.curl, "--dump-header", "-",
                                "--output", "/dev/null")
    fields = dict(line.lower().split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    need(fields["content-type"] == "application/fhir+ndjson", f"the type is {fields}")
    need((fields.get("content-encoding") == "gzip") == gzip, f"the encoding is {fields}")


def compare(options, loaded, work, place, name, *more):
    """One export to the place and one to a folder; how many files, and their length."""
    with store_export.Exporter(options.server, loaded, work, name + "-folder", None, *more) as one:
        wanted = fetch(one.server, one.wait(one.kick_off()))
    with store_export.Exporter(options.server, loaded, work, name, place, *more) as one:
        url = one.kick_off()
        manifest = one.wait(url)
        gzip = "--gzip" in more
        need(manifest.get("error") == [], "the manifest has errors")
        need(manifest["requiresAccessToken"] is not place.signs,
             "requiresAccessToken is not what the URLs need")
        store_export.check_objects(place, len(wanted))
        if place.signs:
            found = store_export.files(place, manifest, *(["--compressed"] if gzip else []))
            check_headers(place, manifest, gzip)
        else:
            found = read(place, manifest)
        need(found == wanted, "the files are not those of the same export to a folder")
        one.check_secrets()
        need(one.server.request("DELETE", url).status == 202, "the export cannot be removed")
        end = lambda: place.all() == {} and place.unfinished() == []
        component.wait_until(end, "an empty store", seconds=fhir_server.PATIENCE)
        one.check_secrets()
    return len(wanted), sum(len(body) for _, _, body in wanted)


def read(place, manifest):
    """As somebody with rights of his own; the URLs are plain."""
    found = []
    for entry in manifest["output"]:
        need("?" not in entry["url"], "a URL that is not signed has a query")
        name = entry["url"].split(places.PREFIX + "/")[1]
        found.append((entry["type"], entry["count"], place.read(name)))
    return found


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=places.STORES)
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--data", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-whole-") as work:
        data = exports.find_data(options.data, options.generate, work, 60)
        loaded = store_export.load(options.server, work, data)
        large = tempfile.mkdtemp(dir=work)
        generated = store_export.load(options.server, large,
                                      store_export.generate(options.generate, large, "--bytes",
                                                            "30M"))
        with places.open_place(options.store) as place:
            for name, database, more in (("small", loaded, ["--part-bytes", "1M"]),
                                         ("pieces", generated, ["--part-bytes", "12M"])):
                count, size = compare(options, database, work, place, name, *more)
                print(f"{name}: {count} files of {size} bytes are the same", flush=True)
            if place.signs:
                count, size = compare(options, loaded, work, place, "gzip", "--gzip",
                                      "--part-bytes", "1M")
                print(f"gzip: {count} files of {size} bytes are the same")


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"whole.py: {failure}")
