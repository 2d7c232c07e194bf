#!/usr/bin/python3
"""Exports on a Spark cluster: exactly what a local export of the same data gives, line by line.

    spark_export.py --library FILE --generate PROGRAM [--bytes SIZE] [--only TEST]

To a RADOS Gateway, Azurite and a folder; from NDJSON, Parquet, RDDs and PostgreSQL by JDBC; with filters, for patients and
a Group; with a straggler that is overtaken; and while a machine of the cluster is killed. Executors have the package by a
wheel that the driver sends. The long form, two and five
minutes: --bytes 1G --only straggler, --bytes 1G --only killed.
"""
import argparse
import csv
import datetime
import glob
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

import azurite
import component
import postgres
import rgw
import spark as spark_cluster

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(component.ROOT, "bindings", "python")
BUCKET = "fhx-spark"
JDBC = "/usr/share/java/postgresql.jar"
BAD = ('{"resourceType":"Patient","id":"bad"\n', '{"resourceType":"Patient","id":"not an id"}\n')
PATIENCE = 600


class World:
    """What all tests share; made once."""
    options = cluster = gateway = azurite = session = work = data = group = patients = held = None
    local = {}
    # With much data attempts take long of themselves.
    large = False


def add_lines(found, resource_type, lines):
    """To each type how many lines there are, and a sum of their digests that does not depend on the order."""
    count, total = found.get(resource_type, (0, 0))
    for line in lines:
        count += 1
        total += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")
    if count:
        found[resource_type] = count, total % (1 << 128)


def export_locally(fhx, options):
    """The output, as add_lines has it, and the number of error lines of an export by one job of the library."""
    found, errors = {}, 0
    with tempfile.TemporaryDirectory(dir=World.work) as folder, fhx.Filter(**options) as chosen, \
            fhx.Source.folder(World.data) as source, fhx.Destination.directory(folder) as place, \
            fhx.Job(source, place, filter=chosen, settle_us=-1) as job:
        job.run()
        for part in job.parts():
            if part.kind == fhx.PartKind.OUTPUT:
                with open(os.path.join(folder, part.name), "rb") as file:
                    add_lines(found, part.resource_type, file)
            else:
                errors += part.resource_count
    return found, errors


def local(fhx, options):
    key = json.dumps(options, sort_keys=True)
    if key not in World.local:
        World.local[key] = export_locally(fhx, options)
    return World.local[key]


class SparkExport(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        import fhirexport  # pylint: disable=import-outside-toplevel
        import fhirexport.spark  # pylint: disable=import-outside-toplevel
        self.fhx, self.spark = fhirexport, fhirexport.spark
        self.client = World.gateway.client()
        self.begun = time.monotonic()

    def tearDown(self):
        print(f"{self.id().rsplit('.', maxsplit=1)[-1]}: {time.monotonic() - self.begun:.1f} s", flush=True)

    def bucket(self, prefix, **options):
        return self.spark.s3(BUCKET, prefix=prefix, endpoint=World.gateway.endpoint, region=rgw.REGION, **options)

    def container(self, prefix):
        return self.spark.azure(BUCKET, prefix=prefix, connection_string=World.azurite.connection_string)

    def folder(self):
        return self.spark.directory(tempfile.mkdtemp(dir=World.work))

    def frame(self):
        return self.spark.ndjson(World.session, World.data)

    def there(self, place):
        """The names of all that is at the place."""
        if place.kind == "directory":
            folder = place.options["path"]
            names = glob.glob(folder + "/**/*.ndjson*", recursive=True)
            return {os.path.relpath(name, folder) for name in names}
        prefix = place.options["prefix"] + "/"
        if place.kind == "s3":
            self.assertEqual(self.client.uploads(BUCKET), [])
            names = self.client.objects(BUCKET, prefix)
        else:
            names = World.azurite.client().blobs(BUCKET)
        return {name[len(prefix):] for name in names if name.startswith(prefix)}

    def found(self, manifest):
        """What stands in the output, by the manifest's own links."""
        found = {}
        for item in manifest["output"]:
            lines = subprocess.run(["curl", "-sSf", item["url"]], check=True, stdout=subprocess.PIPE).stdout.splitlines(
                keepends=True)
            self.assertEqual(len(lines), item["count"])
            add_lines(found, item["type"], lines)
        return found

    def check(self, result, place, options):
        """All that a local export gives, each resource once, and no file besides."""
        wanted, errors = local(self.fhx, options)
        self.assertEqual(self.found(result.manifest()), wanted)
        self.assertGreater(len(wanted), 0)
        self.assertEqual(result.error_count, errors)
        self.assertTrue(result.clean)
        self.assertEqual(self.there(place), {part.name for part in result.parts})

    def test_1_bucket_and_secrets(self):
        """With credentials of the options, which nobody sees. The package is that of the wheel."""
        place = self.bucket("one", access_key_id=World.gateway.access_key,
                            secret_access_key=World.gateway.secret_key)
        result = self.spark.export(self.frame(), None, place, gzip=False)
        self.check(result, place, {})
        secret = World.gateway.secret_key
        self.assertNotIn(secret, repr(place) + repr(result) + str(result.manifest()))
        for path in glob.glob(World.cluster.folder + "/**", recursive=True):
            if os.path.isfile(path) and os.path.basename(path) in ("stderr", "stdout") or path.endswith(".out"):
                with open(path, "rb") as file:
                    self.assertNotIn(secret.encode(), file.read(), path)

        def loaded(_):
            import fhirexport._library  # pylint: disable=import-outside-toplevel
            return os.path.realpath(fhirexport._library.lib._name)  # pylint: disable=protected-access
        for name in World.session.sparkContext.parallelize(range(2), 2).map(loaded).collect():
            self.assertTrue(name.startswith(World.cluster.folder) and "/site/fhirexport/lib/" in name, name)

    def test_2_rows_one_by_one(self):
        """As where there is no pyarrow, and from text files."""
        place = self.folder()
        result = self.spark.export(World.session.read.text(World.data), None, place, part_bytes=200_000, arrow_rows=0)
        self.check(result, place, {})
        self.assertEqual(result.error_count, len(BAD))
        with open(os.path.join(place.options["path"], result.parts[-1].name), encoding="utf-8") as file:
            self.assertIn("Patient", json.loads(file.readline())["issue"][0]["diagnostics"])
        result.remove()
        self.assertEqual(self.there(place), set())

    def test_3_parquet(self):
        """By the program of the documents, in this test's session. The column says when a resource changed last: in
        2030 those whose id ends in an even digit."""
        from pyspark.sql import functions as F  # pylint: disable=import-outside-toplevel
        table, name = os.path.join(World.work, "table"), os.path.join(World.work, "manifest.json")
        rows = self.frame().where("resource_type IN ('Patient', 'Condition')")
        rows = rows.withColumn("id", F.get_json_object("json", "$.id"))
        even = F.ascii(F.substring("id", -1, 1)) % 2 == 0
        rows.withColumn("last_updated", F.when(even, F.lit(datetime.datetime(2030, 1, 1)))).write.parquet(table)
        path = os.path.join(PACKAGE, "examples", "spark_export.py")
        spec = importlib.util.spec_from_file_location("spark_export_example", path)
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        folder = tempfile.mkdtemp(dir=World.work)
        for since, options in (("", {}), ("&_since=2029-01-01T00:00:00Z", {"since": "2029-01-01T00:00:00Z"})):
            request = "$export?_type=Patient,Condition" + since
            self.assertEqual(example.main([table, folder, "--parquet", "--request", request, "--manifest", name]), 0)
            with open(name, encoding="utf-8") as file:
                found = self.found(json.load(file))
            if not options:
                self.assertEqual(found, local(self.fhx, {"types": ["Patient", "Condition"]})[0])
            else:
                count = sum(count for count, _ in found.values())
                self.assertEqual(count, World.session.read.parquet(table).where(
                    "last_updated IS NOT NULL AND id RLIKE '^[A-Za-z0-9.-]{1,64}$' "
                    "AND get_json_object(json, '$.id') IS NOT NULL").count())

    def test_4_filters(self):
        cases = [
            (self.bucket("four"), "$export?_type=Observation,Patient&_typeFilter=Observation?status=final"
                                  "&_elements=Patient.birthDate",
             {"types": ["Observation", "Patient"], "queries": ["Observation?status=final"],
              "elements": ["Patient.birthDate"]}),
            (self.container("four"), "Patient/$export?_type=Patient,Encounter,Organization&_since=2020-01-01T00:00:00Z",
             {"types": ["Patient", "Encounter", "Organization"], "since": "2020-01-01T00:00:00Z",
              "all_patients": True}),
            (self.container("group"), f"Group/{World.group}/$export?_type=Patient,Condition",
             {"types": ["Patient", "Condition"], "group": World.group})]
        for place, request, options in cases:
            with self.subTest(request):
                result = self.spark.export(self.frame(), request, place)
                self.check(result, place, options)
                self.assertEqual(result.manifest()["request"], request)

    def test_5_patients(self):
        options = {"types": ["Patient", "Condition"], "patients": sorted(World.patients)[:40]}
        ids = World.session.createDataFrame([(patient,) for patient in options["patients"]], "patient string")
        for name, most in (("broadcast", 1000), ("joined", 1)):
            with self.subTest(name):
                place = self.folder()
                result = self.spark.export(self.frame(), {"types": options["types"]}, place, patients=ids,
                                           broadcast_max=most)
                self.check(result, place, options)

    def test_6_postgres(self):
        """A table, read by ranges of a number."""
        port = component.free_port()
        rows = os.path.join(World.work, "rows.csv")
        with open(rows, "w", encoding="utf-8", newline="") as file:
            write, number = csv.writer(file), 0
            for kind in ("Patient", "Patient.bad", "Observation"):
                with open(os.path.join(World.data, kind + ".ndjson"), encoding="utf-8") as lines:
                    for line in lines:
                        write.writerow([number, kind.split(".", maxsplit=1)[0], f"x{number}", line.rstrip("\n")])
                        number += 1
        os.chmod(World.work, 0o755)
        os.chmod(rows, 0o644)
        with postgres.Postgres(port) as server:
            table = ("CREATE TABLE resource (number int, resource_type text, id text, json text);"
                     f"COPY resource FROM '{rows}' CSV")
            subprocess.run([postgres.find("psql"), "-h", server.folder, "-p", str(port), "-U", "fhx", "-d", "postgres",
                            "-q", "-v", "ON_ERROR_STOP=1", "-c", table], check=True)
            frame = World.session.read.jdbc(
                f"jdbc:postgresql://127.0.0.1:{port}/postgres", "resource", column="number", lowerBound=0,
                upperBound=number, numPartitions=2,
                properties={"user": "fhx", "driver": "org.postgresql.Driver"})
            place = self.folder()
            self.check(self.spark.export(frame, None, place), place, {"types": ["Observation", "Patient"]})

    def test_7_rdd(self):
        """Lines as bytes, of which one is not UTF-8, and tuples, of which one has no JSON."""
        lines = [b'{"resourceType":"Patient","id":"a"}', b'{"resourceType":"Patient","id":"b","x":"\xff"}', b" ",
                 b'{"id":"c","resourceType":"Patient"}', b"no JSON"]
        tuples = [("Patient", "a", 5, lines[0].decode()), ("Patient", "c", 10 ** 15, lines[3].decode()),
                  ("Patient", "d", 5, None)]
        context = World.session.sparkContext
        since = {"since": "2000-01-01T00:00:00Z", "types": ["Patient"]}
        for rows, what, count, errors in ((lines, None, 2, 2), (tuples, since, 1, 1)):
            result = self.spark.export(context.parallelize(rows, 2), what, self.folder())
            self.assertEqual((result.resource_count, result.error_count), (count, errors))

    def test_7_failure(self):
        """What fails leaves nothing, and says why."""
        place = self.bucket("seven")
        with self.assertRaises(self.fhx.ArgumentError):
            self.spark.export(self.frame(), {"typ": []}, place)
        with self.assertRaises(self.fhx.UnsupportedError):
            self.spark.export(self.frame(), "$export?includeAssociatedData=x", place)
        with self.assertRaises(Exception) as caught:
            self.spark.export(self.frame(), {"types": ["Patient"]}, place, bad_rows_limit=1)
        self.assertIn("refused", str(caught.exception))
        self.assertEqual(self.there(place), set())

    def export_held(self, prefix, meanwhile):
        """Exports to a bucket, with attempts that stop in the midst; `meanwhile(folder, partitions)` runs beside it."""
        result, error = [], []
        place, folder = self.bucket(prefix), tempfile.mkdtemp(dir=World.work)
        partitions = range(8 if World.large else 3)
        held = World.held.Held(place, folder, 200 if World.large else 8)

        def export():
            try:
                result.append(self.spark.export(self.frame().repartition(len(partitions)), None, held))
            except BaseException as caught:  # pylint: disable=broad-exception-caught
                error.append(caught)
        thread = threading.Thread(target=export)
        thread.start()
        try:
            meanwhile(folder, partitions, thread.is_alive)
        finally:
            World.held.go_on(folder, partitions)
            thread.join(PATIENCE)
        self.assertEqual(error, [])
        self.check(result[0], place, {})
        return result[0]

    def wait_for_part(self, prefix, folder, partitions, alive, chosen):
        """Until an attempt that is chosen stops and has published something: its partition."""
        found = []

        def is_there():
            for partition, (worker, attempt) in World.held.waiting(folder, partitions).items():
                if chosen(partition, worker):
                    part = f"-{partition}-{attempt}-"
                    found.extend(partition for name in self.client.objects(BUCKET, prefix + "/") if part in name)
            return bool(found)
        component.wait_until(is_there, "an attempt with parts", seconds=PATIENCE, alive=alive)
        return found[0]

    def test_8_straggler(self):
        """The first attempt at a partition stays where it is, and a speculative one overtakes it."""
        straggler = []

        def meanwhile(folder, partitions, alive):
            straggler.append(self.wait_for_part("straggler", folder, partitions, alive, lambda *_: True))
            World.held.go_on(folder, [partition for partition in partitions if partition != straggler[0]])
            component.wait_until(lambda: not alive(), "a speculative attempt", seconds=PATIENCE)
        result = self.export_held("straggler", meanwhile)
        lost = [name for name in result.removed if f"-{straggler[0]}-" in name]
        self.assertGreater(len(lost), 0, "the straggler left nothing to remove")
        print(f"removed what attempts left that were overtaken: {len(result.removed)} files", flush=True)

    def test_9_killed_machine(self):
        """In the midst of it a worker goes, with its executor and all that runs there. It stays away."""
        def meanwhile(folder, partitions, alive):
            self.wait_for_part("killed", folder, partitions, alive, lambda _, worker: worker == "127.0.0.2")
            World.cluster.kill_machine("worker1")
        result = self.export_held("killed", meanwhile)
        self.assertGreater(len(result.removed), 0, "the attempt that was killed left nothing to remove")
        print(f"removed what attempts left that were killed: {len(result.removed)} files", flush=True)


class ArrowChunks(unittest.TestCase):
    """Of batches the runs of one type, with and without times, where they lie."""

    def test_0_chunks(self):
        import pyarrow as pa  # pylint: disable=import-outside-toplevel
        from fhirexport._arrow import chunks_of_batches  # pylint: disable=import-outside-toplevel
        kinds = ["A", "A", "A", "B", "B", "B", "B", "C"]
        times = [1, 2, None, None, None, 5, 6, 7]
        texts = [b"a1", b"", b"a3", b"b1", b"bbbbb2", b"b3", b"b4", b"c"]
        wanted = [("A", [b"a1", b""], [1, 2]), ("A", [b"a3"], None), ("B", [b"b1", b"bbbbb2"], None),
                  ("B", [b"b3", b"b4"], [5, 6]), ("C", [b"c"], [7])]
        for text_type in (pa.binary(), pa.large_binary()):
            whole = pa.RecordBatch.from_arrays([pa.array(["0"] + kinds), pa.array([0] + times, pa.int64()),
                                                pa.array([b"first"] + texts, text_type)], ["kind", "time", "text"])
            found = []
            for chunk in chunks_of_batches([whole.slice(1), whole.slice(0, 0)]):
                rows = chunk.rows.plain()
                ends = [0, *rows.ends]
                found.append((chunk.resource_type, [rows.data[a:b] for a, b in zip(ends, ends[1:])],
                              list(rows.updated) if rows.updated else None))
            self.assertEqual(found, wanted)


def read_people():
    with open(os.path.join(World.data, "Patient.ndjson"), encoding="utf-8") as lines:
        World.patients = {json.loads(line)["id"] for line in lines}
    with open(os.path.join(World.data, "Group.ndjson"), encoding="utf-8") as lines:
        groups = [group for group in map(json.loads, lines) if group.get("member")]
    World.group = min(groups, key=lambda group: len(group["member"]))["id"]


def make_data(options):
    World.data = os.path.join(World.work, "data")
    subprocess.run([options.generate, "--out", World.data, "--bytes", options.bytes], check=True,
                   stdout=subprocess.DEVNULL)
    read_people()
    with open(os.path.join(World.data, "Patient.bad.ndjson"), "w", encoding="utf-8") as file:
        file.writelines(BAD)


def begin_wheel(options):
    """A process that makes the wheel, while others start."""
    return subprocess.Popen([os.path.join(PACKAGE, "wheel.sh"), "--plain", "--library", options.library,
                             os.path.join(World.work, "wheel")], env={**os.environ, "PYTHON": sys.executable},
                            preexec_fn=component.die_with_parent)


def end_wheel(process):
    """The wheel as an archive for Spark, and unpacked for the driver."""
    if process.wait() != 0:
        raise component.Failure("wheel.sh has failed")
    archive = os.path.join(World.work, "fhirexport.zip")
    os.rename(glob.glob(World.work + "/wheel/*.whl")[0], archive)
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(os.path.join(World.work, "site"))
    sys.path.insert(0, os.path.join(World.work, "site"))
    return archive


def run():
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    tests = unittest.TestSuite([*load(ArrowChunks), *load(SparkExport)])
    if World.options.only:
        tests = unittest.TestSuite(test for test in tests if World.options.only in test.id())
    result = unittest.TextTestRunner(verbosity=1).run(tests)
    return 0 if result.wasSuccessful() and result.testsRun else 1


def start_session(archive):
    options = {
        "spark.jars": JDBC, "spark.archives": archive + "#site", "spark.executorEnv.PYTHONPATH": "./site",
        "spark.sql.shuffle.partitions": "2", "spark.python.task.killTimeout": "500ms", "spark.task.maxFailures": "2", "spark.speculation": "true",
        "spark.speculation.interval": "200ms", "spark.speculation.multiplier": "1.5",
        "spark.speculation.quantile": "0.5", "spark.speculation.minTaskRuntime": "1s"}
    if World.large:
        options["spark.executor.memory"] = "1g"
    else:
        options["spark.driver.extraJavaOptions"] = spark_cluster.SHORT_LIVED
        options["spark.executor.extraJavaOptions"] = spark_cluster.SHORT_LIVED
    World.session = World.cluster.session(**options)
    import spark_held  # pylint: disable=import-outside-toplevel
    World.held = spark_held
    World.session.sparkContext.addPyFile(os.path.join(HERE, "spark_held.py"))


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--bytes", default="2M")
    parser.add_argument("--only", default="")
    options = World.options = parser.parse_args()
    World.large = options.bytes.endswith("G")
    if not os.path.exists(JDBC):
        raise component.Failure(f"{JDBC} is missing: install libpostgresql-jdbc-java, or say --without spark")
    for name in ("FHIREXPORT_LIBRARY", "PYTHONPATH"):
        os.environ.pop(name, None)
    begun = time.monotonic()
    gateway = rgw.Gateway()
    secrets = {"AWS_ACCESS_KEY_ID": gateway.access_key, "AWS_SECRET_ACCESS_KEY": gateway.secret_key}
    os.environ.update(secrets)
    memory = "1200m" if World.large else spark_cluster.MEMORY
    with tempfile.TemporaryDirectory(prefix="fhx-spark-") as World.work:
        wheel = begin_wheel(options)
        with spark_cluster.Cluster(memory=memory, **secrets) as World.cluster, gateway as World.gateway, \
                azurite.Azurite() as World.azurite:
            make_data(options)
            World.gateway.client().create_bucket(BUCKET)
            World.azurite.client().create_container(BUCKET)
            start_session(end_wheel(wheel))
            print(f"stores, wheel, cluster and session: {time.monotonic() - begun:.1f} s", flush=True)
            try:
                return run()
            finally:
                World.session.stop()


if __name__ == "__main__":
    try:
        spark_cluster.enter()
        sys.exit(main())
    except component.Failure as failure:
        sys.exit(f"spark_export.py: {failure}")
