#!/usr/bin/python3
"""Exports real resources through every kind of source and compares with an independent selection.

    real_data.py --export PROGRAM --push PROGRAM --generate PROGRAM [--data FOLDER]

The data are all resources of FOLDER (NDJSON, gzipped or not), or generated ones where it does not
exist. Each case is exported by the folder source, the SQLite source, a host's source that pushes
nothing down and one that pushes everything down; what must come out is worked out here, from the
text of the specification alone (FILTER-01, -02, -04, -06 to -08, -10, -12, -14, -17, -30 to -38;
FILE-03, -04, -05). Three Groups are added to the data: one with every kind of member, one that nests
it and itself, one that nobody is in.
"""
import argparse
import collections
import datetime
import glob
import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

# The Patient compartment of FHIR R4, as far as these data go: where a resource names its patients.
# A Patient is in by its id alone; its link.other is not followed.
COMPARTMENT = {
    "AllergyIntolerance": ["patient", "recorder", "asserter"],
    "CarePlan": ["subject", "activity.detail.performer"],
    "CareTeam": ["subject", "participant.member"],
    "Claim": ["patient", "payee.party"],
    "Condition": ["subject", "asserter"],
    "DiagnosticReport": ["subject"],
    "Encounter": ["subject"],
    "ExplanationOfBenefit": ["patient", "payee.party"],
    "Group": ["member.entity"],
    "ImagingStudy": ["subject"],
    "Immunization": ["patient"],
    "MedicationRequest": ["subject"],
    "Observation": ["subject", "performer"],
    "Procedure": ["subject", "performer.actor"],
}


NOW = datetime.datetime.now(datetime.timezone.utc).isoformat()


def read_lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line.strip()]


def elements(node, path):
    if isinstance(node, list):
        return [found for item in node for found in elements(item, path)]
    if not path:
        return [node] if isinstance(node, dict) else []
    return elements(node.get(path[0]), path[1:]) if isinstance(node, dict) else []


def patients_of(resource):
    found = {resource["id"]} if resource["resourceType"] == "Patient" else set()
    for path in COMPARTMENT.get(resource["resourceType"], []):
        for element in elements(resource, path.split(".")):
            match = re.fullmatch(r"(?:https?://.*/)?Patient/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?",
                                 element.get("reference", ""))
            if match:
                found.add(match.group(1))
    return found


def microseconds(instant):
    moment = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
    return round((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc))
                 / datetime.timedelta(microseconds=1))


def groups(patients, practitioner):
    def member(reference, **more):
        return {"entity": {"reference": reference}, **more}

    def group(id_, members):
        return {"resourceType": "Group", "id": id_, "type": "person",
                "meta": {"lastUpdated": "2019-09-01T00:00:00Z"}, "actual": True,
                "member": members}

    named = [f"Patient/{id_}" for id_ in patients]
    return [
        group("every-kind", [
            *map(member, named[::4]), member(named[0]), member(named[1], inactive=True),
            member(named[2], period={"end": "2019-12-31"}), member(named[3], period={"end": NOW[:4]}),
            member(named[5], period={"start": "3000"}), member(named[6] + "/_history/3"),
            member("Patient/there-is-no-such-patient"), member("urn:uuid:" + patients[7]),
            member("#p1"), {"entity": {"identifier": {"value": "x"}}}, {"entity": {"display": "x"}},
            member(named[9], period={"start": "no date"})]),
        group("nests", [member("Group/every-kind"), member("Group/nests"), member(named[10]),
                        member("Practitioner/" + practitioner), member("Group/there-is-none")]),
        group("empty", [member(named[0], inactive=True)])]


def add_groups(folder, work):
    """A copy of the data with the Groups."""
    copy = os.path.join(work, "with-groups")
    shutil.copytree(folder, copy)
    ids = collections.defaultdict(list)
    for kind in ("Patient", "Practitioner"):
        for path in glob.glob(os.path.join(copy, kind + "*.ndjson*")):
            ids[kind] += [json.loads(line)["id"] for line in read_lines(path)]
    with open(os.path.join(copy, "Group-more.ndjson"), "w", encoding="utf-8") as file:
        for group in groups(sorted(ids["Patient"]), min(ids["Practitioner"])):
            print(json.dumps(group), file=file)
    return copy


def exact(text):
    return json.loads(text, parse_float=str, parse_int=str)


class Data:
    def __init__(self, folder):
        self.resources = {}
        for path in sorted(glob.glob(os.path.join(folder, "*.ndjson*"))):
            for line in read_lines(path):
                resource = exact(line)
                key = resource["resourceType"], resource["id"]
                assert key not in self.resources, key
                updated = resource.get("meta", {}).get("lastUpdated")
                self.resources[key] = {
                    "text": line, "resource": resource, "patients": patients_of(resource),
                    "updated": microseconds(updated) if updated else None}

    def members(self, group, now, seen=()):
        """Everybody in a Group: patients, and others by type and id."""
        found = set()
        if group in seen or ("Group", group) not in self.resources:
            return found
        for member in self.resources["Group", group]["resource"].get("member", []):
            period = {bound: date for bound, date in member.get("period", {}).items()
                      if date[0].isdigit()}
            if member.get("inactive") or period.get("start", "") > now:
                continue
            # The dates here are whole years and days: a text that `now` begins with is not over.
            end = period.get("end", now)
            if end < now and not now.startswith(end):
                continue
            match = re.fullmatch(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?",
                                 member["entity"].get("reference", ""))
            if match and match.group(1) == "Group":
                found |= self.members(match.group(2), now, (*seen, group))
            elif match and match.groups() in self.resources:
                found.add(match.groups())
        return found

    def in_scope(self, key, one, case):
        if case["level"] == "group":
            members = self.members(case["group"], NOW)
            return key in members or bool({("Patient", id_) for id_ in one["patients"]} & members)
        return case["level"] is None or bool(one["patients"])

    def select(self, case):
        wanted = {}
        for (kind, id_), one in self.resources.items():
            if not self.in_scope((kind, id_), one, case):
                continue
            updated = one["updated"]
            if case["types"] and kind not in case["types"]:
                continue
            if case["since"] and updated is not None and updated <= microseconds(case["since"]):
                continue
            if case["until"] and updated is not None and updated >= microseconds(case["until"]):
                continue
            if case["patients"] and not one["patients"] & set(case["patients"]):
                continue
            wanted[kind, id_] = one["resource"]
        return wanted

    def write_sqlite(self, path):
        with sqlite3.connect(path) as table:
            table.execute("CREATE TABLE resource (type TEXT, id TEXT, last_updated INTEGER,"
                          " json TEXT, PRIMARY KEY (type, id))")
            table.executemany("INSERT INTO resource VALUES (?, ?, ?, ?)",
                              [(kind, id_, one["updated"], one["text"])
                               for (kind, id_), one in self.resources.items()])

    def write_rows(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for (kind, id_), one in sorted(self.resources.items(), key=lambda item: item[0][1]):
                patients = "".join(patient + "," for patient in sorted(one["patients"]))
                print(kind, id_, one["updated"], patients, one["text"], sep="\t", file=file)


def read_export(folder):
    """What came, and how many warnings."""
    found, warnings = {}, 0
    for path in glob.glob(os.path.join(folder, "*", "*.ndjson")):
        with open(path, "rb") as file:
            data = file.read()
        assert data.endswith(b"\n") and not data.startswith(b"\n") and b"\n\n" not in data, path
        assert b"\r" not in data, path
        kind = os.path.basename(path).split("-")[0]
        for line in data.decode("utf-8")[:-1].split("\n"):
            resource = exact(line)
            if kind == "error":
                assert resource["issue"][0]["severity"] == "warning", line
                warnings += 1
                continue
            assert resource["resourceType"] == kind, (kind, resource["resourceType"])
            key = kind, resource["id"]
            assert key not in found, f"{kind} twice"
            found[key] = resource
    return found, warnings


def cases(data):
    times = sorted(one["updated"] for one in data.resources.values() if one["updated"] is not None)
    patients = sorted(id_ for kind, id_ in data.resources if kind == "Patient")

    def instant(us):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
        return moment.isoformat(timespec="microseconds") + "Z"

    def case(types=(), since=None, until=None, some=(), level=None, group=None,
             warnings=0):
        return {"types": list(types), "since": since, "until": until, "patients": list(some),
                "level": level, "group": group, "warnings": warnings}

    # The bounds are times of resources, so that "exclusive" shows.
    early, late = instant(times[len(times) // 4]), instant(times[len(times) * 3 // 4])
    return [case(), case(types=["Observation", "Patient"]), case(since=early), case(until=late),
            case(since=early, until=late, types=["Encounter", "Claim", "Condition"]),
            case(some=patients[:1]), case(some=patients[::3]),
            case(some=patients[1::4], since=early, types=["Patient", "Observation"]),
            case(since=instant(times[-1])),
            case(level="patient"), case(level="patient", since=early, some=patients[2:9]),
            case(level="group", group="every-kind", warnings=6),
            case(level="group", group="nests", warnings=7),
            case(level="group", group="empty"),
            case(level="group", group="nests", since=early, until=late, warnings=7),
            case(level="group", group="nests", types=["Observation", "Encounter"], warnings=7)]


def as_options(case, programs_own):
    option = (lambda name, value: [f"--{name}", value]) if programs_own else \
        (lambda name, value: [("patient=" if name == "patient" else f"_{name}=") + value])
    given = []
    for kind in case["types"]:
        given += option("type", kind)
    for name in ("since", "until"):
        given += option(name, case[name]) if case[name] else []
    for patient in case["patients"]:
        given += option("patient", patient)
    if case["level"] == "group":
        given += ["--group", case["group"]] if programs_own else ["_group=" + case["group"]]
    elif case["level"] == "patient":
        given += ["--all-patients"] if programs_own else ["_level=patient"]
    return given


def run_case(commands, case, wanted):
    for name, (command, programs_own) in commands.items():
        with tempfile.TemporaryDirectory() as out:
            command = [argument if argument != "OUT" else out for argument in command]
            subprocess.run(command + as_options(case, programs_own), check=True,
                           stdout=subprocess.DEVNULL, timeout=300)
            found, warnings = read_export(out)
        missing, extra = wanted.keys() - found.keys(), found.keys() - wanted.keys()
        assert not missing and not extra, \
            f"{name}: {len(missing)} missing, {len(extra)} too many for {case['types']}"
        assert warnings == case["warnings"], f"{name}: {warnings} warnings"
        changed = [key for key in wanted if wanted[key] != found[key]]
        assert not changed, f"{name}: {len(changed)} are not JSON-equal"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True)
    parser.add_argument("--push", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--data", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-real-") as work:
        folder = options.data
        if not os.path.isdir(folder):
            folder = os.path.join(work, "data")
            os.mkdir(folder)
            subprocess.run([options.generate, "--out", folder, "--patients", "60"], check=True,
                           stdout=subprocess.DEVNULL)
        folder, given = add_groups(folder, work), folder
        data = Data(folder)
        counts = collections.Counter(kind for kind, _ in data.resources)
        print(f"{len(data.resources)} resources of {len(counts)} types,"
              f" {'real' if given == options.data else 'generated'}")
        database, rows = os.path.join(work, "fhir.sqlite"), os.path.join(work, "rows")
        data.write_sqlite(database)
        data.write_rows(rows)
        common = ["--out", "OUT", "--part-bytes", str(1 << 20), "--quiet"]
        commands = {
            "folder": ([options.export, "--folder", folder] + common, True),
            "sqlite": ([options.export, "--sqlite", database, "--threads", "2"] + common, True),
            "pushes nothing down": ([options.push, "none", rows, "OUT"], False),
            "pushes everything down": ([options.push, "all", rows, "OUT"], False),
        }
        for case in cases(data):
            wanted = data.select(case)
            run_case(commands, case, wanted)
            print(f"{len(wanted)} resources by all {len(commands)} sources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
