#!/usr/bin/python3
"""Runs a command beside Azurite, twice: by http and by https.

    with_azurite.py -- COMMAND [ARGUMENT]...

The command's environment has FHX_AZURE_CONNECTION_STRING, FHX_AZURE_HTTPS_CONNECTION_STRING,
FHX_AZURE_HTTPS_URL (of the account), FHX_AZURE_TOKEN (an access token that the latter takes),
FHX_AZURE_CA_FILE and FHX_AZURE_CONTAINER, which exists at both and is empty. The exit code is the
command's.
"""
import sys

import azurite
import component

CONTAINER = "fhx-test"


def main():
    component.end_on_signal()
    with azurite.Azurite() as plain, azurite.Azurite(https=True) as tls:
        for one in plain, tls:
            one.client().create_container(CONTAINER)
        return component.run_command({
            "FHX_AZURE_CONNECTION_STRING": plain.connection_string,
            "FHX_AZURE_HTTPS_CONNECTION_STRING": tls.connection_string,
            "FHX_AZURE_HTTPS_URL": tls.endpoint, "FHX_AZURE_TOKEN": tls.token(),
            "FHX_AZURE_CA_FILE": tls.ca_file, "FHX_AZURE_CONTAINER": CONTAINER})


if __name__ == "__main__":
    sys.exit(main())
