"""C source as text: what the other checks of this folder share."""

import pathlib
import re


def without_comments(text):
    """The text with comments blanked out and every line where it was; literals stay."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group()
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found

    return token.sub(blank, text)


def without_literals(text):
    """The text (without comments) with the insides of strings and characters blanked out."""
    literal = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
    return literal.sub(lambda m: m.group()[0] + "_" * (len(m.group()) - 2) + m.group()[-1], text)


def public_headers(root):
    """The public headers of the tree at `root`, comments blanked out: {name: text}."""
    folder = pathlib.Path(root, "include", "fhirexport")
    headers = {p.name: without_comments(p.read_text()) for p in sorted(folder.glob("*.h"))}
    if not headers:
        raise SystemExit(f"no headers in {folder}")
    return headers


def report(check, faults, done):
    """Prints the faults, or what was checked; ends the program."""
    for fault in faults:
        print(f"{check}: {fault}")
    if faults:
        raise SystemExit(f"{check}: {len(faults)} fault(s)")
    print(f"{check}: {done}")
