#!/usr/bin/python3
"""The job of FHIR Works on AWS: from DynamoDB to S3, by examples/dynamodb_to_s3.

    dynamodb.py --export PROGRAM --generate PROGRAM

The table has versions in all states that FHIR Works knows. What must come out is worked out here.
"""
import argparse
import decimal
import json
import os
import subprocess
import sys
import tempfile
import uuid

import component
import dynalite
import store_export
import places
import exports
from exports import need

TABLE = "resource-db"
OWN = {"documentStatus": {"S": "AVAILABLE"}, "lockEndTs": {"N": "1700000000000"},
       "_references": {"L": [{"S": "Patient/x"}]}}


def attribute(value):
    """As DynamoDB writes a value."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (int, decimal.Decimal)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [attribute(inner) for inner in value]}
    return {"M": {name: attribute(inner) for name, inner in value.items()}}


def item(resource, version, status):
    """One version of a resource, and the resource as it must come out."""
    stamp = f"2024-01-0{version}T00:00:00.{version:03}Z"
    resource = {**resource, "meta": {"lastUpdated": stamp, "versionId": str(version)}}
    attributes = {name: attribute(value) for name, value in resource.items()}
    return {**attributes, **OWN, "vid": {"N": str(version)}, "documentStatus": {"S": status}}, resource


# What the table may hold of one resource, oldest first, and which version is in force.
HISTORIES = [
    (["AVAILABLE"], 1), (["DELETED", "AVAILABLE"], 2), (["LOCKED", "PENDING"], 1),
    (["DELETED", "DELETED", "PENDING_DELETE"], 3), (["DELETED", "DELETED"], None),
    (["AVAILABLE", "AVAILABLE", "AVAILABLE"], 3), (["PENDING"], None)]


def fill(table, data):
    """Writes all resources of a folder; those that must come out, by type and id."""
    wanted, items = {}, []
    for number, path in enumerate(sorted(os.listdir(data))):
        with open(os.path.join(data, path), encoding="utf-8") as file:
            for line in file:
                resource = read_json(line)
                number += 1
                # There, no two resources have the same id, whatever their types.
                name = f"{resource['resourceType']}/{resource['id']}"
                resource["id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
                states, in_force = HISTORIES[number % len(HISTORIES)]
                for version, state in enumerate(states, 1):
                    one, whole = item(resource, version, state)
                    items.append(one)
                    if version == in_force:
                        wanted[resource["resourceType"], resource["id"]] = whole
    items.append(item({"resourceType": "Basic", "id": "b", "numbers": [
        decimal.Decimal("-0.000001"), 12345678901234567890, decimal.Decimal("1.5")],
        "text": "ä\"\\\n\t \U0001f600/", "nothing": None, "flag": False, "empty": {}, "none": []}, 1,
        "AVAILABLE")[0])
    wanted["Basic", "b"] = None
    table.write(TABLE, items)
    return wanted, len(items)


def read_json(text):
    """With numbers as exact as they are written; DynamoDB drops zeros at their ends."""
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def run(options, place, table, *more, code=0):
    done = subprocess.run(
        [options.export, "--table", TABLE, "--to", place.url, "--endpoint", table.endpoint, *more],
        env={**os.environ, **place.environment}, capture_output=True, text=True, check=False)
    need(done.returncode == code, f"{more}: ended with {done.returncode}: {done.stderr}")
    return done


def download(place, manifest):
    found = {}
    for kind, _, body in store_export.files(place, manifest):
        for line in body.decode().splitlines():
            resource = read_json(line)
            key = resource["resourceType"], resource["id"]
            need(key[0] == kind and key not in found, f"{key} is in the wrong file, or twice")
            found[key] = resource
    return found


def check(options, place, table, wanted, *more):
    manifest = json.loads(run(options, place, table, *more).stdout)
    need(manifest["error"] == [], "the manifest has errors")
    found = download(place, manifest)
    missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    need(not missing and not extra, f"{more}: {len(missing)} missing, {sorted(missing)[:3]}; "
         f"{len(extra)} too many, {sorted(extra)[:3]}")
    for key, resource in wanted.items():
        if resource is not None:
            need(found[key] == resource, f"{key} is not as it was stored")
    return manifest, found


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True)
    parser.add_argument("--generate", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-dynamodb-") as work, \
            places.open_place("rgw") as place, dynalite.Dynalite() as table:
        data = store_export.generate(options.generate, work, "--patients", "15")
        table.create_table(TABLE, "id", ("vid", "N"))
        wanted, items = fill(table, data)
        manifest, found = check(options, place, table, wanted, "--segments", "4", "--page-items",
                                "11", "--part-bytes", "50000")
        basic = found["Basic", "b"]
        need(str(basic["numbers"][0]) in ("-0.000001", "-1E-6") and basic["flag"] is False and
             basic["numbers"][1] == 12345678901234567890 and basic["nothing"] is None and
             basic["text"] == "ä\"\\\n\t \U0001f600/", f"Basic/b is {basic}")
        store_export.check_objects(place, len(manifest["output"]))
        some = {key: value for key, value in wanted.items() if key[0] == "Observation"}
        check(options, place, table, some, "--type", "Observation", "--threads", "1")
        newer = {key: value for key, value in some.items()
                 if value["meta"]["lastUpdated"] > "2024-01-02T12:00:00Z"}
        need(newer, "nothing is that new")
        check(options, place, table, newer, "--type", "Observation", "--since",
              "2024-01-02T12:00:00Z")
        need("DynamoDB" in run(options, place, table, "--table", "absent", code=1).stderr,
             "a table that is absent is not told")
    print(f"{len(wanted)} resources of {items} items, exact")


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"dynamodb.py: {failure}")
