#!/usr/bin/env python3
"""A public header as Doxygen reads it: its comments are marked as documentation.

Declarations that stand together share the comment before them, so each gets a copy of it; and each function gets what
the head of its header says of all (docs/abi.md, "What a comment says").

usage: filter.py HEADER"""

import html
import pathlib
import re
import sys

HEAD = "Of all functions here:"
WORDS = "Threads|Memory|Returns|Answers"
# Members that every structure has.
USUAL = {"size": "The size of this structure, as fhx_init stores it.", "reserved": "0.", "reserved_2": "0.",
         "reserved_3": "0."}


def lines_of(comment):
    """The text of a comment, without its marks."""
    body = re.sub(r"^/\*+ ?|\s*\*+/$", "", comment)
    lines = [re.sub(r"^\s*\* ?|^ {3,5}(?=\S)", "", line).rstrip() for line in body.split("\n")]
    return lines[not lines[0]:]


def literal(text):
    """What stood in backticks. Doxygen takes some of them for tags where they have an angle bracket."""
    if "<" not in text:
        return f"`{text}`"
    escaped = re.sub(r"([][*_#$%@])", r"\\\1", html.escape(text))
    return f"<code>{escaped}</code>"


def mark(line):
    """Escapes what Doxygen would take as a command, and links names; what stands in backticks stays."""
    parts = line.split("`")
    for i in range(0, len(parts), 2):
        part = re.sub(r"([\\@<>#$%\"])", r"\\\1", parts[i])
        parts[i] = re.sub(r"(?<![\w.])((?:fhx|FHX)_\w+)(?![\w(]|\.\.)", r"#\1", part)
        if i:
            parts[i - 1] = literal(parts[i - 1])
    return "".join(parts)


def marked(lines):
    """The lines with paragraphs named, and tables kept as they are."""
    text, in_table = [], False
    for line in lines:
        is_table = bool(re.match(r"  +(?![-\d])\S", line))
        if is_table != in_table:
            text.append("@verbatim" if is_table else "@endverbatim")
            in_table = is_table
        named = re.match(rf"({WORDS}): (.*)|(Since) ([\d.]+)\.$", line)
        if is_table:
            text.append(line)
        elif named:
            text += [f"@par {named.group(1) or named.group(3)}", mark(named.group(2) or named.group(4))]
        else:
            text.append(mark(line))
    return text + ["@endverbatim"] * in_table


def above(lines):
    """What the head says of all functions: {word: text}."""
    text = " ".join(lines).partition(HEAD)[2]
    found = dict(re.findall(rf"({WORDS}): (.*?)(?= (?:{WORDS}): | Since \d|$)", text))
    since = re.search(r"\bSince ([\d.]+)\.", text)
    if since:
        found["Since"] = since.group(1)
    return found


def with_brief(lines):
    """The lines with their first sentence apart, which is what lists show."""
    ends = [i for i, line in enumerate(lines) if not line or re.match(r"@| ", line)]
    first = " ".join(lines[:ends[0]] if ends else lines)
    brief = re.match(r"(.*?\.)(?: |$)(?![a-z])", first)
    if not brief:
        return lines
    return [f"@brief {brief.group(1)}", "", first[brief.end():], *(lines[ends[0]:] if ends else [])]


def block(text):
    """A comment that Doxygen reads."""
    return "/**\n" + "\n".join(" * " + line for part in text for line in part.split("\n")) + "\n */"


def file_comment(lines):
    """The first comment of a header: what is in it."""
    text = re.sub(r"^fhirexport/\w+\.h: ", "", "\n".join(lines)).partition(HEAD)
    return block(["@file", *marked((text[0][:1].upper() + text[0][1:]).split("\n"))])


def function_comment(lines, defaults, is_reply):
    """A function's own comment, and what it leaves to the head of its header."""
    own = " ".join(lines)
    more = [f"@par {word}\n{mark(text)}" for word, text in defaults.items()
            if not re.search(word + (": " if word != "Since" else r" \d"), own) and (word != "Returns" or is_reply)]
    return block(with_brief(marked(lines)) + more)


def trailing(line):
    """A member with its comment behind it: the member, the comment's lines."""
    found = re.match(r"(\s+[^/]*;)\s*/\*(.*)\*/$", line)
    return (found.group(1), [found.group(2).strip()]) if found else (line, None)


def comment_for(text, lines):
    """The comment of a declaration, or what goes without saying."""
    name = re.search(r"(\w+);$", text)
    if name and name.group(1) in USUAL:
        return [USUAL[name.group(1)]]
    kind = re.match(r"\s+(fhx_\w+_callback) ", text)
    return [f"See {kind.group(1)}."] if not lines and kind else lines


def statements(text):
    """A header as comments, declarations, and lines in between."""
    todo = text.split("\n")
    while todo:
        lines = [todo.pop(0)]
        start = lines[0].strip()
        if start.startswith("/*"):
            while "*/" not in lines[-1]:
                lines.append(todo.pop(0))
        elif re.match(r"typedef (?!struct \w+ \{)|FHX_API|\s+\S", lines[0]):
            while ";" not in lines[-1]:
                lines.append(todo.pop(0))
        yield "\n".join(lines)


def filtered(text):
    comment, is_used, defaults, is_first = [], False, {}, True
    for one in statements(text):
        if one.strip().startswith("/*"):
            lines = lines_of(one.strip())
            if is_first:
                defaults, is_first = above(lines), False
                yield file_comment(lines)
            else:
                comment = lines if is_used or not comment else [*comment, "", *lines]
                is_used = False
            continue
        if re.match(r"#define \w+(\(\w+\))? \S|typedef |FHX_API|\s+\S", one):
            is_used = True
            one, own = trailing(one)
            lines = comment_for(one, own or comment)
            if one.startswith("FHX_API"):
                yield function_comment(lines, defaults, "int32_t fhx_reply_" in one)
            elif lines:
                yield block(with_brief(marked(lines)))
        if not one.strip() or re.search(r"^\}|\{$", one):
            comment = []
        yield one


def main(header):
    print("\n".join(filtered(pathlib.Path(header).read_text())))


main(*sys.argv[1:])
