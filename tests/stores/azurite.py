"""Azurite, Microsoft's emulator of Azure Storage: its blob service on 127.0.0.1, by http or https.

With https it takes access tokens too (`--oauth basic`: it looks at what a token says and does not
verify who has signed it).
"""
import base64
import json
import secrets
import time

import azure_blob
import component

ACCOUNT = "fhxaccount"
# What Azurite asks of a token.
ISSUER = "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"
AUDIENCE = "https://storage.azure.com"


def part_of_token(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


class Azurite(component.Component):
    def __init__(self, https=False):
        super().__init__()
        self.script = component.node_script("azurite", "dist/src/blob/main.js")
        self.https = https
        self.port = component.free_port()
        host = f"{'https' if https else 'http'}://127.0.0.1:{self.port}"
        # The account is in the path.
        self.endpoint = f"{host}/{ACCOUNT}"
        self.ca_file = self.path("tls.crt") if https else None
        self.account_key = base64.b64encode(secrets.token_bytes(64)).decode()

    def start(self):
        command = ["node", self.script, "--blobHost", "127.0.0.1", "--blobPort", str(self.port),
                   "--location", self.folder, "--silent", "--skipApiVersionCheck",
                   "--disableTelemetry"]
        if self.https:
            key, certificate = component.make_certificate(self.folder)
            command += ["--cert", certificate, "--key", key, "--oauth", "basic"]
        self.spawn("azurite", *command, AZURITE_ACCOUNTS=f"{ACCOUNT}:{self.account_key}")
        component.wait_until(self.is_ready, "Azurite", alive=lambda: self.is_alive("azurite"))

    def is_ready(self):
        try:
            return self.client().request("GET", "", {"comp": "list"}).status == 200
        except OSError:
            return False

    @property
    def connection_string(self):
        protocol = "https" if self.https else "http"
        return (f"DefaultEndpointsProtocol={protocol};AccountName={ACCOUNT};"
                f"AccountKey={self.account_key};BlobEndpoint={self.endpoint};")

    def client(self):
        return azure_blob.Client(self.endpoint, ACCOUNT, self.account_key, self.ca_file)

    def token(self, seconds=3600):
        """An access token as Microsoft Entra ID makes them, but for its signature."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now - 60, "nbf": now - 60,
                  "exp": now + seconds, "ver": "1.0", "appid": "fhx", "oid": ISSUER.split("/")[3],
                  "tid": ISSUER.split("/")[3], "sub": "fhx"}
        return ".".join([part_of_token({"typ": "JWT", "alg": "RS256"}), part_of_token(claims),
                         part_of_token(secrets.token_bytes(32))])
