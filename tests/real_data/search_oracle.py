"""An evaluator of FHIR searches, and a projection to elements, written from FHIR's rules alone.

It reads whole resources as trees, follows the search parameters' FHIRPath expressions, and compares
with exact fractions; it has nothing in common with the library but the facts: search.tsv, and from
elements.tsv what is mandatory. Where FHIR leaves a choice it takes the one that lib/facts/README.md
states (FILTER-15, -16, -21; PARAM-18, -19, -22).
"""
import calendar
import collections
import datetime
import functools
import re
import unicodedata
import urllib.parse
from fractions import Fraction

INFINITY = float("inf")
# The data types that an element of several types may have, and those that searches look at.
DATA_TYPES = ("Address Age Annotation Attachment Base64Binary Boolean Canonical Code CodeableConcept"
              " CodeableReference Coding ContactPoint Count Date DateTime Decimal Distance Dosage"
              " Duration Expression HumanName Id Identifier Instant Integer Integer64 Markdown Money"
              " Oid Period PositiveInt Quantity Range Ratio RatioRange Reference SampledData"
              " Signature String Time Timing UnsignedInt Uri Url Uuid").split()
LOOKED_AT = {
    "token": "Boolean Code CodeableConcept Coding ContactPoint Id Identifier String Uri",
    "date": "Date DateTime Instant Period Timing",
    "reference": "Canonical Reference Uri",
    "string": "Address HumanName Markdown String",
    "uri": "Canonical Uri Url",
    "number": "Decimal Integer PositiveInt Range UnsignedInt",
    "quantity": "Age Count Distance Duration Money Quantity Range"}
LOOKED_AT = {kind: set(types.split()) for kind, types in LOOKED_AT.items()}
COMMON = {"_id": ("token", "id"), "_lastUpdated": ("date", "meta.lastUpdated"),
          "_profile": ("uri", "meta.profile"), "_security": ("token", "meta.security"),
          "_source": ("uri", "meta.source"), "_tag": ("token", "meta.tag")}
READ_BY_PEOPLE = {"family", "given", "prefix", "suffix", "text", "line", "city", "district", "state",
                  "postalCode", "country"}
CURRENCIES = "urn:iso:std:iso:4217"
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
             "code": "SUBSETTED"}


# All resources have these, and all but Bundle, Binary and Parameters the second.
SHARED = {"id", "implicitRules", "language", "meta"}
DOMAIN_SHARED = {"contained", "extension", "modifierExtension", "text"}
NO_DOMAIN_RESOURCES = {"Bundle", "Binary", "Parameters"}


class Number(str):
    """A number of a JSON document, as it is written there."""


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Number)


class Unsupported(Exception):
    """What the library has to refuse."""


# --- expressions ---

# A value in a resource, and its data type where the name of its element tells it.
Node = collections.namedtuple("Node", "value type")


def children(node, name):
    if not isinstance(node.value, dict):
        return []
    named = [(node.value[name], None)] if name in node.value else []
    named += [(node.value[name + one], one) for one in DATA_TYPES if name + one in node.value]
    return [Node(item, type_) for value, type_ in named
            for item in (value if isinstance(value, list) else [value]) if item is not None]


def type_of_target(reference):
    """The type that a Reference is to, as far as it says so."""
    target = read_reference(reference.get("reference") or "")
    return target.type or reference.get("type")


def parse_term(text):
    """One term of an expression, without the type that it begins with, as functions on nodes."""
    text = text.strip()
    cast = re.fullmatch(r"\((\S+) as (\w+)\)(.*)", text)
    if cast:
        text = f"{cast.group(1)}.ofType({cast.group(2)}){cast.group(3)}"
    exists = re.fullmatch(r"(\S+)\.exists\(\) and \1 != false", text)
    if exists:
        text = exists.group(1) + ".isTrue()"
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    steps = []
    for name in re.findall(r"(?:[^.(]|\([^)]*(?:\(\)[^)]*)?\))+", text)[1:]:
        call = re.fullmatch(r"(\w+)\((.*)\)", name)
        if not call:
            steps.append(("child", name))
        elif call.group(1) in ("ofType", "as"):
            steps.append(("type", call.group(2)[0].upper() + call.group(2)[1:]))
        elif call.group(1) == "where" and call.group(2).startswith("resolve() is "):
            steps.append(("target", call.group(2)[len("resolve() is "):]))
        elif call.group(1) == "where" and re.fullmatch(r"system='\w+'", call.group(2)):
            steps.append(("system", call.group(2)[8:-1]))
        elif call.group(1) == "isTrue":
            steps.append(("true", None))
        else:
            raise Unsupported(text)
    if not steps or not all(re.fullmatch(r"\w+", what or "x") for _, what in steps):
        raise Unsupported(text)
    return steps


@functools.cache
def parse_expression(text):
    return [parse_term(term) for term in text.split(" | ")]


def follow(steps, nodes):
    for how, what in steps:
        if how == "child":
            nodes = [found for node in nodes for found in children(node, what)]
        elif how == "type":
            nodes = [node for node in nodes if node.type == what]
        elif how == "target":
            nodes = [node for node in nodes
                     if isinstance(node.value, dict) and type_of_target(node.value) == what]
        elif how == "system":
            nodes = [node for node in nodes
                     if isinstance(node.value, dict) and node.value.get("system") == what]
    return nodes


def evaluate(expression, resource):
    return [node for steps in parse_expression(expression)
            for node in follow(steps, [Node(resource, None)])]


# --- dates: spans [low, high) in seconds, or points ---

Span = collections.namedtuple("Span", "low high")
DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?"
                  r"(Z|[+-]\d\d:\d\d)?)?)?)?")
EPOCH = datetime.datetime(1970, 1, 1)


@functools.cache
def read_date(text):
    """None: it is no date."""
    match = DATE.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime.datetime(int(year), int(month or 1), int(day or 1), int(hour or 0),
                                   int(minute or 0), int(second or 0))
    except ValueError:
        return None
    delta = moment - EPOCH
    low = Fraction(delta.days * 86400 + delta.seconds)
    if fraction:
        low += Fraction("0" + fraction)
        width = Fraction(1, 10 ** (len(fraction) - 1))
    elif second:
        width = Fraction(1)
    elif minute:
        width = Fraction(60)
    elif day:
        width = Fraction(86400)
    elif month:
        width = Fraction(86400 * calendar.monthrange(int(year), int(month))[1])
    else:
        width = Fraction(86400 * (366 if calendar.isleap(int(year)) else 365))
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        low -= offset if zone[0] == "+" else -offset
    return Span(low, low + width)


def read_period(period):
    bounds = {name: read_date(period[name]) if is_text(period[name]) else None
              for name in ("start", "end") if name in period}
    if not bounds or None in bounds.values():
        return None
    return Span(bounds["start"].low if "start" in bounds else -INFINITY,
                bounds["end"].high if "end" in bounds else INFINITY)


def dates_of(node):
    value = node.value
    if is_text(value):
        found = [read_date(value)]
    elif not isinstance(value, dict):
        found = []
    elif "start" in value or "end" in value:
        found = [read_period(value)]
    else:
        spans = [read_date(event) for event in value.get("event", []) if event is not None]
        spans.append(read_period(value.get("repeat", {}).get("boundsPeriod", {})))
        spans = [span for span in spans if span is not None]
        found = [Span(min(span.low for span in spans), max(span.high for span in spans))] \
            if spans else []
    return [span for span in found if span is not None]


def span_meets(prefix, asked, span):
    point = span.low == span.high
    within = asked.low <= span.low and (span.low < asked.high if point else
                                        span.high <= asked.high)
    above = span.high >= asked.high if point else span.high > asked.high
    below = span.low < asked.low
    if prefix == "ap":
        width = asked.high - asked.low
        low, high = asked.low - width, asked.high + width
        return span.low < high and (span.high > low or point and span.low >= low)
    return {"eq": within, "ne": not within, "gt": above, "lt": below, "ge": above or within,
            "le": below or within, "sa": span.low >= asked.high,
            "eb": below if point else span.high <= asked.low}[prefix]


# --- numbers and quantities ---

# From low to high; `open` has the ends that do not count themselves.
Stretch = collections.namedtuple("Stretch", "low high open system code unit")


def stretch(low, high, open_="", system=None, code=None, unit=None):
    return Stretch(low, high, open_, system, code, unit)


def quantity_of(value):
    if "value" not in value:
        return None
    number = Fraction(value["value"])
    comparator = value.get("comparator", "")
    system, code = value.get("system"), value.get("code")
    if "currency" in value:
        system, code = CURRENCIES, value["currency"]
    open_ = ("low" if comparator == ">" else "high") if len(comparator) == 1 else ""
    return stretch(-INFINITY if comparator.startswith("<") else number,
                   INFINITY if comparator.startswith(">") else number, open_, system, code,
                   value.get("unit"))


def quantities_of(node):
    value = node.value
    if not isinstance(value, dict):
        return [stretch(Fraction(value), Fraction(value))] if isinstance(value, Number) else []
    if "low" in value or "high" in value:
        ends = {name: quantity_of(value[name]) for name in ("low", "high") if name in value}
        ends = {name: end for name, end in ends.items() if end}
        if not ends:
            return []
        last = list(ends.values())[-1]
        return [stretch(ends["low"].low if "low" in ends else -INFINITY,
                        ends["high"].high if "high" in ends else INFINITY, "", last.system,
                        last.code, last.unit)]
    found = quantity_of(value)
    return [found] if found else []


def read_number(text):
    """The number, half a unit of its last digit, and a tenth of it."""
    number = re.fullmatch(r"([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", text)
    sign, whole, fraction, exponent = number.groups()
    value = Fraction(text)
    digits = len(fraction or "")
    # As FHIR's own example has it: 1e2 is 95 to 105.
    if exponent and len(whole) + digits == 1:
        digits = 1
    half = Fraction(10) ** (int(exponent or 0) - digits) / 2
    return value, half, abs(value) / 10


def stretch_meets(prefix, asked, of):
    value, half, tenth = asked
    within = value - half <= of.low and of.high < value + half

    def reaches_above(limit, itself):
        return of.high > limit or itself and of.high == limit and of.open != "high"

    def reaches_below(limit, itself):
        return of.low < limit or itself and of.low == limit and of.open != "low"

    return {"eq": within, "ne": not within, "gt": reaches_above(value, False),
            "lt": reaches_below(value, False), "ge": reaches_above(value, True),
            "le": reaches_below(value, True),
            "sa": of.low > value or of.low == value and of.open == "low",
            "eb": of.high < value or of.high == value and of.open == "high",
            "ap": reaches_below(value + tenth, True) and reaches_above(value - tenth, True)}[prefix]


# --- tokens, strings, references ---

# A code without a system of its own, as a plain `code` is, has an implied one.
Token = collections.namedtuple("Token", "implied system code")


def token_of(coding, name):
    return Token(False, coding.get("system"), coding.get(name))


def tokens_of(node):
    value = node.value
    if isinstance(value, bool):
        return [Token(True, None, "true" if value else "false")]
    if is_text(value):
        return [Token(True, None, value)]
    if not isinstance(value, dict):
        return []
    concept = value.get("concept", value) if "concept" in value else value
    if "coding" in concept:
        return [token_of(coding, "code") for coding in concept["coding"]]
    return [token_of(value, "value" if "value" in value else "code")]


def strings_of(node):
    if is_text(node.value):
        return [node.value]
    if not isinstance(node.value, dict):
        return []
    found = []
    for name in node.value.keys() & READ_BY_PEOPLE:
        part = node.value[name]
        found += [one for one in (part if isinstance(part, list) else [part])
                  if is_text(one)]
    return sorted(found)


# Strokes and ligatures, which people leave out and Unicode does not.
BY_HAND = str.maketrans({"ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "ð": "d",
                         "æ": "ae", "œ": "oe", "ĳ": "ij"})


@functools.cache
def plain(text):
    """Without case and accents."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return "".join(one for one in text if unicodedata.category(one) != "Mn").translate(BY_HAND)


Target = collections.namedtuple("Target", "text base type id version")
REFERENCE = re.compile(r"(?:(https?://[^/].*|)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")


@functools.cache
def read_reference(text):
    version = re.fullmatch(r"(.*)/_history/([^/]*)", text)
    if version:
        text = version.group(1)
    version = version.group(2) if version else None
    if re.fullmatch(r"[A-Za-z0-9.-]{1,64}", text):
        return Target(text, None, None, text, version)
    match = REFERENCE.fullmatch(text)
    if not match:
        return Target(text, None, None, None, version)
    return Target(text, match.group(1), match.group(2), match.group(3), version)


def references_of(node):
    """Targets and identifiers; a canonical URL is a text with "|"."""
    value = node.value
    if is_text(value):
        return [("canonical", *read_canonical(value))]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("reference"), dict):
        value = value["reference"]
    found = [("target", read_reference(value["reference"]))] if value.get("reference") else []
    if "identifier" in value:
        found += [("identifier", token) for token in tokens_of(Node(value["identifier"], None))]
    return found


def read_canonical(text):
    url, _, version = text.partition("|")
    return url, version or None


def token_meets(asked, token):
    system, code = asked
    if token.implied:
        return code in ("", token.code)
    if system is None:
        return token.code == code
    if system == "":
        return token.system is None and token.code == code
    return token.system == system and code in ("", token.code)


def target_meets(asked, found, base):
    """Relative references are below the server's own base; without one every base is its own."""
    def own(target):
        return target.type is not None and (not target.base or not base or target.base == base)

    if asked.version and asked.version != found.version:
        return False
    if asked.id and not asked.type:
        return own(found) and asked.id == found.id
    if own(asked) and own(found):
        return (asked.type, asked.id) == (found.type, found.id)
    return asked.text == found.text


def uri_meets(modifier, asked, found):
    def is_below(upper, lower):
        return lower == upper or lower.startswith(upper if upper.endswith("/") else upper + "/")

    if modifier == "below":
        return is_below(asked, found)
    return found != "" and is_below(found, asked) if modifier == "above" else asked == found


# --- conditions ---

def split_values(text, mark=","):
    parts, part = [], ""
    for piece in re.findall(r"\\.|.", text, re.S):
        if piece == mark:
            parts.append(part)
            part = ""
        else:
            part += piece
    return [*parts, part]


def unescaped(text):
    return re.sub(r"\\(.)", r"\1", text)


def read_prefix(text):
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def read_token(text):
    parts = [unescaped(part) for part in split_values(text, "|")]
    return (None, parts[0]) if len(parts) == 1 else tuple(parts)


ITEMS = {"token": tokens_of, "date": dates_of, "reference": references_of, "string": strings_of,
         "number": quantities_of, "quantity": quantities_of,
         "uri": lambda node: [node.value] if is_text(node.value) else []}


class Parameter:
    """A search parameter of a type: what it finds in a resource."""

    def __init__(self, name, kind, expression):
        if kind not in ITEMS or name == "phonetic":
            raise Unsupported(name)
        self.name, self.kind, self.expression = name, kind, expression
        # What was found in resources, each once, and its number.
        self.found, self.numbers = [], {}
        self.asks_truth = any(("true", None) in steps for steps in parse_expression(expression))

    def nodes(self, resource):
        found = evaluate(self.expression, resource)
        if self.asks_truth:
            return found
        return [node for node in found if node.type is None or node.type in LOOKED_AT[self.kind]]

    def items(self, resource):
        """What is there, and whether anything is."""
        nodes = self.nodes(resource)
        if self.asks_truth:
            is_true = any(node.value is not False for node in nodes)
            return (Token(True, None, "true" if is_true else "false"),), True
        items = tuple(item for node in nodes for item in ITEMS[self.kind](node))
        if self.name == "_lastUpdated":
            items = tuple(Span(item.low, item.low) for item in items)
        return items, any(has_value(node.value) for node in nodes)

    def number_of(self, resource):
        """Resources with the same items have the same number: self.found has the items."""
        items = self.items(resource)
        number = self.numbers.setdefault(items, len(self.found))
        if number == len(self.found):
            self.found.append(items)
        return number


def has_value(value):
    return not isinstance(value, dict) or bool(value.keys() - {"id", "extension"})


class Condition:
    def __init__(self, parameter, modifier, text, base):
        self.parameter, self.modifier, self.base = parameter, modifier, base
        self.text = text
        self.values = split_values(text)
        self.known = {}

    def holds(self, number):
        """Of the items with this number; it remembers."""
        if number not in self.known:
            self.known[number] = self.find(*self.parameter.found[number])
        return self.known[number]

    def find(self, items, present):
        if self.modifier == "missing":
            return present == (self.text == "false")
        found = any(self.meets(value, item) for value in self.values for item in items)
        return found != (self.modifier == "not")

    def meets(self, value, item):
        kind, modifier = self.parameter.kind, self.modifier
        if kind == "token":
            return token_meets(read_token(value), item)
        if kind == "date":
            prefix, value = read_prefix(value)
            return span_meets(prefix, read_date(value), item)
        if kind == "string":
            value = unescaped(value)
            if modifier == "exact":
                return value == item
            value, item = plain(value), plain(item)
            return value in item if modifier == "contains" else item.startswith(value)
        if kind == "uri":
            if self.parameter.name == "_profile":
                return self.canonical_meets(unescaped(value), read_canonical(item))
            return uri_meets(modifier, unescaped(value), item)
        if kind == "reference":
            return self.reference_meets(value, item)
        return self.quantity_meets(value, item)

    @staticmethod
    def canonical_meets(value, item):
        url, version = read_canonical(value)
        return url == item[0] and version in (None, item[1])

    def reference_meets(self, value, item):
        how = item[0]
        if self.modifier == "identifier":
            return how == "identifier" and token_meets(read_token(value), item[1])
        value = unescaped(value)
        if how == "canonical":
            return self.modifier is None and self.canonical_meets(value, item[1:])
        if how == "identifier":
            return False
        if self.modifier and "/" not in value.partition("/_history/")[0]:
            value = self.modifier + "/" + value
        return target_meets(read_reference(value), item[1], self.base)

    def quantity_meets(self, value, item):
        prefix, value = read_prefix(value)
        number, *unit = split_values(value, "|")
        if unit:
            system, code = map(unescaped, unit)
            if system and system != item.system:
                return False
            if code and code != item.code and (system or code != item.unit):
                return False
        return stretch_meets(prefix, read_number(number), item)


class Search:
    """The facts, and queries that are read by them."""

    def __init__(self, facts, version, base=""):
        self.base, self.parameters = base, collections.defaultdict(dict)
        self.unsupported = collections.defaultdict(set)
        self.mandatory, self.roots = collections.defaultdict(set), collections.defaultdict(set)
        # The data types of each element that has several.
        self.choices = {}
        for path, minimum, types in self.facts_of(facts / "elements.tsv", version):
            type_, _, name = path.partition(".")
            if "." not in name:
                self.roots[type_].add(name)
                if minimum != "0":
                    self.mandatory[type_].add(name)
            if types != "-":
                self.choices[path] = [one[0].upper() + one[1:] for one in types.split(",")]
        for type_, *fields in self.facts_of(facts / "search.tsv", version):
            try:
                self.parameters[type_][fields[0]] = Parameter(*fields)
                self.check_leads_somewhere(fields[2])
            except Unsupported:
                self.parameters[type_].pop(fields[0], None)
                self.unsupported[type_].add(fields[0])
        self.common = {name: Parameter(name, kind, "Resource." + path)
                       for name, (kind, path) in COMMON.items()}

    @staticmethod
    def facts_of(path, version):
        for line in path.read_text(encoding="utf-8").splitlines():
            *fields, versions = line.split("\t")
            if not line.startswith("#") and version in versions.split(","):
                yield fields

    def check_leads_somewhere(self, expression):
        """FHIR has casts to data types that the element does not have."""
        for term, steps in zip(expression.split(" | "), parse_expression(expression)):
            path = ".".join([re.search(r"\w+", term).group(),
                             *(what for how, what in steps if how == "child")])
            casts = [what for how, what in steps if how == "type"]
            if not casts or path not in self.choices or casts[-1] in self.choices[path]:
                return
        raise Unsupported(expression)

    def has_root(self, type_, name):
        return name in self.roots[type_] | SHARED or \
            type_ not in NO_DOMAIN_RESOURCES and name in DOMAIN_SHARED

    def all_of(self, type_):
        return {**self.common, **self.parameters.get(type_, {})}

    def read(self, query):
        """The type of a query and its conditions."""
        type_, _, text = query.partition("?")
        conditions = []
        for piece in filter(None, text.split("&")):
            name, _, value = piece.partition("=")
            name, _, modifier = urllib.parse.unquote(name).partition(":")
            conditions.append(Condition(self.all_of(type_)[name], modifier or None,
                                        urllib.parse.unquote(value), self.base))
        return type_, conditions


class Resource:
    """A resource that remembers what each parameter finds in it."""

    def __init__(self, tree):
        self.tree, self.found = tree, {}

    def number(self, parameter):
        if parameter not in self.found:
            self.found[parameter] = parameter.number_of(self.tree)
        return self.found[parameter]

    def items(self, parameter):
        return parameter.found[self.number(parameter)][0]

    def meets(self, conditions):
        return all(condition.holds(self.number(condition.parameter)) for condition in conditions)


# --- elements ---

def project(search, wishes, resource):
    """The resource with what is wanted of it: the elements named, the mandatory ones, and what says
    how the rest is to be read; tagged once. The whole where nothing of its type is wanted."""
    type_ = resource["resourceType"]
    names = {wish.split(".")[-1] for wish in wishes
             if wish.startswith(type_ + ".") or "." not in wish and search.has_root(type_, wish)}
    if not names:
        return resource
    names |= search.mandatory[type_] | {"resourceType", "id", "meta", "implicitRules",
                                        "modifierExtension"}

    def is_kept(key):
        key = key[1:] if key.startswith("_") else key
        return key in names or any(key.startswith(name) and key[len(name):] in
                                   search.choices.get(f"{type_}.{name}", ()) for name in names)

    kept = {key: value for key, value in resource.items() if is_kept(key)}
    meta = dict(kept.get("meta", {}))
    tags = list(meta.get("tag", []))
    if not any(tag.get("system") == SUBSETTED["system"] and tag.get("code") == SUBSETTED["code"]
               for tag in tags):
        meta["tag"] = [*tags, SUBSETTED]
    kept["meta"] = meta
    return kept
