#!/usr/bin/python3
"""Exports on Spark beside the program that one would write with Spark alone.

    bench/spark.py [--build FOLDER] [--bytes SIZE] [--pairs N] [--no-s3]

On a standalone cluster of two workers with one core each, which it starts, over NDJSON files that it generates:
`fhirexport.spark` to a folder, with and without the types named, and with rows that go to Python one by one, and
`write.partitionBy("resource_type").text` of the same rows to another, in turn; then an export to a RADOS Gateway. That
all hold, resource by resource, what a local export holds is checked by sums of digests over all lines. Besides the time
it tells the processor seconds of the executors, which depend less on what else the machine does. It needs what tests/run.sh installs, and the build of the library in --build (build/release).
"""
import argparse
import glob
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests", "stores"), os.path.join(ROOT, "bindings", "python")]

import component  # noqa: E402
import rgw  # noqa: E402
import spark as spark_cluster  # noqa: E402

BUCKET = "fhx-bench"


def sum_of(blocks):
    """How many lines, and a sum of their digests that does not depend on the order."""
    count, total = 0, 0
    for lines in blocks:
        for line in lines:
            count += 1
            total += int.from_bytes(hashlib.blake2b(line.rstrip(b"\n"), digest_size=16).digest(), "big")
    return count, total % (1 << 128)


def sum_of_folder(folder, pattern):
    def files():
        for path in glob.glob(os.path.join(folder, pattern), recursive=True):
            with open(path, "rb") as file:
                yield file
    return sum_of(files())


def sum_of_bucket(client, prefix):
    return sum_of(client.get(BUCKET, name).body.splitlines() for name in sorted(client.objects(BUCKET, prefix)))


def timed(cluster, work):
    """Seconds, and processor seconds of the cluster."""
    spent, begun = cluster.cpu_seconds(), time.monotonic()
    work()
    return time.monotonic() - begun, cluster.cpu_seconds() - spent


def obvious(session, spark, data, folder):
    spark.ndjson(session, data).write.partitionBy("resource_type").text(folder)


def programs(session, spark, data):
    """Name to what exports to a folder; the last is the one that others are compared with."""
    types = sorted({os.path.basename(path).split(".")[0] for path in glob.glob(data + "/*.ndjson")})

    def ours(what, **options):
        def export(folder):
            os.mkdir(folder)
            spark.export(spark.ndjson(session, data), what, spark.directory(folder), sha256=False, **options)
        return export
    return {"fhirexport.spark": ours(None), "with types named": ours({"types": types}),
            "and row by row": ours({"types": types}, arrow_rows=0),
            "write.text": lambda folder: obvious(session, spark, data, folder)}


def measure_pair(cluster, tried, work, wanted):
    """Seconds and processor seconds of each program."""
    found = {}
    for name, program in tried.items():
        folder = os.path.join(work, "out")
        found[name] = timed(cluster, lambda program=program, folder=folder: program(folder))
        print(f"  {name:18} {found[name][0]:6.1f} s, {found[name][1]:6.1f} s of processors; load "
              f"{os.getloadavg()[0]:.1f}", flush=True)
        same = [sum_of_folder(folder, pattern) for pattern in ("**/*.ndjson", "**/part-*")]
        shutil.rmtree(folder)
        if wanted not in same:
            raise component.Failure(f"{name}: the lines are not those of the local export")
    return found


def measure(options, cluster, session, data, work, gateway):
    import fhirexport as fhx  # pylint: disable=import-outside-toplevel
    from fhirexport import spark  # pylint: disable=import-outside-toplevel
    local = os.path.join(work, "local")
    os.mkdir(local)
    with fhx.Source.folder(data) as source, fhx.Destination.directory(local) as place, \
            fhx.Job(source, place, settle_us=-1) as job:
        job.run()
    wanted = sum_of_folder(local, "**/*.ndjson")
    shutil.rmtree(local)
    print(f"local export: {wanted[0]} resources", flush=True)
    spark.ndjson(session, os.path.join(data, "Patient.ndjson")).count()  # classes are loaded
    tried, pairs = programs(session, spark, data), []
    for pair in range(options.pairs + 1):
        print(f"pair {pair}:" if pair else "not counted, while Java compiles:", flush=True)
        found = measure_pair(cluster, tried, work, wanted)
        pairs += [found] if pair else []
    base = list(tried)[-1]
    for name in list(tried)[:-1]:
        ratio, spent = (statistics.median(pair[name][i] / pair[base][i] for pair in pairs) for i in (0, 1))
        print(f"{name} to {base}: {ratio:.2f} in time, {spent:.2f} in processor seconds (medians of {len(pairs)})")
    if options.s3:
        seconds, spent = timed(cluster, lambda: spark.export(spark.ndjson(session, data), None, spark.s3(
            BUCKET, prefix="bench", endpoint=gateway.endpoint, region=rgw.REGION)))
        if sum_of_bucket(gateway.client(), "bench/") != wanted:
            raise component.Failure("the lines in the bucket are not those of the local export")
        print(f"to S3: {seconds:.1f} s, {spent:.1f} s of processors; the same set with the same digests as the local "
              "export")


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--bytes", default="1G")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--no-s3", dest="s3", action="store_false")
    options = parser.parse_args()
    library = os.path.join(options.build, "libfhirexport.so.0")
    os.environ["FHIREXPORT_LIBRARY"] = library
    with tempfile.TemporaryDirectory(prefix="fhx-bench-") as work, rgw.Gateway() as gateway:
        data = os.path.join(work, "data")
        subprocess.run([os.path.join(options.build, "examples", "fhirexport-generate"), "--out", data, "--bytes",
                        options.bytes], check=True, stdout=subprocess.DEVNULL)
        gateway.client().create_bucket(BUCKET)
        keys = {"AWS_ACCESS_KEY_ID": gateway.access_key, "AWS_SECRET_ACCESS_KEY": gateway.secret_key}
        os.environ.update(keys)
        with spark_cluster.Cluster(memory="1200m", PYTHONPATH=os.path.join(ROOT, "bindings", "python"),
                                   FHIREXPORT_LIBRARY=library, **keys) as cluster:
            session = cluster.session(**{"spark.executor.memory": "1g"})
            try:
                measure(options, cluster, session, data, work, gateway)
            finally:
                session.stop()


if __name__ == "__main__":
    try:
        spark_cluster.enter()
        main()
    except component.Failure as failure:
        sys.exit(f"bench/spark.py: {failure}")
