#!/usr/bin/python3
"""Patient and Group exports over HTTP, by a server that reads them through an index of patients.

    groups.py SERVER GENERATE [DATA]

What must come out is worked out by tests/real_data/real_data.py, from the specification alone. The
data are those of the folder DATA, or generated ones where it does not exist.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

import fhir_server
from fhir_server import Server, ServerTest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "real_data"))
import real_data  # noqa: E402

FOLDER = None
ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
JSON = {**ASYNC, "Content-Type": "application/fhir+json"}


VALUES = {"_since": "valueInstant", "_until": "valueInstant", "includeAssociatedData": "valueCode"}


def key(resource):
    return resource["resourceType"], resource["id"]


def group(id_, members, **more):
    return {"resourceType": "Group", "id": id_, "type": "person", "actual": True,
            "member": [{"entity": {"reference": member}} if isinstance(member, str) else member
                       for member in members], **more}


def patient(id_):
    return {"resourceType": "Patient", "id": id_}


def observation(id_, subject, **more):
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"},
            "subject": {"reference": subject}, **more}


class GroupTest(ServerTest):
    def kick_off(self, path, body=None, headers=None, server=None):
        server = server or self.server
        if body is None:
            answer = server.get(path, headers=headers or ASYNC)
        else:
            answer = server.request("POST", path, json.dumps(body).encode(), headers or JSON)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.header("Content-Location")

    def manifest(self, url, server=None):
        end = time.monotonic() + fhir_server.PATIENCE
        while time.monotonic() < end:
            answer = (server or self.server).get(url)
            if answer.status != 202:
                self.assertEqual(answer.status, 200, answer.body)
                return answer.json()
            time.sleep(0.1)
        self.fail("the export does not end")

    def lines(self, entries, server=None):
        for entry in entries:
            answer = (server or self.server).get(entry["url"])
            self.assertEqual(answer.status, 200)
            lines = answer.body.decode().split("\n")
            self.assertEqual((len(lines) - 1, lines[-1]), (entry["count"], ""))
            for line in lines[:-1]:
                yield entry, line

    def export(self, path, body=None, server=None, **more):
        """All resources by type and id, each once (FILTER-14), and the texts of the warnings."""
        manifest = self.manifest(self.kick_off(path, body, server=server, **more), server=server)
        found = {}
        for entry, line in self.lines(manifest["output"], server):
            resource = real_data.exact(line)
            self.assertEqual(resource["resourceType"], entry["type"])
            self.assertNotIn(key(resource), found, "exported twice")
            found[key(resource)] = resource
        outcomes = [json.loads(line) for _, line in self.lines(manifest["error"], server)]
        for outcome in outcomes:
            self.check_issues(outcome)
            self.assertEqual(outcome["issue"][0]["severity"], "warning")
        return found, [outcome["issue"][0]["diagnostics"] for outcome in outcomes]

    def names(self, *arguments, **more):
        return set(self.export(*arguments, **more)[0])


class RealData(GroupTest):
    """The same cases as those of the sources without an index: the same sets (FILTER-06, -08, -10,
    -12, -14, -17 to -20, -30 to -39; FILE-17, MAN-18; lessons 1, 8, 11, 12, 16)."""

    @classmethod
    def setUpClass(cls):
        cls.data = real_data.Data(FOLDER)
        cls.server = Server("--load", FOLDER, "--part-bytes", "100k")

    def test_every_case(self):
        for case in real_data.cases_to_run(self.data):
            if case["level"] is None and case["patients"]:
                continue
            path = {None: "/$export", "patient": "/Patient/$export"}.get(
                case["level"], f"/Group/{case['group']}/$export")
            fields = [("_type", kind) for kind in case["types"]]
            fields += [(f"_{name}", case[name]) for name in ("since", "until") if case[name]]
            if case["provenance"]:
                fields.append(("includeAssociatedData",
                               case["provenance"].title() + "ProvenanceResources"))
            if case["by_patient"]:
                fields.append(("organizeOutputBy", "Patient"))
            kinds = [self.parameters(case, fields)]
            if not case["patients"]:
                kinds.append(None)
            for body in kinds:
                query = "?" + urllib.parse.urlencode(fields) if body is None and fields else ""
                with self.subTest(path=path, fields=fields, post=body is not None):
                    real_data.compare("server", case, self.read(path + query, body), self.data)

    def read(self, path, body):
        manifest = self.manifest(self.kick_off(path, body))
        export = real_data.Export(self.data)
        by_patient = manifest.get("outputOrganizedBy") == "Patient"
        for entry in manifest["output"]:
            self.assertNotEqual(by_patient, "type" in entry)
            export.read("patients" if by_patient else entry["type"],
                        self.server.get(entry["url"]).body)
        for entry in manifest["error"]:
            export.read("error", self.server.get(entry["url"]).body)
        return export

    def parameters(self, case, fields):
        """The same as a Parameters resource (KICK-04, PARAM-14, -16, -26, FILTER-22)."""
        entries = [{"name": name, VALUES.get(name, "valueString"): value}
                   for name, value in fields]
        for at, one in enumerate(case["patients"]):
            base = self.server.base_url + "/" if at % 2 else ""
            entries.append({"name": "patient", "valueReference": {
                "reference": f"{base}Patient/{one}"}})
        return {"resourceType": "Parameters", "parameter": entries}

    def test_request_of_a_post(self):
        """MAN-06: the URL alone."""
        one = sorted(id_ for kind, id_ in self.data.resources if kind == "Patient")[0]
        manifest = self.manifest(self.kick_off("/Patient/$export", {
            "resourceType": "Parameters",
            "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/" + one}}]}))
        self.assertEqual(manifest["request"], self.server.base_url + "/Patient/$export")
        self.assertNotIn(one, json.dumps(manifest))


class OwnGroups(GroupTest):
    options = ("--part-bytes", "100k")

    def put(self, *resources, server=None):
        for resource in resources:
            self.assertIn((server or self.server).put(resource).status, (200, 201))

    def test_references(self):
        """FILTER-34: absolute ones of this server count, those of others do not."""
        base = self.server.base_url
        self.put(*map(patient, ("abs1", "abs2", "abs3")),
                 observation("abs-o1", base + "/Patient/abs1"),
                 observation("abs-o2", "https://elsewhere.example/fhir/Patient/abs1"),
                 group("abs", [base + "/Patient/abs1", base + "/Patient/abs2/_history/7",
                               "https://elsewhere.example/fhir/Patient/abs3"]))
        found, warnings = self.export("/Group/abs/$export")
        self.assertEqual(set(found), {("Patient", "abs1"), ("Patient", "abs2"),
                                      ("Observation", "abs-o1"), ("Group", "abs")})
        self.assertEqual(len(warnings), 1, warnings)

    def test_two_members_one_resource(self):
        """FILTER-14, -38: one that belongs to several members comes once."""
        names = [f"two{i}" for i in range(5)]
        self.put(*map(patient, names),
                 *[observation(f"two-o{i}", "Patient/" + names[i], performer=[
                     {"reference": "Patient/" + other} for other in names]) for i in range(5)],
                 group("two", ["Patient/" + name for name in names[1:] + names[1:]]))
        self.assertEqual(self.names("/Group/two/$export?_type=Observation"),
                         {("Observation", f"two-o{i}") for i in range(5)})

    def test_loops_and_diamonds(self):
        """FILTER-33."""
        self.put(patient("loop1"), patient("loop2"),
                 group("loop-a", ["Group/loop-b", "Group/loop-c", "Patient/loop1"]),
                 group("loop-b", ["Group/loop-d", "Group/loop-a"]),
                 group("loop-c", ["Group/loop-d", "Group/loop-b"]),
                 group("loop-d", ["Patient/loop2", "Group/loop-d"]))
        self.assertEqual(self.names("/Group/loop-a/$export?_type=Patient"),
                         {("Patient", "loop1"), ("Patient", "loop2")})

    def test_deep(self):
        """FILTER-33: the depth is bounded, and the job says so (STAT-09)."""
        self.put(patient("deep"), group("deep12", ["Patient/deep"]),
                 *[group(f"deep{i}", [f"Group/deep{i + 1}"]) for i in range(12)])
        self.assertEqual(self.names("/Group/deep2/$export?_type=Patient"), {("Patient", "deep")})
        url = self.kick_off("/Group/deep0/$export")
        self.wait_for(lambda: self.server.get(url).status != 202, "the job does not end")
        self.assertIn("nested", self.check_outcome(self.server.get(url), 500))

    def test_criteria_and_modifiers(self):
        """FILTER-42, -43: refused, never guessed at."""
        filter_url = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter"
        expression = {"language": "application/x-fhir-query", "expression": "Condition?code=1"}
        unknown = [{"url": "https://example.org/not", "valueBoolean": True}]
        self.put(patient("odd"),
                 group("criteria", ["Patient/odd"], modifierExtension=[
                     {"url": filter_url, "valueExpression": expression}]),
                 group("modified", ["Patient/odd"], modifierExtension=unknown),
                 group("modified-member", [{"entity": {"reference": "Patient/odd"},
                                            "modifierExtension": unknown}]),
                 {**group("not-actual", []), "actual": False})
        for name in ("criteria", "modified", "modified-member", "not-actual"):
            self.check_outcome(self.server.get(f"/Group/{name}/$export", headers=ASYNC), 400)

    def test_no_such_group(self):
        """KICK-17, lesson 22: unknown and deleted Groups."""
        self.put(group("gone", []))
        self.assertEqual(self.server.request("DELETE", "/Group/gone").status, 204)
        for name in ("gone", "never-was", "not%20an%20id"):
            self.check_outcome(self.server.get(f"/Group/{name}/$export", headers=ASYNC), 404)

    def test_patients_refused(self):
        """PARAM-14, -15, -16: with the name of the one that is wrong."""
        self.put(patient("in"), patient("out"), group("some", ["Patient/in"]))

        def refused(path, reference, status=400):
            body = {"resourceType": "Parameters", "parameter": [
                {"name": "patient", "valueReference": {"reference": "Patient/in"}},
                {"name": "patient", "valueReference": {"reference": reference}}]}
            return self.check_outcome(
                self.server.request("POST", path, json.dumps(body).encode(), JSON), status)
        self.assertIn("Patient/out", refused("/Group/some/$export", "Patient/out"))
        self.assertIn("Patient/none", refused("/Group/some/$export", "Patient/none"))
        self.assertIn("Patient/none", refused("/Patient/$export", "Patient/none"))
        for reference in ("Observation/1", "https://elsewhere.example/Patient/in", "in", "#in"):
            self.assertIn("patient", refused("/Patient/$export", reference))
        self.assertIn("patient", refused("/$export", "Patient/in"))
        for path in ("/Patient/$export", "/Group/some/$export"):
            self.check_outcome(self.server.get(path + "?patient=Patient/in", headers=ASYNC), 400)

    def test_membership_of_a_moment(self):
        """FILTER-40: what is changed behind the kick-off changes nothing."""
        self.put(patient("then"), patient("later"), group("moment", ["Patient/then"]))
        url = self.kick_off("/Group/moment/$export?_type=Patient")
        self.put(group("moment", ["Patient/later"]))
        lines = [json.loads(line) for _, line in self.lines(self.manifest(url)["output"])]
        self.assertEqual([line["id"] for line in lines], ["then"])

    def test_types_outside(self):
        """PARAM-11: only types that no patient has; lenient goes on."""
        self.put(patient("outside"), group("outside", ["Patient/outside"]),
                 {"resourceType": "Organization", "id": "outside"})
        for path in ("/Patient/$export", "/Group/outside/$export"):
            text = self.check_outcome(
                self.server.get(path + "?_type=Organization", headers=ASYNC), 400)
            self.assertIn("_type", text)

    def test_other_members(self):
        """FILTER-37, -35, -36: members that are no patients, and those that cannot be known."""
        self.put({"resourceType": "Practitioner", "id": "member"},
                 {"resourceType": "Medication", "id": "member"},
                 {"resourceType": "Practitioner", "id": "none-of-us"},
                 group("others", ["Practitioner/member", "Medication/member", "Device/none"]))
        found, warnings = self.export("/Group/others/$export")
        self.assertEqual(set(found), {("Practitioner", "member"), ("Medication", "member")})
        self.assertEqual(self.names("/Group/others/$export?_type=Patient,Medication"),
                         {("Medication", "member")})


class Options(GroupTest):
    def test_new_members(self):
        """FILTER-05: older data of who has joined since; only with the option."""
        old, since = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
        resources = []
        for name in ("new", "long"):
            resources += [{**patient(name), "meta": {"lastUpdated": old}},
                          {**observation(name, "Patient/" + name), "meta": {"lastUpdated": old}}]
        resources.append({**group("g", [
            {"entity": {"reference": "Patient/new"}, "period": {"start": "2021-06"}},
            {"entity": {"reference": "Patient/long"}, "period": {"start": "2019"}}]),
            "meta": {"lastUpdated": old}})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "all.ndjson")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(resource) + "\n" for resource in resources)
            for options, wanted in (((), set()),
                                    (("--new-members",), {("Patient", "new"), ("Observation", "new"),
                                                          ("Group", "g")})):
                server = Server("--load", path, *options)
                try:
                    self.assertEqual(self.names(f"/Group/g/$export?_since={since}", server=server),
                                     wanted)
                finally:
                    server.stop()

    def test_associated(self):
        """FILTER-03, -11: what exported resources refer to, each once, if it was asked for."""
        server = Server("--associated", "Practitioner,Organization")
        try:
            who = {"reference": "Practitioner/dr"}
            for resource in [
                    patient("p"), {**patient("q"), "generalPractitioner": [who]},
                    {"resourceType": "Practitioner", "id": "dr"},
                    {"resourceType": "Practitioner", "id": "nobody-s"},
                    {"resourceType": "Organization", "id": "of-p"},
                    {"resourceType": "Location", "id": "of-p"},
                    *[observation(f"o{i}", "Patient/p", performer=[who, {
                        "reference": server.base_url + "/Organization/of-p"}, {
                            "reference": "Location/of-p"}, {"reference": "Practitioner/none"}])
                      for i in range(50)],
                    group("g", ["Patient/p"])]:
                server.put(resource)
            found = self.names("/Group/g/$export", server=server)
            self.assertEqual({name for name in found if name[0] != "Observation"}, {
                ("Patient", "p"), ("Group", "g"), ("Practitioner", "dr"),
                ("Organization", "of-p")})
            self.assertEqual(self.names("/Patient/$export?_type=Patient,Practitioner",
                                        server=server),
                             {("Patient", "p"), ("Patient", "q"), ("Practitioner", "dr")})
            self.assertNotIn(("Practitioner", "dr"), self.names(
                "/Patient/$export?_type=Patient,Observation", server=server))
        finally:
            server.stop()


def main():
    global FOLDER
    with tempfile.TemporaryDirectory(prefix="fhx-groups-") as work:
        generate = sys.argv.pop(2)
        given = sys.argv.pop(2) if len(sys.argv) > 2 and os.sep in sys.argv[2] else ""
        if not os.path.isdir(given):
            given = os.path.join(work, "data")
            os.mkdir(given)
            subprocess.run([generate, "--out", given, "--patients", "40"], check=True,
                           stdout=subprocess.DEVNULL)
        FOLDER = real_data.add_more(given, work)
        try:
            fhir_server.run_tests()
        finally:
            shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
