"""Level 2: one export from a source to a destination."""

import ctypes
import json
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from . import _mirror
from ._calls import Call, Handle, Task, checked, current_call, interruptible, outcome, start
from ._destination import Destination
from ._errors import Error, MisuseError, Status
from ._filter import Filter
from ._library import lib
from ._manifest import read_manifest
from ._options import JOB_NUMBERS, AttachmentHook, Clock, Kept, ResourceHook, set_clock, set_hooks
from ._source import AnySource, UsedSource
from ._store import Store
from ._values import IgVersion, Part, Progress, Provenance, fill, flags, joined, new, part_of, progress_of, text

#: A callback of a source or destination that raises something has failed its job by that. These cost one resource or
#: nothing at all, so that the job would go on.
_GO_ON = frozenset(("close_cursor", "abort", "commit", "stat", "remove", "resource_hook", "attachment_hook", "now",
                    "monotonic", "wait"))


class _JobCall(Call):
    """What the callbacks of a job raise ends the job."""

    job: Optional[int] = None

    def keep(self, error: BaseException, where: str) -> None:
        super().keep(error, where)
        if where in _GO_ON and self.job is not None:
            outcome(lib.fhx_job_cancel, self.job)


class Job(Handle):
    """One export. Made, it is recorded and has its transactionTime, but nothing is read yet; `run` does the work.

    `source`: a Source, a mapping of types to iterables or callables, a callable that gets a Query, or an iterable.
    `store`: where it is recorded; None: in memory, so that it ends with this object. Numbers have the names, defaults
    and meanings of fhx_job_options: part_bytes, part_count, part_bytes_min, settle_us, lease_us, stall_us,
    attempts_max, shards_max, depth_max, resource_bytes_max, group_depth_max, group_members_max, bad_rows_limit,
    bad_rows_permille_limit, helpers, worker_bytes. `export_id`, with the numbers `attempt` and `piece`: this is a
    piece of an export that another engine divides, as fhirexport.spark does; see job.h and `manifest_of_parts`.
    `ig_version`: whose manifest the job has."""

    def __init__(self, source: AnySource, destination: Destination, *, filter: Optional[Filter] = None,
                 store: Optional[Store] = None, request: Optional[str] = None, tenant: Optional[str] = None,
                 client: Optional[str] = None, host_context: bytes = b"", sha256: bool = False, gzip: bool = False,
                 new_members: bool = False, trust_source: bool = False,
                 associated_types: Union[str, Iterable[str]] = (), provenance: int = Provenance.DEFAULT,
                 organize_by: Optional[str] = None, resource_hook: Optional[ResourceHook] = None,
                 attachment_hook: Optional[AttachmentHook] = None, clock: Optional[Clock] = None,
                 export_id: Optional[str] = None, ig_version: int = IgVersion.STU3, **numbers: int) -> None:
        options = new("fhx_job_options")
        options.flags = flags({_mirror.FHX_JOB_SHA256: sha256, _mirror.FHX_JOB_NEW_MEMBERS: new_members,
                               _mirror.FHX_JOB_GZIP: gzip, _mirror.FHX_JOB_TRUST_SOURCE: trust_source})
        options.request = text(request, "request")
        options.tenant = text(tenant, "tenant")
        options.client = text(client, "client")
        context = ctypes.create_string_buffer(host_context, max(1, len(host_context)))
        options.host_context = ctypes.addressof(context) if host_context else None
        options.host_context_len = len(host_context)
        options.associated_types = joined(associated_types, "associated_types")
        options.provenance = int(Provenance(provenance))
        options.organize_by = text(organize_by, "organize_by")
        options.export_id = text(export_id, "export_id")
        options.ig_version = int(IgVersion(ig_version))
        fill(options, numbers, {**JOB_NUMBERS, "attempt": "count", "piece": "count"})
        self._begin(options, source, destination, store, filter, resource_hook, attachment_hook, clock, None)

    @classmethod
    def attach(cls, job_id: str, source: AnySource, destination: Destination, store: Store, *,
               resource_hook: Optional[ResourceHook] = None, attachment_hook: Optional[AttachmentHook] = None,
               clock: Optional[Clock] = None, **numbers: int) -> "Job":
        """Takes up a job that the store has, for example after a restart. NotFoundError: there is none."""
        options = new("fhx_job_options")
        fill(options, numbers, JOB_NUMBERS)
        self = cls.__new__(cls)
        self._begin(options, source, destination, store, None, resource_hook, attachment_hook, clock, job_id)
        return self

    def _begin(self, options: Any, source: AnySource, destination: Destination, store: Optional[Store],
               taken: Optional[Filter], resource_hook: Optional[ResourceHook],
               attachment_hook: Optional[AttachmentHook], clock: Optional[Clock], job_id: Optional[str]) -> None:
        self._kept = Kept()
        self._call = _JobCall(self)
        pointers: List[int] = []
        used: List[Handle] = [thing for thing in (destination, store, taken) if thing is not None]
        entered: List[Handle] = []

        def begin() -> None:
            if job_id is None:
                pointers.append(self._call.made(lib.fhx_job_start, ctypes.addressof(options)))
            else:
                pointers.append(self._call.made(lib.fhx_job_attach, ctypes.addressof(options), text(job_id, "job_id")))

        try:
            set_hooks(options, self._kept, resource_hook, attachment_hook)
            set_clock(options, self._kept, clock)
            with UsedSource(source) as options.source:
                for thing in used:
                    pointer = thing._enter()
                    entered.append(thing)
                    setattr(options, _MEMBERS[type(thing)], pointer)
                interruptible(begin)
        except BaseException:
            for pointer in pointers:
                lib.fhx_job_free(pointer)
            self._kept.release()
            raise
        finally:
            for thing in entered:
                thing._leave()
        super().__init__(pointers[0])
        self._call.job = pointers[0]
        self._id: str = lib.fhx_job_id(pointers[0]).decode()

    def _free(self, pointer: int) -> None:
        self._call.outcome(_freed, pointer)
        self._kept.release()
        if self._call.raised:
            error, self._call.raised = self._call.raised[0], []
            raise error

    @property
    def id(self) -> str:
        """The job's id, 32 hexadecimal digits."""
        return self._id

    def run(self, threads: int = 1, *, progress: Optional[Callable[[Progress], None]] = None, tqdm: bool = False,
            interrupt: str = "cancel") -> bool:
        """Runs the job on so many threads of the package, and waits for it. True: it is complete; False: it was
        parked. JobFailedError, CancelledError: nothing of it is left at the destination. What a callback has raised,
        if it is no Error, comes out as itself. Any other Error: the job can be run again.

        `progress` is called a few times a second; `tqdm` shows a bar where tqdm is installed. A KeyboardInterrupt
        cancels the job, or with `interrupt="park"` parks it, and comes out when the threads have stopped; a second one
        at once."""
        if interrupt not in ("cancel", "park"):
            raise ValueError('interrupt is "cancel" or "park"')
        if threads < 1:
            raise ValueError("threads is at least 1")
        self._not_inside()
        tell, end = _teller(progress, tqdm)
        pointer = self._enter()
        tasks: List[Task[Tuple[int, Optional[Error]]]] = []
        try:
            for _ in range(threads):
                tasks.append(self._work(lib.fhx_job_run))
            self._watch(tasks, tell)
        except BaseException:
            is_cancelled = interrupt == "cancel" and outcome(lib.fhx_job_cancel, pointer)[0] == _mirror.FHX_OK
            if not is_cancelled:
                lib.fhx_job_park(pointer)
            self._watch(tasks, None)
            if is_cancelled:  # it may have been complete by then; whoever runs it next removes its files
                self._watch([self._work(lib.fhx_job_run)], None)
            self._call.raised.clear()
            raise
        finally:
            end()
            self._leave()
        return self._ended([task.result() for task in tasks])

    def run_task(self) -> Status:
        """Runs at most one task. Status.OK: one was run, or given back after a failure; WAIT: none can be had at
        present; END: the job is complete. Errors as in `run`."""
        self._not_inside()
        task = self._work(lib.fhx_job_run_task)
        try:
            self._watch([task], None)
        except BaseException:
            self._watch([task], None)
            raise
        status, error = task.result()
        self._call.settle(error)
        return Status(status)

    def _not_inside(self) -> None:
        if current_call() is self._call:
            raise MisuseError("a callback of the job may not run the job", status=Status.REENTRANT)

    def _work(self, function: Any) -> "Task[Tuple[int, Optional[Error]]]":
        """Begins it on a thread, which is inside of the job until it returns."""
        pointer = self._enter()

        def work() -> Tuple[int, Optional[Error]]:
            try:
                return self._call.outcome(function, pointer)
            finally:
                self._leave()

        return start(work)

    def _watch(self, tasks: "List[Task[Any]]", tell: Optional[Callable[[Progress], None]]) -> None:
        """Waits for threads in short steps, between which signals are seen and progress is told."""
        if tell is not None:
            tell(self.progress())
        for task in tasks:
            while not task.done.wait(0.25 if tell is not None else 0.1):
                if tell is not None:
                    tell(self.progress())
        if tell is not None:
            tell(self.progress())

    def _ended(self, results: "List[Tuple[int, Optional[Error]]]") -> bool:
        """What a run comes to, from what its threads return. One that was stopped by the store or for lack of memory
        matters only if the others have not decided the job."""
        failed = [error for _, error in results if error is not None]
        failed.sort(key=lambda error: error.status not in (Status.JOB_FAILED, Status.CANCELLED))
        statuses = [status for status, _ in results]
        complete = _mirror.FHX_OK in statuses
        self._call.settle(failed[0] if failed and not complete else None)
        return complete

    def cancel(self) -> None:
        """Cancels the job, or removes it with its files when it is over: those go when `run` returns. Any thread,
        also from a callback."""
        self._use(lambda pointer: checked(lib.fhx_job_cancel, pointer))

    def park(self) -> None:
        """Running tasks stop at the next batch and keep what they have, and `run` returns False. Any thread."""
        self._use(lib.fhx_job_park)

    def progress(self) -> Progress:
        """How far the job is. Any thread, also from a callback."""
        made = ctypes.c_void_p()
        self._use(lambda pointer: checked(lib.fhx_job_progress_new, pointer, ctypes.byref(made)))
        return progress_of(made)

    def parts(self) -> Iterator[Part]:
        """The recorded parts, error files included, in the order of the manifest."""
        after = ctypes.c_uint64()
        while True:
            page = ctypes.c_void_p()
            status = self._use(lambda pointer: checked(lib.fhx_job_parts_new, pointer, ctypes.byref(after), 1000,
                                                       ctypes.byref(page)))
            if status == _mirror.FHX_END:
                return
            try:
                parts = [part_of(lib.fhx_part_page_part(page, i)) for i in range(lib.fhx_part_page_count(page))]
            finally:
                lib.fhx_part_page_free(page)
            yield from parts

    def manifest_text(self) -> bytes:
        """The manifest of the complete job, as JSON. MisuseError while it runs."""
        return self._use(lambda pointer: interruptible(lambda: self._read_manifest(pointer)))

    def manifest(self) -> Dict[str, Any]:
        """The manifest of the complete job."""
        manifest: Dict[str, Any] = json.loads(self.manifest_text())
        return manifest

    def _read_manifest(self, pointer: int) -> bytes:
        return read_manifest(self._call, self._call.made(lib.fhx_manifest_new, pointer))


_MEMBERS = {Destination: "destination", Store: "store", Filter: "filter"}


def _freed(pointer: int, error: object) -> int:
    """fhx_job_free as a function that returns a status."""
    lib.fhx_job_free(pointer)
    return _mirror.FHX_OK


def _teller(progress: Optional[Callable[[Progress], None]],
            tqdm: bool) -> "Tuple[Optional[Callable[[Progress], None]], Callable[[], None]]":
    """What is told of the progress, and what is done at its end."""
    bar: Any = None
    if tqdm:
        try:
            from tqdm.auto import tqdm as make_bar
        except ImportError:
            pass
        else:
            bar = make_bar(total=100, unit="%", bar_format="{percentage:3.0f}%|{bar}| {elapsed} {postfix}")
    if bar is None:
        return progress, _nothing

    def tell(now: Progress) -> None:
        bar.n = round(now.share * 100, 1)
        bar.set_postfix_str(f"{now.resource_count} resources, {now.byte_count / 1e6:.1f} MB")
        if progress is not None:
            progress(now)

    close: Callable[[], None] = bar.close
    return tell, close


def _nothing() -> None:
    return None
