"""The tables of search parameters, and of letters without case and accents; used by tables.py."""

import re
import sys
import unicodedata

COLUMNS = 100
TYPE_NAME = r"[A-Z][A-Za-z]{0,63}"
ELEMENT = r"[a-z][A-Za-z0-9]{0,63}"
# What the data types of an element have to be for a search parameter to look at them.
SEARCHED = {
    "token": {"boolean", "code", "CodeableConcept", "Coding", "ContactPoint", "id", "Identifier",
              "string", "uri"},
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "reference": {"canonical", "Reference", "uri"},
    "string": {"Address", "HumanName", "markdown", "string"},
    "uri": {"canonical", "uri", "url"},
    "number": {"decimal", "integer", "positiveInt", "Range", "unsignedInt"},
    "quantity": {"Age", "Count", "Distance", "Duration", "Money", "Quantity", "Range"},
}
# As in lib/select/search_table.h; a parameter that is known and not supported has no path.
KINDS = {"token": "t", "date": "d", "reference": "r", "string": "s", "uri": "u", "number": "n",
         "quantity": "q", "special": "x", "composite": "x"}
# As there.
SEARCH_SEGMENTS_MAX = 6

# Letters that have a case or accents: Latin, Greek and Cyrillic. All were in Unicode by 7.0, and what
# they decompose into never changes.
FOLDED_RANGES = ((0x00C0, 0x024F), (0x0370, 0x052F), (0x1E00, 0x1EFF))
# A stroke or a ligature is no accent to Unicode; people type the letters without.
FOLDED_BY_HAND = {"ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "ð": "d", "æ": "ae",
                  "œ": "oe", "ĳ": "ij"}
# A folded letter from here on is the number of a pair of letters.
FOLDED_PAIRS_FROM = 0xE000


def read_elements(read, all_versions):
    """The data types of each element that is known, by version and path; none: it has one only."""
    one = "|".join(all_versions)
    data_type = r"[A-Za-z0-9]+"
    rows = read("elements.tsv", rf"{TYPE_NAME}(?:\.{ELEMENT})+", "[01]",
                rf"-|{data_type}(?:,{data_type})*", f"(?:{one})(?:,(?:{one}))*")
    return {(version, path): [] if choices == "-" else choices.split(",")
            for path, _, choices, versions in rows for version in versions.split(",")}


def search_paths(expression, kind, version, elements):
    """The places in JSON that a search parameter's expression leads to, or None where this library
    cannot follow it: `a.b`, with `@Type` for references to that type only, `#system` for contact
    points of that system, and `!` for what is not false."""
    paths = []
    for part in expression.split(" | "):
        part = re.sub(r"\((\S+) as (\w+)\)", r"\1.ofType(\2)", part)
        part = re.sub(r"\.as\((\w+)\)", r".ofType(\1)", part)
        part = re.sub(r"^\((.*)\)$", r"\1", part)
        suffix = ""
        for form, mark in ((r"\.where\(resolve\(\) is (\w+)\)$", "@"),
                           (r"\.where\(system='(\w+)'\)$", "#")):
            found = re.search(form, part)
            if found:
                part, suffix = part[:found.start()], mark + found.group(1)
        found = re.fullmatch(r"([\w.]+)\.exists\(\) and \1 != false", part)
        if found:
            part, suffix = found.group(1), "!"
        if not re.fullmatch(rf"{TYPE_NAME}(?:\.{ELEMENT}(?:\.ofType\(\w+\))?)+", part):
            return None
        ends = search_ends(part, kind if suffix != "!" else None, version, elements)
        if ends is None:
            return None
        paths += [end + suffix for end in ends]
    return list(dict.fromkeys(paths)) or None


def search_ends(part, kind, version, elements):
    """The paths that one part of an expression leads to; several where its end has several types."""
    resource_type, *names = re.sub(r"\.ofType\(", ":", part).replace(")", "").split(".")
    path, ends = resource_type, [""]
    for number, name in enumerate(names):
        name, _, cast = name.partition(":")
        path += "." + name
        choices = elements.get((version, path))
        if choices is None and number == 0:
            sys.exit(f"search.tsv: {version} has no {path}")
        if cast:
            # An element without that data type, as FHIR's own expressions have some, holds nothing.
            wanted = [cast] if choices is None or cast in choices else []
        else:
            wanted = choices or []
        if number + 1 == len(names) and wanted and kind is not None:
            wanted = [one for one in wanted if one in SEARCHED[kind]]
        elif len(wanted) > 1 and number + 1 < len(names):
            return None
        # A cast to what cannot be searched (SampledData) leaves nothing of this part.
        suffixes = [one[0].upper() + one[1:] for one in wanted] if cast or choices else [""]
        ends = [end + "." + name + suffix for end in ends for suffix in suffixes]
    return [end[1:] for end in ends]


def read_search(read, types, all_versions):
    """The search parameters of each type: name, letter of the kind, versions' bits, paths."""
    one = "|".join(all_versions)
    elements = read_elements(read, all_versions)
    rows = read("search.tsv", TYPE_NAME, r"[a-z][a-z_-]*", "|".join(KINDS), ".+",
                f"(?:{one})(?:,(?:{one}))*")
    found = {name: {} for name in types}
    for resource_type, name, kind, expression, versions in rows:
        for version in versions.split(","):
            if version not in types.get(resource_type, []):
                sys.exit(f"search.tsv: {version} has no {resource_type}")
            # How names sound is nothing that a prefix can stand for.
            odd = kind in ("special", "composite") or name == "phonetic"
            paths = None if odd else search_paths(expression, kind, version, elements)
            if paths and max(one.count(".") for one in paths) >= SEARCH_SEGMENTS_MAX:
                sys.exit(f"search.tsv: {resource_type}.{name} has too many segments")
            letter = KINDS[kind] if paths else "x"
            key = (name, letter, "|".join(paths or []))
            bits = found[resource_type].setdefault(key, 0)
            found[resource_type][key] = bits | 1 << list(all_versions).index(version)
    return found


def table(read, opening, types, all_versions):
    text = [opening("The search parameters of FHIR.", "types.tsv, search.tsv and elements.tsv"),
            '#include "select/search_table.h"\n\n',
            "const fhx__search_row fhx__search_table[] = {\n"]
    for name, parameters in read_search(read, types, all_versions).items():
        bits = sum(1 << list(all_versions).index(version) for version in types[name])
        text.append(f'    {{"{name}", {bits},\n')
        lines = [""]
        if not parameters:
            text[-1] = text[-1][:-1] + ' ""},\n'
            continue
        for (parameter, letter, paths), versions in sorted(parameters.items()):
            word = f"{parameter}={letter}{versions}{paths} "
            if lines[-1] and len(lines[-1]) + len(word) > COLUMNS - 11:
                lines.append("")
            lines[-1] += word
        text += [f'     "{line}"\n' for line in lines]
        text[-1] = text[-1][:-1] + "},\n"
    text.append("};\n\nconst size_t fhx__search_table_count = "
                "sizeof fhx__search_table / sizeof fhx__search_table[0];\n")
    return "".join(text)


def folded(letter):
    """The letter without case and accents."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFD", letter).casefold())
    plain = "".join(one for one in plain if unicodedata.category(one) != "Mn") or letter
    return "".join(FOLDED_BY_HAND.get(one, one) for one in plain)


def fold_table(opening):
    text = [opening("Letters without case and accents.", "search.py, by Unicode"),
            '#include "select/fold_table.h"\n']
    pairs, rows = [], []
    for first, last in FOLDED_RANGES:
        letters = []
        for code in range(first, last + 1):
            plain = folded(chr(code))
            if len(plain) == 2 and plain not in pairs:
                pairs.append(plain)
            if len(plain) > 2:
                sys.exit(f"U+{code:04X} becomes more than two letters")
            letters.append(ord(plain) if len(plain) == 1 else FOLDED_PAIRS_FROM + pairs.index(plain))
        name = f"from_{first:04x}"
        text.append(f"\nstatic const uint16_t {name}[] = {{\n")
        width = 12
        text += ["    " + " ".join(f"0x{one:04X}," for one in letters[at:at + width]) + "\n"
                 for at in range(0, len(letters), width)]
        text.append("};\n")
        rows.append(f"    {{0x{first:04X}, 0x{last:04X}, {name}}},\n")
    text += ["\nconst fhx__fold_range fhx__fold_table[FHX__FOLD_RANGES] = {\n", *rows, "};\n",
             "\nconst uint16_t fhx__fold_pairs[][2] = {\n",
             *["    " + " ".join(f"{{0x{ord(a):04X}, 0x{ord(b):04X}}}," for a, b in pairs[at:at + 3]) + "\n"
               for at in range(0, len(pairs), 3)], "};\n"]
    return "".join(text)
