#!/usr/bin/env python3
"""Exports a folder of NDJSON to an S3 bucket in gzip, and prints the names of the parts.

usage: bucket.py FOLDER BUCKET [ENDPOINT]

Credentials come from where the AWS tools have them: the environment, ~/.aws, the machine's role."""

import sys
from typing import Optional

import fhirexport as fhx


def main(folder: str, bucket: str, endpoint: Optional[str] = None) -> None:
    with fhx.Source.folder(folder) as source, \
            fhx.Destination.s3(bucket, endpoint=endpoint, prefix="exports") as destination, \
            fhx.Job(source, destination, gzip=True, settle_us=-1, helpers=1) as job:
        job.run(threads=2)
        for part in job.parts():
            print(part.name, part.resource_count, part.stored_byte_count)


if __name__ == "__main__":
    main(*sys.argv[1:])
