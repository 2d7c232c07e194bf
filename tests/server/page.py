#!/usr/bin/python3
"""The page for operators without a browser: who may ask, what is answered, what is never on it.

    page.py SERVER

About ten seconds."""
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import fhir_server
import many_jobs
from fhir_server import Server, ServerTest
from smart_client import PATIENTS, Client, Key, SmartServer, entry

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "server" / "page"
TOKENS = ["first-token-0123456789-0123456789-abc", "second-token-0123456789-0123456789-x"]
OPERATOR = {"Authorization": "Bearer " + TOKENS[0]}
ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROTECTION = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
                               "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}
# Values of parameters, and of what is in the resources.
SECRETS = [b"pat-secret-1", b"SecretFamily", b"SecretParameter", b"grp-secret", b"1911-11-11"]


def write_tokens(folder, tokens=TOKENS):
    path = os.path.join(folder, "operators")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(tokens) + "\n")
    return path


class PageServer(Server):
    """One with a page, in a folder that goes with it."""

    def __init__(self, *options, folder=None, **more):
        self.parent = folder or tempfile.mkdtemp(prefix="fhx-page-")
        super().__init__("--admin-token-file", write_tokens(self.parent), *options, folder=self.parent, **more)
        self.answers = []

    def page(self, method, path="", body=None, headers=OPERATOR):
        url = self.base_url[:-len("/fhir")] + "/exports" + path
        answer = self.request(method, url, body, headers)
        self.answers.append((method, path, answer))
        return answer

    def start(self, fields, headers=OPERATOR):
        return self.page("POST", "/jobs", urllib.parse.urlencode(fields).encode(), {**headers, **FORM})

    def end(self, keep=False):
        code = self.stop(keep=True)
        if not keep:
            shutil.rmtree(self.parent)
        return code


class PageTest(ServerTest):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = PageServer(*cls.options)
        cls.server.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "SecretFamily"}]})
        cls.server.put({"resourceType": "Patient", "id": "pat-secret-1", "birthDate": "1911-11-11"})
        cls.server.put({"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "x"},
                        "subject": {"reference": "Patient/p1"}})
        cls.server.put({"resourceType": "Group", "id": "grp-secret", "type": "person", "actual": True,
                        "member": [{"entity": {"reference": "Patient/p1"}}]})

    @classmethod
    def tearDownClass(cls):
        assert cls.server.end() == 0, "the server did not end cleanly"

    def job(self, job_id):
        answer = self.server.page("GET", "/jobs/" + job_id)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def wait_for_state(self, job_id, state):
        self.wait_for(lambda: self.job(job_id)["state"] == state, f"{job_id} is not {state}")
        return self.job(job_id)

    def start(self, **fields):
        answer = self.server.start(fields)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json()["id"]

    def kick_off(self, path):
        """A client's job: its id."""
        answer = self.server.get(path, headers=ASYNC)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.header("Content-Location").rpartition("/")[2]


class Absent(ServerTest):
    def test_no_page(self):
        base = self.server.base_url[:-len("/fhir")]
        for path in ("/exports", "/exports/", "/exports/jobs", "/exports/exports.js", "/exports/login"):
            self.check_outcome(self.server.get(base + path), 404)
        self.check_outcome(self.server.request("POST", base + "/exports/login", b"token=x"), 404)


class Who(PageTest):
    """Tokens, cookies, and where they come from."""

    def log_in(self, token=TOKENS[0], **headers):
        return self.server.page("POST", "/login", b"token=" + token.encode(), {**FORM, **headers})

    def session(self):
        answer = self.log_in()
        self.assertEqual((answer.status, answer.header("Location")), (303, "/exports"))
        return answer.header("Set-Cookie")

    def make_cookie(self, expiry, token=TOKENS[0]):
        text = f"{expiry}.{'0' * 32}"
        key = hmac.new(token.encode(), b"sessions at the page of fhirexport-server", hashlib.sha256).digest()
        return f"fhirexport_operator={text}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"

    def test_nobody(self):
        self.assertEqual(self.server.page("GET", headers={}).status, 401)
        for method, path in (("GET", "/jobs"), ("GET", "/jobs/" + "0" * 32), ("GET", "/throughput"), ("GET", "/x"),
                             ("POST", "/jobs"), ("DELETE", "/jobs/" + "0" * 32), ("POST", "/logout"),
                             ("GET", "/jobs?token=" + TOKENS[0]), ("GET", f"/jobs/{'0' * 32}/files/0")):
            answer = self.server.page(method, path, b"" if method == "POST" else None, {"X-Exports": "1"})
            self.check_outcome(answer, 401)
            self.assertTrue(answer.header("WWW-Authenticate").startswith("Bearer "))

    def test_header(self):
        for token in TOKENS:
            self.assertEqual(self.server.page("GET", "/jobs", headers={"Authorization": "Bearer " + token}).status, 200)
        for value in ("Basic " + TOKENS[0], TOKENS[0], "Bearer", "Bearer "):
            self.assertEqual(self.server.page("GET", "/jobs", headers={"Authorization": value}).status, 401, value)
        # It is for the page and for nothing else.
        self.assertEqual(self.server.get("/$export/" + "0" * 32, headers=OPERATOR).status, 404)

    def test_cookie(self):
        cookie = self.session()
        name, *attributes = cookie.split("; ")
        self.assertEqual(set(attributes), {"Path=/exports", "Max-Age=28800", "HttpOnly", "SameSite=Strict"})
        self.assertNotIn(TOKENS[0], cookie)
        self.assertEqual(self.server.page("GET", "/jobs", headers={"Cookie": "a=b; " + name}).status, 200)
        self.assertEqual(self.server.page("GET", headers={"Cookie": name}).status, 200)
        for wrong in (name[:-1], name + "0", name[:-1] + ("0" if name[-1] != "0" else "1"), "x" + name,
                      name.replace("=", "=9"), "fhirexport_operator=", "fhirexport_operator=" + TOKENS[0]):
            self.assertEqual(self.server.page("GET", "/jobs", headers={"Cookie": wrong}).status, 401, wrong)

    def test_cookie_ends(self):
        now = int(time.time())
        for expiry, token, status in ((now + 60, TOKENS[0], 200), (now + 60, TOKENS[1], 200), (now - 60, TOKENS[0], 401),
                                      (now + 60, "another-token-0123456789-0123456789", 401)):
            headers = {"Cookie": self.make_cookie(expiry, token)}
            self.assertEqual(self.server.page("GET", "/jobs", headers=headers).status, status)
        headers = {"Cookie": self.make_cookie(now + 60), "X-Exports": "1"}
        self.assertIn("Max-Age=0", self.server.page("POST", "/logout", b"", headers).header("Set-Cookie"))

    def test_login_refused(self):
        # Few enough to stay below the limit, which Limit is for.
        for token in ("x" * 40, "", TOKENS[0] + "x", "%00"):
            answer = self.log_in(token)
            self.assertEqual((answer.status, answer.header("Set-Cookie")), (401, None))
            self.assertIn(b"This is not a token of this server.", answer.body)
            self.assertNotIn(b"xxxx", answer.body)
        answer = self.log_in(**{"Sec-Fetch-Site": "cross-site"})
        self.assertEqual((answer.status, answer.header("Set-Cookie")), (403, None))
        self.assertEqual(self.server.page("POST", "/login", b"token=" + b"x" * 5000, FORM).status, 403)

    def test_other_sites(self):
        """A browser with the cookie, sent here by another site, changes nothing."""
        cookie = {"Cookie": self.session().partition(";")[0]}
        before = len(self.server.page("GET", "/jobs").json()["jobs"])
        for more in ({}, {"Sec-Fetch-Site": "cross-site"}, {"X-Exports": "1", "Sec-Fetch-Site": "cross-site"},
                     {"X-Exports": "1", "Sec-Fetch-Site": "same-site"}):
            self.assertEqual(self.server.start({"level": "system"}, {**cookie, **more}).status, 403, more)
            self.assertEqual(self.server.page("DELETE", "/jobs/" + "0" * 32, headers={**cookie, **more}).status, 403)
        self.assertEqual(len(self.server.page("GET", "/jobs").json()["jobs"]), before)
        more = {"X-Exports": "1", "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.server.start({"level": "system"}, {**cookie, **more}).status, 202)

    def test_every_answer(self):
        job_id = self.start(level="system")
        self.wait_for_state(job_id, "complete")
        for method, path, headers in (
                ("GET", "", OPERATOR), ("GET", "", {}), ("GET", "/", OPERATOR), ("GET", "/exports.js", {}),
                ("GET", "/exports.css", {}), ("GET", "/icon.svg", {}), ("GET", "/jobs", OPERATOR), ("GET", "/jobs", {}),
                ("GET", "/jobs/" + job_id, OPERATOR), ("GET", f"/jobs/{job_id}/files", OPERATOR),
                ("GET", f"/jobs/{job_id}/files/0", OPERATOR), ("HEAD", f"/jobs/{job_id}/files/0", OPERATOR),
                ("GET", "/throughput", OPERATOR), ("GET", "/exports.html", OPERATOR), ("GET", "/login.html", OPERATOR),
                ("GET", "/%zz", OPERATOR), ("PUT", "/jobs", OPERATOR), ("GET", "/jobs/../x", OPERATOR),
                ("GET", "/jobs?limit=1001", OPERATOR), ("GET", "/jobs?states=none", OPERATOR),
                ("GET", "/jobs?after=x", OPERATOR)):
            answer = self.server.page(method, path, None, headers)
            self.assertIn(answer.status, (200, 400, 401, 404, 405), path)
            for name, value in PROTECTION.items():
                self.assertEqual(answer.header(name), value, path)
            if "/files/" not in path:
                self.assertEqual(answer.header("Cache-Control"), "no-store", path)
            self.assertIsNone(answer.header("Access-Control-Allow-Origin"))


class Limit(PageTest):
    def test_guesses(self):
        wrong = {"Authorization": "Bearer " + "x" * 40}
        statuses = [self.server.page("GET", "/jobs", headers=wrong).status for _ in range(10)]
        self.assertEqual(statuses, [401] * 10)
        # Then none is looked at, not the right one either; but where this takes seconds one is again.
        for _ in range(20):
            self.wait_for(lambda: self.server.page("GET", "/jobs", headers=wrong).status == 429, "no limit")
            answer = self.server.page("GET", "/jobs")
            login = self.server.page("POST", "/login", b"token=" + TOKENS[0].encode(), FORM)
            if (answer.status, login.status) == (429, 429):
                break
        self.check_outcome(answer, 429)
        self.assertEqual(answer.header("Retry-After"), "60")
        self.assertEqual((login.status, login.header("Set-Cookie")), (429, None))
        # Who is in stays in.
        cookie = Who.make_cookie(self, int(time.time()) + 60)
        self.assertEqual(self.server.page("GET", "/jobs", headers={"Cookie": cookie}).status, 200)
        self.assertIn("its token is wrong", self.server.read_log())
        self.assertNotIn("xxxx", self.server.read_log())


class Jobs(PageTest):
    options = ("--log", "json", "--log-level", "warning")

    def test_own(self):
        job_id = self.start(level="patient", types="Patient,Observation", since="2020-01-01T00:00:00.000Z")
        job = self.wait_for_state(job_id, "complete")
        self.assertEqual({name: job[name] for name in ("own", "client", "tenant", "parameters", "resources", "parts",
                                                       "errors", "retries", "share", "reason")},
                         {"own": True, "client": "(operator)", "tenant": "", "parameters": "_type,_since",
                          "resources": 3, "parts": 2, "errors": 0, "retries": 0, "share": 1, "reason": ""})
        self.assertGreaterEqual(job["ended_us"], job["created_us"])
        files = self.server.page("GET", f"/jobs/{job_id}/files").json()["files"]
        self.assertEqual([(file["number"], file["kind"], file["type"], file["count"]) for file in files],
                         [(0, "output", "Patient", 2), (1, "output", "Observation", 1)])
        answer = self.server.page("GET", f"/jobs/{job_id}/files/0")
        self.assertEqual(answer.header("Content-Type"), "application/fhir+ndjson")
        self.assertRegex(answer.header("Content-Disposition"), r'^attachment; filename="Patient-[0-9-]+\.ndjson"$')
        self.assertEqual(sorted(json.loads(line)["id"] for line in answer.body.splitlines()), ["p1", "pat-secret-1"])
        for number in ("2", "-1", "x", "0x", ""):
            self.check_outcome(self.server.page("GET", f"/jobs/{job_id}/files/{number or '99999999999999999999'}"), 404)
        # Clients do not see it: not its status, not its files, and they cannot end it.
        for method in ("GET", "DELETE"):
            self.check_outcome(self.server.request(method, "/$export/" + job_id), 404)
        self.assertEqual(self.server.page("DELETE", "/jobs/" + job_id).status, 202)
        self.check_outcome(self.server.page("GET", "/jobs/" + job_id), 404)

    def test_of_a_client(self):
        job_id = self.kick_off("/$export?_type=Patient")
        job = self.wait_for_state(job_id, "complete")
        self.assertEqual((job["own"], job["client"]), (False, ""))
        # That it is there is seen, what is in it is not.
        for path in ("files", "files/0"):
            self.check_outcome(self.server.page("GET", f"/jobs/{job_id}/{path}"), 404)
        self.assertEqual(self.server.get("/$export/" + job_id).status, 200)
        self.assertEqual(self.server.page("DELETE", "/jobs/" + job_id).status, 202)
        self.check_outcome(self.server.get("/$export/" + job_id), 404)
        self.check_outcome(self.server.page("DELETE", "/jobs/" + job_id), 404)
        # Who has done so is told as the one who he is.
        events = [json.loads(line) for line in self.server.read_log().splitlines()]
        cancels = [(event["client"], event["outcome"]) for event in events
                   if event["event"] == "audit.cancel" and event["job"] == job_id]
        self.assertEqual(cancels, [("(operator)", "given"), ("(operator)", "refused")])

    def test_refused(self):
        for fields, status in (({}, 400), ({"level": "none"}, 400), ({"level": "group"}, 400),
                               ({"level": "group", "group": "nobody"}, 404), ({"level": "group", "group": "a/../b?c"}, 404),
                               ({"level": "system", "types": "Nothing"}, 400),
                               ({"level": "system", "types": "Patient&_since=2020-01-01T00:00:00Z"}, 400),
                               ({"level": "system", "since": "yesterday"}, 400)):
            self.check_issues(self.server.start(fields).json())
            self.assertEqual(self.server.start(fields).status, status, fields)
        self.assertEqual(self.server.page("POST", "/jobs", b"level=%zz", OPERATOR).status, 400)
        for job_id in ("x", "0" * 31, "0" * 32, "..%2f..", "a%2Fb"):
            self.check_outcome(self.server.page("GET", "/jobs/" + job_id), 404)
            self.check_outcome(self.server.page("DELETE", "/jobs/" + job_id), 404)

    def test_throughput(self):
        begun = self.server.page("GET", "/throughput").json()["samples"]
        job = self.wait_for_state(self.start(level="system"), "complete")
        self.wait_for(lambda: self.server.page("GET", "/throughput").json()["samples"][-1][1] >= job["bytes"],
                      "what was exported is not counted")
        samples = self.server.page("GET", "/throughput").json()["samples"]
        self.assertEqual(samples[:len(begun)], begun)
        self.assertEqual(samples, sorted(samples))

    def test_secrets(self):
        """What is asked for may be health data. None of it comes to operators, unless they fetch files."""
        group = self.kick_off("/Group/grp-secret/$export?_type=Patient")
        answer = self.server.request("POST", "/Patient/$export", json.dumps(
            {"resourceType": "Parameters", "parameter": [
                {"name": "patient", "valueReference": {"reference": "Patient/pat-secret-1"}},
                {"name": "_typeFilter", "valueString": "Patient?name=SecretFamily&birthdate=1911-11-11"},
                {"name": "_type", "valueString": "Patient"}, {"name": "SecretParameter", "valueString": "x"}]}).encode(),
            {**ASYNC, "Prefer": "respond-async, handling=lenient", "Content-Type": "application/fhir+json"})
        self.assertEqual(answer.status, 202, answer.body)
        posted = answer.header("Content-Location").rpartition("/")[2]
        own = self.start(level="group", group="grp-secret")
        self.server.start({"level": "group", "group": "no-grp-secret"})
        self.server.answers.clear()
        for job_id in (group, posted, own):
            self.wait_for_state(job_id, "complete")
            for path in ("", "/files", "/files/99"):
                self.server.page("GET", f"/jobs/{job_id}{path}")
        self.assertEqual(self.job(posted)["parameters"], "patient,_typeFilter,_type,(unknown)")
        self.server.page("GET", "/jobs")
        self.server.page("GET", "/throughput")
        self.server.start({"level": "group", "group": "no-grp-secret"})
        for method, path, answer in self.server.answers:
            told = answer.body + repr(answer.headers).encode()
            for secret in SECRETS:
                self.assertNotIn(secret, told, f"{method} {path}")
        for secret in [*SECRETS, *map(str.encode, TOKENS)]:
            self.assertNotIn(secret, self.server.read_log().encode())


class Many(unittest.TestCase):
    """A thousand jobs, page by page."""

    def test_pages(self):
        with tempfile.TemporaryDirectory(prefix="fhx-page-") as folder:
            fill_jobs(folder, 1000)
            server = PageServer(*jobs_options(folder), folder=folder)
            try:
                found, after = [], ""
                while True:
                    told = server.page("GET", f"/jobs?limit=300&after={after}").json()
                    if not told["jobs"]:
                        break
                    found += told["jobs"]
                    after = told["after"]
                self.assertEqual(len({job["id"] for job in found}), 1001)
                self.assertEqual([job["state"] for job in found].count("running"), 1)
                for state, count in (("running", 1), ("failed", 0), ("complete", 1000)):
                    told = server.page("GET", f"/jobs?limit=1000&states={state}").json()["jobs"]
                    self.assertEqual((len(told), {job["state"] for job in told} <= {state}), (count, True))
                # Its task is another process's, which is cancelled as well.
                running = next(job["id"] for job in found if job["state"] == "running")
                self.assertEqual(server.page("DELETE", "/jobs/" + running).status, 202)
                self.assertEqual(server.page("GET", "/jobs?states=running").json()["jobs"], [])
            finally:
                self.assertEqual(server.end(keep=True), 0)


    def test_not_yet(self):
        """An own job that does not come to its end."""
        with tempfile.TemporaryDirectory(prefix="fhx-page-") as folder:
            fill_jobs(folder, 1)
            jobs = many_jobs.Jobs(os.path.join(folder, "jobs"))
            jobs.store.execute("UPDATE job SET client = '(operator)'")
            job_id, = jobs.store.execute("SELECT job_id FROM job WHERE state = 1").fetchone()
            jobs.close()
            server = PageServer(*jobs_options(folder), "--max-polls", "1", folder=folder)
            try:
                answer = server.page("GET", f"/jobs/{job_id}/files")
                self.assertEqual(answer.status, 409, answer.body)
                self.assertIn(b"not complete", answer.body)
                end = time.monotonic() + fhir_server.PATIENCE
                while answer.status != 429 and time.monotonic() < end:
                    answer = server.page("GET", f"/jobs/{job_id}/files/0")
                self.assertEqual(answer.status, 429, answer.body)
                self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
            finally:
                self.assertEqual(server.end(keep=True), 0)


def jobs_options(folder):
    keys = os.path.join(folder, "url-keys")
    if not os.path.exists(keys):
        with open(keys, "w", encoding="ascii") as file:
            print(os.urandom(32).hex(), file=file)
    return ("--jobs", os.path.join(folder, "jobs"), "--url-key-file", keys)


def fill_jobs(folder, count):
    """Complete jobs of a client, one after the other, and one that another process runs."""
    server = PageServer(*jobs_options(folder), folder=folder)
    server.put({"resourceType": "Patient", "id": "p1"})
    url = server.get("/$export?_type=Patient", headers=ASYNC).header("Content-Location")
    end = time.monotonic() + fhir_server.PATIENCE
    while server.get(url).status != 200:
        if time.monotonic() > end:
            raise AssertionError("the export does not end")
        time.sleep(0.1)
    server.end(keep=True)
    jobs = many_jobs.Jobs(os.path.join(folder, "jobs"))
    jobs.copy_all(count)
    jobs.store.execute("UPDATE job SET created_us = created_us + job_key * 1000")
    jobs.close()


class Smart(unittest.TestCase):
    """Beside SMART: each token is good for its own side alone."""

    def test_sides(self):
        with tempfile.TemporaryDirectory(prefix="fhx-page-") as folder:
            key = Key("ES384")
            server = SmartServer("--admin-token-file", write_tokens(folder), clients=[entry("tool", key)])
            try:
                client = Client(server, "tool", key).bearer()
                base = server.base_url[:-len("/fhir")]
                self.assertEqual(server.get("/Patient/" + PATIENTS[0], headers=OPERATOR).status, 401)
                self.assertEqual(server.get("/$export", headers={**OPERATOR, **ASYNC}).status, 401)
                self.assertEqual(server.get(base + "/exports/jobs", headers=client).status, 401)
                answer = server.request("POST", base + "/exports/jobs", b"level=system", OPERATOR)
                self.assertEqual(answer.status, 202)
                answer = server.get("/$export/" + answer.json()["id"], headers=client)
                self.assertEqual(answer.status, 404)
                url = server.get("/$export", headers={**client, **ASYNC}).header("Content-Location")
                told = server.get(base + "/exports/jobs", headers=OPERATOR).json()["jobs"]
                self.assertEqual([(job["client"], job["own"]) for job in told], [("(operator)", True), ("tool", False)])
                self.assertEqual(server.request("DELETE", f"{base}/exports/jobs/{url.rpartition('/')[2]}",
                                                headers=OPERATOR).status, 202)
                self.assertEqual(server.get(url, headers=client).status, 404)
            finally:
                server.stop()


class Started(unittest.TestCase):
    """What the server says of its option."""

    def run_with(self, tokens, *options):
        with tempfile.TemporaryDirectory(prefix="fhx-page-") as folder:
            path = write_tokens(folder, tokens) if tokens is not None else os.path.join(folder, "none")
            done = subprocess.run([fhir_server.PROGRAM, "--db", f"sqlite:{folder}/db", "--destination",
                                   f"file:{folder}/files", "--admin-token-file", path, "--listen", "127.0.0.1:0",
                                   *options], capture_output=True, text=True, timeout=fhir_server.PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            for token in tokens or []:
                self.assertFalse(token and token in done.stderr)
            return done.stderr

    def test_tokens(self):
        for tokens, why in ((["short"], "at least 32 visible"), (["a token with blanks, which is long enough"], "visible"),
                            ([TOKENS[0], "short"], "at least 32"), ([""], "it has no key"), (None, "No such file")):
            message = self.run_with(tokens)
            self.assertIn("--admin-token-file", message)
            self.assertIn(why, message)

    def test_in_the_clear(self):
        message = self.run_with(TOKENS, "--listen", "0.0.0.0:0", "--allow-open")
        self.assertIn("tokens would come here without encryption", message)

    def test_by_https(self):
        server = PageServer("--base-url", "https://fhir.example.org/fhir")
        try:
            cookie = server.page("POST", "/login", b"token=" + TOKENS[0].encode(), FORM).header("Set-Cookie")
            self.assertIn("; Secure", cookie)
        finally:
            server.end()


class Files(unittest.TestCase):
    """What the page is made of."""

    def test_nothing_from_elsewhere(self):
        for path in FOLDER.iterdir():
            text = path.read_text(encoding="utf-8")
            # Names of XML, which are not fetched.
            text = text.replace("http://www.w3.org/2000/svg", "")
            self.assertIsNone(re.search(r"https?:|//[a-z]|@import|url\(", text), path)

    def test_text_only(self):
        script = (FOLDER / "exports.js").read_text(encoding="utf-8")
        self.assertIsNone(re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|"
                                    r"localStorage|sessionStorage|document\.cookie|srcdoc", script))
        for name in ("exports.html", "login.html"):
            text = (FOLDER / name).read_text(encoding="utf-8")
            self.assertIsNone(re.search(r"\son[a-z]+=|\sstyle=|<style|<script(?! src=)", text), name)


if __name__ == "__main__":
    fhir_server.run_tests()
