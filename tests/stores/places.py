"""Where the tests export to: a store, what a program has to know of it, and a look into it."""
import base64
import contextlib
import os
import sys
import urllib.parse

import azurite
import component
import rgw

sys.path.insert(0, os.path.join(component.ROOT, "tests", "server"))

NAME = "fhx-export"
PREFIX = "exports/r4"
STORES = ("rgw", "rgw-https", "rgw-session", "azurite", "azurite-https", "azurite-sas")


class Place:
    """A destination's URL, the environment it needs, curl's options, and texts nobody may see."""

    prefix = PREFIX
    url_scheme = None
    # Clients get URLs that are signed.
    signs = True

    def __init__(self, query, environment, ca_file, secrets):
        self.url = f"{self.url_scheme}://{NAME}/{PREFIX}?{urllib.parse.urlencode(query)}"
        self.environment = environment
        self.curl = ["--cacert", ca_file] if ca_file else []
        self.secrets = [form for secret in secrets for form in
                        (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret))]

    def all(self):
        """Name to length of all objects, below the prefix."""
        return {name.removeprefix(PREFIX + "/"): size for name, size in self.list().items()}


class S3Place(Place):
    url_scheme = "s3"

    def __init__(self, gateway, https=False, session=False):
        self.gateway = gateway
        self.client = gateway.client()
        self.client.create_bucket(NAME)
        key, secret, *token = (gateway.assume_role() if session else
                               (gateway.access_key, gateway.secret_key))
        query = {"endpoint": gateway.https_endpoint if https else gateway.endpoint,
                 "region": rgw.REGION}
        environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        if token:
            environment["AWS_SESSION_TOKEN"] = token[0]
        if https:
            query["ca"] = gateway.ca_file
        # The token of a session is a part of what it signs.
        super().__init__(query, environment, gateway.ca_file if https else None, [secret])
        self.token = token[0] if token else None

    def list(self):
        return self.client.objects(NAME)

    def unfinished(self):
        return self.client.uploads(NAME)

    def read(self, name):
        return self.client.get(NAME, f"{PREFIX}/{name}").body


class AzurePlace(Place):
    url_scheme = "azure-blob"

    def __init__(self, one, sas=False):
        self.one = one
        self.client = one.client()
        self.client.create_container(NAME)
        self.token = None
        if sas:
            signature = self.client.container_sas(NAME, "racwdl", 3600)
            environment = {"AZURE_STORAGE_SAS_URL": f"{one.endpoint}/{NAME}?{signature}"}
            secrets = [dict(urllib.parse.parse_qsl(signature))["sig"]]
            self.signs = False
        else:
            environment = {"AZURE_STORAGE_CONNECTION_STRING": one.connection_string}
            secrets = [one.account_key, base64.b64decode(one.account_key).hex()]
        query = {"ca": one.ca_file} if one.https else {}
        super().__init__(query, environment, one.ca_file, secrets)

    def list(self):
        return self.client.blobs(NAME)

    def unfinished(self):
        return sorted(self.client.blobs(NAME, uncommitted=True).keys() - self.list().keys())

    def read(self, name):
        return self.client.get(NAME, f"{PREFIX}/{name}").body


@contextlib.contextmanager
def open_place(store):
    """One of STORES, running and empty."""
    kind, _, how = store.partition("-")
    if kind == "rgw":
        with rgw.Gateway(sts=how == "session") as gateway:
            yield S3Place(gateway, how == "https", how == "session")
    else:
        with azurite.Azurite(https=how == "https") as one:
            yield AzurePlace(one, how == "sas")


def without_rights(place):
    """The environment with a key that the store does not take."""
    wrong = dict(place.environment)
    if "AWS_SECRET_ACCESS_KEY" in wrong:
        wrong["AWS_SECRET_ACCESS_KEY"] = "wrong" * 8
    else:
        key = base64.b64encode(b"x" * 64).decode()
        wrong["AZURE_STORAGE_CONNECTION_STRING"] = (
            wrong["AZURE_STORAGE_CONNECTION_STRING"].replace(place.one.account_key, key))
    return wrong
