"""Level 1: resources in, NDJSON parts out."""

import ctypes
from typing import Any, Callable, List, Optional, Type

from . import _mirror
from ._calls import Call, Handle, interruptible, made
from ._destination import Destination
from ._errors import MisuseError
from ._library import lib
from ._values import Part, Resource, fill, flags, json_bytes, new, part_of, text

_NUMBERS = {"part_bytes": "count", "part_count": "count", "resource_bytes_max": "count", "depth_max": "count"}


class Writer(Handle):
    """Takes resources of one type, checks each, and writes parts `<name_prefix><type>-<number>.ndjson`. It belongs to
    one thread at a time. At the end of a `with` block the open part is committed; if that raises, it is aborted.

    Numbers: part_bytes, part_count, resource_bytes_max, depth_max."""

    def __init__(self, destination: Destination, resource_type: str, *, name_prefix: Optional[str] = None,
                 sha256: bool = False, gzip: bool = False, trust_source: bool = False, **numbers: int) -> None:
        options = new("fhx_writer_options")
        options.flags = flags({_mirror.FHX_WRITER_SHA256: sha256, _mirror.FHX_WRITER_GZIP: gzip,
                               _mirror.FHX_WRITER_TRUST_SOURCE: trust_source})
        options.resource_type = text(resource_type, "resource_type")
        options.name_prefix = text(name_prefix, "name_prefix")
        fill(options, numbers, _NUMBERS)
        pointer = destination._use(lambda there: made(lib.fhx_writer_new, ctypes.addressof(options), there))
        super().__init__(pointer)
        self._call = Call(self)
        self._off_main = destination._calls_python
        self._is_finished = False
        self._last_parts: List[Part] = []

    def _free(self, pointer: int) -> None:
        self._run(lambda: self._call(_freed, lib.fhx_writer_free, pointer))

    def _run(self, function: Callable[[], Any]) -> None:
        if self._off_main:
            interruptible(function)
        else:
            function()

    def append(self, resource: Resource) -> None:
        """Appends one resource. ResourceError: it was refused, nothing of it was written, and the writer can go on.
        Any other error is final."""
        data = json_bytes(resource)
        pointer = self._enter()
        try:
            if self._off_main:
                interruptible(lambda: self._call(lib.fhx_writer_append, pointer, data, len(data)))
            else:
                self._call(lib.fhx_writer_append, pointer, data, len(data))
        finally:
            self._leave()

    def finish(self) -> List[Part]:
        """Commits the open part, if any, and returns all parts. Afterwards nothing can be appended."""
        self._is_finished = True
        self._use(lambda pointer: self._run(lambda: self._call(lib.fhx_writer_finish, pointer)))
        return self.parts

    @property
    def parts(self) -> List[Part]:
        """The committed parts, also when the writer is closed."""
        if self.closed:
            return list(self._last_parts)
        return self._use(_parts)

    def close(self) -> None:
        """Frees the writer; a part that is still open is aborted."""
        if not self.closed:
            try:
                self._last_parts = self.parts
            except MisuseError:
                pass
        super().close()

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any) -> None:
        try:
            if kind is None and not self.closed and not self._is_finished:
                self.finish()
        finally:
            self.close()


def _parts(pointer: int) -> List[Part]:
    return [part_of(lib.fhx_writer_part(pointer, i)) for i in range(lib.fhx_writer_part_count(pointer))]


def _freed(free: Callable[[int], None], pointer: int, error: object) -> int:
    """A function that frees, as one that returns a status."""
    free(pointer)
    return _mirror.FHX_OK
