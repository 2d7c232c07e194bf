#!/usr/bin/env python3
"""Checks what fhirexport-generate wrote; generator.sh runs it. Exits with 1 and a sentence."""

import datetime
import gzip
import json
import pathlib
import re
import resource
import sqlite3
import subprocess
import sys

TYPES = ("Claim Condition Encounter Group MedicationRequest Observation Organization Patient "
         "Practitioner").split()
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def check(holds, sentence):
    if not holds:
        sys.exit("generator_check: " + sentence)


def parse(text):
    """Numbers stay text, so that 1.10 is not 1.1; a key given twice is an error."""
    def no_twins(pairs):
        check(len(pairs) == len(dict(pairs)), "an object has a key twice")
        return dict(pairs)
    return json.loads(text, parse_float=str, object_pairs_hook=no_twins)


def read_folder(folder):
    """All resources of a folder of NDJSON by (type, id)."""
    found = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        name, _, kind = path.name.partition(".")
        data = (gzip.open if kind == "ndjson.gz" else open)(path, "rb").read()
        check(data.endswith(b"\n") and b"\r" not in data, f"{path.name} does not end in a line feed")
        last = ""
        for line in data.decode("utf-8").split("\n")[:-1]:
            one = parse(line)
            check(one["resourceType"] == name, f"{path.name} has a resource of another type")
            check(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", one["id"]), "an id is not a FHIR id")
            check(one["id"] > last, f"ids of {name} do not ascend, or one is there twice")
            last = one["id"]
            found[name, last] = one
    check(sorted({kind for kind, _ in found}) == TYPES, "a type is missing")
    return found


def references(value):
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def check_references(found):
    for (kind, _), one in found.items():
        for reference in references(one):
            check(tuple(reference.split("/")) in found, f"a reference in a {kind} leads nowhere")
        if kind in ("Observation", "Condition", "MedicationRequest"):
            visit = found[tuple(one["encounter"]["reference"].split("/"))]
            check(visit["subject"]["reference"] == one["subject"]["reference"],
                  f"a {kind} and its Encounter have different patients")


def check_groups(found):
    groups = {name: one for (kind, name), one in found.items() if kind == "Group"}
    members = {name: one.get("member", []) for name, one in groups.items()}
    for name, group in groups.items():
        check(group["quantity"] == len(members[name]), "a Group's quantity is wrong")
    everybody = [one["entity"]["reference"] for one in members["cohort-all"]]
    patients = ["Patient/" + name for kind, name in found if kind == "Patient"]
    check(sorted(everybody) == sorted(patients), "cohort-all is not everybody")
    check("member" not in groups["cohort-empty"], "cohort-empty is not empty")
    check({one["inactive"] for one in members["cohort-inactive"]} == {True, False},
          "cohort-inactive does not have both kinds of member")
    check({"end" in one["period"] for one in members["cohort-periods"]} == {True, False},
          "cohort-periods does not have both kinds of period")
    check(any(one["entity"]["reference"].startswith("Group/") for one in members["cohort-nested"]),
          "cohort-nested has no Group as a member")


def check_variety(found, folder):
    """The data is there to try exporters: it must have what trips them up."""
    texts = [one["meta"]["lastUpdated"] for one in found.values()]
    instants = [INSTANT.fullmatch(text) for text in texts]
    check(all(instants), "a lastUpdated is not a FHIR instant")
    check({len(one[2] or "") for one in instants} >= {0, 3, 6}, "fractions are all alike")
    check({"Z", "+01:00", "-05:00", "+05:30"} <= {one[3] for one in instants}, "offsets are missing")
    check(len({text[:4] for text in texts}) >= 10, "lastUpdated is not spread over years")
    check(len({len(name) for _, name in found}) > 20, "ids are all of a length")
    raw = b"".join(path.read_bytes() for path in sorted(pathlib.Path(folder).iterdir())).decode()
    for what, pattern in (("an accent", "[é-ü]"), ("Greek", "[Α-ω]"), ("Cyrillic", "[А-я]"),
                          ("CJK", "[一-鿿]"), ("Hangul", "[가-힣]"), ("Hebrew", "[א-ת]"),
                          ("Arabic", "[ء-ي]"), ("an emoji", "[\U0001f300-\U0001faff]"),
                          ("an ideograph beyond the BMP", "[\U00020000-\U0002ffff]"),
                          ("\\u of a character", r"\\u0[0-9a-f]{3}"), ("\\/", r"\\/"),
                          ("a surrogate pair", r"\\ud[89ab]..\\ud[c-f].."), ("\\n", r"\\n"),
                          ("a final zero", r":\d+\.\d*0,"), ("an exponent", r":\d\.\d+e\d+,")):
        check(re.search(pattern, raw), f"there is no string or number with {what}")


def microseconds(text):
    match = INSTANT.fullmatch(text)
    moment = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1000000 + int((match[2] or "").ljust(6, "0"))


def check_database(found, path):
    database = sqlite3.connect(path)
    rows = database.execute("SELECT type, id, last_updated, json FROM resource ORDER BY rowid")
    last, pretty, count = ("", ""), 0, 0
    for kind, name, updated, text in rows:
        check((kind, name) > last, "rows are not in the order of (type, id)")
        last = (kind, name)
        check(parse(text) == found.get(last), "a row differs from the resource in the files")
        check(updated == microseconds(found[last]["meta"]["lastUpdated"]), "last_updated is wrong")
        pretty += "\n" in text
        count += 1
    check(count == len(found), "the table and the files differ in what they have")
    check(0.05 < pretty / count < 0.15, "about a tenth of the rows should be pretty-printed")
    plan = database.execute("EXPLAIN QUERY PLAN SELECT json FROM resource WHERE type = 'Claim' "
                            "AND id > 'a' ORDER BY id").fetchall()
    check("USING INDEX" in plan[0][3] and len(plan) == 1, "ordered reading does not use the index")


def check_memory(generator, small, large, *options):
    """The peak of a run ten times as long is not higher by more than 4 MiB."""
    peaks = []
    for folder, size in ((small, "10M"), (large, "100M")):
        command = [generator, "--out", folder, "--bytes", size, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # The peak of all children so far: it can only be raised by the larger run.
        peaks.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    check(peaks[1] - peaks[0] <= 4096, f"memory grew from {peaks[0]} to {peaks[1]} KiB")


def main():
    what, *arguments = sys.argv[1:]
    if what == "memory":
        check_memory(*arguments)
        return
    found = read_folder(arguments[0])
    if what == "content":
        check_references(found)
        check_groups(found)
        check_variety(found, arguments[0])
    elif what == "same":
        check(read_folder(arguments[1]) == found, "the two folders differ")
    elif what == "database":
        check_database(found, arguments[1])
    else:
        sys.exit("generator_check: unknown check " + what)


main()
