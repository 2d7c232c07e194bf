"""The mirror of the headers says what C says: symbols against the map, numbers against tests/abi/layout.c, which the
compiler has checked."""

import ctypes
import os
import pathlib
import re
import subprocess
import sys

import pytest

from fhirexport import _library, _mirror

ROOT = pathlib.Path(os.environ["FHX_SOURCE_DIR"])
LAYOUT = re.sub(r"/\*.*?\*/", "", (ROOT / "tests/abi/layout.c").read_text(), flags=re.S)
STRUCTURES = re.findall(r"^STRUCT\((\w+), (\d+)\)", LAYOUT, re.M)


def test_every_symbol_of_the_map_is_declared():
    exported = set(re.findall(r"\b(fhx_\w+);", (ROOT / "lib/fhirexport.map").read_text()))
    assert set(_mirror.FUNCTIONS) == exported
    for name, (result, arguments) in _mirror.FUNCTIONS.items():
        function = getattr(_library.lib, name)
        assert (function.restype, tuple(function.argtypes)) == (result, arguments)


def test_functions_have_as_many_arguments_as_in_the_headers():
    text = "".join(p.read_text() for p in (ROOT / "include/fhirexport").glob("*.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for name, (_, arguments) in _mirror.FUNCTIONS.items():
        declared = re.search(rf"^FHX_API[^;(]*\b{name}\(([^;]*)\);", text, re.M).group(1)
        assert len(arguments) == (0 if declared == "void" else declared.count(",") + 1), name


def test_constants():
    found = re.findall(r'^CONSTANT\((\w+), ([^)]+)\);', LAYOUT, re.M)
    assert len(found) > 90
    for name, value in found:
        number = -(2**63) if "MIN" in value else int(value.rstrip("u"), 0)
        assert getattr(_mirror, name) == number, name


@pytest.mark.parametrize("name, size", STRUCTURES)
def test_structure(name, size):
    kind = getattr(_mirror, name)
    members = re.findall(rf"^MEMBER\({name},\s*(\w+),\s*(.*?),\s*(\d+)\);", LAYOUT, re.M | re.S)
    assert ctypes.sizeof(kind) == int(size)
    assert [member for member, _ in kind._fields_] == [member for member, _, _ in members]
    for member, _, offset in members:
        assert getattr(kind, member).offset == int(offset), member


def test_all_structures_are_compared():
    mirrored = [name for name, kind in vars(_mirror).items() if name.startswith("fhx_") and hasattr(kind, "_fields_")]
    assert sorted(mirrored) == sorted(name for name, _ in STRUCTURES)


def test_generated():
    done = subprocess.run([sys.executable, ROOT / "bindings/python/mirror.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_library_that_is_not_there():
    environment = {**os.environ, _library.VARIABLE: "/nowhere/libfhirexport.so.0"}
    done = subprocess.run([sys.executable, "-c", "import fhirexport; fhirexport.Writer"], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "fhirexport needs libfhirexport and looked beside the package" in done.stderr
    assert "/nowhere/libfhirexport.so.0" in done.stderr
    subprocess.run([sys.executable, "-c", "import fhirexport.client"], env=environment, check=True)


def test_options_are_members():
    """ctypes takes any attribute without a word: a name that is no member would change nothing."""
    from fhirexport import _destination, _options, _source

    for structure, names in (("fhx_sqlite_source_options", _source._COLUMNS),
                             ("fhx_postgres_source_options", _source._COLUMNS + _source._POSTGRES_NAMES),
                             ("fhx_job_options", _options.JOB_NUMBERS),
                             ("fhx_engine_options", set(_options.ENGINE_NUMBERS)),
                             ("fhx_http_options", _destination._HTTP_NUMBERS),
                             ("fhx_s3_options", _destination._PIECES), ("fhx_azure_options", _destination._PIECES)):
        members = {name for name, _ in getattr(_mirror, structure)._fields_}
        assert set(names) <= members, structure


def test_what_is_set_is_a_member(tmp_path, monkeypatch):
    """The same for all that the package sets while it makes things."""
    import fhirexport as fhx
    from fhirexport import _values

    def strict(name):
        kind = getattr(_mirror, name)
        members = {member for member, _ in kind._fields_}

        def set_member(self, member, value):
            assert member in members, f"{name} has no {member}"
            ctypes.Structure.__setattr__(self, member, value)

        made = type(name, (kind,), {"__setattr__": set_member})()
        made.size = ctypes.sizeof(kind)
        return made

    for module in list(sys.modules.values()):
        if getattr(module, "new", None) is _values.new:
            monkeypatch.setattr(module, "new", strict)
    with fhx.Destination.directory(tmp_path, base_url="https://x.example") as there:
        fhx.Writer(there, "Patient", name_prefix="a", part_bytes=1).close()
        fhx.Job({"Patient": []}, there, host_context=b"x", request="x", clock=fhx.Clock(), resource_hook=print).close()
        fhx.Engine({"Patient": []}, there, "https://x.example", clock=fhx.Clock(), log=print, workers=0,
                   client_destinations=fhx.ClientDestinations(["a.example"], secrets=fhx.Secrets())).close()
    fhx.Store.sqlite(tmp_path / "db").close()
    fhx.Source.folder(tmp_path).close()
    fhx.Destination.s3("bucket", http=fhx.Http(proxy=""), credentials=print).close()
    fhx.Destination.azure("container", account_url="https://account.blob.core.windows.net", token=print).close()
