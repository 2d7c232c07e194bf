"""Manifests: read from the library, and made of parts that no store has recorded."""

import ctypes
from typing import Any, Iterable, Optional

from . import _mirror
from ._calls import Call, interruptible
from ._destination import Destination
from ._library import lib
from ._values import IgVersion, Part, flags, new, text


def read_manifest(call: Call, manifest: int) -> bytes:
    """Reads an open manifest to its end, and frees it."""
    buffer, length, pieces = ctypes.create_string_buffer(65536), ctypes.c_size_t(), []
    try:
        while call(lib.fhx_manifest_read, manifest, buffer, 65536, ctypes.byref(length)) == _mirror.FHX_OK:
            pieces.append(ctypes.string_at(buffer, length.value))
    finally:
        lib.fhx_manifest_free(manifest)
    return b"".join(pieces)


def manifest_of_parts(destination: Destination, parts: Iterable[Part], *, transaction_time_us: int,
                      resolution_us: int = 0, request: Optional[str] = None, expires_us: int = 0,
                      digests: bool = False, ig_version: int = IgVersion.STU3) -> bytes:
    """The manifest, as JSON, of an export that another engine has divided, or that writers have written: of these
    parts, in this order, outputs before errors. `expires_us`: until when URLs are to be good, in microseconds since
    1970 UTC; 0: as long as the files are. `digests`: each file's length and SHA-256 are told. `ig_version`: whose manifest it is."""
    kept = [_record(part) for part in parts]
    pointers = (ctypes.c_void_p * max(1, len(kept)))(*[ctypes.addressof(record) for record in kept])
    options = new("fhx_manifest_options")
    options.flags = flags({_mirror.FHX_MANIFEST_DIGESTS: digests})
    options.request = text(request, "request")
    options.transaction_time_us = transaction_time_us
    options.resolution_us = resolution_us
    options.expires_us = expires_us
    options.ig_version = int(IgVersion(ig_version))
    call = Call()

    def make(pointer: int) -> bytes:
        options.destination = pointer
        return read_manifest(call, call.made(lib.fhx_manifest_of_parts, ctypes.addressof(options), pointers, len(kept)))

    return destination._use(lambda pointer: interruptible(lambda: make(pointer)))


def _record(part: Part) -> Any:
    record = new("fhx_part_record")
    record.kind = int(part.kind)
    record.name = text(part.name, "a part's name")
    record.resource_type = text(part.resource_type, "a part's type")
    for name in ("resource_count", "byte_count", "stored_byte_count", "fence", "seq", "task_index", "crc32c",
                 "error_count", "warning_count"):
        setattr(record, name, getattr(part, name))
    record.encoding = _mirror.FHX_ENCODING_GZIP if part.gzip else _mirror.FHX_ENCODING_NONE
    record.flags = _mirror.FHX_PART_CONTINUES if part.continues else 0
    if part.sha256 is not None:
        record.digest = ctypes.create_string_buffer(part.sha256, 32)
        record.sha256 = ctypes.addressof(record.digest)
    return record

