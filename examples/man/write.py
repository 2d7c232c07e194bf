#!/usr/bin/env python3
"""Writes the manual of a program from its --help, so that what is said stands in one place.

    write.py [--check] PROGRAM...    FOLDER-OF-THIS/NAME.1 of each; --check: whether they are as they should be
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {"fhirexport-server": "FHIR server with Bulk Data export",
         "fhirexport-generate": "made-up FHIR resources for tests"}
HEAD = """.\\" Written by write.py from {name} --help.
.Dd November 23, 2026
.Dt {title} 1
.Os
.Sh NAME
.Nm {name}
.Nd {what}
.Sh SYNOPSIS
.Bd -literal -compact
{usage}
.Ed
.Sh DESCRIPTION
"""
TAIL = """.Sh SEE ALSO
.Xr fhirexport 1
"""


def escape(line):
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line.startswith((".", "'")) else line


def sentences(text):
    """One on each line, as mdoc wants them."""
    return re.sub(r"(?<=[a-z)\]]\.) (?=[A-Z\"])", "\n", text)


def paragraphs(blocks):
    return [".Pp\n" + sentences(escape(" ".join(block.split()))) for block in blocks]


def options(block):
    """Each option with its text, which may begin on the line below it."""
    found = []
    for line in block.split("\n"):
        new = re.match(r"  (--\S.*?)(?:  +(.*))?$", line)
        if new:
            option, text = new.groups()
            found.append([option, text or ""])
        else:
            found[-1][1] += " " + line.strip()
    lines = [".Bl -tag -width Ds"]
    for option, text in found:
        lines += [".It " + escape(option), sentences(escape(text.strip()))]
    return "\n".join(line for line in lines + [".El"] if line)


def manual(program):
    name = os.path.basename(program)
    said = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    blocks = said.rstrip("\n").split("\n\n")
    usage = re.sub(r"^(Usage:| {6}) ", "", blocks[0], flags=re.M)
    is_option = [bool(re.match(r"  --", block)) for block in blocks]
    first = is_option.index(True)
    text = HEAD.format(name=name, title=name.upper(), what=NAMES[name], usage=escape(usage))
    before, after = blocks[1:first], blocks[first + 1:]
    parts = paragraphs(before) + [".Pp\nThe options are:", options(blocks[first])] + paragraphs(after)
    return text + re.sub(r"^\.Pp\n", "", "\n".join(parts)) + "\n" + TAIL


def main(arguments):
    checks = arguments[:1] == ["--check"]
    wrong = []
    for program in arguments[1:] if checks else arguments:
        path = os.path.join(HERE, os.path.basename(program) + ".1")
        text = manual(program)
        if checks:
            with open(path, encoding="utf-8") as file:
                wrong += [path] if file.read() != text else []
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return f"not what --help says, so write it again: {', '.join(wrong)}" if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
