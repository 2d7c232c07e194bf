"""What the tests of exports to a store share: a loaded database, exports, downloads, secrets."""
import os
import shutil
import subprocess

import component
import places  # finds exports and fhir_server
import exports
from exports import need

PIECE = 5 * 1024 * 1024


def load(server, work, data, **more):
    """A folder with the server's database, to be copied."""
    folder = os.path.join(work, "loaded")
    os.mkdir(folder)
    one = exports.start(server, "--load", data, folder=folder, **more)
    need(one.stop() == 0, "the loading server did not end cleanly")
    return folder


def generate(program, work, *size):
    folder = os.path.join(work, "generated")
    subprocess.run([program, "--out", folder, *size], check=True, stdout=subprocess.DEVNULL)
    return folder


class Exporter:
    """A server over a copy of a loaded database, which exports to a place, or to a folder."""

    def __init__(self, program, loaded, work, name, place, *options):
        self.program, self.place = program, place
        self.folder = os.path.join(work, name)
        shutil.copytree(loaded, self.folder)
        key = exports.write_key(self.folder)
        with open(key, encoding="ascii") as file:
            self.url_key = file.read().strip()
        self.options = ["--jobs", os.path.join(self.folder, "jobs"), "--url-key-file", key,
                        *options]
        if place is not None:
            self.options += ["--destination", place.url]
        # All answers; a session's token is in the URLs of a manifest.
        self.said = []
        self.server = None

    def __enter__(self):
        self.start("127.0.0.1:0")
        return self

    def start(self, listen):
        environment = self.place.environment if self.place is not None else {}
        self.server = exports.start(self.program, *self.options, folder=self.folder, listen=listen,
                                    environment=environment)
        request = self.server.request

        def overheard(*arguments, **more):
            answer = request(*arguments, **more)
            self.said.append(repr((answer.status, answer.headers, answer.body)))
            return answer
        if self.place is not None:
            self.server.request = overheard

    def kill(self):
        """At once, and starts it again at the same address."""
        listen = f"{self.server.host}:{self.server.port}"
        self.server.stop(9)
        self.start(listen)

    def __exit__(self, kind, value, trace):
        code = self.server.stop()
        if kind is None:
            need(code == 0, f"the server ended with {code}")

    def kick_off(self, query=""):
        return exports.kick_off(self.server, query)

    def wait(self, url, seconds=600):
        return exports.wait(self.server, url, seconds)

    def check_secrets(self):
        """No secret is in what this server has stored, logged or told."""
        texts = {"an answer": "\n".join(self.said).encode()}
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if os.path.isfile(path) and name != "url-keys":
                with open(path, "rb") as file:
                    texts[name] = file.read()
        need({"log", "jobs"} <= set(texts), "the log or the jobs are not where they were")
        for name, text in texts.items():
            for secret in [*self.place.secrets, self.url_key]:
                need(secret.encode() not in text, f"{name} holds a secret")
            if self.place.token is not None and name != "an answer":
                need(self.place.token.encode() not in text, f"{name} holds a session's token")


def curl(url, *options, check=True):
    """What a client gets: status and body."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--write-out", "%{stderr}%{http_code}",
                           *options, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise component.Failure(f"curl ended with {done.returncode}: {done.stderr[:200]}")
    status = int(done.stderr[-3:])
    need(not check or status == 200, f"a file was answered {status}: {done.stdout[:300]}")
    return status, done.stdout


def files(place, manifest, *options):
    """Type, count and bytes of each file, in the order of the manifest."""
    found = []
    for entry in manifest["output"]:
        _, body = curl(entry["url"], *place.curl, *options)
        need(body.count(b"\n") == entry["count"], "a file has not as many lines as it is said")
        found.append((entry["type"], entry["count"], body))
    return found


def check_objects(place, manifest_count):
    """No object is left that no manifest knows of, and no upload."""
    objects = place.all()
    need(len(objects) == manifest_count,
         f"{len(objects)} objects, but {manifest_count} files: {sorted(objects)[:5]}")
    need(place.unfinished() == [], f"unfinished uploads: {place.unfinished()[:3]}")
