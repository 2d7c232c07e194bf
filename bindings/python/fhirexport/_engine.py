"""Level 3: the whole of `$export` for a FHIR server."""

import atexit
import ctypes
import dataclasses
import logging
import threading
import weakref
from typing import (Any, Callable, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple,
                    Union)

from . import _mirror
from ._calls import Call, Handle, callback, checked, fail, give_items, held, interruptible, made, place_of, start
from ._destination import Destination, Http
from ._errors import ArgumentError, MisuseError, Status
from ._library import lib
from ._options import ENGINE_NUMBERS, AttachmentHook, Clock, Kept, ResourceHook, set_clock, set_hooks
from ._source import AnySource, UsedSource
from ._store import Store
from ._values import FhirVersion, IgVersion, JobState, LogLevel, fill, flags, joined, new, text, texts

#: Headers of a request: pairs, or a mapping.
Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]
#: What is told of an exception that a callback of an engine has raised, and in which callback.
OnException = Callable[[BaseException, str], None]


@dataclasses.dataclass(frozen=True)
class Request:
    """One HTTP request. `target`: path and query behind the FHIR base, as sent, not decoded: "/$export?_type=Patient".

    `tenant` and `client` say who asks, as the host has authenticated them; `permitted_types` the types that this
    client may read, None for all. `host_context` is stored with a job that it starts; no secrets. `operator`: the
    host's operator asks, whom the host has authenticated: DELETE cancels or removes a job whosever it is. `ig_version`:
    whose rules a kick-off goes by, an IgVersion, if not the engine's; from the host's configuration alone."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    base_url: Optional[str] = None
    tenant: str = ""
    client: str = ""
    permitted_types: Optional[Iterable[str]] = None
    host_context: bytes = b""
    operator: bool = False
    ig_version: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class LogEvent:
    """What an engine does, or who has asked for what: docs/log.md has the list."""

    name: str
    level: LogLevel
    is_audit: bool
    time_us: int
    message: str
    fields: Dict[str, Union[str, int]]


@dataclasses.dataclass(frozen=True)
class JobSummary:
    """A job in a list for operators: its facts, and nothing of patients."""

    id: str
    tenant: str
    client: str
    state: JobState
    parameters: str
    created_us: int
    ended_us: int
    expires_us: int
    transaction_time_us: int
    task_count: int
    task_done_count: int
    attempt_count: int
    is_waiting: bool
    resource_count: int
    byte_count: int
    error_count: int
    reason_status: Status
    reason: str
    retry_count: int
    part_count: int
    resource_mark: int
    share: float


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What an engine has counted: as OpenMetrics text, and one by one (name, labels, value)."""

    text: str
    media_type: str
    samples: List[Tuple[str, str, float]]


class Secrets:
    """Where what opens a client's destination is kept for a job, so that every process can run it; subclass it. See
    client_destination.h: to be encrypted, say, and in no log."""

    def put(self, job_id: str, data: bytes) -> None:
        """Keeps it; what is kept for that job is replaced."""
        raise NotImplementedError

    def get(self, job_id: str) -> bytes:
        """What was kept. NotFoundError: there is definitely none."""
        raise NotImplementedError

    def delete(self, job_id: str) -> None:
        """Forgets it. Nothing there is success."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class ClientDestinations:
    """Allows exports to a container of Azure Blob Storage that the client names; see client_destination.h."""

    allowed_hosts: Sequence[str]
    container: Optional[str] = None
    http: Optional[Http] = None
    secrets: Optional[Secrets] = None


class _EngineCall(Call):
    """What callbacks raise while an engine works is told to its host: the library answers the client, or repeats the
    task, by itself. In a request an interrupt comes out of `handle`."""

    def __init__(self, tell: OnException, is_request: bool) -> None:
        super().__init__()
        self._tell = tell
        self._is_request = is_request

    def keep(self, error: BaseException, where: str) -> None:
        if self._is_request and not isinstance(error, Exception):
            super().keep(error, where)
            return
        try:
            self._tell(error, where)
        except Exception as second:
            logging.getLogger("fhirexport").error("on_exception raised %s", place_of(second))


def _to_log(error: BaseException, where: str) -> None:
    """Class and place of an exception go to the log "fhirexport"; its text may hold data of patients."""
    logging.getLogger("fhirexport").error("%s raised %s", where, place_of(error))


class Response(Handle):
    """The answer to a request. Close it, or read it to its end and let it go; it belongs to one thread at a time."""

    def __init__(self, pointer: int, engine: "Engine") -> None:
        super().__init__(pointer)
        self._engine = engine
        self.status: int = lib.fhx_response_status(pointer)
        self.headers: List[Tuple[str, str]] = [
            (lib.fhx_response_header_name(pointer, i).decode("latin-1"),
             lib.fhx_response_header_value(pointer, i).decode("latin-1"))
            for i in range(lib.fhx_response_header_count(pointer))]

    def _free(self, pointer: int) -> None:
        try:
            self._engine._request_call().outcome(_response_freed, pointer)
        finally:
            self._engine._leave()

    def header(self, name: str) -> Optional[str]:
        """The first header of that name, without case; None: there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def read(self, size: int = 65536) -> bytes:
        """The next bytes of the body; b"" behind the last. After an error the body is not whole."""
        if size < 1:
            raise ArgumentError("size is at least 1")
        pointer = self._enter()
        try:
            return interruptible(lambda: self._read(pointer, size))
        finally:
            self._leave()

    def _read(self, pointer: int, size: int) -> bytes:
        buffer, length = ctypes.create_string_buffer(min(size, 2**20)), ctypes.c_size_t()
        self._engine._request_call()(lib.fhx_response_read, pointer, buffer, len(buffer), ctypes.byref(length))
        return ctypes.string_at(buffer, length.value)

    def __iter__(self) -> Iterator[bytes]:
        """The rest of the body, in pieces."""
        while True:
            piece = self.read()
            if not piece:
                return
            yield piece

    def body(self) -> bytes:
        """The rest of the body."""
        return b"".join(self)

    def file(self) -> Optional[Tuple[int, int, int]]:
        """If the body is a stretch of an open file: descriptor, offset, length, for os.sendfile; the descriptor stays
        the response's. Say by `sent` how much went out."""
        descriptor, offset, length = ctypes.c_int32(), ctypes.c_uint64(), ctypes.c_uint64()
        status = self._use(lambda pointer: checked(lib.fhx_response_file, pointer, ctypes.byref(descriptor),
                                                   ctypes.byref(offset), ctypes.byref(length)))
        return None if status == _mirror.FHX_END else (descriptor.value, offset.value, length.value)

    def sent(self, byte_count: int) -> None:
        """How many bytes of `file` were sent, for the log and the metrics."""
        self._use(lib.fhx_response_sent, byte_count)


class Engine(Handle):
    """Answers the requests of `$export` and runs the jobs that come of them, on `workers` threads of this package
    (and on those that call `run`). `close` parks the jobs and waits for the threads; with a store in a file they go on
    at the next start. An engine does not survive a fork: make it behind it.

    `on_exception(error, where)` is told what callbacks raise; without it the class and the place go to the log
    "fhirexport". Numbers have the names, defaults and meanings of fhx_engine_options: those of a job, and keep_us,
    link_us, jobs_max, jobs_per_client_max, polls_max, target_bytes_max, body_bytes_max, maximum_file_size_min."""

    def __init__(self, source: AnySource, destination: Destination, base_url: str, *, store: Optional[Store] = None,
                 url_keys: Sequence[bytes] = (), workers: int = 1, helpers: int = 1, sha256: bool = False,
                 gzip: bool = False, new_members: bool = False, trust_source: bool = False,
                 files_need_token: bool = False, disabled: bool = False, join_identical: bool = False,
                 fhir_version: int = FhirVersion.R4, ig_version: int = IgVersion.STU3,
                 associated_types: Union[str, Iterable[str]] = (),
                 associated_values: Optional[str] = None, compartment_paths: Sequence[str] = (),
                 resource_hook: Optional[ResourceHook] = None, attachment_hook: Optional[AttachmentHook] = None,
                 client_destinations: Optional[ClientDestinations] = None, clock: Optional[Clock] = None,
                 log: Optional[Callable[[LogEvent], None]] = None, on_exception: Optional[OnException] = None,
                 **numbers: int) -> None:
        self._threads: List[threading.Thread] = []
        self._kept = Kept()
        self._tell = on_exception or _to_log
        options = new("fhx_engine_options")
        options.flags = flags({_mirror.FHX_ENGINE_FILES_NEED_TOKEN: files_need_token,
                               _mirror.FHX_ENGINE_DISABLED: disabled,
                               _mirror.FHX_ENGINE_JOIN_IDENTICAL: join_identical})
        options.job_flags = flags({_mirror.FHX_JOB_SHA256: sha256, _mirror.FHX_JOB_NEW_MEMBERS: new_members,
                                   _mirror.FHX_JOB_GZIP: gzip, _mirror.FHX_JOB_TRUST_SOURCE: trust_source})
        options.base_url = text(base_url, "base_url")
        options.associated_types = joined(associated_types, "associated_types")
        options.associated_values = text(associated_values, "associated_values")
        options.fhir_version = int(FhirVersion(fhir_version))
        options.ig_version = int(IgVersion(ig_version))
        options.compartment_paths, options.compartment_path_count = texts(compartment_paths, "compartment_paths")
        keys = _key_arrays(url_keys)
        options.url_keys, options.url_key_lens, options.url_key_count = keys[:3]
        fill(options, {"helpers": helpers, **numbers}, ENGINE_NUMBERS)
        if not 0 <= workers <= 1024:
            raise ArgumentError("workers is from 0 to 1,024")
        if log is not None:
            options.log, options.log_user_data = _log, self._kept.hold(log)
        try:
            set_hooks(options, self._kept, resource_hook, attachment_hook)
            set_clock(options, self._kept, clock)
            pointer = self._make(options, source, destination, store, client_destinations)
        except BaseException:
            self._kept.release()
            raise
        super().__init__(pointer)
        self._stopping = threading.Event()
        for _ in range(workers):
            worker = threading.Thread(target=_work, args=(pointer, self._stopping, _EngineCall(self._tell, False)),
                                      name="fhirexport worker", daemon=True)
            self._threads.append(worker)
            worker.start()
        _open_engines.add(self)

    def _make(self, options: Any, source: AnySource, destination: Destination, store: Optional[Store],
              client_destinations: Optional[ClientDestinations]) -> int:
        entered: List[Handle] = []
        clients = None if client_destinations is None else _client_structure(client_destinations, self._kept)
        options.client_destinations = None if clients is None else ctypes.addressof(clients)
        try:
            with UsedSource(source) as options.source:
                options.destination = destination._enter()
                entered.append(destination)
                if store is not None:
                    options.store = store._enter()
                    entered.append(store)
                return made(lib.fhx_engine_new, ctypes.addressof(options))
        finally:
            for thing in entered:
                thing._leave()

    def _request_call(self) -> _EngineCall:
        return _EngineCall(self._tell, True)

    def _free(self, pointer: int) -> None:
        _EngineCall(self._tell, False).outcome(_engine_freed, pointer)
        self._kept.release()

    def handle(self, request: Request) -> Response:
        """Answers a request under `$export`: kick-off, poll, cancel, files; and `/metadata`. Every mistake of the
        client is a response. Any thread."""
        pointer = self._enter()  # until the response is closed
        try:
            response = Response(interruptible(lambda: self._handle(pointer, request)), self)
        except BaseException:
            self._leave()
            raise
        return response

    def _handle(self, pointer: int, request: Request) -> int:
        structure, kept = _request_structure(request)
        call = self._request_call()
        handle = ctypes.c_void_p()
        status, error = call.outcome(lib.fhx_engine_handle, pointer, ctypes.addressof(structure), ctypes.byref(handle))
        del kept
        if call.raised and handle.value:
            lib.fhx_response_free(handle)
        call.settle(error)
        return handle.value or 0

    def run(self) -> None:
        """Runs jobs on one more thread, and waits until `stop`. A KeyboardInterrupt stops the engine and comes out."""
        pointer = self._enter()
        try:
            task = start(lambda: _work(pointer, self._stopping, _EngineCall(self._tell, False)))
            try:
                while not task.done.wait(0.1):
                    pass
            except BaseException:
                self.stop()
                while not task.done.wait(0.1):
                    pass
                raise
        finally:
            self._leave()

    def tick(self) -> None:
        """Renews the leases of tasks that run here; needed with helpers=0 alone."""
        self._use(lambda pointer: _EngineCall(self._tell, False)(lib.fhx_engine_tick, pointer))

    def stop(self) -> None:
        """Parks all jobs and ends the workers; requests are still answered. Any thread, also from a callback."""
        self._stopping.set()
        self._use(lib.fhx_engine_stop)

    def close(self) -> None:
        """Stops the engine, waits for its workers, and frees it when all responses are closed. From inside of a worker
        the rest happens behind it."""
        if self.closed:
            return
        try:
            self.stop()
        except MisuseError:
            return
        threads, self._threads = self._threads, []
        if threading.current_thread() in threads:
            start(lambda: self._end(threads))
        else:
            self._end(threads)

    def _end(self, threads: List[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)
        super().close()

    def jobs(self, states: Iterable[int] = (), *, tenant: Optional[str] = None, client: Optional[str] = None,
             limit: int = 0, job_id: Optional[str] = None) -> Iterator[JobSummary]:
        """All jobs of the engine's store in the order in which they were created, page by page; for operators.

        With `job_id` this job alone, or none."""
        wanted: FrozenSet[JobState] = frozenset(map(JobState, states))
        options = new("fhx_job_list_options")
        options.states = flags({flag: state in wanted for state, flag in _STATES.items()})
        options.tenant, options.client = text(tenant, "tenant"), text(client, "client")
        options.job_id = text(job_id, "job_id")
        fill(options, {"limit": limit}, {"limit": "count"})
        while True:
            page = ctypes.c_void_p()
            call = self._request_call()
            status = self._use(lambda pointer: call(lib.fhx_engine_jobs, pointer, ctypes.addressof(options),
                                                    ctypes.byref(page)))
            if status == _mirror.FHX_END:
                return
            try:
                jobs = [_summary(lib.fhx_job_page_job(page, i)) for i in range(lib.fhx_job_page_count(page))]
                options.after = lib.fhx_job_page_after(page)
            finally:
                lib.fhx_job_page_free(page)
            yield from jobs
            if job_id is not None:
                return

    def metrics(self) -> Metrics:
        """What this engine has counted since it was made."""
        found = ctypes.c_void_p()
        self._use(lambda pointer: checked(lib.fhx_engine_metrics_new, pointer, ctypes.byref(found)))
        try:
            return Metrics(
                text=lib.fhx_metrics_text(found, None).decode(),
                media_type=lib.fhx_metrics_media_type().decode(),
                samples=[(lib.fhx_metrics_sample_name(found, i).decode(),
                          lib.fhx_metrics_sample_labels(found, i).decode(), lib.fhx_metrics_sample_value(found, i))
                         for i in range(lib.fhx_metrics_sample_count(found))])
        finally:
            lib.fhx_metrics_free(found)


_STATES = {JobState.RUNNING: _mirror.FHX_JOBS_RUNNING, JobState.COMPLETE: _mirror.FHX_JOBS_COMPLETE,
           JobState.FAILED: _mirror.FHX_JOBS_FAILED, JobState.REMOVING: _mirror.FHX_JOBS_REMOVING}
_open_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


@atexit.register
def _close_engines() -> None:
    """Workers that still run when the interpreter goes would call into nothing."""
    for engine in list(_open_engines):
        engine.close()


def _work(pointer: int, stopping: threading.Event, call: _EngineCall) -> None:
    """A worker: runs jobs until the engine is stopped. It knows the engine's pointer alone, so that an engine that
    nobody holds any more is closed; that waits for the worker."""
    while not stopping.is_set():
        status, error = call.outcome(lib.fhx_engine_run, pointer)
        if error is None:
            return
        call.keep(error, "run")
        stopping.wait(1)


def _response_freed(pointer: int, error: object) -> int:
    lib.fhx_response_free(pointer)
    return _mirror.FHX_OK


def _engine_freed(pointer: int, error: object) -> int:
    lib.fhx_engine_free(pointer)
    return _mirror.FHX_OK


def _key_arrays(url_keys: Sequence[bytes]) -> Tuple[Any, Any, int, Any]:
    """The keys as C has them, and what keeps them alive."""
    if not url_keys:
        return None, None, 0, None
    if isinstance(url_keys, (bytes, str)):
        raise TypeError("url_keys is a list of bytes, not one key")
    buffers = [ctypes.create_string_buffer(bytes(key), len(key)) for key in url_keys if len(key) > 0]
    if len(buffers) != len(url_keys):
        raise ArgumentError("a key of url_keys is empty")
    pointers = (ctypes.c_void_p * len(buffers))(*map(ctypes.addressof, buffers))
    lengths = (ctypes.c_size_t * len(buffers))(*map(len, url_keys))
    return pointers, ctypes.addressof(lengths), len(buffers), (buffers, lengths)


def _request_structure(request: Request) -> Tuple[Any, Any]:
    """The request as C has it, and what keeps it alive."""
    structure = new("fhx_request")
    structure.method = text(request.method, "method")
    structure.target = text(request.target.replace("\0", "%00"), "target")
    given = request.headers.items() if isinstance(request.headers, Mapping) else request.headers
    flat = [part for pair in given for part in pair]
    headers, count = texts(flat, "headers")
    structure.headers, structure.header_count = headers, count // 2
    body = ctypes.create_string_buffer(request.body, max(1, len(request.body)))
    structure.body, structure.body_len = ctypes.addressof(body), len(request.body)
    structure.base_url = text(request.base_url, "base_url")
    structure.tenant, structure.client = text(request.tenant, "tenant"), text(request.client, "client")
    if request.permitted_types is not None:
        permitted = request.permitted_types
        names = permitted if isinstance(permitted, str) else ",".join(permitted)
        structure.permitted_types = text(names, "permitted_types")
    context = ctypes.create_string_buffer(request.host_context, max(1, len(request.host_context)))
    structure.host_context, structure.host_context_len = ctypes.addressof(context), len(request.host_context)
    structure.flags = flags({_mirror.FHX_REQUEST_OPERATOR: request.operator})
    if request.ig_version is not None:
        structure.ig_version = int(IgVersion(request.ig_version))
    return structure, (headers, body, context)


def _summary(pointer: int) -> JobSummary:
    """A copy of what an `fhx_job_summary` says."""
    def get(name: str) -> Any:
        value = getattr(lib, f"fhx_job_summary_{name}")(pointer)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    values = {field.name: get(field.name) for field in dataclasses.fields(JobSummary)}
    return JobSummary(**{**values, "state": JobState(values["state"]), "is_waiting": bool(values["is_waiting"]),
                         "reason_status": Status(values["reason_status"])})


def _client_structure(given: ClientDestinations, kept: Kept) -> Any:
    structure = new("fhx_client_destinations")
    structure.allowed_hosts, structure.allowed_host_count = texts(given.allowed_hosts, "allowed_hosts")
    structure.container = text(given.container, "container")
    if given.http is not None:
        http = given.http._structure()
        kept.structures.append(http)
        structure.http = ctypes.addressof(http)
    if given.secrets is not None:
        structure.secret_put, structure.secret_get = _secret_put, _secret_get
        structure.secret_delete = _secret_delete
        structure.user_data = kept.hold(given.secrets)
    return structure


@callback(_mirror.fhx_secret_put_callback)
def _secret_put(user_data: int, job_id: bytes, data: int, length: int, reply: int) -> None:
    try:
        held(user_data).put(job_id.decode(), ctypes.string_at(data, length))
        lib.fhx_reply_done(reply)
    except BaseException as error:
        fail(reply, error, "put")


@callback(_mirror.fhx_secret_get_callback)
def _secret_get(user_data: int, job_id: bytes, reply: int) -> None:
    try:
        give_items(reply, [bytes(held(user_data).get(job_id.decode()))])
    except BaseException as error:
        fail(reply, error, "get")


@callback(_mirror.fhx_secret_delete_callback)
def _secret_delete(user_data: int, job_id: bytes, reply: int) -> None:
    try:
        held(user_data).delete(job_id.decode())
        lib.fhx_reply_done(reply)
    except BaseException as error:
        fail(reply, error, "delete")


@callback(_mirror.fhx_log_callback)
def _log(user_data: int, event: int) -> None:
    try:
        fields: Dict[str, Union[str, int]] = {}
        for i in range(lib.fhx_log_event_field_count(event)):
            words = lib.fhx_log_event_field_text(event, i)
            fields[lib.fhx_log_event_field_name(event, i).decode()] = (
                lib.fhx_log_event_field_number(event, i) if words is None else words.decode("utf-8", "replace"))
        held(user_data)(LogEvent(
            name=lib.fhx_log_event_name(event).decode(), level=LogLevel(lib.fhx_log_event_level(event)),
            is_audit=bool(lib.fhx_log_event_is_audit(event)), time_us=lib.fhx_log_event_time_us(event),
            message=lib.fhx_log_event_message(event).decode(), fields=fields))
    except BaseException as error:
        fail(None, error, "log")
