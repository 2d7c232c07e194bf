"""What jobs and engines have in common: hooks, clocks, and the members of their options that are numbers."""

import ctypes
import time
from typing import Any, Callable, List, Optional, Union

from . import _mirror
from ._calls import callback, fail, give_items, held, hold, release
from ._library import lib
from ._source import Query
from ._values import Resource, json_bytes, new

#: Sees each resource that is about to be written, as one line: True: as it is; False: it is left out; a resource: this
#: one instead. An Error that is raised costs that resource alone, by a line of the error file.
ResourceHook = Callable[[Query, str, bytes], Union[bool, Resource]]
#: Sees the URL of each Attachment, and returns the one that clients get.
AttachmentHook = Callable[[Query, str, str], str]

JOB_NUMBERS = {
    "part_bytes": "count", "part_count": "count", "resource_bytes_max": "count", "lease_us": "time",
    "settle_us": "time", "stall_us": "time", "attempts_max": "count", "shards_max": "count", "depth_max": "count",
    "group_depth_max": "count", "group_members_max": "count", "part_bytes_min": "count", "bad_rows_limit": "count",
    "bad_rows_permille_limit": "count", "helpers": "count", "worker_bytes": "count",
}
ENGINE_NUMBERS = {
    **JOB_NUMBERS, "keep_us": "time", "link_us": "time", "target_bytes_max": "count", "body_bytes_max": "count",
    "jobs_max": "count", "jobs_per_client_max": "count", "polls_max": "count", "maximum_file_size_min": "count",
}


class Clock:
    """The clock that an engine or a job lives by instead of the system's, above all for tests; subclass it. See
    clock.h: the methods may run on any thread, several at once, and must not call the library."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> int:
        """Microseconds from anywhere, never going back."""
        return time.monotonic_ns() // 1000

    def wait(self, until_us: int) -> None:
        """Optional. Waits until `monotonic` tells at least this, but not longer. Earlier is no harm."""
        raise NotImplementedError


class Kept:
    """What C has numbers for until the handle that uses it is freed."""

    def __init__(self) -> None:
        self._keys: List[int] = []
        self.structures: List[Any] = []

    def hold(self, thing: Any) -> int:
        """A number for C."""
        key = hold(thing)
        self._keys.append(key)
        return key

    def release(self) -> None:
        """C does not need any of it any more."""
        for key in self._keys:
            release(key)
        self._keys.clear()
        self.structures.clear()


class Hooks:
    """The two hooks of a job."""

    def __init__(self, resource: Optional[ResourceHook], attachment: Optional[AttachmentHook]) -> None:
        self.resource = resource
        self.attachment = attachment


def set_hooks(options: Any, kept: Kept, resource: Optional[ResourceHook],
              attachment: Optional[AttachmentHook]) -> None:
    """Fills in the hooks of a job's or an engine's options."""
    if resource is not None:
        options.resource_hook = _resource_hook
    if attachment is not None:
        options.attachment_hook = _attachment_hook
    if resource is not None or attachment is not None:
        options.hook_data = kept.hold(Hooks(resource, attachment))


def set_clock(options: Any, kept: Kept, clock: Optional[Clock]) -> None:
    """Fills in the clock of a job's or an engine's options."""
    if clock is None:
        return
    structure = new("fhx_clock")
    structure.now, structure.monotonic = _now, _monotonic
    if type(clock).wait is not Clock.wait:
        structure.wait = _wait
    structure.user_data = kept.hold(clock)
    kept.structures.append(structure)
    options.clock = ctypes.addressof(structure)


@callback(_mirror.fhx_resource_hook_callback)
def _resource_hook(user_data: int, pointer: int, reference: bytes, data: int, length: int, reply: int) -> None:
    query = Query(pointer)
    try:
        answer = held(user_data).resource(query, reference.decode(), ctypes.string_at(data, length))
        if answer is True:
            lib.fhx_reply_done(reply)
        elif answer is False:
            lib.fhx_reply_end(reply)
        elif answer is None:
            raise TypeError("a resource hook returns True, False or a resource, not None")
        else:
            give_items(reply, [json_bytes(answer)])
    except BaseException as error:
        fail(reply, error, "resource_hook")
    finally:
        query._end()


@callback(_mirror.fhx_attachment_hook_callback)
def _attachment_hook(user_data: int, pointer: int, reference: bytes, url: bytes, reply: int) -> None:
    query = Query(pointer)
    try:
        answer = held(user_data).attachment(query, reference.decode(), url.decode("utf-8", "surrogateescape"))
        if not isinstance(answer, str):
            raise TypeError(f"an attachment hook returns a URL, not {type(answer).__name__}")
        give_items(reply, [answer.encode("utf-8", "surrogateescape")])
    except BaseException as error:
        fail(reply, error, "attachment_hook")
    finally:
        query._end()


@callback(_mirror.fhx_clock_callback)
def _now(user_data: int) -> int:
    try:
        return int(held(user_data).now())
    except BaseException as error:
        fail(None, error, "now")
        return time.time_ns() // 1000


@callback(_mirror.fhx_clock_callback)
def _monotonic(user_data: int) -> int:
    try:
        return int(held(user_data).monotonic())
    except BaseException as error:
        fail(None, error, "monotonic")
        return time.monotonic_ns() // 1000


@callback(_mirror.fhx_clock_wait_callback)
def _wait(user_data: int, until_us: int) -> None:
    try:
        held(user_data).wait(until_us)
    except BaseException as error:
        fail(None, error, "wait")
