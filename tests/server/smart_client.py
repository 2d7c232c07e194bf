"""A client of SMART Backend Services for the tests: keys, assertions as they should be and as they
should not, access tokens. Its JWTs are made here with python3-cryptography, not by the server's
library."""
import base64
import http.server
import json
import os
import shutil
import tempfile
import threading
import time
import urllib.parse
import uuid

import fhir_server
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from fhir_server import Server

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"
# No other text of a test has these.
PATIENTS = ["quercus-0815", "fraxinus-4711"]
# Making an RSA key takes long, so all have one of each size.
_rsa_keys = {}


def encode(data):
    """base64url without padding, of bytes or of JSON."""
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return encode(value.to_bytes(size, "big"))


class Key:
    """A key pair; `alg` is RS384, ES384, ES256 or RS256."""

    def __init__(self, alg="ES384", kid=None, bits=2048):
        self.alg, self.kid = alg, kid or str(uuid.uuid4())
        if alg.startswith("ES"):
            curve = ec.SECP384R1() if alg == "ES384" else ec.SECP256R1()
            self.private = ec.generate_private_key(curve)
        else:
            if bits not in _rsa_keys:
                _rsa_keys[bits] = rsa.generate_private_key(65537, bits)
            self.private = _rsa_keys[bits]

    @property
    def size(self):
        return (self.private.curve.key_size + 7) // 8

    def jwk(self, **more):
        numbers = self.private.public_key().public_numbers()
        key = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if self.alg.startswith("ES"):
            curve = "P-384" if self.alg == "ES384" else "P-256"
            key.update(kty="EC", crv=curve, x=number(numbers.x, self.size),
                       y=number(numbers.y, self.size))
        else:
            key.update(kty="RSA", n=number(numbers.n, (numbers.n.bit_length() + 7) // 8),
                       e=number(numbers.e, 3))
        key.update(more)
        return key

    def pem(self):
        """Its public half."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text):
        digest = hashes.SHA256() if self.alg.endswith("256") else hashes.SHA384()
        if not self.alg.startswith("ES"):
            return self.private.sign(text.encode(), padding.PKCS1v15(), digest)
        pair = utils.decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(digest)))
        return b"".join(value.to_bytes(self.size, "big") for value in pair)

    def jwt(self, payload, **header):
        """`payload` is JSON, or bytes."""
        whole = {"alg": self.alg, "kid": self.kid, "typ": "JWT", **header}
        text = encode({k: v for k, v in whole.items() if v is not None}) + "." + encode(payload)
        return text + "." + encode(self.sign(text))


def hmac_jwt(secret, payload, alg="HS256", **header):
    digest = {"HS256": hashes.SHA256(), "HS384": hashes.SHA384()}[alg]
    text = encode({"alg": alg, "typ": "JWT", **header}) + "." + encode(payload)
    made = hmac.HMAC(secret, digest)
    made.update(text.encode())
    return text + "." + encode(made.finalize())


def entry(client_id, *keys, scope="system/*.read", **more):
    """A client as the file has it."""
    made = {"client_id": client_id, "scope": scope}
    if keys:
        made["jwks"] = {"keys": [key.jwk() for key in keys]}
    return {**made, **more}


def write_clients(folder, *entries):
    path = os.path.join(folder, "clients.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"clients": list(entries)}, file)
    return path


class Client:
    """`secrets` collects what may be seen nowhere."""

    secrets = set()

    def __init__(self, server, client_id, key):
        self.server, self.client_id, self.key = server, client_id, key
        self.token_url = server.public_base + "/auth/token"

    def claims(self, **more):
        """None takes a claim away."""
        now = int(time.time())
        all_claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.token_url,
                      "exp": now + 300, "jti": str(uuid.uuid4()), **more}
        return {name: value for name, value in all_claims.items() if value is not None}

    def assertion(self, **more):
        return self.key.jwt(self.claims(**more))

    def form(self, assertion=None, scope="system/*.read", **more):
        fields = {"grant_type": "client_credentials", "scope": scope,
                  "client_assertion_type": BEARER,
                  "client_assertion": assertion or self.assertion(), **more}
        # What is shorter could be a word of any sentence.
        if len(fields["client_assertion"]) >= 40:
            self.secrets.add(fields["client_assertion"])
        return urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})

    def post(self, body, content_type=FORM, method="POST", path="/auth/token", is_busy_told=False):
        """Who finds the record of used assertions busy comes again, as the answer says."""
        headers = {"Content-Type": content_type} if content_type else {}
        body = body.encode() if isinstance(body, str) else body
        end = time.monotonic() + fhir_server.PATIENCE
        while True:
            answer = self.server.request(method, path, body=body, headers=headers)
            if is_busy_told or answer.status != 503 or time.monotonic() > end:
                return answer
            time.sleep(0.1)

    def ask(self, assertion=None, **more):
        return self.post(self.form(assertion, **more))

    def token(self, scope="system/*.read"):
        answer = self.ask(scope=scope)
        assert answer.status == 200, (answer.status, answer.body)
        token = answer.json()["access_token"]
        self.secrets.add(token)
        return token

    def bearer(self, scope="system/*.read", **more):
        """Headers with a new token."""
        return {"Authorization": "Bearer " + self.token(scope), **more}


class KeyServer:
    """A web server with JWK Sets, which counts who asks."""

    def __init__(self, context=None):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                owner.count += 1
                owner.closed.wait(owner.delay_s)
                body = owner.body or json.dumps(
                    {"keys": [key.jwk() for key in owner.keys]}).encode()
                self.send_response(owner.status)
                for name, value in owner.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.keys, self.headers, self.status, self.body = [], {}, 200, None
        self.count, self.delay_s = 0, 0
        self.closed = threading.Event()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.http.server_port}/jwks.json"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.closed.set()
        self.http.shutdown()
        self.http.server_close()


def write_resources(folder):
    """A Group of one patient of two, and what these have."""
    path = os.path.join(folder, "resources.ndjson")
    resources = [{"resourceType": "Patient", "id": id} for id in PATIENTS]
    resources += [{"resourceType": "Group", "id": "a", "type": "person", "actual": True,
                   "member": [{"entity": {"reference": "Patient/" + PATIENTS[0]}}]}]
    resources += [{"resourceType": kind, "id": f"{kind.lower()}-{id}",
                   "subject": {"reference": "Patient/" + id},
                   **({"status": "final"} if kind == "Observation" else {})}
                  for id in PATIENTS for kind in ("Condition", "Observation", "Basic")]
    resources = [{**one, "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}} for one in resources]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in resources)
    return path


class SmartServer(Server):
    """A server with --auth smart, and the text of all that it has answered."""

    def __init__(self, *options, clients=(), folder=None, **more):
        # Keys by URL are on this machine, whatever proxy there is.
        more.setdefault("environment", {"no_proxy": "127.0.0.1"})
        self.removed_folder = None if folder else tempfile.mkdtemp(prefix="fhx-smart-")
        folder = folder or self.removed_folder
        self.answered, self.refused = [], []
        if clients:
            write_clients(folder, *clients)
            options = (*options, "--load", write_resources(folder))
        super().__init__("--auth", "smart", "--clients", os.path.join(folder, "clients.json"),
                         "--log", "json", "--log-level", "debug", *options, folder=folder, **more)

    def request(self, method, path, body=None, headers=None, **more):
        answer = super().request(method, path, body, headers, **more)
        text = json.dumps(answer.headers) + answer.body.decode(errors="replace")
        if not (path.endswith("/auth/token") and answer.status == 200):
            self.answered.append(text)
        if answer.status >= 300:
            self.refused.append(text)
        return answer

    def find_leaks(self, secrets, patients=()):
        """What of the secrets is in the log or in an answer, and of the patients' ids in the log or
        in a refusal; nothing else is to be there of them."""
        log = self.read_log()
        found = [one for one in secrets for text in [log, *self.answered] if one in text]
        return found + [one for one in patients for text in [log, *self.refused] if one in text]

    def stop(self, *arguments, **more):
        code = super().stop(*arguments, **more)
        if self.removed_folder:
            shutil.rmtree(self.removed_folder)
        return code


class SmartTest(fhir_server.ServerTest):
    """One server with --auth smart for all tests of a class, and the clients that it has."""

    @classmethod
    def clients(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.server = SmartServer(*cls.options, clients=cls.clients())

    @classmethod
    def tearDownClass(cls):
        leaks = cls.server.find_leaks(Client.secrets, PATIENTS)
        assert cls.server.stop() == 0, "the server did not end cleanly"
        # AUTH-22
        assert not leaks, f"{len(leaks)} secrets were seen, the first is {leaks[0]}"

    def refuse(self, answer, error, status=400):
        """The token endpoint's refusals are of RFC 6749 5.2 and say nothing of the request
        (AUTH-08)."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.header("Content-Type"), "application/json")
        self.assertEqual(answer.header("Cache-Control"), "no-store")
        self.assertEqual(answer.json()["error"], error, answer.body)
        self.assertTrue(answer.json()["error_description"])
        self.assertEqual(set(answer.json()), {"error", "error_description"})
        return answer

    def check_challenge(self, answer, error=None):
        """A 401 says how to do better (AUTH-02, AUTH-03)."""
        self.check_outcome(answer, 401)
        challenge = answer.header("WWW-Authenticate")
        self.assertTrue(challenge.startswith("Bearer"), challenge)
        self.assertEqual('error="invalid_token"' in challenge, error == "invalid_token", challenge)
        self.assertEqual(answer.json()["issue"][0]["code"], "login")
