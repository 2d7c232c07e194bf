"""Stores: where jobs are recorded."""

import ctypes
import os
from typing import Optional, Union

from ._calls import Handle, interruptible, made
from ._library import lib
from ._values import fill, new, text


class Store(Handle):
    """Where jobs are recorded: in memory, in SQLite for the processes of one machine, in PostgreSQL for those of
    several. Jobs and engines keep what they need of it."""

    def _free(self, pointer: int) -> None:
        lib.fhx_store_free(pointer)

    @classmethod
    def memory(cls) -> "Store":
        """One in memory, which ends with the last that uses it. Jobs and engines without a store have their own."""
        return cls.sqlite(":memory:")

    @classmethod
    def sqlite(cls, path: "Union[str, os.PathLike[str]]") -> "Store":
        """A database file, made if it is missing."""
        options = new("fhx_sqlite_store_options")
        options.path = text(os.fspath(path), "path")
        return cls(made(lib.fhx_sqlite_store_new, ctypes.addressof(options)))

    @classmethod
    def postgres(cls, conninfo: str, *, schema: Optional[str] = None, connections_max: int = 0) -> "Store":
        """PostgreSQL; `conninfo` is libpq's. UnsupportedError where the library was built without."""
        options = new("fhx_postgres_store_options")
        options.conninfo = text(conninfo, "conninfo")
        options.schema = text(schema, "schema")
        fill(options, {"connections_max": connections_max}, {"connections_max": "count"})
        return cls(interruptible(lambda: made(lib.fhx_postgres_store_new, ctypes.addressof(options))))
