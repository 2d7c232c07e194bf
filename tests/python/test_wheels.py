"""A wheel carries the library and needs nothing else; the sdist goes with a library that is installed."""

import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(os.environ["FHX_SOURCE_DIR"])

def bare(**more):
    """An environment in which nothing of this tree is named."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FHIREXPORT_LIBRARY")}
    return {**kept, **more}


def do(*command, **more):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=more.pop("env", bare()), **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder, *options):
    library = os.environ["FHIREXPORT_LIBRARY"]
    do(ROOT / "bindings/python/wheel.sh", "--library", library, *options, folder, env=bare(PYTHON=sys.executable))
    made, = folder.iterdir()
    return made


def exports(python, tmp_path, **environment):
    """An export by the example, from elsewhere; where the library came from."""
    (tmp_path / "out").mkdir()
    env = bare(**environment)
    out = do(python, ROOT / "bindings/python/examples/export_folder.py", tmp_path / "out", cwd=tmp_path, env=env)
    assert json.loads(out)["output"][0]["count"] == 1000
    where = "import fhirexport, fhirexport._library as l; print(fhirexport.library_version(), l.lib._name)"
    return do(python, "-c", where, cwd=tmp_path, env=env).split()


@pytest.mark.parametrize("options", [[], ["--plain"]])
def test_a_wheel(tmp_path, options):
    wheel = build(tmp_path / "dist", *options)
    tag = r"linux_\w+" if options else r"manylinux_2_\d+_\w+"
    assert re.fullmatch(rf"fhirexport-\d+\.\d+\.\d+-py3-none-{tag}\.whl", wheel.name)
    names = zipfile.ZipFile(wheel).namelist()
    assert "fhirexport/py.typed" in names and "fhirexport/client/__init__.py" in names
    assert any(name.startswith("fhirexport.libs/libyajl") for name in names) == (not options)
    do(sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh")
    python = tmp_path / "fresh/bin/python"
    do(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", wheel)
    version, library = exports(python, tmp_path)
    assert library.startswith(str(tmp_path / "fresh")) and f"fhirexport-{version}-" in wheel.name


def test_the_sdist(tmp_path):
    source = build(tmp_path / "dist", "--sdist")
    do(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", "--target",
       tmp_path / "site", source)
    library = os.environ["FHIREXPORT_LIBRARY"]
    _, found = exports(sys.executable, tmp_path, PYTHONPATH=str(tmp_path / "site"), FHIREXPORT_LIBRARY=library)
    assert found == library
    assert not list((tmp_path / "site").rglob("*.so*"))
