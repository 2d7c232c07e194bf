"""How Python and the library call each other: handles, calls that can be interrupted, and callbacks.

Callbacks go through functions that are made once, when the package is imported, and stay for ever: nothing that C may
still call is ever freed. What C holds of a Python object is a number, under which the object stands in a table until
C says that it is done with it.

A callback catches everything. What it catches is kept by the call that is under way on its thread, and raised again
when that call returns. No lock is held while a function of the library runs."""

import ctypes
import itertools
import os
import queue
import sys
import threading
from typing import Any, Callable, Dict, Generic, List, Optional, Type, TypeVar

from . import _mirror
from ._errors import Error, MisuseError, error_of
from ._library import lib

T = TypeVar("T")
H = TypeVar("H", bound="Handle")
_keys = itertools.count(1)
_objects: Dict[int, Any] = {}
_local = threading.local()


def callback(kind: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes a function one that C can call, of that kind."""
    wrap: Callable[[Callable[..., Any]], Any] = kind
    return wrap


def hold(thing: Any) -> int:
    """A number for C under which `held` finds the object, until `release`."""
    key = next(_keys)
    _objects[key] = thing
    return key


def held(key: int) -> Any:
    """The object that C has a number for."""
    return _objects[key]


def release(key: int) -> Any:
    """C does not need the object any more."""
    return _objects.pop(key, None)


class Call:
    """A call into the library that runs callbacks, and what these have raised."""

    def __init__(self, owner: object = None) -> None:
        self.owner = owner
        self.raised: List[BaseException] = []
        self.answer: Optional[Error] = None

    def keep(self, error: BaseException, where: str) -> None:
        """What a callback has raised, to be raised again; `where` is the callback's name."""
        self.raised.append(error)

    def settle(self, error: Optional[Error]) -> None:
        """Raises what a callback has raised, or else the call's own error, for which an answer is the cause."""
        if self.raised:
            first = self.raised[0]
            self.raised = []
            raise first
        if error is not None:
            cause, self.answer = self.answer, None
            raise error from cause

    def outcome(self, function: Callable[..., int], *arguments: Any) -> "tuple[int, Optional[Error]]":
        """Calls a function that ends with `fhx_error **`, on this thread: its status, and its error."""
        above = getattr(_local, "call", None)
        _local.call = self
        try:
            return outcome(function, *arguments)
        finally:
            _local.call = above

    def __call__(self, function: Callable[..., int], *arguments: Any) -> int:
        """The same; returns the status, or raises."""
        status, error = self.outcome(function, *arguments)
        self.settle(error)
        return status

    def made(self, function: Callable[..., int], *arguments: Any) -> int:
        """The handle that a function makes."""
        handle = ctypes.c_void_p()
        self(function, *arguments, ctypes.byref(handle))
        return handle.value or 0


def current_call() -> Optional[Call]:
    """The call that this thread is inside of, if it is inside of one."""
    call: Optional[Call] = getattr(_local, "call", None)
    return call


def outcome(function: Callable[..., int], *arguments: Any) -> "tuple[int, Optional[Error]]":
    """Calls a function that ends with `fhx_error **`: its status, and its error if it has failed."""
    error = ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(error))
    return status, (error_of(error, status) if status < 0 else None)


def checked(function: Callable[..., int], *arguments: Any) -> int:
    """The same for a function that calls no Python: returns the status, or raises."""
    error = ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(error))
    if status < 0:
        raise error_of(error, status)
    return status


def made(function: Callable[..., int], *arguments: Any) -> int:
    """The handle that a function makes, which stores it before its error."""
    handle = ctypes.c_void_p()
    checked(function, *arguments, ctypes.byref(handle))
    return handle.value or 0


class Task(Generic[T]):
    """Something that runs on another thread."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._result: Any = None
        self._error: Optional[BaseException] = None
        self.done = threading.Event()

    def run(self) -> None:
        """Runs it; called once, on that thread, which then sets `done`."""
        try:
            self._result = self._function()
        except BaseException as error:  # handed over to the thread that waits
            self._error = error
        finally:
            self._function = _nothing

    def result(self) -> T:
        """What it returned, or what it raised; after `done`."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        result: T = self._result
        return result


def _nothing() -> Any:
    return None


_idle: List["queue.SimpleQueue[Task[Any]]"] = []


def _help(tasks: "queue.SimpleQueue[Task[Any]]") -> None:
    """A helper thread: runs one task after another, and waits for the next among the idle ones."""
    while True:
        task = tasks.get()
        task.run()
        stays = len(_idle) < 8
        if stays:
            _idle.append(tasks)  # before `done`, so that whoever goes on then finds it
        task.done.set()
        del task
        if not stays:
            return


def start(function: Callable[[], T]) -> Task[T]:
    """Begins it on a helper thread. These are few, are kept, and do not keep the process from ending."""
    task = Task(function)
    try:
        tasks = _idle.pop()
    except IndexError:
        tasks = queue.SimpleQueue()
        threading.Thread(target=_help, args=(tasks,), name="fhirexport", daemon=True).start()
    tasks.put(task)
    return task


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


def wait_for(event: threading.Event) -> None:
    """Waits in short steps, between which signals are seen."""
    while not event.wait(0.1):
        pass


def interruptible(function: Callable[[], T]) -> T:
    """Runs it. On the main thread it goes to a helper, for a Ctrl-C that arrives there while C runs would be lost in a
    callback; the KeyboardInterrupt then comes out when the call is over, a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        return function()
    task = start(function)
    try:
        wait_for(task.done)
    except BaseException:
        wait_for(task.done)
        raise
    return task.result()


class Handle:
    """An object of the library: closed once, freed when nobody is inside of it any more."""

    _pointer: Optional[int] = None
    _users = 0
    _closed = True

    def __init__(self, pointer: int) -> None:
        self._lock = threading.RLock()
        self._pointer = pointer
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def _free(self, pointer: int) -> None:
        """Frees what `pointer` points to."""
        raise NotImplementedError

    def _enter(self) -> int:
        """The pointer, which stays good until `_leave`."""
        if self._closed:
            raise MisuseError(f"this {type(self).__name__} is closed")
        with self._lock:
            if self._closed or self._pointer is None:
                raise MisuseError(f"this {type(self).__name__} is closed")
            self._users += 1
            return self._pointer

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            pointer = self._pointer if self._closed and self._users == 0 else None
            if pointer is not None:
                self._pointer = None
        if pointer is not None:
            self._free(pointer)

    def _use(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls `function(pointer, *arguments)`."""
        pointer = self._enter()
        try:
            return function(pointer, *arguments)
        finally:
            self._leave()

    def close(self) -> None:
        """Frees it, at the end of the calls that are inside of it. To close again does nothing."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
            pointer = self._pointer if self._users == 0 else None
            if pointer is not None:
                self._pointer = None
        if pointer is not None:
            self._free(pointer)

    def __enter__(self: H) -> H:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._closed and not sys.is_finalizing():
            self.close()


def fail(reply: Optional[int], error: BaseException, where: str) -> None:
    """A callback has raised: the reply fails, and what was raised is kept. An Error is an answer: the library goes on
    from it by itself. Of anything else the reply has the class alone, for its text may hold data."""
    call = current_call()
    if isinstance(error, Error):
        if call is not None:
            call.answer = error
        if reply is not None:
            message = str(error).encode("utf-8", "replace").replace(b"\0", b" ")
            lib.fhx_reply_fail(reply, int(error.status), int(error.retryable), message)
            return
    elif reply is not None:
        name = type(error).__name__.encode("utf-8", "replace")
        lib.fhx_reply_fail(reply, _mirror.FHX_ERR_SOURCE, 0, where.encode() + b" raised " + name)
    if call is not None:
        call.keep(error, where)
    else:
        unclaimed(error, where)


def unclaimed(error: BaseException, where: str) -> None:
    """Tells of what a callback has raised on a thread where nobody can catch it: class and place, no text, which may
    hold data of patients."""
    import logging

    logging.getLogger("fhirexport").error("%s raised %s", where, place_of(error))


def place_of(error: BaseException) -> str:
    """The class of an exception and the last line it came through."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"


def give_items(reply: int, items: Any) -> None:
    """Answers a list of bytes."""
    for item in items:
        lib.fhx_reply_item(reply, item, len(item))
    lib.fhx_reply_done(reply)
