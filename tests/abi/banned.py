#!/usr/bin/env python3
"""The rules of lib/ that a program can check: functions that are not used there, no state outside
objects, which room includes which, and how long and tangled a function may be.

usage: banned.py ROOT ARCHIVE"""

import collections
import pathlib
import re
import subprocess
import sys

from source_text import report, without_comments, without_literals

FLOORS = {
    "core": 1,
    "gzip": 2, "observe": 2, "ndjson": 2, "request": 2, "select": 2, "source": 2, "destination": 2, "store": 2,
    "transport": 2, "postgres": 2,
    "writer": 3, "s3": 3, "azure": 3,
    "job": 4,
    "manifest": 5, "protocol": 5,
    "publish": 6,
}
# The plumbing of a room calls the host; what is built in uses the public callbacks like a host.
BUILT_IN = r"source/(?:folder|sqlite|postgres)|destination/(?:directory|document|folder|upload)|store/(?:sqlite|postgres)|s3/(?!host_)|azure/(?!host_)"
PLUMBING = {"core/reply.h", "source/source.h", "destination/destination.h", "store/store.h"}
FILE_LINES, FUNCTION_LINES, BRANCHES = 799, 100, 15

# Unbounded, locale-bound or not safe with threads; ends the process, prints, changes its state.
BANNED = set("""
    strcpy stpcpy strcat sprintf vsprintf strtok atoi atol atoll atof gets alloca
    gmtime localtime ctime asctime mktime setlocale rand srand random tmpnam mktemp tempnam
    printf vprintf fprintf vfprintf puts putchar perror psignal
    abort exit _exit _Exit quick_exit assert __assert_fail
    signal sigaction umask chdir fchdir setenv putenv system popen fork
""".split())
# Memory that does not come from the allocator; lib/core/alloc.c is where it is asked.
ALLOCATORS = set("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split())
ALLOCATOR_FILE = "core/alloc.c"
# State outside objects: what there is, and why it may be.
STATE = {
    ("alloc.c", "allocator"),  # the allocator hook, set before anything else
    ("alloc.c", "live_blocks"),  # guards that hook; atomic
    ("digest.c", "tables"),  # constants, computed once
    ("digest.c", "tables_once"),
    ("error.c", "no_memory_error"),  # the error that needs no memory; never written to
    ("error.c", "no_memory_message"),
    ("error.c", "no_memory_outcome"),
    ("transport.c", "global_once"),  # libcurl is made ready once in a process
    ("transport.c", "global_code"),
}


class Function:
    """A function's definition: where it begins, how long it is, what it calls."""

    def __init__(self, path, name, line, header, body):
        self.path, self.name, self.line, self.body = path, name, line, body
        self.lines = header.count("\n") + body.count("\n") + 1
        self.branches = len(re.findall(r"\b(?:if|for|while|case)\b|&&|\|\||\?", body))
        self.calls = set(re.findall(r"\b(\w+)\s*\(", body))
        self.private = bool(re.match(r"\s*static\b", header))


def name_before(text, start, opened):
    """The name in front of the parameters that end before the brace at `opened`, as a match."""
    header = text[start:opened].rstrip()
    if not header.endswith(")") or "=" in header:
        return None
    depth, at = 0, start + len(header)
    while at > start:
        at -= 1
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0:
            break
    word = re.search(r"\w+\s*$", text[start:at])
    return word and re.compile(r"\w+").match(text, start + word.start())


def functions(path, text):
    """The functions of a file, by counting braces; `text` has no comments and no literals."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.M)
    depth = start = opened = 0
    for match in re.finditer(r"[{};]", text):
        if match.group() == "{":
            depth += 1
            if depth == 1:
                opened = match.start()
        elif match.group() == "}":
            depth -= 1
            if depth < 0:
                raise SystemExit(f"banned: the braces of {path} could not be read")
            if depth == 0:
                named = name_before(text, start, opened)
                if named is not None:
                    begin = text.rfind("\n", 0, named.start()) + 1
                    yield Function(path, named.group(), text.count("\n", 0, begin) + 1,
                                   text[begin:opened], text[opened : match.end()])
                    start = match.end()
        elif depth == 0:
            start = match.end()


def cycles(edges):
    """The nodes of a graph {node: nodes} that can be reached from themselves."""
    for node in edges:
        seen, todo = set(), list(edges[node])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += edges.get(at, ())
        if node in seen:
            yield node


def function_faults(found):
    places = collections.defaultdict(list)
    for function in found:
        places[function.name].append(function)
        where = f"{function.path}:{function.line}: {function.name}"
        if function.lines > FUNCTION_LINES:
            yield f"{where} has {function.lines} lines"
        if function.branches > BRANCHES:
            yield f"{where} has {function.branches} branches"
    edges = {}
    for function in found:
        edges[function] = [
            callee
            for name in function.calls
            for callee in places.get(name, ())
            if callee.path == function.path or not callee.private
        ]
    for function in cycles(edges):
        yield f"{function.path}:{function.line}: {function.name} can call itself"


def source_faults(path, text):
    """Faults of one file; `text` has no comments."""
    if text.count("\n") > FILE_LINES:
        yield f"{path} has {text.count(chr(10))} lines"
    words = set(re.findall(r"\b\w+\b", without_literals(text)))
    called = set(re.findall(r"(?<![.>\w])(\w+)\s*\(", without_literals(text)))
    for name in sorted(called & BANNED):
        yield f"{path} calls {name}"
    if path != ALLOCATOR_FILE:
        for name in sorted(called & ALLOCATORS):
            yield f"{path} calls {name} instead of the allocator"
    for word in sorted(words & {"_Thread_local", "__thread", "stdout", "stderr"}):
        yield f"{path} uses {word}"


def room_faults(path, text, edges):
    room = path.split("/")[0] if "/" in path else None
    if room is not None and room not in FLOORS:
        yield f"{path}: the room {room} has no floor in this check"
        return
    includes = re.findall(r'^#include "([^"]+)"', text, re.M)
    if re.match(BUILT_IN, path):
        for name in sorted(PLUMBING.intersection(includes)):
            yield f"{path} is built in, but includes {name} and not the public header alone"
    for other in (name.split("/")[0] for name in includes if "/" in name):
        if room is None or other == room:
            continue
        if FLOORS.get(other, 9) > FLOORS[room]:
            yield f"{path} includes the higher room {other}"
        edges[room].add(other)


def member_symbols(archive):
    """(object file, section, kind, name) of every data symbol of the static library."""
    table = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True, text=True)
    member = ""
    for line in table.stdout.splitlines():
        begins = re.match(r"(\S+\.o):\s+file format", line)
        if begins:
            member = re.sub(r"\.o$", "", begins.group(1))
        row = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
        if row:
            yield member, row.group(2), row.group(1), row.group(3)


def object_faults(archive):
    """What the compiler made of it: macros and inline functions hide nothing here."""
    for member, section, flags, name in member_symbols(archive):
        plain = re.sub(r"^__(\w+)_chk$", r"\1", name)
        if section == "*UND*":
            if plain in BANNED:
                yield f"{member} refers to {name}"
            if plain in ALLOCATORS and member != pathlib.Path(ALLOCATOR_FILE).name:
                yield f"{member} refers to {name} instead of the allocator"
        elif "d" not in flags and re.match(r"\.t(?:data|bss)", section):
            yield f"{member} has the thread-local {name}"
        elif "O" in flags and re.match(r"\.(?:data|bss)(?!\.rel\.ro)|\*COM\*", section):
            if (member, re.sub(r"\.\d+$", "", name)) not in STATE:
                yield f"{member} has the state {name} outside objects"


def main(root, archive):
    lib = pathlib.Path(root, "lib")
    faults, found, edges = [], [], collections.defaultdict(set)
    for file in sorted(lib.rglob("*.[ch]")):
        path = file.relative_to(lib).as_posix()
        text = without_comments(file.read_text())
        faults += source_faults(path, text)
        faults += room_faults(path, text, edges)
        found += functions(path, without_literals(text))
    faults += function_faults(found)
    faults += [f"the room {room} includes itself through others" for room in cycles(dict(edges))]
    faults += object_faults(archive)
    lengths = sorted(function.lines for function in found)
    if not lengths:
        raise SystemExit("banned: no functions were found")
    report("banned", faults, f"{len(lengths)} functions, median {lengths[len(lengths) // 2]} lines, "
           f"longest {lengths[-1]}, most branches {max(f.branches for f in found)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
