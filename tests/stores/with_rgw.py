#!/usr/bin/python3
"""Runs a command beside a Ceph RADOS Gateway.

    with_rgw.py [--sts] -- COMMAND [ARGUMENT]...

The command's environment has FHX_S3_ENDPOINT, FHX_S3_HTTPS_ENDPOINT, FHX_S3_HOST_ENDPOINT (buckets
in the host name), FHX_S3_CA_FILE, FHX_S3_ACCESS_KEY, FHX_S3_SECRET_KEY, FHX_S3_REGION and
FHX_S3_BUCKET, which exists and is empty; with --sts also FHX_S3_SESSION_ACCESS_KEY,
FHX_S3_SESSION_SECRET_KEY and FHX_S3_SESSION_TOKEN. The exit code is the command's.
"""
import sys

import component
import rgw

BUCKET = "fhx-test"


def main():
    component.end_on_signal()
    with rgw.Gateway(sts="--sts" in sys.argv[1:2]) as gateway:
        gateway.client().create_bucket(BUCKET)
        environment = {
            "FHX_S3_ENDPOINT": gateway.endpoint, "FHX_S3_HTTPS_ENDPOINT": gateway.https_endpoint,
            "FHX_S3_HOST_ENDPOINT": gateway.host_endpoint, "FHX_S3_CA_FILE": gateway.ca_file,
            "FHX_S3_ACCESS_KEY": gateway.access_key, "FHX_S3_SECRET_KEY": gateway.secret_key,
            "FHX_S3_REGION": rgw.REGION, "FHX_S3_BUCKET": BUCKET}
        if gateway.sts:
            names = ("ACCESS_KEY", "SECRET_KEY", "TOKEN")
            session = zip(names, gateway.assume_role())
            environment.update({f"FHX_S3_SESSION_{name}": text for name, text in session})
        return component.run_command(environment)


if __name__ == "__main__":
    sys.exit(main())
