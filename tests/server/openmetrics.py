"""A strict reader of OpenMetrics 1.0 text, as far as counters, gauges, histograms and infos go."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|\+Inf")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SUFFIXES = {"counter": {"_total"}, "gauge": {""}, "info": {"_info"},
            "histogram": {"_bucket", "_count", "_sum"}}


def need(condition, message):
    if not condition:
        raise ValueError(message)


class Family:
    def __init__(self, name):
        self.name = name
        self.kind = self.unit = self.help = None
        # [(suffix, {label: value}, number)]
        self.samples = []


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        need(found, f"labels cannot be read: {text}")
        need(found.group(1) not in labels, f"a label comes twice: {text}")
        labels[found.group(1)] = found.group(2)
        at = found.end()
        if at < len(text):
            need(text[at] == "," and at + 1 < len(text), f"labels end badly: {text}")
            at += 1
    return labels


def read_comment(line, families, current):
    found = re.fullmatch(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)", line)
    need(found, f"neither TYPE, UNIT nor HELP: {line}")
    what, name, text = found.groups()
    if current is None or current.name != name:
        need(name not in families, f"the family {name} is in two places")
        current = families[name] = Family(name)
    need(not current.samples, f"{what} of {name} comes behind its samples")
    attribute = {"TYPE": "kind", "UNIT": "unit", "HELP": "help"}[what]
    need(getattr(current, attribute) is None, f"{what} of {name} comes twice")
    if what == "TYPE":
        need(text in SUFFIXES, f"{name} is a {text}")
    if what == "UNIT":
        need(name.endswith("_" + text), f"the name {name} does not end in its unit {text}")
    setattr(current, attribute, text)
    return current


def read_sample(line, current):
    found = re.fullmatch(rf"({NAME})(?:\{{(.+)\}})? (\S+)", line)
    need(found, f"not a sample: {line}")
    name, labels, number = found.groups()
    need(current is not None and name.startswith(current.name), f"not of the family: {line}")
    suffix = name[len(current.name):]
    need(current.kind and suffix in SUFFIXES[current.kind], f"a wrong suffix: {line}")
    need(NUMBER.fullmatch(number), f"not a number: {line}")
    labels = read_labels(labels or "")
    need(all((suffix, labels) != (s, l) for s, l, _ in current.samples), f"comes twice: {line}")
    current.samples.append((suffix, labels, float(number.replace("+Inf", "inf"))))


def check_histogram(family):
    """Of each set of labels: buckets ascend, `le` ascends to +Inf, which is the count."""
    groups = {}
    for suffix, labels, number in family.samples:
        rest = tuple(sorted((key, value) for key, value in labels.items() if key != "le"))
        need(("le" in labels) == (suffix == "_bucket"), f"le of {family.name}{suffix}")
        group = groups.setdefault(rest, {"_bucket": [], "_count": [], "_sum": []})
        group[suffix].append((float(labels.get("le", "nan").replace("+Inf", "inf")), number))
    for rest, group in groups.items():
        bounds = [bound for bound, _ in group["_bucket"]]
        counts = [count for _, count in group["_bucket"]]
        need(bounds == sorted(set(bounds)) and bounds[-1] == math.inf, f"bounds of {family.name}")
        need(counts == sorted(counts), f"buckets of {family.name} {rest} go down")
        need(len(group["_count"]) == len(group["_sum"]) == 1, f"count or sum of {family.name}")
        need(group["_count"][0][1] == counts[-1], f"the count of {family.name} is not its last bucket")
        need(group["_sum"][0][1] >= 0, f"the sum of {family.name}")


def parse(text):
    """{name: Family}; ValueError says what is wrong."""
    need(text.endswith("# EOF\n"), "the end is not # EOF")
    need("\r" not in text, "there is a carriage return")
    families, current = {}, None
    for line in text[:-len("# EOF\n")].split("\n")[:-1]:
        need(line, "there is an empty line")
        if line.startswith("#"):
            current = read_comment(line, families, current)
        else:
            read_sample(line, current)
    for family in families.values():
        need(family.kind and family.help, f"{family.name} has no TYPE or HELP")
        need(family.samples, f"{family.name} has no sample")
        need(all(n >= 0 for _, _, n in family.samples), f"{family.name} is negative")
        if family.kind == "histogram":
            check_histogram(family)
    return families
