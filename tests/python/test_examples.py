"""Every example runs and does what its first lines say, and so does the Python of docs/python.md."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

import pytest
from support import patients

ROOT = pathlib.Path(os.environ["FHX_SOURCE_DIR"])
EXAMPLES = ROOT / "bindings/python/examples"
TRIED = {"export_folder.py", "http_server.py", "bucket.py"}


def test_each_example_has_a_test():
    own = {path.name for path in EXAMPLES.glob("*.py")}
    elsewhere = {name for path in (ROOT / "tests").rglob("*.py") for name in own - TRIED
                 if path != pathlib.Path(__file__) and name in path.read_text()}
    assert own - TRIED == elsewhere
    for path in EXAMPLES.glob("*.py"):
        assert re.match(r'(#!.*\n)?"""[^\n]+\.(""")?\n', path.read_text()), path


def test_export_folder(tmp_path):
    done = subprocess.run([sys.executable, EXAMPLES / "export_folder.py", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    item, = json.loads(done.stdout)["output"]
    assert (item["type"], item["count"]) == ("Patient", 1000)
    file, = tmp_path.rglob("*.ndjson")
    assert len(file.read_bytes().splitlines()) == 1000


@contextlib.contextmanager
def serving(folder):
    process = subprocess.Popen([sys.executable, EXAMPLES / "http_server.py", "0", folder], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(300)
        process.stdout.close()


def test_http_server(tmp_path):
    with serving(tmp_path) as url:
        kick_off = urllib.request.Request(url, headers={"Accept": "application/fhir+json", "Prefer": "respond-async"})
        with urllib.request.urlopen(kick_off) as answer:
            assert answer.status == 202
            location = answer.headers["Content-Location"]
        end, manifest = time.monotonic() + 300, None
        while manifest is None and time.monotonic() < end:
            with urllib.request.urlopen(location) as answer:
                manifest = json.load(answer) if answer.status == 200 else None
            time.sleep(0.05)
        with urllib.request.urlopen(manifest["output"][0]["url"]) as answer:
            assert [json.loads(line)["id"] for line in answer] == [f"p{i}" for i in range(1000)]


def test_bucket(tmp_path):
    """By a process that takes requests and answers as S3 does is not enough: tests/stores/python_places.py runs it
    against a RADOS Gateway. Here: that it says what is wrong."""
    (tmp_path / "Patient.ndjson").write_bytes(patients(1)[0])
    done = subprocess.run([sys.executable, EXAMPLES / "bucket.py", tmp_path, "no bucket"], capture_output=True,
                          text=True)
    assert done.returncode == 1 and "fhirexport" in done.stderr and "bucket" in done.stderr


BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/python.md").read_text(), re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_guide(block, tmp_path):
    (tmp_path / "out").mkdir()
    done = subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=tmp_path, capture_output=True, text=True,
                          timeout=600)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_the_guide_has_programs():
    assert len(BLOCKS) >= 4
