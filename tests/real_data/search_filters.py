"""Search queries made of the values that resources have, and resources with a value for every search
parameter; see content.py."""
import collections
import random
import re
import urllib.parse
import zlib
from fractions import Fraction

import search_oracle
from search_oracle import INFINITY, LOOKED_AT, Number

OWN_BASE, OTHER_BASE = "https://own.example/fhir", "https://other.example/r4"
CODES = ["final", "a1", "A1", "x-2", "8302-2", "a,b", "a|b", "a$b", "a\\b", "ü"]
SYSTEMS = ["http://loinc.org", "http://a.example/s", "urn:oid:1.2.3", "http://a.example/s|2"]
WORDS = ["Müller", "MULLER", "Éva", "eve", "Severine", "Ångström", "d'Arc", "Æther", "Ελένη", "Жук",
         "van der Berg", "Ł. Nowak, Jr.", "St|Ives"]
IDS = ["p1", "p2", "A-1.b"]
URLS = ["http://a.example/p", "http://a.example/p/q", "http://a.example/p/q/r", "http://b.example",
        "urn:uuid:1", "http://a.example/pq"]
DATES = ["2019", "2020", "2020-02", "2020-03", "2020-02-29", "2020-03-01", "2020-02-29T10:00:00Z",
         "2020-02-29T23:30:00-05:00", "2020-03-01T00:00:00+14:00", "2020-02-29T10:00:00.123Z",
         "2020-02-29T10:00:00.1234567Z", "2021-12-31T23:59:59Z"]
NUMBERS = ["0", "1", "-1", "0.5", "0.84", "100", "99.5", "100.5", "1e2", "5.40", "120", "-0.00"]
UNITS = [{"system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"},
         {"unit": "mg"}, {"system": "http://unitsofmeasure.org", "code": "g", "unit": "gram"}, {}]
PREFIXES = ("", *search_oracle.PREFIXES)
FROM_ZONE = {"Z": 0, "-05:00": -5 * 3600, "+05:30": 19800, "": 0}


# --- values of data types ---

class Values:
    def __init__(self, rng):
        self.rng = rng

    def some(self, **members):
        """Some of these members."""
        return {name: value for name, value in members.items() if self.rng.random() < 0.8}

    def number(self):
        return Number(self.rng.choice(NUMBERS))

    def quantity(self):
        more = {"comparator": self.rng.choice(("<", "<=", ">", ">="))} \
            if self.rng.random() < 0.2 else {}
        return {"value": self.number(), **more, **self.rng.choice(UNITS)}

    def coding(self):
        return self.some(system=self.rng.choice(SYSTEMS), code=self.rng.choice(CODES), display="x")

    def concept(self):
        codings = [self.coding() for _ in range(self.rng.randrange(1, 4))]
        return {"coding": codings, "text": "x"} if self.rng.random() < 0.9 else {"text": "a1"}

    def identifier(self):
        return self.some(system=self.rng.choice(SYSTEMS), value=self.rng.choice(CODES), use="usual")

    def contact(self, system=None):
        system = system or self.rng.choice(("phone", "email", "fax"))
        return {**self.some(system=system), "value": self.rng.choice(CODES)}

    def date(self):
        return self.rng.choice(DATES)

    def period(self):
        first, last = sorted((self.date(), self.date()),
                             key=lambda text: search_oracle.read_date(text).low)
        return self.rng.choice(({"start": first, "end": last}, {"start": first}, {"end": last}, {}))

    def timing(self):
        events = [self.date() for _ in range(self.rng.randrange(3))]
        made = {"event": events} if events else {}
        if self.rng.random() < 0.5:
            made["repeat"] = {"boundsPeriod": self.period(), "frequency": Number("1")}
        return made

    def reference(self, only=None):
        rng = self.rng
        type_ = only if only and rng.random() < 0.8 else rng.choice(("Patient", "Group", "Device"))
        id_ = rng.choice(IDS)
        text = rng.choice((f"{type_}/{id_}", f"{type_}/{id_}", f"{type_}/{id_}/_history/2",
                           f"{OWN_BASE}/{type_}/{id_}", f"{OTHER_BASE}/{type_}/{id_}",
                           f"{OTHER_BASE}/{type_}/{id_}/_history/2", "urn:uuid:1", "#c1"))
        made = {"reference": text} if rng.random() < 0.9 else {}
        if rng.random() < 0.4:
            made["type"] = type_
        if rng.random() < 0.4:
            made["identifier"] = self.identifier()
        return {**made, "display": "x"}

    def canonical(self):
        return self.rng.choice(URLS) + self.rng.choice(("", "|1", "|2.0"))

    def name(self):
        return self.some(family=self.word(), given=[self.word(), self.word()], text=self.word(),
                         use="usual", prefix=["Dr."])

    def address(self):
        return self.some(line=[self.word()], city=self.word(), country="US", use="home",
                         postalCode="01040")

    def word(self):
        return self.rng.choice(WORDS)

    def of_type(self, type_):
        makers = {
            "Boolean": lambda: self.rng.random() < 0.5, "Code": lambda: self.rng.choice(CODES),
            "Id": lambda: self.rng.choice(IDS), "CodeableConcept": self.concept,
            "Coding": self.coding, "ContactPoint": self.contact, "Identifier": self.identifier,
            "Date": self.date, "DateTime": self.date, "Instant": self.date, "Period": self.period,
            "Timing": self.timing, "Canonical": self.canonical, "Reference": self.reference,
            "Uri": lambda: self.rng.choice(URLS), "Url": lambda: self.rng.choice(URLS),
            "Address": self.address, "HumanName": self.name, "String": self.word,
            "Markdown": self.word, "Decimal": self.number, "Integer": self.number,
            "PositiveInt": self.number, "UnsignedInt": self.number,
            "Range": lambda: self.some(low={"value": Number("1"), **self.rng.choice(UNITS)},
                                       high={"value": Number("100")}),
            "Money": lambda: {"value": self.number(), "currency": "USD"}}
        return makers.get(type_, self.quantity)()

    def of_kind(self, kind, steps, names):
        """Something that a search of this kind may find. Where FHIR has one data type for an element,
        any will do, but for what several parameters share."""
        only, name, parent = dict(steps), names[-1], names[-2] if len(names) > 1 else ""
        if parent == "meta":
            return self.canonical() if name in ("profile", "source") else self.coding()
        if name == "telecom":
            return self.contact(only.get("system") if self.rng.random() < 0.7 else None)
        if parent in ("address", "name"):
            return self.word()
        if name in ("address", "name") and kind == "string":
            return self.address() if name == "address" else self.name()
        if kind == "reference" and self.rng.random() < 0.85:
            return self.reference(only.get("target"))
        return self.of_type(self.rng.choice(sorted(LOOKED_AT[kind] - {"Markdown"})))


class Dresser:
    """Gives resources values for the search parameters of their type."""

    def __init__(self, search, seed):
        self.search = search
        self.rng = random.Random(seed)
        self.values = Values(self.rng)

    def dress(self, resource, share):
        for parameter in self.search.all_of(resource["resourceType"]).values():
            if parameter.name in ("_id", "_lastUpdated"):
                continue
            for steps in search_oracle.parse_expression(parameter.expression):
                if self.rng.random() < share:
                    self.place(resource, parameter, steps)
        return resource

    def place(self, resource, parameter, steps):
        path, at = resource["resourceType"], resource
        names = [what for how, what in steps if how == "child"]
        casts = {i: steps[i + 1][1] for i in range(len(steps) - 1) if steps[i + 1][0] == "type"}
        for number, (how, name) in enumerate(steps):
            if how != "child":
                continue
            path += "." + name
            cast = casts.get(number)
            choices = self.search.choices.get(path, []) \
                if path.split(".")[0] in self.search.roots else []
            is_last = name is names[-1] and number >= len(steps) - 2
            if cast or choices:
                suited = [one for one in choices if one == cast or
                          not cast and (one in LOOKED_AT[parameter.kind] or parameter.asks_truth)]
                if not suited:
                    return
                type_ = self.rng.choice(suited)
                if not is_last:
                    at = self.enter(at, name + type_)
                    continue
                value = self.values.reference(dict(steps).get("target")) \
                    if type_ == "Reference" else self.values.of_type(type_)
                at[name + type_] = value
            elif is_last:
                self.set(at, name, self.values.of_kind(parameter.kind, steps, names))
            else:
                at = self.enter(at, name)
            if at is None:
                return

    def enter(self, at, name):
        if name not in at:
            at[name] = {}
            if self.rng.random() < 0.5 and name != "meta":
                at[name] = [{}]
        inner = at[name][-1] if isinstance(at[name], list) and at[name] else at[name]
        return inner if isinstance(inner, dict) else None

    def set(self, at, name, value):
        if isinstance(at.get(name), list) and self.rng.random() < 0.5:
            at[name] = [*at[name], value]
        elif name in ("profile", "security", "tag", "source"):
            at[name] = value if name == "source" else [value]
        elif self.rng.random() < 0.5:
            at[name] = [value, None] if self.rng.random() < 0.1 else [value]
        else:
            at[name] = value


# --- values of queries ---

def escaped(text):
    return re.sub(r"([\\,$|])", r"\\\1", text)


def near(id_):
    """Another id, as like this one as an id can be: of at most 64 characters."""
    return id_ + "x" if len(id_) < 64 else id_[:-1] + ("y" if id_[-1] == "x" else "x")


def encoded(text):
    return urllib.parse.quote(text, safe=":/|,.")


def in_digits(number):
    """A number with so many digits as it has; of those that are none, some."""
    text = f"{float(number):.9f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-", "-0") else "0"


def instant_text(seconds, zone, width):
    """`width`: 4, 7, 10, 16, 19 or more characters of it."""
    whole = seconds // 1 + FROM_ZONE[zone]
    days, rest = divmod(int(whole), 86400)
    date = search_oracle.EPOCH + search_oracle.datetime.timedelta(days=days, seconds=rest)
    text = date.isoformat()
    if width > 19:
        text += f".{int(seconds % 1 * 1000):03}"
    return text[:width] + (zone if width >= 16 else "")


class Asker:
    """Makes the conditions of one parameter."""

    def __init__(self, search, resources, rng, type_):
        self.search, self.resources, self.rng, self.type = search, resources, rng, type_

    def conditions(self, parameter, count):
        """Up to `count`: modifier and values, of each modifier in one form."""
        items = [item for resource in self.rng.sample(self.resources,
                                                      min(len(self.resources), 150))
                 for item in resource.items(parameter)]
        items = list(dict.fromkeys(items))
        self.rng.shuffle(items)
        made = collections.defaultdict(list)
        for item in items[:max(3, count // 3)] or [None]:
            for modifier, value in self.values_of(parameter, item):
                if value not in made[modifier]:
                    made[modifier].append(value)
        found = [(modifier, value) for modifier, values in made.items() for value in values]
        lists = [(modifier, ",".join(self.rng.sample(values, self.rng.randrange(2, 4))))
                 for modifier, values in made.items() if len(values) > 2]
        missing = [] if parameter.asks_truth else [("missing", "true"), ("missing", "false")]
        for some in (found, lists, missing):
            self.rng.shuffle(some)
        return found[:count] + lists[:1 + count // 3] + missing[:1 + count // 3]

    def values_of(self, parameter, item):
        if parameter.asks_truth:
            return [(None, "true"), (None, "false")]
        if parameter.name == "_id":
            id_ = item.code if item else "x"
            return [(None, id_), ("not", id_), (None, id_[:-1] or "y"), (None, (id_ + "0")[-64:])]
        if parameter.name == "_profile":
            url = "|".join(filter(None, search_oracle.read_canonical(item))) if item else "x"
            return [(None, url), (None, url.split("|")[0]), (None, url + "|9"), (None, url + "/")]
        return {"token": self.tokens, "date": self.dates, "reference": self.references,
                "string": self.strings, "uri": self.uris, "number": self.numbers,
                "quantity": self.quantities}[parameter.kind](item)

    def tokens(self, item):
        if item is None:
            return [(None, "x"), ("not", "x")]
        code, system = escaped(item.code or "none"), escaped(item.system or "http://none.example")
        forms = [code, f"{system}|{code}", "|" + code, system + "|", f"http://none.example|{code}",
                 code + "x", code.upper()]
        return [(modifier, form) for form in forms for modifier in (None, "not")]

    def dates(self, item):
        rng, made = self.rng, []
        ends = [end for end in (item or ()) if abs(end) != INFINITY] or [Fraction(1583000000)]
        for _ in range(12):
            shift = rng.choice((0, 0, 0, 1, -1, 60, -60, 86400, -86400, 31 * 86400, -366 * 86400,
                                Fraction(1, 1000), Fraction(-1, 1000)))
            width = rng.choice((4, 7, 10, 16, 19, 19, 23))
            text = instant_text(rng.choice(ends) + shift, rng.choice(sorted(FROM_ZONE)), width)
            made.append((None, rng.choice(PREFIXES) + text))
        return made

    def references(self, item):
        how, what = (item[0], item[1]) if item else ("target", None)
        if how == "canonical":
            return [(None, "|".join(filter(None, item[1:]))), (None, what), (None, what + "/x")]
        if how == "identifier":
            return [("identifier", value) for modifier, value in self.tokens(what)
                    if modifier is None]
        if what is None or what.id is None:
            text = escaped(what.text if what else "Patient/none")
            return [(None, text), (None, text + "x"), ("identifier", "x")]
        type_ = what.type or "Patient"
        full = f"{type_}/{what.id}"
        made = [(None, full), (None, what.id), (None, f"{OWN_BASE}/{full}"), (None, what.text),
                (None, f"{OTHER_BASE}/{full}"), (None, full + "x"), (None, "Group/" + what.id),
                (None, f"{full}/_history/{what.version or 1}"), (type_, what.id), (type_, full),
                ("Group", what.id), (type_, near(what.id)), ("Device", what.id)]
        return made

    def strings(self, item):
        text = item or "none"
        middle = text[len(text) // 3:len(text) // 3 + 4]
        made = [(None, form) for form in (text, text[:3], text.lower(), text.upper(),
                                          search_oracle.plain(text), text[1:4], text + "x")]
        made += [("exact", text), ("exact", text.lower()), ("exact", text[:-1]),
                 ("contains", middle), ("contains", search_oracle.plain(middle).upper()),
                 ("contains", middle + "x")]
        # Accents alone are no value.
        return [(modifier, escaped(form)) for modifier, form in made
                if search_oracle.plain(form) != ""]

    def uris(self, item):
        text = item or "http://none.example/a"
        made = [(None, escaped(text)), (None, escaped(text) + "x"), (None, escaped(text[:-1]))]
        if not text.startswith("urn:"):
            parent = text.rpartition("/")[0]
            made += [("below", escaped(form)) for form in (text, parent, text[:-1], text + "/x")
                     if len(form) > 7]
            made += [("above", escaped(form)) for form in (text, text + "/x", text + "x", parent)
                     if len(form) > 7]
        return made

    def number_forms(self, item):
        ends = [end for end in (item or ())[:2] if not isinstance(end, (str, type(None)))
                and abs(end) != INFINITY] or [Fraction(5)]
        value = self.rng.choice(ends)
        near = value * Fraction(self.rng.choice((1, 1, 1, 1.05, 0.95, 1.1, 0.9, 2))) + \
            self.rng.choice((0, 0, Fraction(1, 1000), Fraction(-1, 2)))
        text = in_digits(near)
        forms = [text, text + ("" if "." in text else ".") + "0", f"{float(near):.1f}",
                 f"{float(near):.0f}", f"{float(near):.2e}"]
        return self.rng.choice(PREFIXES) + self.rng.choice(forms)

    def numbers(self, item):
        return [(None, self.number_forms(item)) for _ in range(12)]

    def quantities(self, item):
        system, code, unit = (item.system, item.code, item.unit) if item else (None, "mg", "mg")
        units = ["", f"|{escaped(system or 'http://none.example')}|{escaped(code or 'mg')}",
                 f"||{escaped(code or 'mg')}", f"||{escaped(unit or 'gram')}", "||none"]
        if system:
            units.append(f"|{escaped(system)}|")
        return [(None, self.number_forms(item) + self.rng.choice(units)) for _ in range(14)]


def queries_of(search, type_, resources, per_parameter):
    """Queries of a type: of one condition, of several, and as a filter of several queries."""
    rng = random.Random(zlib.crc32(type_.encode()))
    asker = Asker(search, resources, rng, type_)
    conditions = [f"{name}{':' + modifier if modifier else ''}={encoded(value)}"
                  for name, parameter in search.all_of(type_).items()
                  for modifier, value in asker.conditions(parameter, per_parameter)]
    conditions = list(dict.fromkeys(conditions))
    several = ["&".join(rng.sample(conditions, min(len(conditions), rng.randrange(2, 5))))
               for _ in range(len(conditions) // 4)]
    queries = [f"{type_}?{condition}" for condition in [*conditions, *several]]
    return [*([one] for one in [type_, type_ + "?", *queries]),
            *(rng.sample(queries, min(len(queries), rng.randrange(2, 4)))
              for _ in range(len(conditions) // 8))]
