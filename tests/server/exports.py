"""A client of $export for the tests: kicks off, polls, downloads, and compares what came."""
import glob
import gzip
import json
import os
import subprocess
import time
import urllib.parse

import fhir_server


class Failure(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Failure(message)


def exact(text):
    """JSON with the digits of its numbers, apart from strings that look the same."""
    return json.loads(text, parse_float=lambda digits: ("number", digits),
                      parse_int=lambda digits: ("number", digits))


def find_data(folder, generate, work, patients):
    """`folder` if there is one, else generated data."""
    if os.path.isdir(folder):
        return folder
    folder = os.path.join(work, "data")
    os.mkdir(folder)
    subprocess.run([generate, "--out", folder, "--patients", str(patients)], check=True,
                   stdout=subprocess.DEVNULL)
    return folder


def read_data(folder):
    """All resources of a folder, by type and id."""
    resources = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.ndjson*"))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
            for line in file.read().split("\n"):
                if line.strip():
                    resource = exact(line)
                    key = resource["resourceType"], resource["id"]
                    need(key not in resources, f"the data have a {key[0]} twice")
                    resources[key] = resource
    need(resources, "there are no data")
    return resources


def write_key(folder):
    path = os.path.join(folder, "url-keys")
    with open(path, "w", encoding="ascii") as file:
        print(os.urandom(32).hex(), file=file)
    return path


def kick_off(server, query=""):
    """The poll URL."""
    answer = server.get("/$export" + query, headers={"Accept": "application/fhir+json",
                                                     "Prefer": "respond-async"})
    need(answer.status == 202, f"the kick-off was answered {answer.status}: {answer.body}")
    return answer.header("Content-Location")


def poll(server, url):
    """The manifest; None while the export runs."""
    answer = server.get(url)
    if answer.status == 202:
        return None
    need(answer.status == 200, f"the poll was answered {answer.status}: {answer.body}")
    return answer.json()


def wait(server, url, seconds=600):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        manifest = poll(server, url)
        if manifest is not None:
            return manifest
        time.sleep(0.1)
    raise Failure(f"the export was not complete after {seconds} s")


def read_lines(server, entry):
    answer = server.get(entry["url"])
    need(answer.status == 200, f"a file was answered {answer.status}: {answer.body[:200]}")
    need(answer.header("Content-Type") == "application/fhir+ndjson", "a file is of another type")
    need(answer.body.endswith(b"\n") and b"\n\n" not in answer.body and b"\r" not in answer.body,
         "a file has a line that is empty or does not end")
    lines = answer.body.decode()[:-1].split("\n")
    need(len(lines) == entry["count"], f"a file has {len(lines)} lines, not {entry['count']}")
    return lines


def download(server, manifest):
    """All resources of an export, by type and id; each may be there once only."""
    need(manifest["error"] == [], "the manifest has errors")
    found = {}
    for entry in manifest["output"]:
        for line in read_lines(server, entry):
            resource = exact(line)
            key = resource["resourceType"], resource["id"]
            need(key[0] == entry["type"], f"a {key[0]} is in a file of {entry['type']}")
            need(key not in found, f"{key} was exported twice")
            found[key] = resource
    return found


def deletions(server, manifest):
    """Type and id of all that the export says was deleted."""
    found = set()
    for entry in manifest.get("deleted", []):
        for line in read_lines(server, entry):
            for one in json.loads(line)["entry"]:
                need(one["request"]["method"] == "DELETE", "a deletion is none")
                key = tuple(one["request"]["url"].split("/"))
                need(key not in found, f"{key} was told twice")
                found.add(key)
    return found


def file_names(manifest):
    """Where the files are in the folder they were exported to."""
    entries = [*manifest["output"], *manifest.get("deleted", []), *manifest.get("error", [])]
    paths = [urllib.parse.urlsplit(entry["url"]).path for entry in entries]
    return {"/".join(path.split("/")[-2:]) for path in paths}


def without_stamp(resource, original):
    """Without what the server adds to `original`: a version, and a time where it had none."""
    meta = dict(resource.get("meta", {}))
    meta.pop("versionId", None)
    if "lastUpdated" not in original.get("meta", {}):
        meta.pop("lastUpdated", None)
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta or "meta" in original else rest


def compare(found, wanted):
    """Exactly the same resources, JSON-equal but for versions and added times."""
    missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    need(not missing and not extra, f"{len(missing)} missing, {sorted(missing)[:3]}; "
         f"{len(extra)} too many, {sorted(extra)[:3]}")
    for key, original in wanted.items():
        need(without_stamp(found[key], original) == without_stamp(original, original),
             f"{key} is not as it was")


def start(program, *options, **more):
    fhir_server.PROGRAM = program
    return fhir_server.Server(*options, **more)
