"""What the tests of the command line fhirexport share: data, runs of it, and what came out."""
import glob
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse

PROGRAM = GENERATE = None
SECONDS = 600


def wait_until(condition, what):
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} does not come")
        time.sleep(0.002)


def generate(folder, *options):
    subprocess.run([GENERATE, "--out", folder, *options], check=True, stdout=subprocess.DEVNULL)
    return folder


def read_lines(paths):
    lines = []
    for path in paths:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            lines += file.read().splitlines()
    return sorted(lines)


def data_lines(folder, *types):
    """The lines of some types, or of all."""
    return read_lines(path for path in glob.glob(os.path.join(folder, "*.ndjson"))
                      if not types or os.path.basename(path)[:-len(".ndjson")] in types)


def files_of(manifest, kind="output"):
    """The paths of its files; that each is what the manifest says."""
    paths = []
    for item in manifest[kind]:
        path = urllib.parse.unquote(urllib.parse.urlsplit(item["url"]).path)
        lines = read_lines([path])
        assert len(lines) == item["count"], (path, item["count"], len(lines))
        told = item.get("extension", {}).get("sha256")
        if told is not None and not path.endswith(".gz"):
            with open(path, "rb") as file:
                assert hashlib.sha256(file.read()).hexdigest() == told, path
        paths.append(path)
    return paths


def below(folder):
    """All files below a folder."""
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)


def command(*arguments):
    return [PROGRAM, "export", *arguments]


def run(*arguments, **more):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=SECONDS,
                          check=False, **more)


def events(text):
    """The lines of --json."""
    return [json.loads(line) for line in text.splitlines()]


class Test(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="fhx-cli-")
        self.out = os.path.join(self.work, "out")
        self.addCleanup(shutil.rmtree, self.work)

    def ends(self, done, code, words=""):
        self.assertEqual(done.returncode, code, (done.args, done.stderr[-500:]))
        self.assertIn(words, done.stderr)
        return done

    def export(self, *arguments, **more):
        """The lines of an export to `out`, in an order of their own; and its manifest."""
        out = tempfile.mkdtemp(dir=self.work)
        done = self.ends(run(*arguments, "--to", "file:" + out, **more), 0)
        manifest = json.loads(done.stdout)
        self.assertEqual(manifest["error"], [])
        paths = files_of(manifest)
        self.assertEqual(sorted(paths), below(out))
        return read_lines(paths), manifest
