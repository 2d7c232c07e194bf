"""Destinations: where parts go. A folder, a bucket, a container, or a class of one's own."""

import ctypes
import dataclasses
import os
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Union

from . import _mirror
from ._calls import Call, Handle, callback, fail, give_items, held, hold, interruptible, made, release
from ._errors import ArgumentError, NotFoundError
from ._library import lib
from ._values import Part, fill, flags, new, part_of, text, texts


@dataclasses.dataclass(frozen=True)
class Http:
    """How destinations across a network reach their servers; see http.h. 0 and None are the defaults."""

    ca_file: Optional[str] = None
    proxy: Optional[str] = None
    connect_us: int = 0
    stall_us: int = 0
    request_us: int = 0
    retry_us: int = 0
    retries_max: int = 0
    connections_max: int = 0
    allowed_hosts: Sequence[str] = ()
    no_thread: bool = False

    def _structure(self) -> Any:
        options = new("fhx_http_options")
        options.flags = flags({_mirror.FHX_HTTP_NO_THREAD: self.no_thread})
        options.ca_file = text(self.ca_file, "ca_file")
        options.proxy = text(self.proxy, "proxy")
        options.allowed_hosts, options.allowed_host_count = texts(self.allowed_hosts, "allowed_hosts")
        fill(options, {name: getattr(self, name) for name in _HTTP_NUMBERS}, _HTTP_NUMBERS)
        return options


_HTTP_NUMBERS = {"connect_us": "time", "stall_us": "time", "request_us": "time", "retry_us": "time",
                 "retries_max": "count", "connections_max": "count"}


@dataclasses.dataclass(frozen=True)
class S3Credentials:
    """What a callback for credentials returns. `expires_us` 0: they do not end."""

    access_key_id: str
    secret_access_key: str = dataclasses.field(repr=False)
    session_token: Optional[str] = dataclasses.field(default=None, repr=False)
    expires_us: int = 0


class CustomDestination:
    """A destination of one's own; subclass it and hand it to Destination.custom. For each part there is open; write,
    any number of times; then commit or abort. A part becomes visible under its name at commit, whole, or not at all.

    Methods run on threads of the package or the caller's, several at once, each upload on one thread. An Error that is
    raised is the answer; anything else ends the job or the writer, and comes out of it."""

    #: Whether the URLs need the client's access token (the manifest's requiresAccessToken).
    requires_token = False

    def open(self, name: str) -> Any:
        """Begins a part, and returns what the other methods get as `upload`. A name that exists: ExistsError."""
        raise NotImplementedError

    def write(self, upload: Any, data: bytes) -> None:
        """Takes all of the bytes, or raises."""
        raise NotImplementedError

    def commit(self, upload: Any, part: Part) -> None:
        """Makes the part durable and visible under its name. Whoever cannot tell whether that has happened raises an
        Error with Status.UNKNOWN_OUTCOME; so counts whatever is no Error."""
        raise NotImplementedError

    def abort(self, upload: Any) -> None:
        """Forgets the upload and what was written to it."""
        raise NotImplementedError

    def url(self, part: Part, expires_us: int) -> str:
        """A URL under which the part can be fetched until that time (0: as long as it exists)."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Removes the part and any unfinished upload of that name. Nothing there is success."""
        raise NotImplementedError

    def stat(self, name: str) -> Optional[Tuple[int, Optional[bytes]]]:
        """Optional. The length of a committed part, and its SHA-256 if known; None: there is definitely none."""
        raise NotImplementedError

    def file(self, name: str) -> Any:
        """Optional: the parts are files. An open file, or a descriptor that becomes the library's; None: there is
        definitely none."""
        raise NotImplementedError

    def check_writable(self) -> None:
        """Optional. Returns if a part could be written now."""
        raise NotImplementedError

    def urls_until(self, expires_us: int) -> int:
        """Optional. Until when URLs are good that are made now, if that time is asked for."""
        raise NotImplementedError


class Destination(Handle):
    """Where parts go: one of directory, s3, azure and custom. Writers, jobs and engines keep what they need of it."""

    def __init__(self, pointer: int, calls_python: bool = False) -> None:
        super().__init__(pointer)
        self._calls_python = calls_python

    def _free(self, pointer: int) -> None:
        lib.fhx_destination_free(pointer)

    @classmethod
    def directory(cls, path: "Union[str, os.PathLike[str]]", *, base_url: Optional[str] = None,
                  requires_token: bool = False) -> "Destination":
        """A folder that exists. `base_url`: the URL under which somebody else serves its files."""
        options = new("fhx_directory_options")
        options.flags = flags({_mirror.FHX_DESTINATION_REQUIRES_TOKEN: requires_token})
        options.path = text(os.fspath(path), "path")
        options.base_url = text(base_url, "base_url")
        return cls(made(lib.fhx_directory_destination_new, ctypes.addressof(options)))

    @classmethod
    def s3(cls, bucket: str, *, prefix: Optional[str] = None, region: Optional[str] = None,
           endpoint: Optional[str] = None, access_key_id: Optional[str] = None,
           secret_access_key: Optional[str] = None, session_token: Optional[str] = None,
           profile: Optional[str] = None, credentials: Optional[Callable[[], S3Credentials]] = None,
           storage_class: Optional[str] = None, encryption: Optional[str] = None, kms_key_id: Optional[str] = None,
           tags: Optional[str] = None, piece_bytes: int = 0, pieces_in_flight: int = 0,
           virtual_host: bool = False, unsigned_payload: bool = False, bucket_ends_uploads: bool = False,
           replaces: bool = False, http: Optional[Http] = None) -> "Destination":
        """An S3 bucket; see s3.h for the options, and for where credentials come from when none are given."""
        options = new("fhx_s3_options")
        options.flags = flags({_mirror.FHX_S3_VIRTUAL_HOST: virtual_host,
                               _mirror.FHX_S3_UNSIGNED_PAYLOAD: unsigned_payload,
                               _mirror.FHX_S3_BUCKET_ENDS_UPLOADS: bucket_ends_uploads,
                               _mirror.FHX_S3_REPLACES: replaces})
        named = {"bucket": bucket, "prefix": prefix, "region": region, "endpoint": endpoint,
                 "access_key_id": access_key_id, "secret_access_key": secret_access_key,
                 "session_token": session_token, "profile": profile, "storage_class": storage_class,
                 "encryption": encryption, "kms_key_id": kms_key_id, "tags": tags}
        for name, value in named.items():
            setattr(options, name, text(value, name))
        fill(options, {"piece_bytes": piece_bytes, "pieces_in_flight": pieces_in_flight}, _PIECES)
        return cls._networked(lib.fhx_s3_destination_new, options, http, "credentials", _s3_credentials, credentials)

    @classmethod
    def azure(cls, container: Optional[str] = None, *, connection_string: Optional[str] = None,
              container_url: Optional[str] = None, account_url: Optional[str] = None,
              token: Optional[Callable[[], Tuple[str, int]]] = None, prefix: Optional[str] = None,
              piece_bytes: int = 0, pieces_in_flight: int = 0, plain_urls: bool = False,
              http: Optional[Http] = None) -> "Destination":
        """A container of Azure Blob Storage; see azure.h. `token` returns an access token and when it ends, in
        microseconds since 1970 UTC."""
        options = new("fhx_azure_options")
        options.flags = flags({_mirror.FHX_AZURE_PLAIN_URLS: plain_urls})
        named = {"container": container, "connection_string": connection_string, "container_url": container_url,
                 "account_url": account_url, "prefix": prefix}
        for name, value in named.items():
            setattr(options, name, text(value, name))
        fill(options, {"piece_bytes": piece_bytes, "pieces_in_flight": pieces_in_flight}, _PIECES)
        return cls._networked(lib.fhx_azure_destination_new, options, http, "token", _azure_token, token)

    @classmethod
    def custom(cls, destination: CustomDestination) -> "Destination":
        """One of one's own."""
        callbacks = new("fhx_destination_callbacks")
        callbacks.flags = flags({_mirror.FHX_DESTINATION_REQUIRES_TOKEN: destination.requires_token})
        for name, function in _NEEDED.items():
            setattr(callbacks, name, function)
        for name, (method, function) in _OPTIONAL.items():
            if getattr(type(destination), method) is not getattr(CustomDestination, method):
                setattr(callbacks, name, function)
        return cls(made(lib.fhx_destination_new, ctypes.addressof(callbacks), hold(destination)), True)

    def stat(self, name: str) -> Optional[int]:
        """How many bytes the part of that name has there; None: there is definitely none. For engines that look after
        parts by their names (fhirexport.spark)."""
        size = ctypes.c_uint64()
        try:
            self._call_by_name(lib.fhx_destination_stat, name, ctypes.byref(size))
        except NotFoundError:
            return None
        return size.value

    def remove(self, name: str) -> None:
        """Removes the part of that name and any unfinished upload of it. Nothing there is success."""
        self._call_by_name(lib.fhx_destination_remove, name)

    def _call_by_name(self, function: Any, name: str, *more: Any) -> None:
        call = Call()
        self._use(lambda pointer: interruptible(lambda: call(function, pointer, text(name, "name"), *more)))

    @classmethod
    def _networked(cls, make: Any, options: Any, http: Optional[Http], name: str, trampoline: Any,
                   callback: Optional[Callable[[], Any]]) -> "Destination":
        structure = http._structure() if http is not None else None
        options.http = None if structure is None else ctypes.addressof(structure)
        if callback is not None:
            setattr(options, name, trampoline)
            options.destroy = _release
            options.user_data = hold(callback)
        return cls(made(make, ctypes.addressof(options)), callback is not None)


_PIECES = {"piece_bytes": "count", "pieces_in_flight": "count"}


@callback(_mirror.fhx_part_open_callback)
def _part_open(user_data: int, name: bytes, reply: int) -> None:
    try:
        key = hold(held(user_data).open(name.decode()))
        if lib.fhx_reply_handle(reply, key, 0) != _mirror.FHX_OK:
            release(key)
    except BaseException as error:
        fail(reply, error, "open")


@callback(_mirror.fhx_part_write_callback)
def _part_write(user_data: int, upload: int, data: int, length: int, reply: int) -> None:
    try:
        held(user_data).write(held(upload), ctypes.string_at(data, length))
        lib.fhx_reply_done(reply)
    except BaseException as error:
        fail(reply, error, "write")


@callback(_mirror.fhx_part_commit_callback)
def _part_commit(user_data: int, upload: int, part: int, reply: int) -> None:
    try:
        held(user_data).commit(release(upload), part_of(part))
        lib.fhx_reply_done(reply)
    except Exception as error:
        # Nobody knows how far it came: without an answer the library asks stat, and removes nothing that may be.
        fail(reply if hasattr(error, "status") else None, error, "commit")
    except BaseException as error:
        fail(None, error, "commit")


@callback(_mirror.fhx_part_abort_callback)
def _part_abort(user_data: int, upload: int) -> None:
    try:
        held(user_data).abort(release(upload))
    except BaseException as error:
        fail(None, error, "abort")


@callback(_mirror.fhx_part_stat_callback)
def _part_stat(user_data: int, name: bytes, reply: int) -> None:
    try:
        found = held(user_data).stat(name.decode())
        if found is None:
            raise NotFoundError("there is no such part")
        size, digest = found
        if digest is not None and len(digest) != 32:
            raise ArgumentError("a SHA-256 has 32 bytes")
        lib.fhx_reply_object(reply, size, digest)
    except BaseException as error:
        fail(reply, error, "stat")


@callback(_mirror.fhx_part_url_callback)
def _part_url(user_data: int, part: int, expires_us: int, reply: int) -> None:
    try:
        give_items(reply, [held(user_data).url(part_of(part), expires_us).encode()])
    except BaseException as error:
        fail(reply, error, "url")


@callback(_mirror.fhx_part_remove_callback)
def _part_remove(user_data: int, name: bytes, reply: int) -> None:
    try:
        held(user_data).remove(name.decode())
        lib.fhx_reply_done(reply)
    except BaseException as error:
        fail(reply, error, "remove")


@callback(_mirror.fhx_part_file_callback)
def _part_file(user_data: int, name: bytes, reply: int) -> None:
    try:
        file = held(user_data).file(name.decode())
        if file is None:
            raise NotFoundError("there is no such part")
        if isinstance(file, int):
            lib.fhx_reply_file(reply, file)
        else:
            with file:
                lib.fhx_reply_file(reply, os.dup(file.fileno()))
    except BaseException as error:
        fail(reply, error, "file")


@callback(_mirror.fhx_check_writable_callback)
def _check_writable(user_data: int, reply: int) -> None:
    try:
        held(user_data).check_writable()
        lib.fhx_reply_done(reply)
    except BaseException as error:
        fail(reply, error, "check_writable")


@callback(_mirror.fhx_urls_until_callback)
def _urls_until(user_data: int, expires_us: int, reply: int) -> None:
    try:
        lib.fhx_reply_time(reply, int(held(user_data).urls_until(expires_us)), 1)
    except BaseException as error:
        fail(reply, error, "urls_until")


@callback(_mirror.fhx_destination_destroy_callback)
def _release(user_data: int) -> None:
    release(user_data)


@callback(_mirror.fhx_s3_credentials_callback)
def _s3_credentials(user_data: int, reply: int) -> None:
    try:
        given: S3Credentials = held(user_data)()
        credentials = new("fhx_s3_credentials")
        credentials.access_key_id = text(given.access_key_id, "access_key_id")
        credentials.secret_access_key = text(given.secret_access_key, "secret_access_key")
        credentials.session_token = text(given.session_token, "session_token")
        credentials.expires_us = given.expires_us
        lib.fhx_reply_s3_credentials(reply, ctypes.addressof(credentials))
    except BaseException as error:
        fail(reply, error, "credentials")


@callback(_mirror.fhx_azure_token_callback)
def _azure_token(user_data: int, reply: int) -> None:
    try:
        token, expires_us = held(user_data)()
        lib.fhx_reply_token(reply, text(token, "token"), int(expires_us))
    except BaseException as error:
        fail(reply, error, "token")


_NEEDED = {"part_open": _part_open, "part_write": _part_write, "part_commit": _part_commit,
           "part_abort": _part_abort, "part_url": _part_url, "part_remove": _part_remove, "destroy": _release}
_OPTIONAL: Dict[str, Tuple[str, Any]] = {
    "part_stat": ("stat", _part_stat), "part_file": ("file", _part_file),
    "check_writable": ("check_writable", _check_writable), "urls_until": ("urls_until", _urls_until),
}
