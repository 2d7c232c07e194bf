"""`python -m fhirexport export` as a process that is interrupted, killed and started again; and the bars that it shows."""

import collections
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.parse

import pytest

COUNT = 20_000
# As the command, but that the tasks of one that was killed are free after two seconds instead of a minute.
COMMAND = """
import sys
from fhirexport import _command, _command_state
_command_state.State.lease_us = 2_000_000
sys.exit(_command.main(["export", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """40 MB, which become hundreds of parts."""
    folder = tmp_path_factory.mktemp("data")
    for kind in "Observation", "Condition":
        with open(folder / f"{kind}.ndjson", "w", encoding="ascii") as file:
            for number in range(COUNT // 2):
                file.write(json.dumps({"resourceType": kind, "id": f"n{number}", "note": "x" * 2000}) + "\n")
    return folder


def command(data, to, *options):
    return [sys.executable, "-c", COMMAND, "--source", f"ndjson:{data}", "--to", f"file:{to}", "--part-bytes", "50000",
            *options]


def stopped(to, how, arguments, parts):
    """Begins the command, and sends it a signal when there are so many parts: its exit code and what it said."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 600
    while len(list(to.rglob("*.ndjson"))) < parts and process.poll() is None:
        assert time.monotonic() < end, "it does not go on"
        time.sleep(0.005)
    process.send_signal(how)
    out, err = process.communicate(timeout=600)
    if process.returncode == 0:
        raise TooLate
    assert out == ""
    return process.returncode, err


class TooLate(Exception):
    """It ended before it was stopped, as it may on a machine that lets the test wait."""


def in_time(tmp_path, test):
    """The test in a folder of its own, and once more in another one where it was too late."""
    for number in range(30):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            return test(folder)
        except TooLate:
            shutil.rmtree(folder)
    raise AssertionError("it always ends before it can be stopped")


def check(manifest, to):
    """Every resource once, and no file that the manifest does not have."""
    found, names = collections.Counter(), set()
    for item in manifest["output"]:
        path = pathlib.Path(urllib.parse.urlsplit(item["url"]).path)
        names.add(path.name)
        lines = path.read_text("ascii").splitlines()
        assert len(lines) == item["count"]
        found.update((item["type"], json.loads(line)["id"]) for line in lines)
    assert len(found) == COUNT and set(found.values()) == {1}
    assert names == {path.name for path in to.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left(data, tmp_path, how):
    def leave_nothing(folder):
        to = folder / "out"
        code, told = stopped(to, how, command(data, to, "--threads", "2"), 5)
        assert (code, told) == (130, "fhirexport export: interrupted; nothing is left of the export\n")
        assert [path for path in to.rglob("*") if path.is_file()] == []

    in_time(tmp_path, leave_nothing)


def test_the_same_command_goes_on(data, tmp_path):
    """Behind Ctrl-C, and behind kill -9, with another number of threads: exact, and nothing twice."""
    in_time(tmp_path, lambda folder: go_on(data, folder))


def go_on(data, folder):
    to = folder / "out"
    arguments = command(data, to, "--state", str(folder / "state"))
    code, told = stopped(to, signal.SIGINT, arguments, 10)
    assert (code, told) == (130, "fhirexport export: interrupted; the same command goes on\n")
    kept = {path.name for path in to.rglob("*.ndjson")}
    assert len(kept) >= 10
    code, told = stopped(to, signal.SIGKILL, arguments, len(kept) + 20)
    assert code == -signal.SIGKILL and re.search(r"goes on: \d of \d tasks are done\n", told)
    done = subprocess.run([*arguments, "--threads", "2"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "goes on: " in done.stderr
    manifest = json.loads(done.stdout)
    assert kept <= {item["url"].rsplit("/", 1)[1] for item in manifest["output"]}, "what was done is done again"
    check(manifest, to)


@pytest.fixture(params=["tqdm", "no tqdm"])
def environment(request, tmp_path):
    """One in which tqdm is there, as it is in the environments of the tests, and one in which it is not."""
    if request.param == "tqdm":
        __import__("tqdm")
        return dict(os.environ)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "tqdm.py").write_text("raise ImportError('there is none')\n")
    return {**os.environ, "PYTHONPATH": f"{tmp_path}/none:{os.environ['PYTHONPATH']}"}


def told_to_a_terminal(arguments, environment):
    """What a command writes to stderr that is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            told += piece
        os.close(ours)
    assert process.returncode == 0, told
    return told.decode()


def test_bars(environment, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"p"}\n')
    arguments = [sys.executable, "-m", "fhirexport", "export", "--source", f"ndjson:{tmp_path}/data", "--to",
                 f"file:{tmp_path}/out"]
    with_tqdm = "none" not in environment["PYTHONPATH"]
    for told in (told_to_a_terminal(arguments, environment),
                 subprocess.run([*arguments, "--progress"], env=environment, capture_output=True, text=True,
                                check=True).stderr):
        assert "100%" in told and "1 resources, 0.0 MB" in told
        assert ("%|" in told) == with_tqdm, told
    assert told_to_a_terminal([*arguments, "--quiet"], environment) == ""
