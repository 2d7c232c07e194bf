"""P10: what a Group export costs. The same Group in two databases, of which one has ten times as
many other patients; and Groups of many members."""
import json
import os
import tempfile

from fhir_server import Server, count
from measure import PAIRS, Failed, Figure, NotMeasured, Row, figure_of
from rows import postgres as postgres_rows
from rows.postgres import component, postgres


def patient(number):
    return {"resourceType": "Patient", "id": f"p{number:08}", "gender": "female",
            "birthDate": "1974-12-25", "name": [{"family": f"Family{number}", "given": ["Given"]}]}


def observation(number, at):
    return {"resourceType": "Observation", "id": f"o{number:08}-{at}", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
            "subject": {"reference": f"Patient/p{number:08}"},
            "valueQuantity": {"value": 170.5, "unit": "cm"}}


def write_data(path, members, others, observations):
    """Every (members + others) / members-th patient is a member, so that they lie apart."""
    step = (members + others) // members
    with open(path, "w", encoding="ascii") as file:
        for number in range(members + others):
            file.write(json.dumps(patient(number)) + "\n")
            for at in range(observations):
                file.write(json.dumps(observation(number, at)) + "\n")
        group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
            {"entity": {"reference": f"Patient/p{number * step:08}"}} for number in range(members)]}
        file.write(json.dumps(group) + "\n")


def open_server(bench, folder, members, others, observations, database=None):
    program = bench.program("fhirexport-server")
    os.mkdir(folder)
    data = os.path.join(folder, "all.ndjson")
    write_data(data, members, others, observations)
    server = Server.with_data(program, folder, os.path.join(folder, "files"), data, database)
    os.unlink(data)
    return server


def export(server, members, observations):
    """CPU seconds and wall seconds of one Group export, and its resources."""
    before = server.cpu()
    seconds, manifest, job = server.export("/Group/g/$export")
    found = count(manifest)
    if found < members * (1 + observations):
        raise Failed(f"{found} resources came of {members} members")
    cpu = server.cpu() - before
    server.remove(job)
    return cpu, seconds, found


def compare_databases(bench, databases=(None, None), which=0):
    """`which`: 0 for the CPU time of the server, 1 for the time on the clock, which is also that of
    its database."""
    members, observations, times = (50, 5, 2) if bench.quick else (1000, 20, 5)
    servers, sides = [], []
    with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.disk) as work:
        try:
            for factor, database in zip((1, 10), databases):
                servers.append(open_server(bench, f"{work}/{factor}", members,
                                           9 * factor * members, observations, database))
                export(servers[-1], members, observations)
            for number in range(PAIRS):
                step = 1 if number % 2 == 0 else -1
                sides.append([sum(export(server, members, observations)[which] for _ in range(times))
                              for server in servers[::step]][::step])
        finally:
            for server in servers:
                server.stop()
    return figure_of([(many / few - 1) * 100 for few, many in sides],
                     f"{('CPU time of the server', 'wall time')[which]}; {members} members, pairs of"
                     f" {times} exports each", sides)


def in_postgres(bench):
    try:
        with postgres.Postgres() as server:
            postgres_rows.psql(server, "-c", "CREATE DATABASE many")
            few = server.url("none")
            return compare_databases(bench, (few, few.replace("/postgres?", "/many?")), 1)
    except component.Failure as failure:
        raise NotMeasured(str(failure)) from failure


def large(members):
    def measure(bench):
        size = members // 100 if bench.quick else members
        with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.disk) as work:
            server = open_server(bench, f"{work}/large", size, size // 10, 1)
            try:
                cpu, seconds, found = export(server, size, 1)
                return Figure(found / seconds, note=f"{size} members, {found} resources, {seconds:.1f} s,"
                              f" {cpu:.1f} s of CPU, {server.peak_mb():.0f} MB resident at most, with"
                              " the mapped pages of the database")
            finally:
                server.stop()
    return measure


ROWS = [
    Row("P10.others", "more CPU for a Group when there are 10 x the other patients",
        compare_databases, 5, at_most=True, unit="%"),
    Row("P10.postgres", "the same in PostgreSQL, by the clock", in_postgres, 5, at_most=True,
        unit="%"),
    Row("P10.members100k", "a Group of 100,000 members (--quick: 1,000)", large(100000),
        unit="resources a second"),
    Row("P10.members1m", "a Group of 1,000,000 members (--quick: 10,000)", large(1000000),
        unit="resources a second"),
]
