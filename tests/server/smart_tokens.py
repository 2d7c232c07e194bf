#!/usr/bin/python3
"""Access tokens of fhirexport-server (--auth smart): how they are got, each way in which they are
not got, and what they are good for.

    smart_tokens.py SERVER
"""
import json
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time

import fhir_server
from smart_client import (BEARER, FORM, PATIENTS, Client, Key, SmartServer, SmartTest, encode,
                          entry, hmac_jwt)

KEYS = {"elliptic": Key("ES384"), "rsa": Key("RS384"), "stranger": Key("ES384"),
        "small": Key("ES256"), "short": Key("RS384", bits=1024)}


def tampered(text):
    """The same with another letter in the middle."""
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


class Tokens(SmartTest):
    @classmethod
    def clients(cls):
        return [entry("ours", KEYS["elliptic"], KEYS["rsa"]), entry("other", KEYS["stranger"]),
                entry("few", KEYS["rsa"], scope="system/Patient.rs system/Observation.r "
                                                "system/Condition.read system/Basic.cud")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = Client(cls.server, "ours", KEYS["elliptic"])
        cls.few = Client(cls.server, "few", KEYS["rsa"])

    # --- discovery ---

    def test_discovery(self):
        """AUTH-04, AUTH-05, AUTH-06: below the base and at the host's root, without a token,
        whatever Accept says."""
        root = self.server.base_url[:-len("/fhir")] + "/.well-known/smart-configuration"
        for path in ("/.well-known/smart-configuration", root):
            for accept in ("application/json", "application/fhir+json", "text/html", None):
                headers = {"Accept": accept} if accept else {}
                answer = self.server.get(path, headers=headers)
                self.assertEqual((answer.status, answer.header("Content-Type")),
                                 (200, "application/json"))
                self.assertEqual(answer.header("Cache-Control"), "no-store")
                found = answer.json()
                self.assertEqual(found["token_endpoint"], self.client.token_url)
                self.assertEqual(found["token_endpoint_auth_methods_supported"],
                                 ["private_key_jwt"])
                self.assertEqual(set(found["token_endpoint_auth_signing_alg_values_supported"]),
                                 {"RS384", "ES384"})
                self.assertIn("system/*.read", found["scopes_supported"])
                self.assertIn("system/*.rs", found["scopes_supported"])
                self.assertEqual(found["grant_types_supported"], ["client_credentials"])
                self.assertLessEqual({"client-confidential-asymmetric", "permission-v1",
                                      "permission-v2"}, set(found["capabilities"]))
                self.assertEqual(found["code_challenge_methods_supported"], ["S256"])
                self.assertNotIn("authorization_endpoint", found)
            self.assertEqual(self.server.request("POST", path, body=b"").status, 405)

    def test_metadata(self):
        """AUTH-04: the CapabilityStatement needs no token either, and says where to get one."""
        answer = self.server.get("/metadata")
        self.assertEqual((answer.status, answer.header("Cache-Control")), (200, "no-store"))
        security = answer.json()["rest"][0]["security"]
        self.assertEqual(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR")
        uris = security["extension"][0]
        self.assertTrue(uris["url"].endswith("/oauth-uris"))
        self.assertEqual(uris["extension"], [{"url": "token", "valueUri": self.client.token_url}])

    # --- tokens ---

    def test_a_token(self):
        """AUTH-07, AUTH-09, AUTH-15: by either algorithm."""
        for key in ("elliptic", "rsa"):
            answer = Client(self.server, "ours", KEYS[key]).ask()
            self.assertEqual(answer.status, 200, answer.body)
            found = answer.json()
            self.client.secrets.add(found["access_token"])
            self.assertEqual(found["token_type"].lower(), "bearer")
            self.assertIs(type(found["expires_in"]), int)
            self.assertTrue(0 < found["expires_in"] <= 300)
            self.assertEqual(found["scope"], "system/*.read")
            self.assertNotIn("refresh_token", found)
            self.assertEqual(answer.header("Cache-Control"), "no-store")
            self.assertEqual(answer.header("Content-Type"), "application/json")

    def test_forms(self):
        """AUTH-07, AUTH-08, AUTH-23: what is no token request."""
        good = self.client.form()
        self.assertEqual(self.client.post(self.client.form(),
                                          FORM + "; charset=utf-8").status, 200)
        self.refuse(self.client.post(good, "application/json"), "invalid_request")
        self.refuse(self.client.post(good, None), "invalid_request")
        self.refuse(self.client.post(good, FORM + "x"), "invalid_request")
        self.refuse(self.client.post(json.dumps({"grant_type": "client_credentials"}),
                                     "application/json"), "invalid_request")
        answer = self.server.get("/auth/token")
        self.refuse(answer, "invalid_request", 405)
        self.assertEqual(answer.header("Allow"), "POST")
        self.refuse(self.server.get("/auth/token?" + good), "invalid_request", 405)
        self.refuse(self.client.post("", path="/auth/token?" + good), "invalid_request")
        self.refuse(self.client.post(""), "invalid_request")
        for name in ("scope", "client_assertion", "client_assertion_type", "grant_type"):
            self.refuse(self.client.post(self.client.form(**{name: None})
                                         if name != "client_assertion" else
                                         good.split("&client_assertion=")[0]), "invalid_request")
            self.refuse(self.client.post(self.client.form() + f"&{name}=x"), "invalid_request")
        for grant in ("authorization_code", "refresh_token", "client_credential", "CLIENT"):
            self.refuse(self.client.ask(grant_type=grant), "unsupported_grant_type")
        for kind in ("urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt",
                     BEARER + " "):
            self.refuse(self.client.ask(client_assertion_type=kind), "invalid_request")
        for broken in ("%", "%4", "%zz", "%00", "%0a", "%ff", "\x01"):
            self.refuse(self.client.post(self.client.form() + "&x=" + broken), "invalid_request")
        # What is not known is ignored, and an empty parameter is none.
        self.assertEqual(self.client.post(self.client.form() + "&x=1&x=2&scope=").status, 200)
        self.assertEqual(self.client.ask(client_id="ours").status, 200)
        self.refuse(self.client.ask(client_id="other"), "invalid_client")

    def test_lengths(self):
        """AUTH-23."""
        self.refuse(self.client.post("x=" + "y" * 70000), "invalid_request", 413)
        self.assertEqual(self.client.post("x=" + "y" * 1100000).status, 413)
        self.refuse(self.client.ask("a" * 20000), "invalid_client")
        self.refuse(self.client.ask(self.client.assertion(x="y" * 15000)), "invalid_client")
        self.assertEqual(self.client.ask(self.client.assertion(x="y" * 8000)).status, 200)
        self.refuse(self.client.ask(scope="system/Patient.read " * 3000), "invalid_request", 413)
        self.assertEqual(self.client.ask(scope="system/Patient.read " * 2000).json()["scope"],
                         "system/Patient.read")

    # --- assertions ---

    def test_claims(self):
        """AUTH-10 to AUTH-13."""
        for make in ({"iss": None}, {"sub": None}, {"iss": "other"}, {"sub": "other"},
                       {"iss": "nobody", "sub": "nobody"}, {"iss": "", "sub": ""},
                       {"iss": 1, "sub": 1}, {"iss": ["ours"], "sub": ["ours"]},
                       {"aud": None}, {"aud": self.server.base_url}, {"aud": []},
                       {"aud": self.client.token_url + "/"}, {"aud": {"a": 1}},
                       {"aud": [self.server.base_url, 1]},
                       {"exp": None}, {"exp": -1},
                       {"exp": 1e300}, {"exp": True}, {"exp": 0}, {"nbf": "x"}, {"iat": []},
                       {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": ["a"]},
                       lambda now: {"exp": now - 60}, lambda now: {"exp": now - 6},
                       # More than five minutes ahead, also for a server that comes to it late.
                       lambda now: {"exp": now + 330}, lambda now: {"exp": now + 86400 * 365},
                       lambda now: {"exp": str(now + 60)}, lambda now: {"exp": now * 1000},
                       lambda now: {"nbf": now + 250, "exp": now + 300},
                       lambda now: {"iat": now + 250, "exp": now + 300}):
            claims = make if isinstance(make, dict) else make(int(time.time()))
            self.refuse(self.client.ask(self.client.assertion(**claims)), "invalid_client")
        for make in (lambda _: {"aud": [self.server.base_url, self.client.token_url]},
                     lambda now: {"exp": now + 300}, lambda now: {"exp": now + 200.5},
                     lambda now: {"nbf": now, "iat": now - 10},
                     lambda now: {"exp": now + 200, "iat": now + 2}, lambda _: {"jti": "j" * 4000},
                     lambda _: {"more": {"a": 1}}):
            claims = make(int(time.time()))
            answer = self.client.ask(self.client.assertion(**claims))
            self.assertEqual(answer.status, 200, (claims, answer.body))

    def test_algorithms(self):
        """AUTH-09: of an algorithm that is not published no key is tried."""
        ours, claims = KEYS["elliptic"], self.client.claims
        public = ours.pem()
        nothing = encode({"alg": "none", "kid": ours.kid}) + "." + encode(claims()) + "."
        for assertion in (
                nothing, nothing + encode(b"x"),
                ours.jwt(claims(), alg="none"), ours.jwt(claims(), alg="None"),
                hmac_jwt(public, claims(), kid=ours.kid),
                hmac_jwt(public, claims(), "HS384", kid=ours.kid),
                hmac_jwt(b"", claims(), kid=ours.kid),
                hmac_jwt(json.dumps(ours.jwk()).encode(), claims(), "HS384", kid=ours.kid),
                ours.jwt(claims(), alg="RS384"), ours.jwt(claims(), alg="ES256"),
                ours.jwt(claims(), alg="es384"), ours.jwt(claims(), alg=None),
                ours.jwt(claims(), alg=["ES384"]), ours.jwt(claims(), alg={"a": "ES384"}),
                KEYS["rsa"].jwt(claims(), alg="ES384"), KEYS["rsa"].jwt(claims(), alg="PS384"),
                KEYS["rsa"].jwt(claims(), alg="RS256")):
            self.refuse(self.client.ask(assertion), "invalid_client")

    def test_keys(self):
        """AUTH-09: registered keys alone, by their `kid`; nothing of the header is a key."""
        ours, stranger, claims = KEYS["elliptic"], KEYS["stranger"], self.client.claims
        for assertion in (
                stranger.jwt(claims()), stranger.jwt(claims(), kid=ours.kid),
                ours.jwt(claims(), kid=stranger.kid), ours.jwt(claims(), kid=KEYS["rsa"].kid),
                ours.jwt(claims(), kid=None), ours.jwt(claims(), kid=""),
                ours.jwt(claims(), kid=7), ours.jwt(claims(), kid="../../" + ours.kid),
                stranger.jwt(claims(), jwk=stranger.jwk()),
                stranger.jwt(claims(), kid=ours.kid, jwk=stranger.jwk(kid=ours.kid)),
                ours.jwt(claims(), jku="https://example.org/jwks.json"),
                stranger.jwt(claims(), x5c=["MIIB"]), ours.jwt(claims(), crit=["exp"]),
                ours.jwt(claims(), crit=["b64"], b64=False)):
            self.refuse(self.client.ask(assertion), "invalid_client")
        # A key of another client is none of ours.
        other = Client(self.server, "other", ours)
        self.refuse(other.ask(), "invalid_client")

    def test_shapes(self):
        """AUTH-23: an assertion of any shape is refused, never a failure."""
        good = self.client.assertion()
        head, payload, signature = good.split(".")
        deep = encode(b'{"a":' * 5000 + b"1" + b"}" * 5000)
        for assertion in (
                "x", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d.e", head + "." + payload,
                head + "." + payload + ".", good + ".", "." + good, good + "=", " " + good,
                head + "=." + payload + "." + signature, head + ".!." + signature,
                head + "." + encode(b"nonsense") + "." + signature,
                head + "." + encode(b"[]") + "." + signature,
                head + "." + encode(b"null") + "." + signature,
                head + "." + encode(b'{"a":1') + "." + signature,
                head + "." + encode(b"\xff\xfe") + "." + signature,
                KEYS["elliptic"].jwt(json.dumps(self.client.claims())[:-1].encode() +
                                     b', "jti": "another"}'),
                head + "." + encode(b'{"exp":1e999}') + "." + signature,
                head + "." + encode(b'{"exp":123456789012345678901234567890}') + "." + signature,
                encode(b"[]") + "." + payload + "." + signature,
                encode(b"\x00") + "." + payload + "." + signature,
                deep + "." + payload + "." + signature, head + "." + deep + "." + signature,
                head + "." + encode(good.encode()) + "." + signature,
                KEYS["elliptic"].jwt({"jwt": good}, cty="JWT"),
                encode(good.encode()), json.dumps({"payload": payload, "signature": signature}),
                head + "." + payload + "." + encode(b"\x00" * 96),
                head + "." + payload + "." + encode(b"\xff" * 96),
                head + "." + payload + "." + encode(b"x"), tampered(good), good[:-8],
                good + "AAAA", head + "." + tampered(payload) + "." + signature,
                "\u00e9" * 50, "%" * 50, "a" * 16384, ("a" * 5000 + ".") * 2 + "a"):
            self.refuse(self.client.ask(assertion), "invalid_client")
        # None of them has used it up.
        self.assertEqual(self.client.ask(good).status, 200)

    def test_once(self):
        """AUTH-13: also where the scope was refused, and for each issuer by itself."""
        good = self.client.assertion(jti="once")
        self.assertEqual(self.client.ask(good).status, 200)
        self.refuse(self.client.ask(good), "invalid_client")
        # The operator learns which it was.
        self.assertIn("its jti was used before", self.server.read_log())
        self.refuse(self.client.ask(self.client.assertion(jti="once")), "invalid_client")
        other = Client(self.server, "other", KEYS["stranger"])
        self.assertEqual(other.ask(other.assertion(jti="once")).status, 200)
        second = self.client.assertion()
        self.refuse(self.client.ask(second, scope="user/*.read"), "invalid_scope")
        self.refuse(self.client.ask(second), "invalid_client")

    def test_record_is_locked(self):
        """AUTH-13: where it cannot be recorded that an assertion was used, there is no token; the
        assertion is not used up."""
        form = self.client.form()
        record = sqlite3.connect(os.path.join(self.server.folder, "clients.json.used"))
        record.isolation_level = None
        try:
            record.execute("BEGIN IMMEDIATE")
            answer = self.refuse(self.client.post(form, is_busy_told=True), "temporarily_unavailable", 503)
            self.assertEqual(answer.header("Retry-After"), "1")
        finally:
            record.close()
        self.assertEqual(self.client.post(form).status, 200)

    def test_a_race(self):
        """AUTH-13: of many requests at a time, one gets a token."""
        for _ in range(5):
            form = self.client.form()
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(self.client.post(form)))
                       for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(answer.status for answer in answers), [200] + [400] * 7)

    # --- scopes ---

    def test_scopes(self):
        """AUTH-16: what is asked for and registered; version 1 and 2."""
        for asked, granted in (
                ("system/*.read", "system/*.read"), ("system/*.*", "system/*.read"),
                ("system/*.rs", "system/*.rs"), ("system/*.cruds", "system/*.rs"),
                ("system/*.r", "system/*.r"), ("system/*.s", "system/*.s"),
                ("system/Patient.read", "system/Patient.read"),
                ("system/Patient.rs system/Condition.read",
                 "system/Condition.rs system/Patient.rs"),
                ("system/Patient.read system/Patient.read", "system/Patient.read"),
                ("system/Patient.read system/Nonsense.read", "system/Patient.read"),
                ("system/Patient.read launch openid user/*.read", "system/Patient.read")):
            answer = self.client.ask(scope=asked)
            self.assertEqual((answer.status, answer.json().get("scope")), (200, granted), asked)
        for asked, granted in (
                ("system/*.read",
                 "system/Condition.read system/Observation.r system/Patient.read"),
                ("system/*.cruds",
                 "system/Basic.cud system/Condition.rs system/Observation.r system/Patient.rs"),
                ("system/Observation.rs", "system/Observation.r"),
                ("system/Basic.write", "system/Basic.write"),
                ("system/Patient.*", "system/Patient.read")):
            answer = self.few.ask(scope=asked)
            self.assertEqual((answer.status, answer.json().get("scope")), (200, granted), asked)
        for asked in ("patient/*.read", "user/Patient.read", "launch", "openid", "system/*.write",
                      "system/*.cud", "system/Patient.sr", "system/Patient.rr", "system/Patient.",
                      "system/Patient", "system/.read", "system/patient.read", "System/*.read",
                      "system/Patient.rs?_id=1", "system/Patient.readx", "system/*.x", ".", "/",
                      "system/", "system/*.READ", "x" * 200, "system/Nonsense.read",
                      "system/Patient.read,system/Condition.read", " "):
            self.refuse(self.client.ask(scope=asked), "invalid_scope")
        self.refuse(self.few.ask(scope="system/Encounter.read"), "invalid_scope")

    # --- what a token is good for ---

    def kick_off(self, headers, path="/$export", **more):
        return self.server.get(path, headers={"Prefer": "respond-async", **headers}, **more)

    def test_no_token(self):
        """AUTH-01, AUTH-02: nothing but discovery, metadata and tokens."""
        for method, path in (("GET", "/$export"), ("POST", "/$export"), ("GET", "/Patient/$export"),
                             ("GET", "/Group/a/$export"), ("GET", "/$export/" + "0" * 32),
                             ("DELETE", "/$export/" + "0" * 32), ("GET", "/Patient/a"),
                             ("PUT", "/Patient/a"), ("DELETE", "/Patient/a"), ("GET", "/Group"),
                             ("GET", "/%24export"), ("GET", "/nonsense"), ("GET", "/"),
                             ("GET", "//"), ("GET", "/Patient/" + PATIENTS[0]),
                             ("DELETE", "/Patient/" + PATIENTS[0]),
                             ("GET", f"/Patient/$export?patient=Patient/{PATIENTS[0]}"),
                             ("GET", "/metadata/x"), ("GET", "/$export/metadata"),
                             ("GET", "/$export/%2e"), ("GET", "/$export/" + "0" * 32 + "/pages/2")):
            self.check_challenge(self.server.request(method, path))
            self.check_challenge(self.server.request(method, path,
                                                     headers={"Authorization": "Basic eDp5"}))

    def test_bad_tokens(self):
        """AUTH-03."""
        token = self.client.token()
        head, payload, signature = token.split(".")
        claims = {"iss": self.server.base_url, "sub": "ours", "tenant": "",
                  "scope": "system/*.cruds", "exp": int(time.time()) + 100}
        for bad in ("", "x", token[:-4], tampered(token), token + "A", token + ".", token + " x",
                    head + "." + tampered(payload) + "." + signature,
                    head + "." + payload + ".", encode({"alg": "none"}) + "." + payload + ".",
                    encode({"alg": "none"}) + "." + encode(claims) + ".AA",
                    hmac_jwt(b"", claims), hmac_jwt(KEYS["elliptic"].pem(), claims),
                    KEYS["elliptic"].jwt(claims), self.client.assertion(), "x" * 20000,
                    "Bearer " + token):
            answer = self.kick_off({"Authorization": "Bearer " + bad})
            self.check_challenge(answer, "invalid_token")
        for scheme in ("Bearer", "bearer", "BEARER", "bEaReR "):
            self.assertEqual(self.kick_off({"Authorization": f"{scheme} {token}"},
                                           "/$export/" + "0" * 32).status, 404)
        for field in (token, "Basic " + token, "Bearer" + token, "Bearer"):
            self.check_challenge(self.kick_off({"Authorization": field}))
        line = f"Authorization: Bearer {token}\r\n"
        for lines, status in ((line, b"404"), (line * 2, b"401"), (line + "Authorization: x\r\n",
                                                                 b"401")):
            raw = (f"GET /fhir/$export/{'0' * 32} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   f"{lines}\r\n")
            self.assertEqual(self.server.raw(raw.encode())[9:12], status)

    def test_types(self):
        """AUTH-17, AUTH-18: a type takes a scope to read and search it."""
        all_types = self.few.bearer("system/*.cruds")
        self.assertEqual(self.kick_off(all_types, "/$export?_type=Patient").status, 202)
        self.assertEqual(self.kick_off(all_types, "/$export?_type=Condition,Patient").status, 202)
        url = self.kick_off(all_types).header("Content-Location")
        self.wait_for(lambda: self.server.get(url, headers=all_types).status == 200,
                      "the export does not end")
        manifest = self.server.get(url, headers=all_types).json()
        self.assertEqual({one["type"] for one in manifest["output"]}, {"Patient", "Condition"})
        for types in ("Observation", "Basic", "Encounter", "Patient,Observation"):
            self.check_outcome(self.kick_off(all_types, "/$export?_type=" + types), 403)
        patient = self.few.bearer("system/Patient.read")
        self.assertEqual(self.kick_off(patient, "/$export?_type=Patient").status, 202)
        # No id of a patient gets into the refusal or the log, which is looked at in the end.
        parameters = {"resourceType": "Parameters", "parameter": [
            {"name": "_type", "valueString": "Condition"},
            {"name": "patient", "valueReference": {"reference": "Patient/" + PATIENTS[0]}}]}
        answer = self.server.request(
            "POST", "/Patient/$export", json.dumps(parameters).encode(),
            {**patient, "Prefer": "respond-async", "Content-Type": "application/fhir+json"})
        self.check_outcome(answer, 403)
        self.check_outcome(self.server.get("/Condition/" + PATIENTS[0], headers=patient), 403)
        self.check_outcome(self.kick_off(patient, "/$export?_type=Condition"), 403)
        for scope in ("system/Basic.write", "system/Observation.r"):
            answer = self.kick_off(self.few.bearer(scope))
            self.check_outcome(answer, 403)
            self.assertIn('error="insufficient_scope"', answer.header("WWW-Authenticate"))

    def test_resources(self):
        """AUTH-17: what can be done with resources otherwise."""
        writer, reader = self.few.bearer("system/Basic.cud"), self.few.bearer("system/Patient.rs")
        body = json.dumps({"resourceType": "Basic", "id": "b"}).encode()
        put = {"Content-Type": "application/fhir+json"}
        made = self.server.request("PUT", "/Basic/b", body, {**writer, **put})
        self.assertEqual(made.status, 201)
        self.check_outcome(self.server.request("PUT", "/Basic/b", body, {**reader, **put}), 403)
        self.check_outcome(self.server.get("/Basic/b", headers=writer), 403)
        self.check_outcome(self.server.get("/Basic/b", headers=reader), 403)
        everything = self.client.bearer()
        self.assertEqual(self.server.get("/Basic/b", headers=everything).status, 200)
        self.assertEqual(self.server.get("/Group", headers=everything).status, 200)
        self.check_outcome(self.server.get("/Group", headers=reader), 403)
        self.check_outcome(self.server.request("DELETE", "/Basic/b", headers=everything), 403)
        self.assertEqual(self.server.request("DELETE", "/Basic/b", headers=writer).status, 204)

    def test_jobs(self):
        """AUTH-19, AUTH-20: a job is its client's, with scopes for all that it exports."""
        owner, other = self.client.bearer(), Client(self.server, "other", KEYS["stranger"]).bearer()
        url = self.kick_off(owner, "/$export?_type=Patient,Condition").header("Content-Location")
        few = self.client.bearer("system/Patient.read")
        for stranger in (other, few):
            self.check_outcome(self.server.get(url, headers=stranger), 404)
            self.check_outcome(self.server.request("DELETE", url, headers=stranger), 404)
        self.assertIn(self.server.get(url, headers=owner).status, (200, 202))
        self.check_challenge(self.server.get(url))
        self.check_challenge(self.server.request("DELETE", url))
        cancelled = self.server.request("DELETE", url, headers=self.client.bearer())
        self.assertEqual(cancelled.status, 202)


class Restarts(SmartTest):
    """What several processes know of each other."""

    @classmethod
    def clients(cls):
        return [entry("ours", KEYS["elliptic"]),
                entry("bound", KEYS["rsa"], groups=["a"], tenant="west"),
                entry("west", KEYS["stranger"], tenant="west")]

    def wait_for_job(self, url, headers):
        found = []
        self.wait_for(lambda: found.append(self.server.get(url, headers=headers())) or
                      found[-1].status != 202, "the export does not end")
        return found[-1]

    def test_expiry(self):
        """AUTH-21: a token ends; its job does not, and is its client's still."""
        server = SmartServer("--token-seconds", "2", clients=self.clients())
        self.addCleanup(server.stop)
        client = Client(server, "ours", KEYS["elliptic"])
        self.assertEqual(client.ask().json()["expires_in"], 2)
        # Who is late with a token gets another one.
        for _ in range(50):
            headers = client.bearer()
            kick_off = server.get("/$export?_type=Patient", headers=headers)
            if kick_off.status == 202:
                break
        url = kick_off.header("Content-Location")
        self.wait_for(lambda: server.get(url, headers=headers).status == 401,
                      "the token does not expire")
        self.check_challenge(server.get(url, headers=headers), "invalid_token")
        self.wait_for(lambda: server.get(url, headers=client.bearer()).status == 200,
                      "the export does not end")
        self.assertEqual(server.find_leaks(Client.secrets, PATIENTS), [])

    def test_two_servers(self):
        """AUTH-03, AUTH-13: servers with the same keys of links know each other's tokens, and those
        with the same record of used assertions each other's assertions; also after a restart."""
        path = os.path.join(self.server.folder, "keys")
        with open(path, "w", encoding="ascii") as file:
            file.write("0123456789abcdef" * 4 + "\n")
        Client.secrets.add("0123456789abcdef" * 4)
        place = {"folder": self.server.folder}
        shared = ("--url-key-file", path, "--base-url", "https://example.org/fhir")
        one, two = SmartServer(*shared, **place), SmartServer(*shared, **place)
        try:
            for server in (one, two):
                server.public_base = "https://example.org/fhir"
            first, second = (Client(server, "ours", KEYS["elliptic"]) for server in (one, two))
            token = first.bearer()
            for server in (one, two):
                self.assertEqual(server.get("/$export/" + "0" * 32, headers=token).status, 404)
            self.check_challenge(self.server.get("/Patient/a", headers=token), "invalid_token")
            for _ in range(5):
                form, answers = first.form(), []
                threads = [threading.Thread(target=lambda c=client: answers.append(c.post(form)))
                           for client in (first, second, first, second)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual(sorted(answer.status for answer in answers), [200, 400, 400, 400])
            self.assertEqual(two.stop(), 0)
            two = SmartServer(*shared, **place)
            again = Client(two, "ours", KEYS["elliptic"])
            again.token_url = first.token_url
            self.refuse(again.post(form), "invalid_client")
            self.assertEqual(two.get("/$export/" + "0" * 32, headers=again.bearer()).status, 404)
            self.assertEqual(two.stop(), 0)
            # The secret is not all: a token says for which server it is.
            two = SmartServer("--url-key-file", path, **place)
            self.check_challenge(two.get("/Patient/a", headers=token), "invalid_token")
            self.assertEqual(one.find_leaks(Client.secrets) + two.find_leaks(Client.secrets), [])
        finally:
            one.stop()
            two.stop()
        used = os.stat(os.path.join(self.server.folder, "clients.json.used"))
        self.assertEqual(stat.S_IMODE(used.st_mode), 0o600)

    def test_bound_to_groups(self):
        """AUTH-18: a client may be bound to Groups; then it has these and their exports alone."""
        client = Client(self.server, "bound", KEYS["rsa"])
        for path in ("/$export", "/Patient/$export", "/Group/b/$export", "/$export/", "/%24export",
                     "/Group/a/x/$export", "/Group/%61%62/$export", "/Group/a%2F/$export",
                     "/Patient/a/$export", "/Group/a/$export/%zz"):
            self.check_outcome(self.server.get(path, headers=client.bearer()), 403)
        for path in ("/Patient/a", "/Group", "/Group/b"):
            self.check_outcome(self.server.get(path, headers=client.bearer()), 403)
        for path in ("/Group/a", "/Group/a/$export", "/Group/%61/$export"):
            self.assertIn(self.server.get(path, headers=client.bearer()).status, (200, 202))

    def test_other_secrets(self):
        """AUTH-03: the first secret signs tokens, all in the file are good; one that is taken out
        is not."""
        folder = tempfile.mkdtemp(prefix="fhx-secrets-")
        old, new = "0123456789abcdef" * 4, "fedcba9876543210" * 4
        Client.secrets.update((old, new))
        try:
            tokens = []
            for secrets, good in ((old, []), (new + "\n" + old, [True]), (new, [False, True])):
                with open(os.path.join(folder, "keys"), "w", encoding="ascii") as file:
                    file.write(secrets)
                server = SmartServer("--url-key-file", os.path.join(folder, "keys"), "--base-url",
                                     "http://example.org/fhir", folder=folder,
                                     clients=[entry("ours", KEYS["elliptic"])])
                server.public_base = "http://example.org/fhir"
                tokens.append(Client(server, "ours", KEYS["elliptic"]).bearer())
                for token, is_good in zip(tokens, [*good, True]):
                    answer = server.get("/metadata/x", headers=token)
                    self.assertEqual(answer.status, 404 if is_good else 401)
                self.assertEqual(server.find_leaks(Client.secrets), [])
                self.assertEqual(server.stop(), 0)
        finally:
            shutil.rmtree(folder)

    def test_another_tenant(self):
        """AUTH-20: a client that is moved to another tenant leaves its jobs behind, and its
        tokens."""
        folder = tempfile.mkdtemp(prefix="fhx-tenant-")
        try:
            keys = os.path.join(folder, "keys")
            with open(keys, "w", encoding="ascii") as file:
                file.write("fedcba9876543210" * 4 + "\n")
            options = ("--jobs", os.path.join(folder, "jobs.db"), "--url-key-file", keys,
                       "--base-url", "http://example.org/fhir")
            url, found = None, []
            for tenant, status in (("west", 202), ("east", 404), ("west", 202)):
                server = SmartServer(*options, folder=folder,
                                     clients=[entry("ours", KEYS["elliptic"], tenant=tenant)])
                server.public_base = "http://example.org/fhir"
                headers = Client(server, "ours", KEYS["elliptic"]).bearer()
                if url is None:
                    url = server.get("/$export?_type=Patient", headers=headers).header(
                        "Content-Location")
                elif tenant == "east":
                    self.check_challenge(server.get(url, headers=found[0]), "invalid_token")
                self.assertIn(server.get(url, headers=headers).status, (status, status - 2))
                found.append(headers)
                self.assertEqual(server.stop(), 0)
        finally:
            shutil.rmtree(folder)

    def test_tenants(self):
        """AUTH-20: jobs are of a tenant and a client."""
        client = Client(self.server, "west", KEYS["stranger"])
        url = self.server.get("/$export?_type=Patient", headers=client.bearer()).header(
            "Content-Location")
        self.assertEqual(self.wait_for_job(url, client.bearer).status, 200)
        for name, key in (("bound", "rsa"), ("ours", "elliptic")):
            other = Client(self.server, name, KEYS[key])
            self.check_outcome(self.server.get(url, headers=other.bearer()), 404)


if __name__ == "__main__":
    fhir_server.run_tests()
