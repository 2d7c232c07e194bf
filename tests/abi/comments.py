#!/usr/bin/env python3
"""The comment of every public function says who may call it, what becomes of memory, which statuses it returns, and
since when it is there (docs/abi.md, "What a comment says"); and as far as a program can tell, it is true.

usage: comments.py ROOT"""

import collections
import pathlib
import re
import sys

from banned import functions
from source_text import report, without_comments, without_literals

HEAD = "Of all functions here:"
# Whose callbacks are asked; "the source's" among the statuses is what they have answered.
HOSTS = ("source", "destination", "store")
# Who asks them, and does not return what they answered: {function: (whose, what becomes of it)}.
KEPT = {
    "fhx_engine_handle": (HOSTS, "it is a response"),
    "fhx_engine_new": (("store",), "its threads run jobs"),
    "fhx_engine_run": (("source", "destination"), "the task or the job fails"),
    "fhx_engine_tick": (("store",), "the task's own thread meets it"),
    "fhx_job_run": (("source",), "the task or the job fails"),
    "fhx_job_run_task": (("source",), "the task or the job fails"),
    "fhx_published_handle": (("destination",), "it is a response"),
    "fhx_writer_new": (("destination",), "no part is open yet"),
}
# What has no answer, or none that anybody waits for.
SILENT = {"destroy", "part_abort", "close_cursor"}
# Statuses that shared functions return by their names, without a FHX_ERR_ in whoever calls them.
SHARED = {"fhx__struct_in": {"FHX_ERR_ARGUMENT", "FHX_ERR_STRUCT_SIZE"}, "fhx__no_memory": {"FHX_ERR_NO_MEMORY"}}


class Declaration:
    """A public function: its comment is the one before the lines without a gap that it stands among."""

    def __init__(self, header, name, text, comment):
        self.header, self.name, self.text, self.comment = header, name, text, comment
        # The functions that can fail are told by where they put the error, or by their reply.
        self.has_status = text.startswith("int32_t ") and bool(
            re.search(r"fhx_error \*\*error\)$|\(fhx_reply \*reply\b", text))


def plain(comment):
    """The words of a comment, on one line."""
    return " ".join(re.sub(r"^\s*\*+ ?|/\*|\*/", " ", line).strip() for line in comment.split("\n")).strip()


def declarations(name, text):
    """The public functions of a header."""
    comment = ""
    for part in re.finditer(r"/\*.*?\*/|\n[ \t]*\n|^FHX_API ([^;]*);", text, re.M | re.S):
        if part.group(1):
            declared = " ".join(part.group(1).split())
            yield Declaration(name, re.search(r"(\w+)\(", declared).group(1), declared, comment)
        else:
            comment = plain(part.group()) if part.group().startswith("/*") else ""


def head(text):
    """What the first comment of a header says of all its functions."""
    first = plain(re.match(r"/\*.*?\*/", text, re.S).group())
    return first.partition(HEAD)[2]


def named(text):
    return set(re.findall(r"\bFHX_(?:ERR_\w+|OK|END|WAIT)\b", text))


def returns(text):
    """What stands behind `Returns:`, up to another of the four."""
    found = re.search(r"\bReturns: (.*?)(?= (?:Threads|Memory): | Since \d|$)", text)
    return found and found.group(1)


def since(text):
    found = re.search(r"\bSince (\d+)\.(\d+)\.(\d+)\b", text)
    return found and tuple(map(int, found.groups()))


def releases(root):
    """{function: the release of its node in the symbol map}."""
    found, node = {}, None
    for line in pathlib.Path(root, "lib", "fhirexport.map").read_text().splitlines():
        begins = re.match(r"FHIREXPORT_(\d+)\.(\d+) \{", line)
        node = tuple(map(int, begins.groups())) if begins else node
        symbol = re.match(r"\s+(fhx_\w+);", line)
        if symbol:
            found[symbol.group(1)] = node
    return found


class Library:
    """Which function mentions which, and which statuses."""

    def __init__(self, root):
        self.places = collections.defaultdict(list)
        for file in sorted(pathlib.Path(root, "lib").rglob("*.[ch]")):
            path = file.relative_to(root).as_posix()
            for function in functions(path, without_literals(without_comments(file.read_text()))):
                function.words = set(re.findall(r"\w+", function.body))
                function.statuses = self.given(function)
                asked = set(re.findall(r"\bcallbacks\.(\w+)\(", function.body)) - SILENT
                function.host = path.split("/")[1] if asked else None
                self.places[function.name].append(function)

    @staticmethod
    def given(function):
        """Statuses that a function may give, not those that it compares with or leaves in a reply."""
        body = re.sub(r"(?:[=!]=|\bcase)\s*FHX_\w+|\breply->status = [^;]*;|\bfhx_reply_fail\([^;]*;", " ",
                      function.body, flags=re.S)
        found = set(re.findall(r"\bFHX_(?:ERR_\w+|END|WAIT)\b", body))
        for name, statuses in SHARED.items():
            if name in function.words:
                found |= statuses
        return found

    def reach(self, name, same_file=False, by_pointers=False):
        """A function and all that it calls; or only in its own file; or also what it has pointers of."""
        seen, todo = set(), list(self.places[name])
        while todo:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            for word in function.words if by_pointers else function.calls:
                todo += [other for other in self.places.get(word, ())
                         if other.path == function.path or not (same_file or other.private)]
        return seen

    def statuses(self, name, **how):
        return {status for function in self.reach(name, **how) for status in function.statuses}

    def hosts(self, name):
        return {function.host for function in self.reach(name)} & set(HOSTS)


def status_faults(function, text, library):
    """A status that is not there, cannot come from what the function calls, or comes from its own file unsaid."""
    said = named(text)
    if "FHX_OK" not in said and function.name != "fhx_engine_run":
        yield "does not say what FHX_OK is"
    for status in sorted(library.statuses(function.name, same_file=True) - said):
        if status.startswith("FHX_ERR_"):
            yield f"returns {status} and does not say so"
    hosts = {host for host in HOSTS if f"the {host}'s" in text.lower()}
    asked = library.hosts(function.name)
    kept = set(KEPT.get(function.name, ((), ""))[0])
    for host in sorted(kept - asked | kept & hosts):
        yield f"stands in KEPT for a {host} that it does not ask, or whose statuses it names"
    for host in sorted(asked - hosts - kept):
        yield f"asks a {host}, and does not say that it returns the {host}'s statuses"
    for host in sorted(hosts - asked):
        yield f"says that it returns the {host}'s statuses, and asks none"
    for status in sorted(said - library.statuses(function.name, by_pointers=True) - {"FHX_OK"} if not hosts else ()):
        yield f"says that it returns {status}, which nothing that it calls does"


def faults_of(function, above, library, release):
    if not function.comment:
        yield "has no comment"
    for word in ("Threads: ", "Memory: "):
        if word not in function.comment and word not in above:
            yield f"does not say `{word.strip()}`"
    first = since(function.comment) or since(above)
    if first is None:
        yield "does not say since when it is there"
    elif release is None or first[:2] != release:
        yield f"is not there since {'.'.join(map(str, first))}, by the symbol map"
    text = returns(function.comment) or returns(above)
    if function.has_status and not text:
        yield "does not say what it returns"
    elif function.has_status:
        yield from status_faults(function, text, library)


def name_faults(name, text, known):
    """Words in comments that are names of this library and are not there. `FHX_LOG_...` is any that begins so."""
    for comment in re.findall(r"/\*.*?\*/", text, re.S):
        for word, more in re.findall(r"\b(fhx_[a-z]\w*|FHX_[A-Z]\w*)(\.\.\.)?", comment):
            if not (any(k.startswith(word) for k in known) if more else word in known):
                yield f"{name}: a comment names {word}{more}, which does not exist"


def main(root):
    headers = {p.name: p.read_text() for p in sorted(pathlib.Path(root, "include", "fhirexport").glob("*.h"))}
    known = {word for text in headers.values() for word in re.findall(r"\w+", without_comments(text))}
    library, release = Library(root), releases(root)
    faults, count, statuses = [], 0, 0
    for name, text in headers.items():
        above = head(text)
        faults += name_faults(name, text, known)
        for function in declarations(name, text):
            count += 1
            statuses += function.has_status
            faults += [f"{name}: {function.name} {fault}"
                       for fault in faults_of(function, above, library, release.get(function.name))]
    if count < 200 or statuses < 60:
        faults.append(f"only {count} functions were found, {statuses} with a status")
    report("comments", faults, f"{count} functions, {statuses} with a status")


if __name__ == "__main__":
    main(*sys.argv[1:])
