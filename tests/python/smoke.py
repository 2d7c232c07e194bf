#!/usr/bin/env python3
"""An export from Python by ctypes alone, its source in Python; then one whose source raises.

usage: smoke.py LIBRARY"""

import ctypes as c
import json
import pathlib
import sys
import tempfile
import threading

P, OUT, I32, U32, U64, SIZE = c.c_void_p, c.POINTER(c.c_void_p), c.c_int32, c.c_uint32, c.c_uint64, c.c_size_t
library = c.CDLL(sys.argv[1])


def function(name, result, *arguments):
    found = library["fhx_" + name]
    found.restype, found.argtypes = result, arguments
    return found


def structure(numbers, pointers, more=()):
    """A structure that begins with 32-bit numbers, then has pointers, then other members."""
    fields = [(name, U32) for name in numbers.split()] + [(name, P) for name in pointers.split()]
    return type("Mirror", (c.Structure,), {"_fields_": fields + list(more)})


Callbacks = structure("size reserved", "open_cursor next_rows close_cursor list_shards read_resource group_members "
                      "list_types count_estimate snapshot_ready read_clock destroy")
Directory = structure("size flags", "path base_url")
Options = structure("size flags", "source destination store filter request tenant client host_context", (
    ("host_context_len", SIZE), ("part_bytes", U64), ("part_count", U64), ("resource_bytes_max", U64), ("lease_us", U64),
    ("settle_us", c.c_int64), ("stall_us", U64), ("attempts_max", U32), ("shards_max", U32), ("depth_max", U32), ("end", U32)))
reply_rows = function("reply_rows", I32, P, c.c_char_p, SIZE, U64, c.POINTER(U64), P, P, SIZE)
reply_item, reply_done = function("reply_item", I32, P, c.c_char_p, SIZE), function("reply_done", I32, P)
reply_handle, reply_end = function("reply_handle", I32, P, P, U32), function("reply_end", I32, P)
job_run, error_message = function("job_run", I32, P, OUT), function("error_message", c.c_char_p, P)
manifest_read = function("manifest_read", I32, P, c.c_char_p, SIZE, c.POINTER(SIZE), OUT)


def make(name, *arguments):
    made, error = P(), P()
    status = function(name, I32, *[P] * len(arguments), OUT, OUT)(*arguments, c.byref(made), c.byref(error))
    assert status == 0, (name, status, error_message(error))
    return made


def export(batches, folder):
    """Exports batches of resources; a batch that is an exception is raised in next_rows."""
    state, statuses, error, text, count = {}, [], P(), b"", SIZE()

    def open_cursor(user_data, query, reply):
        state["left"] = list(batches)
        reply_handle(reply, None, 0)

    def next_rows(user_data, cursor, want_bytes, reply):
        if not state["left"]:
            return reply_end(reply)
        batch = state["left"].pop(0)
        if isinstance(batch, Exception):
            raise batch
        ends = (U64 * len(batch))(*(sum(map(len, batch[: i + 1])) for i in range(len(batch))))
        state["rows"] = b"".join(batch), ends  # they stay until the next call
        reply_rows(reply, state["rows"][0], ends[-1], len(ends), ends, None, None, 0)

    def list_types(user_data, reply):
        reply_item(reply, b"Patient", 7), reply_done(reply)

    kept = [c.CFUNCTYPE(None, P, P, P)(open_cursor), c.CFUNCTYPE(None, P, P, U64, P)(next_rows),
            c.CFUNCTYPE(None, P, P)(lambda user_data, cursor: None), c.CFUNCTYPE(None, P, P)(list_types)]
    names = "open_cursor", "next_rows", "close_cursor", "list_types"
    callbacks = Callbacks(c.sizeof(Callbacks), **{n: c.cast(k, P) for n, k in zip(names, kept)})
    source = make("source_new", c.addressof(callbacks), None)
    path = c.c_char_p(folder.encode())
    directory = Directory(c.sizeof(Directory), path=c.cast(path, P))
    destination = make("directory_destination_new", c.addressof(directory))
    options = Options(c.sizeof(Options), source=source, destination=destination, settle_us=-1)
    job = make("job_start", c.addressof(options))
    worker = threading.Thread(target=lambda: statuses.append(job_run(job, c.byref(error))))
    worker.start(), worker.join()
    manifest, buffer = make("manifest_new", job) if statuses == [0] else P(), c.create_string_buffer(100)
    while manifest and manifest_read(manifest, buffer, 100, c.byref(count), None) == 0:
        text += buffer.raw[: count.value]
    message = error_message(error).decode()
    for kind, handle in zip(("manifest", "job", "destination", "source", "error"), (manifest, job, destination, source, error)):
        function(kind + "_free", None, P)(handle)
    return statuses[0], message, text


raised, patients = [], [b'{"resourceType": "Patient",\n "id": "p%d"}' % i for i in range(3)]
sys.unraisablehook = lambda event: raised.append(event.exc_value)
with tempfile.TemporaryDirectory() as folder:
    status, message, text = export([patients[:2], [patients[2], b'{"resourceType": "Patient"}']], folder)
    assert (status, message, raised) == (0, "", []), (status, message, raised)
    counts = {kind: [(item["type"], item["count"]) for item in json.loads(text)[kind]] for kind in ("output", "error")}
    assert counts == {"output": [("Patient", 3)], "error": [("OperationOutcome", 1)]}, text
    assert sorted(f.read_bytes().count(b"\n") for f in pathlib.Path(folder).rglob("*.ndjson")) == [1, 3]
with tempfile.TemporaryDirectory() as folder:
    status, message, text = export([patients[:2], RuntimeError("the database went away")], folder)
    assert status == -12 and message and raised, (status, message, raised)  # FHX_ERR_JOB_FAILED
    assert not [f for f in pathlib.Path(folder).rglob("*") if f.is_file()]
print("smoke: a source that raises gives:", message)
