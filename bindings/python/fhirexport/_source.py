"""Sources: where resources come from. A subclass of Source, something simpler, or one that the library has."""

import ctypes
import itertools
import os
from array import array
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from . import _mirror
from ._calls import Handle, callback, checked, fail, give_items, held, hold, interruptible, made, release
from ._errors import ArgumentError, MisuseError, NotFoundError
from ._library import lib
from ._values import Applied, Resource, Scope, fill, json_bytes, new, text

#: What a plain iterable of resources is read in: so many at a time, or so many bytes.
BATCH_ROWS = 512
BATCH_BYTES = 256 * 1024


class Wait:
    """An answer of a source that has nothing yet: ask again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Rows:
    """A batch of resources, which crosses the border in one call.

    `updated_us` has each one's time of last change in microseconds since 1970 UTC (None: meta.lastUpdated is read from
    the text). `token` (1 to 4,096 bytes) means "after the last of these": a cursor whose query has it goes on there."""

    __slots__ = ("data", "ends", "updated", "token")

    def __init__(self, rows: Iterable[Resource], updated_us: Optional[Iterable[int]] = None,
                 token: Optional[bytes] = None) -> None:
        texts = [row if type(row) is bytes else json_bytes(row) for row in rows]
        self.data = b"".join(texts)
        self.ends = array("Q", itertools.accumulate(map(len, texts)))
        self._rest(updated_us, token)

    @classmethod
    def joined(cls, data: bytes, ends: Iterable[int], updated_us: Optional[Iterable[int]] = None,
               token: Optional[bytes] = None) -> "Rows":
        """Of bytes that are joined already: resource i ends before byte `ends[i]`, where the next one begins."""
        self = cls.__new__(cls)
        self.data = bytes(data)
        self.ends = ends if isinstance(ends, array) and ends.typecode == "Q" else array("Q", ends)
        if self.ends and self.ends[-1] != len(self.data):
            raise ArgumentError("the last of `ends` is not the length of the data")
        self._rest(updated_us, token)
        return self

    def _rest(self, updated_us: Optional[Iterable[int]], token: Optional[bytes]) -> None:
        self.updated = None if updated_us is None else array("q", updated_us)
        self.token = None if token is None else bytes(token)
        if self.token is not None and not 1 <= len(self.token) <= _mirror.FHX_TOKEN_MAX:
            raise ArgumentError(f"a token has 1 to {_mirror.FHX_TOKEN_MAX} bytes")
        if self.updated is not None and len(self.updated) != len(self.ends):
            raise ArgumentError("`updated_us` has not one time for each resource")

    def give(self, reply: int) -> None:
        """Answers with these rows, which the caller keeps until the cursor's next call."""
        count = len(self.ends)
        ends = (self.ends or _NO_ENDS).buffer_info()[0]
        updated = self.updated.buffer_info()[0] if self.updated else None
        token = self.token
        lib.fhx_reply_rows(reply, self.data, len(self.data), count, ends, updated, token,
                           0 if token is None else len(token))


_NO_ENDS = array("Q", [0])
_ALL_APPLIED = sum(int(bit) for bit in Applied)


class Cursor:
    """What open_cursor may return to say, for this cursor, what its rows obey: `rows` is an iterable, or whatever the
    source's own next_rows works with."""

    def __init__(self, rows: Any, applied: int = Applied.NONE) -> None:
        self.rows = rows
        self.applied = applied


class Query:
    """What is asked of a source. It can be read until its cursor is closed, elsewhere until the method returns."""

    def __init__(self, pointer: int) -> None:
        self._query: Optional[int] = pointer

    def _pointer(self) -> int:
        if self._query is None:
            raise MisuseError("this Query is over: what it was made for has ended")
        return self._query

    def _end(self) -> None:
        self._query = None

    def _bytes(self, function: Callable[..., Optional[int]]) -> Optional[bytes]:
        length = ctypes.c_size_t()
        data = function(self._pointer(), ctypes.byref(length))
        return None if data is None else ctypes.string_at(data, length.value)

    def _time(self, value: int) -> Optional[int]:
        return None if value == _mirror.FHX_TIME_NONE else value

    @property
    def resource_type(self) -> str:
        """The FHIR type wanted; "" for open_patient."""
        return str(lib.fhx_query_resource_type(self._pointer()).decode())

    def wants_type(self, resource_type: str) -> bool:
        """Whether the export has resources of this type, for open_patient."""
        return bool(lib.fhx_query_wants_type(self._pointer(), text(resource_type, "resource_type")))

    @property
    def shard(self) -> Optional[bytes]:
        """A descriptor that list_shards gave; None: the whole type."""
        return self._bytes(lib.fhx_query_shard)

    @property
    def as_of_us(self) -> int:
        """Resources as they were at this time, the job's transactionTime."""
        return int(lib.fhx_query_as_of_us(self._pointer()))

    @property
    def since_us(self) -> Optional[int]:
        """Only what changed after this time, floored to a microsecond; None: no bound."""
        return self._time(lib.fhx_query_since_us(self._pointer()))

    @property
    def until_us(self) -> Optional[int]:
        """Only what changed before this time, rounded up to a microsecond; None: no bound."""
        return self._time(lib.fhx_query_until_us(self._pointer()))

    @property
    def window_exact(self) -> bool:
        """Whether both bounds are whole microseconds."""
        return bool(lib.fhx_query_window_exact(self._pointer()))

    @property
    def scope(self) -> Scope:
        """Whose resources are wanted."""
        return Scope(lib.fhx_query_scope(self._pointer()))

    @property
    def patient_count(self) -> int:
        """How many patients the set of Scope.PATIENT_SET has."""
        return int(lib.fhx_query_patient_count(self._pointer()))

    def patients(self) -> Iterator[str]:
        """The patients of that set, of any size, in ascending order of bytes."""
        ids = (ctypes.c_char_p * 1000)()
        count, first = ctypes.c_uint64(1), 0
        while count.value:
            checked(lib.fhx_query_patients, self._pointer(), first, 1000, ids, ctypes.byref(count))
            page = [(ids[i] or b"").decode() for i in range(count.value)]
            first += len(page)
            yield from page

    def is_patient(self, patient_id: str) -> bool:
        """Whether the patient is in that set."""
        found = ctypes.c_uint32()
        checked(lib.fhx_query_is_patient, self._pointer(), text(patient_id, "patient_id"), ctypes.byref(found))
        return bool(found.value)

    @property
    def searches(self) -> List[str]:
        """The `_typeFilter` queries for this type, one of which has to be met. They may be confidential."""
        pointer = self._pointer()
        return [lib.fhx_query_search(pointer, i).decode() for i in range(lib.fhx_query_search_count(pointer))]

    @property
    def token(self) -> Optional[bytes]:
        """Where to go on: the token of an earlier answer; None: from the beginning."""
        return self._bytes(lib.fhx_query_token)

    @property
    def tenant(self) -> str:
        """The job's tenant, "" for none."""
        return str(lib.fhx_query_tenant(self._pointer()).decode())

    @property
    def host_context(self) -> bytes:
        """The job's host context, as given at its start."""
        return self._bytes(lib.fhx_query_host_context) or b""


#: What open_cursor returns: resources, batches of them, or pauses; or a Cursor.
Opened = Union[Iterable[Union[Resource, Rows, Wait]], Cursor, Any]


class Source:
    """Where resources come from; subclass it. Only open_cursor is needed; what a subclass does not have, the library
    does itself, or does without.

    Methods run on threads of the package, several at once, each cursor on one thread; start the job's work with
    connections made there. An Error that is raised is the answer: with retryable=True the task is tried again, else
    the job fails with its message. Anything else that is raised ends the job, and comes out of run()."""

    #: What all cursors obey already; a Cursor says it for itself alone.
    applied: int = Applied.NONE

    def open_cursor(self, query: Query) -> Opened:
        """An iterable over the resources of the query, in the order of a key that never changes: bytes, str or
        mappings, Rows, or Wait. A query with a shard or a token has to be obeyed in these."""
        raise NotImplementedError

    def next_rows(self, cursor: Any, want_bytes: int) -> Union[Rows, Iterable[Resource], Wait, None]:
        """The next resources of what open_cursor returned, about `want_bytes` of them: Rows, a list of resources,
        Wait; None at the end. Without this method open_cursor's iterable is read."""
        raise NotImplementedError

    def close_cursor(self, cursor: Any) -> None:
        """The cursor is no longer needed. Called once for each."""
        close = getattr(cursor, "close", None)
        if close is not None:
            close()

    def list_shards(self, query: Query, count_max: int) -> Iterable[bytes]:
        """Divides the query's type into at most so many parts that together hold all of it."""
        raise NotImplementedError

    def read_resource(self, query: Query, reference: str) -> Optional[Resource]:
        """The resource `Type/id` as of the query's time; None: it does not exist; DeniedError: not for this client."""
        raise NotImplementedError

    def group_members(self, query: Query, group_id: str, after: str) -> Iterable[str]:
        """The next members (`Type/id`) of a Group behind `after`, in ascending order; none: there are no more."""
        raise NotImplementedError

    def list_types(self) -> Iterable[str]:
        """The types this source has; needed for an export that names none."""
        raise NotImplementedError

    def count_estimate(self, query: Query) -> Tuple[int, int]:
        """About how many resources a query will deliver, and how many bytes; 0: unknown."""
        raise NotImplementedError

    def snapshot_ready(self, as_of_us: int) -> Union[bool, Wait]:
        """Whether all that was stamped at or before this time is visible to a cursor that is opened now."""
        raise NotImplementedError

    def read_clock(self) -> Tuple[int, int]:
        """The time by the clock that stamps resources, and the resolution of the stamps, in microseconds."""
        raise NotImplementedError

    def open_deleted(self, query: Query) -> Opened:
        """Like open_cursor, over what was deleted in the query's window; see source.h."""
        raise NotImplementedError

    def open_patient(self, query: Query, patient_id: str) -> Opened:
        """Like open_cursor, over what is in one patient's compartment; see source.h."""
        raise NotImplementedError

    @staticmethod
    def folder(path: "Union[str, os.PathLike[str]]") -> "LibrarySource":
        """The library's own source over the NDJSON files of a folder (`Patient.ndjson`, `Patient.2.ndjson.gz`)."""
        options = new("fhx_folder_options")
        options.path = text(os.fspath(path), "path")
        return LibrarySource(made(lib.fhx_folder_source_new, ctypes.addressof(options)))

    @staticmethod
    def sqlite(path: "Union[str, os.PathLike[str]]", *, stamp_resolution_us: int = 0,
               **names: Optional[str]) -> "LibrarySource":
        """The library's own source over an SQLite table. `names`: table, type_column, id_column, updated_column,
        json_column, deleted_table, patient_table, patient_column."""
        options = new("fhx_sqlite_source_options")
        options.path = text(os.fspath(path), "path")
        fill(options, {"stamp_resolution_us": stamp_resolution_us}, {"stamp_resolution_us": "time"})
        _set_names(options, names, _COLUMNS)
        return LibrarySource(made(lib.fhx_sqlite_source_new, ctypes.addressof(options)))

    @staticmethod
    def postgres(conninfo: str, *, connections_max: int = 0, stamp_resolution_us: int = 0, patience_us: int = 0,
                 rows_max: int = 0, **names: Optional[str]) -> "LibrarySource":
        """The library's own source over a table in PostgreSQL; see source.h. `names`: those of `sqlite`, schema,
        valid_from_column, valid_to_column, deleted_column, clock_sql. UnsupportedError where the library was
        built without PostgreSQL."""
        options = new("fhx_postgres_source_options")
        options.conninfo = text(conninfo, "conninfo")
        fill(options, {"connections_max": connections_max, "stamp_resolution_us": stamp_resolution_us,
                       "patience_us": patience_us, "rows_max": rows_max},
             {"connections_max": "count", "stamp_resolution_us": "time", "patience_us": "time",
              "rows_max": "count"})
        _set_names(options, names, _COLUMNS + _POSTGRES_NAMES)
        return LibrarySource(interruptible(lambda: made(lib.fhx_postgres_source_new, ctypes.addressof(options))))


_COLUMNS = ("table", "type_column", "id_column", "updated_column", "json_column", "deleted_table", "patient_table",
            "patient_column")
_POSTGRES_NAMES = ("schema", "valid_from_column", "valid_to_column", "deleted_column", "clock_sql")


def _set_names(options: Any, names: Mapping[str, Optional[str]], known: Tuple[str, ...]) -> None:
    """Fills in the names of tables and columns."""
    for name, value in names.items():
        if name not in known:
            raise TypeError(f"{name} is no option; there are {', '.join(known)}")
        setattr(options, name, text(value, name))


class LibrarySource(Handle):
    """A source of the library's own; Source.folder, Source.sqlite and Source.postgres make it. Jobs keep what they need of it."""

    def _free(self, pointer: int) -> None:
        lib.fhx_source_free(pointer)


class _Plain(Source):
    """A mapping of types to rows, a callable, or an iterable of resources."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self._iterators: List[Iterator[Any]] = []
        self.is_mapping = isinstance(given, Mapping)
        self.applied = Applied.TYPE if self.is_mapping else Applied.NONE

    def list_types(self) -> Iterable[str]:
        return list(self._given)

    def open_cursor(self, query: Query) -> Opened:
        given = self._given
        if self.is_mapping:
            given = given.get(query.resource_type, ())
        if callable(given):
            given = given(query)
        elif isinstance(given, Iterator):
            self._once(given)
        return given

    def _once(self, iterator: Iterator[Any]) -> None:
        """Who can be read once alone says so when it is to be read again, instead of ending early."""
        if any(known is iterator for known in self._iterators):
            raise MisuseError("this iterator was read already and the export needs it again: give a callable that "
                              "makes a new one")
        self._iterators.append(iterator)


#: What a job or an engine takes as its source.
AnySource = Union[Source, LibrarySource, Mapping[str, Any], Callable[[Query], Iterable[Any]], Iterable[Any]]


class _Reading:
    """An open cursor."""

    __slots__ = ("host", "query", "rows", "iterator", "pending", "kept")

    def __init__(self, host: Source, query: Query, rows: Any) -> None:
        self.host = host
        self.query = query
        self.rows = rows
        self.iterator: Optional[Iterator[Any]] = None
        self.pending: Union[Rows, Wait, None] = None
        self.kept: Optional[Rows] = None
        if type(host).next_rows is Source.next_rows:
            if rows is None:
                raise TypeError("open_cursor returned None instead of an iterable of resources")
            self.iterator = iter(rows)

    def batch(self, want_bytes: int) -> Union[Rows, Wait, None]:
        """The next rows of an iterable, as many as fit into a batch."""
        if self.pending is not None:
            pending, self.pending = self.pending, None
            return pending
        limit, size = min(want_bytes, BATCH_BYTES), 0
        rows: List[bytes] = []
        assert self.iterator is not None
        for row in self.iterator:
            if type(row) is not bytes:
                if isinstance(row, (Rows, Wait)):
                    if not rows:
                        return row
                    self.pending = row
                    break
                row = json_bytes(row)
            rows.append(row)
            size += len(row)
            if size >= limit or len(rows) >= BATCH_ROWS:
                break
        return Rows(rows) if rows else None

    def answer(self, want_bytes: int) -> Union[Rows, Wait, None]:
        """The next rows of a source that has next_rows itself."""
        given = self.host.next_rows(self.rows, want_bytes)
        if given is None or isinstance(given, (Rows, Wait)):
            return given
        if isinstance(given, (bytes, bytearray, memoryview, str, Mapping)):
            given = [given]
        return Rows(given)


def _wait(reply: int, wait: Wait) -> None:
    lib.fhx_reply_wait(reply, max(0, int(wait.seconds * 1_000_000)))


def _opened(name: str, host: Source, pointer: int, reply: int, *more: Any) -> None:
    query = Query(pointer)
    key = 0
    try:
        rows = getattr(host, name)(query, *more)
        applied = host.applied
        if isinstance(rows, Cursor):
            rows, applied = rows.rows, rows.applied
        if int(applied) & ~_ALL_APPLIED:
            raise ArgumentError("`applied` is no sum of Applied")
        key = hold(_Reading(host, query, rows))
        lib.fhx_reply_handle(reply, key, int(applied))
    except BaseException:
        query._end()
        if key:
            release(key)
        raise


@callback(_mirror.fhx_open_cursor_callback)
def _open_cursor(user_data: int, query: int, reply: int) -> None:
    try:
        _opened("open_cursor", held(user_data), query, reply)
    except BaseException as error:
        fail(reply, error, "open_cursor")


@callback(_mirror.fhx_open_deleted_callback)
def _open_deleted(user_data: int, query: int, reply: int) -> None:
    try:
        _opened("open_deleted", held(user_data), query, reply)
    except BaseException as error:
        fail(reply, error, "open_deleted")


@callback(_mirror.fhx_open_patient_callback)
def _open_patient(user_data: int, query: int, patient_id: bytes, reply: int) -> None:
    try:
        _opened("open_patient", held(user_data), query, reply, patient_id.decode())
    except BaseException as error:
        fail(reply, error, "open_patient")


@callback(_mirror.fhx_next_rows_callback)
def _next_rows(user_data: int, cursor: int, want_bytes: int, reply: int) -> None:
    try:
        reading: _Reading = held(cursor)
        given = reading.batch(want_bytes) if reading.iterator is not None else reading.answer(want_bytes)
        if given is None:
            lib.fhx_reply_end(reply)
        elif isinstance(given, Wait):
            _wait(reply, given)
        else:
            reading.kept = given  # the library reads it until the next call
            given.give(reply)
    except BaseException as error:
        fail(reply, error, "next_rows")


@callback(_mirror.fhx_close_cursor_callback)
def _close_cursor(user_data: int, cursor: int) -> None:
    try:
        reading: _Reading = release(cursor)
        try:
            reading.host.close_cursor(reading.rows if reading.iterator is None else reading.iterator)
        finally:
            reading.query._end()
    except BaseException as error:
        fail(None, error, "close_cursor")


def _asked(name: str, user_data: int, pointer: int, *more: Any) -> Any:
    """Calls a method that is asked with a query; what it gives is read whole while the query lives."""
    query = Query(pointer)
    try:
        given = getattr(held(user_data), name)(query, *more)
        return list(given) if isinstance(given, Iterator) else given
    finally:
        query._end()


@callback(_mirror.fhx_list_shards_callback)
def _list_shards(user_data: int, query: int, count_max: int, reply: int) -> None:
    try:
        give_items(reply, _asked("list_shards", user_data, query, count_max))
    except BaseException as error:
        fail(reply, error, "list_shards")


@callback(_mirror.fhx_read_resource_callback)
def _read_resource(user_data: int, query: int, reference: bytes, reply: int) -> None:
    try:
        given = _asked("read_resource", user_data, query, reference.decode())
        if given is None:
            lib.fhx_reply_fail(reply, _mirror.FHX_ERR_NOT_FOUND, 0, b"there is no such resource")
        else:
            give_items(reply, [json_bytes(given)])
    except BaseException as error:
        fail(reply, error, "read_resource")


@callback(_mirror.fhx_group_members_callback)
def _group_members(user_data: int, query: int, group_id: bytes, after: bytes, reply: int) -> None:
    try:
        given = _asked("group_members", user_data, query, group_id.decode(), after.decode())
        if given is None:
            raise NotFoundError("there is no such Group")
        give_items(reply, [member.encode() for member in given])
    except BaseException as error:
        fail(reply, error, "group_members")


@callback(_mirror.fhx_list_types_callback)
def _list_types(user_data: int, reply: int) -> None:
    try:
        give_items(reply, [name.encode() for name in held(user_data).list_types()])
    except BaseException as error:
        fail(reply, error, "list_types")


@callback(_mirror.fhx_count_estimate_callback)
def _count_estimate(user_data: int, query: int, reply: int) -> None:
    try:
        resources, size = _asked("count_estimate", user_data, query)
        lib.fhx_reply_estimate(reply, int(resources), int(size))
    except BaseException as error:
        fail(reply, error, "count_estimate")


@callback(_mirror.fhx_snapshot_ready_callback)
def _snapshot_ready(user_data: int, as_of_us: int, reply: int) -> None:
    try:
        ready = held(user_data).snapshot_ready(as_of_us)
        if isinstance(ready, Wait):
            _wait(reply, ready)
        elif ready:
            lib.fhx_reply_done(reply)
        else:
            lib.fhx_reply_wait(reply, 100_000)
    except BaseException as error:
        fail(reply, error, "snapshot_ready")


@callback(_mirror.fhx_read_clock_callback)
def _read_clock(user_data: int, reply: int) -> None:
    try:
        now_us, resolution_us = held(user_data).read_clock()
        lib.fhx_reply_time(reply, int(now_us), int(resolution_us))
    except BaseException as error:
        fail(reply, error, "read_clock")


@callback(_mirror.fhx_source_destroy_callback)
def _destroy(user_data: int) -> None:
    release(user_data)


_NEEDED = {"open_cursor": _open_cursor, "next_rows": _next_rows, "close_cursor": _close_cursor, "destroy": _destroy}
_OPTIONAL: Dict[str, Any] = {
    "list_shards": _list_shards, "read_resource": _read_resource, "group_members": _group_members,
    "list_types": _list_types, "count_estimate": _count_estimate, "snapshot_ready": _snapshot_ready,
    "read_clock": _read_clock, "open_deleted": _open_deleted, "open_patient": _open_patient,
}


def _source_pointer(given: AnySource) -> int:
    """A new `fhx_source` over a source of Python's, which the caller frees."""
    host = given if isinstance(given, Source) else _Plain(given)
    if isinstance(given, (str, bytes)) or not (callable(given) or isinstance(given, (Source, Iterable))):
        raise TypeError(f"a source is a Source, a mapping of types to rows, a callable or an iterable, not "
                        f"{type(given).__name__}")
    callbacks = new("fhx_source_callbacks")
    for name, function in _NEEDED.items():
        setattr(callbacks, name, function)
    for name, function in _OPTIONAL.items():
        if getattr(type(host), name) is not getattr(Source, name):
            setattr(callbacks, name, function)
    if isinstance(host, _Plain) and not host.is_mapping:
        callbacks.list_types = type(callbacks.list_types)()
    return made(lib.fhx_source_new, ctypes.addressof(callbacks), hold(host))


class UsedSource:
    """A source as a job or an engine is made with it: `with UsedSource(any) as pointer`. They take a reference."""

    def __init__(self, given: AnySource) -> None:
        self._given = given
        self._own = 0

    def __enter__(self) -> int:
        if isinstance(self._given, LibrarySource):
            return self._given._enter()
        self._own = _source_pointer(self._given)
        return self._own

    def __exit__(self, *raised: Any) -> None:
        if isinstance(self._given, LibrarySource):
            self._given._leave()
        else:
            lib.fhx_source_free(self._own)
