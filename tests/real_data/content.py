#!/usr/bin/python3
"""Filters on content, and elements, over real resources: the library against search_oracle.py.

    content.py --evaluate PROGRAM --export PROGRAM --generate PROGRAM --facts FOLDER [--data FOLDER]

The data are all resources of FOLDER (NDJSON, gzipped or not), or generated ones where it does not
exist. To them come resources that have values for all search parameters of their type, real ones
that were added to and, of the types that the data do not have, made ones. Of every type and search
parameter queries are made of the values that occur, and of such that nearly do, and have to take
what the evaluator takes (PARAM-18, -19, FILTER-21); what is not supported has to be refused
(PARAM-22). Then some filters and elements are exported to files (PARAM-13, FILTER-15, -16).
"""
import argparse
import collections
import copy
import glob
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import search_filters
import search_oracle
from search_oracle import Number, Resource, Search

QUICK = bool(os.environ.get("FHX_QUICK"))
# Conditions of each parameter, of types that the data have, of others, and in other versions.
PER_PARAMETER, PER_OTHER, PER_VERSION = (4, 1, 1) if QUICK else (8, 2, 2)
# Of each type that many filters are asked of; exports are of all.
REAL_MAX, DRESSED = (200, 9) if QUICK else (1500, 24)
ELEMENTS = [["Patient.birthDate", "Observation.value", "Observation.status", "id"], ["subject"],
            ["name", "text", "Encounter.period", "Patient.deceased", "Group.member"],
            ["meta", "Observation.component", "Claim.item", "extension"],
            ["Condition.onset", "Patient.multipleBirth", "contained", "identifier"]]


def read_lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line.strip()]


def read(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def write(value):
    """As JSON on one line, numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{write(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def read_data(folder):
    found = collections.defaultdict(list)
    for path in sorted(glob.glob(os.path.join(folder, "*.ndjson*"))):
        for line in read_lines(path):
            resource = read(line)
            found[resource["resourceType"]].append((line, Resource(resource)))
    return found


def dressed(search, real, seed):
    """Resources with values for all search parameters: every third is a real one at heart."""
    dresser = search_filters.Dresser(search, seed)
    found = collections.defaultdict(list)
    for type_ in sorted(search.roots):
        for number in range(DRESSED):
            resource = {"resourceType": type_, "id": f"made-{number}"}
            if number % 3 == 0 and real.get(type_):
                resource = copy.deepcopy(real[type_][number % len(real[type_])][1].tree)
                resource["id"] = f"made-{number}"
            resource.setdefault("meta", {})
            if number % 5:
                resource["meta"]["lastUpdated"] = dresser.values.rng.choice(
                    [date for date in search_filters.DATES if len(date) > 19])
            if number:
                dresser.dress(resource, dresser.values.rng.choice((0.15, 0.4, 0.8)))
            found[type_].append((write(resource), Resource(resource)))
    return found


def merged(*all_found):
    whole = collections.defaultdict(list)
    for found in all_found:
        for type_, resources in found.items():
            whole[type_] += resources
    return whole


# --- one process that is asked all ---

class Evaluation:
    def __init__(self, program, search, version, resources, work):
        self.command = [program, version, search.base]
        self.search, self.resources, self.work = search, resources, work
        self.types, self.columns = sorted(resources), {}
        self.rows = os.path.join(work, f"rows-{version}")
        with open(self.rows, "w", encoding="utf-8") as file:
            for type_ in self.types:
                for text, _ in resources[type_]:
                    print(type_, text, sep="\t", file=file)

    def ask(self, filters):
        """A line for each filter."""
        path = os.path.join(self.work, "filters")
        with open(path, "w", encoding="utf-8") as file:
            for queries in filters:
                print(*queries, sep="\t", file=file)
        done = subprocess.run([*self.command, self.rows, path], check=True, text=True,
                              stdout=subprocess.PIPE)
        answers = done.stdout.splitlines()
        assert len(answers) == len(filters), (len(answers), len(filters))
        return answers

    def column(self, type_, parameter):
        """The number of what the parameter finds in each resource."""
        if (type_, parameter) not in self.columns:
            self.columns[type_, parameter] = [resource.number(parameter)
                                              for _, resource in self.resources[type_]]
        return self.columns[type_, parameter]

    def take(self, type_, conditions):
        """Whether each resource of a type meets all."""
        taken = [True] * len(self.resources[type_])
        for condition in conditions:
            column = self.column(type_, condition.parameter)
            verdict = {number: condition.holds(number) for number in set(column)}
            taken = [one and verdict[number] for one, number in zip(taken, column)]
        return taken

    def expected(self, queries):
        taken = collections.defaultdict(list)
        for query in queries:
            type_, conditions = self.search.read(query)
            taken[type_].append(self.take(type_, conditions))
        return "".join("1" if any(row) else "0"
                       for type_ in sorted(taken) for row in zip(*taken[type_]))

    def tell(self, queries, expected, answer):
        about = {query.partition("?")[0] for query in queries}
        rows = [row for type_ in self.types if type_ in about for row in self.resources[type_]]
        print("filter:", *queries)
        if len(answer) != len(expected):
            print("  " + answer)
            return
        wrong = [i for i, letter in enumerate(expected) if answer[i] != letter]
        print(f"  {len(wrong)} of {len(rows)} resources;"
              f" {'left out' if expected[wrong[0]] == '1' else 'taken'}: {rows[wrong[0]][0][:3000]}")

    def compare(self, filters):
        wrong, taken, resources = 0, 0, 0
        for queries, answer in zip(filters, self.ask(filters)):
            expected = self.expected(queries)
            taken += 0 < expected.count("1") < len(expected)
            resources += len(expected)
            if answer != expected:
                wrong += 1
                if wrong <= 20:
                    self.tell(queries, expected, answer)
        assert wrong == 0, f"{wrong} of {len(filters)} filters"
        return taken, resources

    def check_refusals(self):
        """What FHIR has and is not supported, and parameters and types that it does not have."""
        refused = [f"{type_}?{name}=x" for type_, names in self.search.unsupported.items()
                   for name in names]
        refused += [f"{type_}?no-such=x" for type_ in self.types] + ["NoSuchType?_id=x"]
        refused += ["Patient?general-practitioner.name=x", "Patient?_has:Observation:patient:code=x",
                    "Patient?gender:text=x", "Patient?gender:in=x", "Patient?name:not=x"]
        answers = self.ask([[query] for query in refused])
        wrong = [query for query, answer in zip(refused, answers)
                 if answer != "refused UNSUPPORTED"]
        assert not wrong, wrong
        return len(refused)


# --- exports ---

def export(program, folder, work, options):
    with tempfile.TemporaryDirectory(dir=work) as out:
        subprocess.run([program, "--folder", folder, "--out", out, "--quiet", *options], check=True)
        (manifest,) = glob.glob(os.path.join(out, "*.manifest.json"))
        with open(manifest, encoding="utf-8") as file:
            items = json.load(file)["output"]
        found = {}
        for item in items:
            for line in read_lines(item["url"].removeprefix("file://")):
                resource = json.loads(line)
                key = resource["resourceType"], resource["id"]
                assert key not in found, key
                found[key] = line
        return found


def export_filters(program, folder, work, data, search, rng):
    """Several queries of several types; a type without one is exported whole."""
    queries = [rng.choice(search_filters.queries_of(search, type_, [one for _, one in rows], 3)[2:])
               for type_, rows in sorted(data.items()) for _ in range(2)]
    queries = [query for queries in rng.sample(queries, len(queries) // 2) for query in queries]
    found = export(program, folder, work,
                   [option for query in queries for option in ("--type-filter", query)])
    asked = collections.defaultdict(list)
    for query in queries:
        type_, conditions = search.read(query)
        asked[type_].append(conditions)
    wanted = {(type_, resource.tree["id"]) for type_, rows in data.items() for _, resource in rows
              if type_ not in asked or any(map(resource.meets, asked[type_]))}
    assert found.keys() == wanted, (queries, len(found), len(wanted))
    return len(found)


def read_marked(text):
    """Numbers are told from strings, and keep their digits."""
    return json.loads(text, parse_float=lambda digits: {"number": digits},
                      parse_int=lambda digits: {"number": digits})


def export_elements(program, folder, work, whole, search, wishes):
    """Also the order of the members is as it was."""
    found = export(program, folder, work, ["--elements", ",".join(wishes)])
    assert found.keys() == whole.keys(), (len(found), len(whole))
    for key, line in found.items():
        expected = search_oracle.project(search, wishes, whole[key])
        assert json.dumps(read_marked(line)) == json.dumps(expected), (wishes, line, expected)


def write_folder(folder, data):
    os.mkdir(folder)
    for type_, rows in data.items():
        with open(os.path.join(folder, type_ + ".ndjson"), "w", encoding="utf-8") as file:
            for text, _ in rows:
                print(text, file=file)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--evaluate", "--export", "--generate", "--facts"):
        parser.add_argument(name, required=True)
    parser.add_argument("--data", default="")
    options = parser.parse_args()
    facts = pathlib.Path(options.facts)
    with tempfile.TemporaryDirectory(prefix="fhx-content-") as work:
        folder = options.data
        if not os.path.isdir(folder):
            folder = os.path.join(work, "data")
            os.mkdir(folder)
            subprocess.run([options.generate, "--out", folder, "--patients", "60"], check=True,
                           stdout=subprocess.DEVNULL)
        every = read_data(folder)
        real = {type_: rows[::1 + len(rows) // REAL_MAX] for type_, rows in every.items()}
        for version in ("R4", "R4B", "R5"):
            search = Search(facts, version, search_filters.OWN_BASE)
            made = dressed(search, real if version == "R4" else {}, version)
            resources = merged(real if version == "R4" else {}, made)
            filters = [queries for type_, rows in sorted(resources.items())
                       for queries in search_filters.queries_of(
                           search, type_, [one for _, one in rows],
                           PER_VERSION if version != "R4" else
                           PER_PARAMETER if type_ in real else PER_OTHER)]
            evaluation = Evaluation(options.evaluate, search, version, resources, work)
            taken, count = evaluation.compare(filters)
            print(f"{version}: {len(filters)} filters on {sum(map(len, resources.values()))}"
                  f" resources of {len(resources)} types, {count} answers; {taken} take some but"
                  f" not all; {evaluation.check_refusals()} refused", flush=True)
        search = Search(facts, "R4")
        data = merged(real if QUICK else every, dressed(search, real, "files"))
        folder = os.path.join(work, "folder")
        write_folder(folder, data)
        rng = random.Random(7)
        for _ in range(2 if QUICK else 4):
            print(export_filters(options.export, folder, work, data, search, rng), "exported")
        whole = {(type_, resource.tree["id"]): read_marked(text)
                 for type_, rows in data.items() for text, resource in rows}
        for wishes in ELEMENTS[:3 if QUICK else None]:
            export_elements(options.export, folder, work, whole, search, wishes)
        print(f"{3 if QUICK else len(ELEMENTS)} times elements of {len(whole)} resources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
