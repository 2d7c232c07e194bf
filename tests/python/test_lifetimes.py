"""What lives how long, on which thread, and what Ctrl-C does."""

import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import weakref

import fhirexport as fhx
import pytest
from fhirexport import _calls
from support import NO_WAIT, Memory, patients, run

HERE = pathlib.Path(__file__).parent


def test_everything_but_the_job_may_be_dropped(tmp_path):
    class Mine(fhx.Source):
        applied = fhx.Applied.TYPE

        def list_types(self):
            return ["Patient"]

        def open_cursor(self, query):
            for row in patients(600):
                gc.collect(0)
                yield row

    source, destination = Mine(), fhx.Destination.directory(tmp_path)
    gone = weakref.ref(source)
    job = fhx.Job(source, destination, filter=fhx.Filter(["Patient"]), store=fhx.Store.memory(), **NO_WAIT)
    del source, destination
    gc.collect()
    assert gone() is not None
    assert job.run() and job.progress().resource_count == 600
    del job
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("close", ["job", "destination", "drop"])
def test_closing_from_a_callback(close):
    parts = Memory()
    destination = fhx.Destination.custom(parts)
    jobs = []

    def rows(query):
        for i, row in enumerate(patients(2000)):
            if i == 1000:
                destination.close()
                if close == "job":
                    jobs[0].close()
                elif close == "drop":
                    jobs.clear()
            yield row

    jobs.append(fhx.Job({"Patient": rows}, destination, **NO_WAIT))
    job = jobs[0]
    assert job.run() is True
    assert parts.lines() == sorted(patients(2000))
    if close == "job":
        with pytest.raises(fhx.MisuseError, match="this Job is closed"):
            job.progress()
    job.close()
    job.close()


def test_closing_from_another_thread():
    begun, jobs = threading.Event(), []

    def rows(query):
        for row in patients(300):
            begun.set()
            time.sleep(0.001)
            yield row

    def close():
        begun.wait()
        jobs[0].close()

    jobs.append(fhx.Job({"Patient": rows}, fhx.Destination.custom(Memory()), **NO_WAIT))
    closer = threading.Thread(target=close)
    closer.start()
    assert jobs[0].run() is True
    closer.join()


def test_an_engine_that_nobody_holds_ends(tmp_path):
    before = threading.active_count()
    engine = fhx.Engine({"Patient": patients(1)}, fhx.Destination.directory(tmp_path), "https://x.example", workers=3)
    assert threading.active_count() >= before + 3
    del engine
    end = time.monotonic() + 120
    while time.monotonic() < end:
        gc.collect()
        if not [t for t in threading.enumerate() if t.name == "fhirexport worker"]:
            break
        time.sleep(0.02)
    assert not [t for t in threading.enumerate() if t.name == "fhirexport worker"]


def test_a_thousand_jobs_without_growth(tmp_path):
    """Ten seconds or so, with one Python. What grows would show in what C holds, in threads, and in memory."""
    def some(count):
        for _ in range(count):
            with fhx.Destination.custom(Memory()) as destination:
                run({"Patient": patients(3)}, destination)

    some(150)
    gc.collect()
    threads, memory = threading.active_count(), resident()
    some(850 if os.environ.get("FHX_PYTHON") != "others" else 100)
    gc.collect()
    assert _calls._objects == {}
    assert threading.active_count() <= threads
    assert resident() - memory < 6_000_000


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


SLOW = """
import fhirexport as fhx, sys, time
from support import Memory, patients
parts = Memory()
def rows(query):
    for number in range(10**9):
        if number == 100: print("runs", flush=True)
        time.sleep({pause})
        yield b'{{"resourceType":"Patient","id":"p%d"}}' % number
with fhx.Destination.custom(parts) as destination:
    with fhx.Job({{"Patient": rows}}, destination, settle_us=-1, part_bytes=100_000) as job:
        try:
            job.run({threads})
        except KeyboardInterrupt as error:
            print("interrupted", type(error).__name__, len(parts.parts), parts.open_uploads, flush=True)
            print(job.progress().state if {interrupt!r} == "park" else "", flush=True)
"""


@pytest.mark.parametrize("pause, threads", [(0.001, "1"), (0, "1"), (0.001, "threads=2"), (0.001, "interrupt='park'")])
def test_ctrl_c_cancels_a_job(pause, threads):
    """A real signal, to a process whose main thread waits for the job."""
    program = SLOW.format(pause=pause, threads=threads, interrupt="park" if "park" in threads else "cancel")
    environment = {**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{HERE}"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "runs\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    if "park" in threads:
        assert out.startswith("interrupted KeyboardInterrupt") and "RUNNING" in out or "\n1\n" in out
    else:
        assert out.split("\n")[0] == "interrupted KeyboardInterrupt 0 0"


HANDLED = """
import fhirexport as fhx, os, select, signal, tempfile
arrived, told = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(told)
class Slow(fhx.Source):
    def list_types(self):
        print("runs", flush=True)
        select.select([arrived], [], [], 300)
        return ["Patient"]
    def open_cursor(self, query):
        return []
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", len(fhx._calls._objects))
"""


@pytest.mark.parametrize("call", [
    "fhx.Job(Slow(), fhx.Destination.directory(tempfile.mkdtemp()), settle_us=-1)",
    "fhx.Engine(Slow(), fhx.Destination.directory(tempfile.mkdtemp()), 'https://x.example')"
    ".handle(fhx.Request('GET', '/$export', [('Accept', 'application/fhir+json'), ('Prefer', 'respond-async')]))",
])
def test_ctrl_c_while_the_main_thread_calls(call):
    """It comes out, though it arrives while C runs a callback; and not into the callback."""
    process = subprocess.Popen([sys.executable, "-c", HANDLED.format(call=call)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "") and out.startswith("interrupted")
    assert "Engine" in call or out == "interrupted 0\n"


def test_the_interpreter_ends_with_everything_open(tmp_path):
    program = """
import fhirexport as fhx, sys, time
from support import Memory, patients
engine = fhx.Engine({"Patient": lambda query: (time.sleep(0.001) or row for row in patients(10**5))},
                    fhx.Destination.directory(sys.argv[1]), "https://x.example", settle_us=-1, workers=2)
engine.handle(fhx.Request("GET", "/$export", [("Accept", "application/fhir+json"), ("Prefer", "respond-async")]))
writer = fhx.Writer(fhx.Destination.custom(Memory()), "Patient")
writer.append(patients(1)[0])
job = fhx.Job({"Patient": patients(1)}, fhx.Destination.custom(Memory()))
time.sleep(0.2)
print("end")
"""
    environment = {**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{HERE}"}
    done = subprocess.run([sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True,
                          timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_child_after_a_fork():
    """Helper threads do not survive a fork; a child makes its own."""
    run({"Patient": patients(2)}, fhx.Destination.custom(Memory()))
    child = os.fork()
    if child == 0:
        try:
            progress, _ = run({"Patient": patients(2)}, fhx.Destination.custom(Memory()))
            os._exit(0 if progress.resource_count == 2 else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(child, signal.SIGKILL)
    assert done and status == 0
