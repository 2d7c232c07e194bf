"""What the components that tests start have in common: ports, processes that end, certificates."""
import ctypes
import http.client
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PR_SET_PDEATHSIG = 1
START_SECONDS = 300


class Failure(Exception):
    pass


def free_port():
    """Below the ports that outgoing connections get, so that it stays free during an outage."""
    for _ in range(1000):
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("there is no free port")


def die_with_parent():
    """In a child: ends it when the test ends, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_on_signal():
    """SIGTERM unwinds the program as Ctrl-C does, so that components are stopped."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def wait_until(condition, what, seconds=START_SECONDS, alive=lambda: True):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        if not alive():
            break
        time.sleep(0.05)
    raise Failure(f"{what} did not come up")


def answers_http(port):
    """Whether something answers on that port, whatever it says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def make_certificate(folder, *names):
    """A key and a certificate that signs itself, for these names and 127.0.0.1."""
    key, certificate = os.path.join(folder, "tls.key"), os.path.join(folder, "tls.crt")
    others = ",".join(f"DNS:{name}" for name in ("localhost", *names))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost", "-addext",
                    f"subjectAltName={others},IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    return key, certificate


def trusting(ca_file):
    return ssl.create_default_context(cafile=ca_file)


def node_script(package, path):
    """A script of a package that tests/run.sh has installed by npm."""
    for folder in (os.environ.get("FHX_NODE_MODULES"),
                   os.path.join(ROOT, "build", "stores", "node_modules"),
                   os.path.join(HERE, "node_modules")):
        script = os.path.join(folder or "", package, path)
        if folder and os.path.exists(script):
            return script
    raise Failure(f"{package} is not in build/stores/node_modules: tests/run.sh installs it, or say"
                  f" --without {package}")


class Component:
    """Processes in a folder of their own; a context manager. A subclass has start()."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=f"fhx-{type(self).__name__.lower()}-")
        self.processes = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop(tell=True)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def start(self):
        raise NotImplementedError

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, name, *command, **environment):
        """Starts a process; what it says goes to the file NAME.out."""
        with open(self.path(f"{name}.out"), "ab") as out:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                cwd=self.folder, env={**os.environ, **environment}, preexec_fn=die_with_parent)
        return self.processes[name]

    def is_alive(self, name):
        return self.processes[name].poll() is None

    def kill(self, name):
        """At once, and waits until it is gone."""
        self.processes[name].kill()
        self.processes[name].wait()

    def read_output(self, name):
        with open(self.path(f"{name}.out"), encoding="utf-8", errors="replace") as out:
            return out.read()

    def stop(self, tell=False):
        for name in reversed(list(self.processes)):
            self.kill(name)
            if tell:
                print(f"--- {name}:\n{self.read_output(name)[-2000:]}", file=sys.stderr)
        self.processes = {}
        shutil.rmtree(self.folder, ignore_errors=True)


def run_command(environment):
    """Runs the command behind `--` on the command line; returns its exit code."""
    command = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else []
    if not command:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} -- COMMAND [ARGUMENT]...")
    child = subprocess.Popen(command, env={**os.environ, **environment}, preexec_fn=die_with_parent)
    try:
        code = child.wait()
    finally:
        child.kill()
        child.wait()
    return code if code >= 0 else 128 - code
