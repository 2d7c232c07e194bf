"""Finds libfhirexport and declares its functions.

The first of these that is there: the copy that a wheel carries beside the package; the file that the environment's
FHIREXPORT_LIBRARY names; the system's."""

import ctypes
import os
import pathlib

from . import _mirror

SONAME = f"libfhirexport.so.{_mirror.FHX_VERSION_MAJOR}"
VARIABLE = "FHIREXPORT_LIBRARY"


def _open() -> ctypes.CDLL:
    own = pathlib.Path(__file__).resolve().parent / "lib" / SONAME
    named = os.environ.get(VARIABLE)
    wanted = str(own) if own.exists() else named or SONAME
    try:
        return ctypes.CDLL(wanted)
    except OSError as error:
        looked = f"beside the package ({own}), in {VARIABLE} ({named or 'not set'})"
        if wanted == SONAME:
            looked += f" and for the system's {SONAME}"
        raise ImportError(f"fhirexport needs libfhirexport and looked {looked}: {error}. Install the library "
                          f"(its README says how), or let {VARIABLE} name {SONAME}.") from None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """With the result and arguments of every function; a library that lacks one is older than this package."""
    for name, (result, arguments) in _mirror.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"the library that was found is older than this package "
                              f"({_mirror.FHX_VERSION}): it has no {name}") from None
        function.restype, function.argtypes = result, arguments
    return library


lib = _declared(_open())


def library_version() -> str:
    """The version of the library that is loaded, such as "0.9.0"."""
    version: bytes = lib.fhx_version()
    return version.decode()
