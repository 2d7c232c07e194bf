"""The Group of crash.py's exports, and what must come out of them.

Two Groups, nested in each other: patients of the generated data, many more who have nothing but
themselves, and who do not exist; members that are no patients; practitioners and organizations
that somebody refers to. What must come out is worked out here from the resources alone.
"""
import json
import re
import sqlite3

TYPES = ["Patient", "Encounter", "Condition", "Observation", "Practitioner", "Organization",
         "Device"]
ASSOCIATED = ["Practitioner", "Organization"]
GROUP, NESTED = "g", "nested"
FOUND, MISSING = 3000, 9000
# The library's: how many warnings of a task have a line of their own.
LINES_MAX = 1000


def resources():
    """Besides those that are generated and the Groups."""
    for number in range(FOUND):
        yield {"resourceType": "Patient", "id": f"x-{number}",
               "generalPractitioner": [{"reference": f"Practitioner/x-{number}"}],
               "managingOrganization": {"reference": f"Organization/x-{number // 4}"}}
        if number % 3 != 0:
            yield {"resourceType": "Practitioner", "id": f"x-{number}", "active": True}
        if number % 8 == 0:
            yield {"resourceType": "Organization", "id": f"x-{number // 4}", "active": True}
    yield {"resourceType": "Device", "id": "worn"}
    yield {"resourceType": "Device", "id": "idle"}
    yield {"resourceType": "Practitioner", "id": "member"}


def group(id_, members):
    return {"resourceType": "Group", "id": id_, "type": "person", "actual": True,
            "member": [{"entity": {"reference": member}} if member else {} for member in members]}


def groups(patients):
    """Of the generated patients, two of four are in one Group, one is in the other."""
    members = [f"Patient/{id_}" for number, id_ in enumerate(patients) if number % 4 < 2]
    nested = [f"Patient/{id_}" for number, id_ in enumerate(patients) if number % 4 == 2]
    nested += [f"Patient/x-{number}" for number in range(FOUND)]
    missing = [f"Patient/gone-{number}" for number in range(MISSING)]
    members += [f"Group/{NESTED}", "Device/worn", "Device/gone", "Practitioner/member"]
    members += missing[::2]
    nested += [f"Group/{GROUP}", "Group/absent", "Practitioner/absent"] + missing[::3] + missing
    return [group(GROUP, members), group(NESTED, [None] + nested)]


def add(database):
    with sqlite3.connect(database) as table:
        patients = [id_ for (id_,) in
                    table.execute("SELECT id FROM resource WHERE type = 'Patient' ORDER BY id")]
        stamp = table.execute("SELECT max(last_updated) FROM resource").fetchone()[0]
        rows = [(one["resourceType"], one["id"], stamp, json.dumps(one))
                for one in [*resources(), *groups(patients)]]
        table.executemany("INSERT INTO resource (type, id, last_updated, json)"
                          " VALUES (?, ?, ?, ?)", rows)


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def members_of(table):
    found = set()
    for id_ in GROUP, NESTED:
        text, = table.execute("SELECT json FROM resource WHERE type = 'Group' AND id = ?",
                              (id_,)).fetchone()
        found |= set(references(json.loads(text)))
    return {member for member in found if not member.startswith("Group/")}


def is_of(resource, members):
    """Whose data it is, for the types that are asked for and as the generator makes them."""
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}" in members
    return resource.get("subject", {}).get("reference") in members


def plan_lines(missing):
    """The warnings of the plan, in order, as far as they have lines."""
    lines = [f"member[0] of Group/{NESTED} has no reference and was passed over",
             f"Group/absent is nested in Group/{GROUP} and does not exist"]
    lines += [f"{id_} is a member of Group/{GROUP} and does not exist" for id_ in sorted(missing)]
    more = len(lines) - LINES_MAX
    return lines[:LINES_MAX] + [f"{more} more warnings about the members of Group/{GROUP}"]


def expected(database, reads):
    """The references of all that is exported, and the texts of all warnings."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as table:
        members = members_of(table)
        there, main, referred = set(), set(), set()
        for kind, id_, text in table.execute("SELECT type, id, json FROM resource"):
            there.add(f"{kind}/{id_}")
            resource = json.loads(text)
            if kind in TYPES and is_of(resource, members):
                main.add(f"{kind}/{id_}")
                referred |= set(references(resource))
    lines = plan_lines({one for one in members - there if one.startswith("Patient/")})
    wanted = {one for one in referred if re.fullmatch(rf"({'|'.join(ASSOCIATED)})/[^/]+", one)}
    wanted |= {one for one in members if not one.startswith("Patient/")}
    for kind in ASSOCIATED + ["Device"]:
        count = sum(1 for one in wanted - there if one.startswith(f"{kind}/"))
        lines.append(f"{count} resources of type {kind} that exported ones refer to, or that are"
                     " members of the Group, were not exported: they do not exist, or may not be"
                     " read")
    if reads:
        lines[-1] = ("Device/gone is a member of the Group and was not exported: it does not exist,"
                     " or may not be read")
    return main | wanted & there, lines
