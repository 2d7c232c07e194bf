#!/usr/bin/env python3
"""Exports NDJSON files or a Parquet table on Spark, to a shared folder or to S3.

    spark-submit spark_export.py DATA DESTINATION [--request '$export?_type=Patient'] [--manifest FILE] [--gzip]

DATA is what Spark can read: files of NDJSON, or with --parquet a table with the columns resource_type, json and, if
there are such, id and last_updated. DESTINATION is a folder that all machines share, or s3://BUCKET/PREFIX, for which
credentials come from the environment of each machine."""

import argparse
import sys
import urllib.parse

from pyspark.sql import SparkSession

from fhirexport import spark


def place_of(destination: str) -> spark.Place:
    """The destination of a path or URL."""
    url = urllib.parse.urlsplit(destination)
    if url.scheme == "s3":
        return spark.s3(url.netloc, prefix=url.path.strip("/") or None)
    return spark.directory(destination)


def main(arguments: "list[str]") -> int:
    """Runs one export, and writes its manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("destination")
    parser.add_argument("--request", default="$export")
    parser.add_argument("--manifest", default="-")
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("--gzip", action="store_true")
    given = parser.parse_args(arguments)
    session = SparkSession.builder.appName("fhirexport").getOrCreate()
    rows = session.read.parquet(given.data) if given.parquet else spark.ndjson(session, given.data)
    result = spark.export(rows, given.request, place_of(given.destination), gzip=given.gzip)
    manifest = result.manifest_text().decode()
    if given.manifest == "-":
        print(manifest)
    else:
        with open(given.manifest, "w", encoding="utf-8") as file:
            file.write(manifest)
    print(f"{result.resource_count} resources in {len(result.parts)} files, {result.error_count} refused; what "
          f"{len(result.removed)} files of lost attempts held is removed", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
