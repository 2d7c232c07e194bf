"""The package is typed: mypy --strict finds nothing in it, nor in its examples."""

import os
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(os.environ["FHX_SOURCE_DIR"]) / "bindings/python"


@pytest.mark.skipif(os.environ.get("FHX_PYTHON") == "others" or sys.version_info < (3, 11),
                    reason="once is enough, with Debian's Python")
def test_mypy(tmp_path):
    for more in ([], ["--strict", "examples/export_folder.py", "examples/http_server.py"]):
        done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", tmp_path,
                               *more], cwd=PACKAGE, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_is_public_has_a_docstring():
    import fhirexport as fhx

    for name in fhx.__all__:
        thing = getattr(fhx, name)
        if isinstance(thing, type):
            assert thing.__doc__, name
            for member, value in vars(thing).items():
                if not member.startswith("_") and callable(value):
                    assert value.__doc__, f"{name}.{member}"
