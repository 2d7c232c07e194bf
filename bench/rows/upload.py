"""P5: exports to object stores, against plain PUTs of the same bytes to the same server."""
import contextlib
import glob
import os
import sys

from data import MB
from measure import Failed, NotMeasured, Row

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Before the packages: Ceph has a module of the name rgw too.
sys.path.insert(0, os.path.join(ROOT, "tests", "stores"))
# What the tests start, too.
import azurite  # noqa: E402
import component  # noqa: E402
import rgw  # noqa: E402

NAME = "fhx-bench"


def size(bench):
    return 20 * MB if bench.quick else 260 * MB


@contextlib.contextmanager
def environment(values):
    """For the programs that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Rgw:
    """`place` is the export's destination; `url` where a file can be PUT."""

    headers = ()

    def __init__(self, gateway):
        self.gateway, self.client = gateway, gateway.client()
        self.client.create_bucket(NAME)
        self.place = f"s3://{NAME}?endpoint={gateway.endpoint}"
        self.environment = {"AWS_ACCESS_KEY_ID": gateway.access_key,
                            "AWS_SECRET_ACCESS_KEY": gateway.secret_key}

    def url(self, name):
        return self.client.presigned(NAME, name, 3600, "PUT")

    def clear(self):
        for name in self.client.objects(NAME):
            self.client.delete(NAME, name)
        self.gateway.tool("radosgw-admin", "gc", "process", "--include-all")


class Azurite:
    headers = ("--header", "x-ms-blob-type: BlockBlob")

    def __init__(self, one):
        self.endpoint, self.client = one.endpoint, one.client()
        self.client.create_container(NAME)
        self.place = f"azure-blob://{NAME}"
        self.environment = {"AZURE_STORAGE_CONNECTION_STRING": one.connection_string}

    def url(self, name):
        signature = self.client.container_sas(NAME, "cw", 3600)
        return f"{self.endpoint}/{NAME}/{name}?{signature}"

    def clear(self):
        for name in self.client.blobs(NAME):
            self.client.delete(NAME, name)


class Sink:
    headers = ()
    environment = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}

    def __init__(self, port):
        self.endpoint = f"http://127.0.0.1:{port}"
        self.place = f"s3://{NAME}?endpoint={self.endpoint}"

    def url(self, name):
        return f"{self.endpoint}/{NAME}/{name}"

    def clear(self):
        pass


@contextlib.contextmanager
def open_rgw(bench):
    with rgw.Gateway() as gateway:
        yield Rgw(gateway)


@contextlib.contextmanager
def open_azurite(bench):
    with azurite.Azurite() as one:
        yield Azurite(one)


@contextlib.contextmanager
def open_sink(bench):
    with bench.start([bench.program("bench_sink")], False, stdin=-1, stdout=-1, text=True) as sink:
        yield Sink(int(sink.stdout.readline()))


def started(open_store, bench, stack):
    """What cannot be started here leaves the row unmeasured."""
    try:
        return stack.enter_context(open_store(bench))
    except (OSError, component.Failure) as failure:
        raise NotMeasured(str(failure)) from failure


def against_put(open_store, *options):
    def measure(bench):
        files = sorted(glob.glob(os.path.join(bench.data.ndjson(size(bench)), "*.ndjson")))
        export = [bench.program("bench_export"), "--sqlite", bench.data.sqlite(size(bench)),
                  *options]
        put = [bench.program("bench_put")]

        def cleared(store, command):
            run = bench.run(command, pinned=False)
            store.clear()
            return run

        with contextlib.ExitStack() as stack:
            store = started(open_store, bench, stack)
            stack.enter_context(environment(store.environment))
            pairs = [word for path in files for word in (path, store.url(os.path.basename(path)))]
            try:
                return bench.pairs(
                    lambda: cleared(store, [*export, "--to", store.place]),
                    lambda: cleared(store, [*put, *store.headers, *pairs]), "wall",
                    f"{size(bench) // MB} MB, reading and checking included, not pinned")
            except component.Failure as failure:
                raise Failed(str(failure)) from failure
    return measure


ROWS = [
    Row("P5.rgw", "SQLite to S3 (Ceph RADOS Gateway), one thread, against a PUT of each file",
        against_put(open_rgw), 0.9),
    Row("P5.azurite", "the same to Azure (Azurite)", against_put(open_azurite), 0.9),
    Row("P5.sink", "the same to an S3 server that discards what it is sent",
        against_put(open_sink), 0.4, 0.6),
    Row("P5.helper", "the same with a writing thread",
        against_put(open_sink, "--helpers", "1"), 0.4, 0.6),
]
