#!/usr/bin/python3
"""Exports real resources through every kind of source and compares with an independent selection.

    real_data.py --export PROGRAM --push PROGRAM --generate PROGRAM [--data FOLDER]

The data are all resources of FOLDER (NDJSON, gzipped or not), or generated ones where it does not
exist. Each case is exported by the folder source, the SQLite source, a host's source that pushes
nothing down and one that pushes everything down; what must come out is worked out here, from the
text of the specification alone (FILTER-01, -02, -04, -06 to -08, -10, -12, -14, -17 to -20, -24,
-30 to -38; FILE-03, -04, -05, -17; MAN-13, -14). Added to the data are three Groups, one with every
kind of member, one that nests it and itself, one that nobody is in; Provenances of all kinds of
targets; and resources that are deleted.
"""
import argparse
import collections
import datetime
import glob
import gzip
import hashlib
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
    "Provenance": ["target"],
}


# The source that has no read_resource either.
NOTHING = "pushes nothing down"
TELLS_NO_DELETIONS = ("folder", "server")

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


def targets_of(provenance):
    """Type and id of each."""
    found = (re.fullmatch(r"(?:https?://.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?",
                          target.get("reference", ""))
             for target in provenance["target"])
    return {match.groups() for match in found if match}


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


def provenances(ids):
    """Some of each of many resources, some with several targets, some with none that is there."""
    def provenance(number, targets, recorded):
        return {"resourceType": "Provenance", "id": f"provenance-{number}",
                "meta": {"lastUpdated": f"2019-{1 + number % 12:02}-07T08:09:10.123Z"},
                "target": [{"reference": target} for target in targets], "recorded": recorded,
                "agent": [{"who": {"display": "x"}}]}

    some = [f"{kind}/{id_}" for kind in sorted(ids) for id_ in sorted(ids[kind])[::97]]
    some += [f"Patient/{id_}" for id_ in sorted(ids["Patient"])[::3]]
    made = []
    for number, target in enumerate(some):
        others = some[number * 7 % len(some)::len(some)] if number % 3 == 0 else []
        for age in range(1 + number % 3):
            recorded = f"201{age}-05-0{1 + number % 5}T00:00:00{'Z' if number % 2 else '+02:00'}"
            made.append(provenance(len(made), [target, *others], recorded))
    made.append(provenance(len(made), ["Observation/there-is-none"], "2015-01-01T00:00:00Z"))
    made.append(provenance(len(made), [some[0] + "/_history/2"], "2030-01-01T00:00:00Z"))
    made.append({**provenance(len(made), ["#x"], "2015-01-01T00:00:00Z"), "target": [{}]})
    return made


def add_more(folder, work):
    """A copy of the data with Groups and Provenances."""
    copy = os.path.join(work, "with-more")
    shutil.copytree(folder, copy)
    ids = collections.defaultdict(list)
    for path in sorted(glob.glob(os.path.join(copy, "*.ndjson*"))):
        for line in read_lines(path):
            resource = json.loads(line)
            ids[resource["resourceType"]].append(resource["id"])
    added = {"Group": groups(sorted(ids["Patient"]), min(ids["Practitioner"])),
             "Provenance": provenances(ids)}
    for kind, resources in added.items():
        with open(os.path.join(copy, kind + "-more.ndjson"), "w", encoding="utf-8") as file:
            for resource in resources:
                print(json.dumps(resource), file=file)
    return copy


def deletions(data):
    """What was deleted: resources like some of the data, under ids of their own, and when."""
    deleted = {}
    for number, (key, one) in enumerate(sorted(data.resources.items())):
        if number % 53 == 0 and key[0] != "Patient":
            id_ = "gone-" + key[1][:50]
            resource = {**one["resource"], "id": id_}
            deleted[key[0], id_] = {**one, "resource": resource, "text": json.dumps(resource),
                                    "updated": microseconds("2018-01-01T00:00:00Z")
                                    + number * 3600 * 1000000}
    return deleted


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
        self.deleted = deletions(self)
        self.known = {}
        self.everybody = {}

    def read(self, line):
        """A line that was exported: each different one is parsed once, for that is most of the work."""
        digest = hashlib.sha256(line.encode()).digest()
        if digest not in self.known:
            resource = exact(line)
            one = self.resources.get((resource["resourceType"], resource.get("id")))
            equal = one is not None and one["resource"] == resource
            self.known[digest] = one["resource"] if equal else resource
        return self.known[digest]

    def members(self, group):
        if group not in self.everybody:
            self.everybody[group] = self.members_at(group, NOW)
        return self.everybody[group]

    def members_at(self, group, now, seen=()):
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
                found |= self.members_at(match.group(2), now, (*seen, group))
            elif match and match.groups() in self.resources:
                found.add(match.groups())
        return found

    def in_scope(self, key, one, case):
        if case["patients"] and not one["patients"] & set(case["patients"]):
            return False
        if case["level"] == "group":
            members = self.members(case["group"])
            return key in members or bool({("Patient", id_) for id_ in one["patients"]} & members)
        return case["level"] is None or bool(one["patients"])

    @staticmethod
    def in_window(one, case):
        updated = one["updated"]
        if updated is None:
            return True
        return not (case["since"] and updated <= microseconds(case["since"])
                    or case["until"] and updated >= microseconds(case["until"]))

    def belongs(self, key, one, case, reads):
        """In scope; of a Provenance, one of its targets is in a compartment (FILTER-20)."""
        if key[0] != "Provenance" or case["level"] is None and not case["patients"]:
            return self.in_scope(key, one, case)
        nobody = None, None
        return any(self.in_scope(nobody, {"patients": {target[1]}}, case)
                   if target[0] == "Patient"
                   else reads and target in self.resources
                   and self.in_scope(nobody, self.resources[target], case)
                   for target in targets_of(one["resource"]))

    def related(self, case, wanted):
        """The Provenances of what is exported: all, or of each resource the newest. A Group's member
        that is nobody's data does not count (job.h, FHX_PROVENANCE_RELEVANT)."""
        of_target = collections.defaultdict(list)
        exported = {key for key in wanted
                    if self.in_scope((None, None), self.resources[key], case)}
        for key, one in self.resources.items():
            if key[0] == "Provenance":
                for target in targets_of(one["resource"]) & exported:
                    of_target[target].append(
                        (-microseconds(one["resource"]["recorded"]), -one["updated"], key))
        if case["provenance"] == "latest":
            return {min(found)[2] for found in of_target.values()}
        return {key for found in of_target.values() for _, _, key in found}

    def select(self, case, reads=True):
        wanted = {}
        for (kind, id_), one in self.resources.items():
            if case["types"] and kind not in case["types"]:
                continue
            if self.in_window(one, case) and self.belongs((kind, id_), one, case, reads):
                wanted[kind, id_] = one["resource"]
        if case["provenance"]:
            wanted = {key: one for key, one in wanted.items() if key[0] != "Provenance"}
            for key in self.related(case, wanted):
                wanted[key] = self.resources[key]["resource"]
        if case["by_patient"]:
            blocks = self.blocks(case, wanted).values()
            wanted = {key: one for key, one in wanted.items()
                      if any(key in block for block in blocks)}
        return wanted

    def blocks(self, case, wanted):
        """What is in the block of each patient that there is."""
        found = collections.defaultdict(set)
        for key in wanted:
            for patient in self.resources[key]["patients"]:
                if ("Patient", patient) in self.resources and \
                        self.in_scope(("Patient", patient), {"patients": {patient}}, case):
                    found[patient].add(key)
        return found

    def select_deleted(self, case):
        if not case["since"]:
            return set()
        return {key for key, one in self.deleted.items()
                if (not case["types"] or key[0] in case["types"]) and self.in_window(one, case)
                and self.in_scope(key, one, case)}

    def write_sqlite(self, path):
        with sqlite3.connect(path) as table:
            table.execute("CREATE TABLE resource (type TEXT, id TEXT, last_updated INTEGER,"
                          " json TEXT, PRIMARY KEY (type, id))")
            table.executemany("INSERT INTO resource VALUES (?, ?, ?, ?)",
                              [(kind, id_, one["updated"], one["text"])
                               for (kind, id_), one in self.resources.items()])
            table.execute("CREATE TABLE deleted (type TEXT, id TEXT, last_updated INTEGER,"
                          " json TEXT, PRIMARY KEY (type, id))")
            table.executemany("INSERT INTO deleted VALUES (?, ?, ?, ?)",
                              [(kind, id_, one["updated"], one["text"])
                               for (kind, id_), one in self.deleted.items()])
            table.execute("CREATE TABLE whose (patient TEXT, type TEXT, id TEXT,"
                          " PRIMARY KEY (patient, type, id)) WITHOUT ROWID")
            table.executemany("INSERT INTO whose VALUES (?, ?, ?)",
                              [(patient, kind, id_) for (kind, id_), one in self.resources.items()
                               for patient in one["patients"]])

    def write_rows(self, path):
        for name, rows in (path, self.resources), (path + ".deleted", self.deleted):
            with open(name, "w", encoding="utf-8") as file:
                for (kind, id_), one in sorted(rows.items(), key=lambda item: item[0][1]):
                    patients = "".join(patient + "," for patient in sorted(one["patients"]))
                    print(kind, id_, one["updated"], patients, one["text"], sep="\t", file=file)


class Export:
    """What came."""

    def __init__(self, data):
        self.data = data
        self.found, self.warnings, self.deleted = {}, 0, set()
        self.blocks = collections.defaultdict(set)

    def read_folder(self, folder):
        for path in sorted(glob.glob(os.path.join(folder, "*", "*.ndjson"))):
            with open(path, "rb") as file:
                self.read(os.path.basename(path).split("-")[0], file.read())
        return self

    def read(self, kind, data):
        assert data.endswith(b"\n") and not data.startswith(b"\n") and b"\n\n" not in data, kind
        assert b"\r" not in data, kind
        take = {"error": self.take_error, "deleted": self.take_deleted,
                "patients": self.take_in_block}.get(kind, self.take)
        self.patient = None
        for line in data.decode("utf-8")[:-1].split("\n"):
            take(kind, self.data.read(line))

    def take(self, kind, resource):
        assert resource["resourceType"] == kind, (kind, resource["resourceType"])
        key = kind, resource["id"]
        assert key not in self.found, f"{kind} twice"
        self.found[key] = resource

    def take_error(self, _, resource):
        assert resource["issue"][0]["severity"] == "warning", resource
        self.warnings += 1

    def take_deleted(self, _, bundle):
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction"), bundle
        assert bundle["entry"], "a Bundle without entries"
        for entry in bundle["entry"]:
            assert entry["request"]["method"] == "DELETE", entry
            key = tuple(entry["request"]["url"].split("/"))
            assert key not in self.deleted, "deleted twice"
            self.deleted.add(key)

    def take_in_block(self, _, resource):
        if resource["resourceType"] == "Parameters":
            (parameter,) = resource["parameter"]
            assert parameter["name"] == "header", parameter
            self.patient = parameter["valueReference"]["reference"].split("/")[1]
            return
        assert self.patient is not None, "a file does not begin with a header"
        key = resource["resourceType"], resource["id"]
        block = self.blocks[self.patient]
        assert key not in block, f"{key[0]} twice in a block"
        assert key[0] != "Patient" or not block, "a Patient is not the first of his block"
        block.add(key)
        assert self.found.setdefault(key, resource) == resource


def cases(data):
    times = sorted(one["updated"] for one in data.resources.values() if one["updated"] is not None)
    patients = sorted(id_ for kind, id_ in data.resources if kind == "Patient")

    def instant(us):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
        return moment.isoformat(timespec="microseconds") + "Z"

    def case(types=(), since=None, until=None, some=(), level=None, group=None,
             warnings=0, provenance=None, by_patient=False):
        return {"types": list(types), "since": since, "until": until, "patients": list(some),
                "level": level, "group": group, "warnings": warnings, "provenance": provenance,
                "by_patient": by_patient}

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
            case(level="group", group="nests", types=["Observation", "Encounter"], warnings=7),
            case(provenance="relevant"), case(provenance="latest"),
            case(level="patient", provenance="latest", types=["Observation", "Condition"]),
            case(some=patients[:3], provenance="relevant", since=early),
            case(level="group", group="nests", provenance="latest", until=late, warnings=7),
            case(level="group", group="every-kind", types=["Provenance"], warnings=6),
            case(by_patient=True), case(by_patient=True, level="patient", since=early),
            case(by_patient=True, some=patients[::5], types=["Observation", "Encounter"]),
            case(by_patient=True, level="group", group="every-kind", warnings=6)]


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
    if case["by_patient"]:
        given += ["--by-patient"] if programs_own else ["_organize=Patient"]
    if case["provenance"]:
        given += ["--provenance", case["provenance"]] if programs_own else \
            [f"_provenance={['relevant', 'latest'].index(case['provenance']) + 1}"]
    return given


def compare(name, case, export, data):
    """Exactly what is wanted; how many that is. A server adds versions to resources."""
    wanted = data.select(case, reads=name != NOTHING)
    missing, extra = wanted.keys() - export.found.keys(), export.found.keys() - wanted.keys()
    assert not missing and not extra, \
        f"{name}: {len(missing)} missing, {len(extra)} too many for {case}"
    assert export.warnings == case["warnings"], f"{name}: {export.warnings} warnings"
    changed = [key for key in wanted if wanted[key] != export.found[key] and name != "server"]
    assert not changed, f"{name}: {len(changed)} are not JSON-equal"
    if case["by_patient"]:
        assert dict(export.blocks) == dict(data.blocks(case, wanted)), f"{name}: other blocks"
    deleted = set() if name in TELLS_NO_DELETIONS else data.select_deleted(case)
    assert export.deleted == deleted, \
        f"{name}: {len(export.deleted)} deletions, not {len(deleted)}, for {case}"
    return len(wanted)


def can(name, case):
    """What a source lacks is refused at the start."""
    return not (case["by_patient"] and name == "folder" or case["provenance"] and name == NOTHING)


def cases_to_run(data):
    """In a short run some of every kind: the levels, the bounds, the patients, Provenances, blocks."""
    return cases(data)[1::3] if os.environ.get("FHX_QUICK") else cases(data)


def run_case(commands, case, data):
    counts = {}
    for name, (command, programs_own) in commands.items():
        with tempfile.TemporaryDirectory() as out:
            command = [argument if argument != "OUT" else out for argument in command]
            done = subprocess.run(command + as_options(case, programs_own), check=False,
                                  capture_output=True, text=True, timeout=600)
            if not can(name, case):
                parameter = "organizeOutputBy" if case["by_patient"] else "includeAssociatedData"
                assert done.returncode == 1 and parameter in done.stderr, (name, done.stderr)
                continue
            assert done.returncode == 0, (name, done.stderr)
            counts[name] = compare(name, case, Export(data).read_folder(out), data)
    return counts


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
        folder, given = add_more(folder, work), folder
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
            "sqlite": ([options.export, "--sqlite", database, "--deleted-table", "deleted",
                        "--patient-table", "whose", "--threads", "2"] + common, True),
            NOTHING: ([options.push, "none", rows, "OUT"], False),
            "pushes everything down": ([options.push, "all", rows, "OUT"], False),
        }
        for case in cases_to_run(data):
            counts = run_case(commands, case, data)
            print(f"{max(counts.values())} resources by {len(counts)} sources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
