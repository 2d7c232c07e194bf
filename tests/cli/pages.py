#!/usr/bin/python3
"""The manual page and the completions of fhirexport, as mandoc, bash and zsh take them, and that they are installed.

    pages.py FHIREXPORT SOURCE-DIR BUILD-DIR
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = ROOT = BUILD = None
SECONDS = 300


def output(*words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=SECONDS, **more)


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z0-9-]*[a-z0-9]", text))


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.join(ROOT, "examples", "cli")
        self.page = os.path.join(self.folder, "fhirexport.1")
        self.options, self.of_publish = (options_of(output(PROGRAM, name, "--help").stdout) for name in ("export", "publish"))
        self.assertGreater(min(len(self.options), len(self.of_publish)), 15)

    def completions(self, name):
        return os.path.join(self.folder, "completions", name)

    def test_manual(self):
        """mandoc finds nothing wrong with it; it has every option and exit code of --help, and no other."""
        done = output("mandoc", "-T", "lint", "-W", "warning", self.page)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        text = re.sub(r".\x08", "", output("mandoc", "-T", "ascii", self.page).stdout)
        text, published = text.split("   PUBLISHING")[0], text.split("   PUBLISHING")[1]
        published, rest = published.split("\nENVIRONMENT")
        self.assertEqual(options_of(published), self.of_publish)
        self.assertEqual(options_of(text.split("DESCRIPTION")[1]), self.options)
        listed = re.findall(r"^     (?:  )?(--[a-z0-9-]+)", text, re.M)
        self.assertEqual(set(listed) | {"--threads"}, self.options)
        codes = re.findall(r"^     (\d+) ", rest.split("EXIT STATUS")[1], re.M)
        told = output(PROGRAM, "export", "--help").stdout.split("Exit codes: ")[1]
        self.assertEqual(codes, re.findall(r"(?:^|;)\s+(\d+) ", " " + told))

    def bash(self, line):
        """What bash would offer at the end of a line; words split as its own line editor does."""
        words = re.findall(r":|=|[^\s:=]+", line) + ([""] if line.endswith((" ", ":")) else [])
        script = f"""source {self.completions("fhirexport.bash")}
COMP_LINE=$1 COMP_POINT=${{#1}}; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_fhirexport 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = output("bash", "-c", script, "bash", line, *words, cwd=self.work)
        return sorted(done.stdout.split())

    def test_bash(self):
        with tempfile.TemporaryDirectory() as self.work:
            os.mkdir(os.path.join(self.work, "data"))
            for line, wanted in (("fhirexport ", ["--help", "--version", "export", "publish"]), ("fhirexport export ", sorted(self.options)),
                                 ("fhirexport publish ", sorted(self.of_publish)), ("fhirexport nothing ", []),
                                 ("fhirexport export --pa", ["--part-bytes", "--patient"]),
                                 ("fhirexport export --source ", ["ndjson:", "postgresql:", "sqlite:"]),
                                 ("fhirexport export --source ndjson:", ["data"]), ("fhirexport export --source ndjson:da", ["data"]),
                                 ("fhirexport export --to ", ["azure-blob://", "file:", "s3://"]),
                                 ("fhirexport export --gzip --level ", ["group/", "patient", "system"]),
                                 ("fhirexport export --state d", ["data"]), ("fhirexport export --type ", [])):
                self.assertEqual(self.bash(line), wanted, line)

    def typed(self, shell, setup, keys, wanted, work):
        """Types into a shell on a terminal; whether it then shows what is wanted."""
        leader, follower = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": work, "PS1": "> "}
        with subprocess.Popen(shell, stdin=follower, stdout=follower, stderr=follower, env=environment, cwd=work,
                              start_new_session=True) as process:
            os.close(follower)
            os.write(leader, setup.encode() + b"\necho rea''dy\n")
            said, end, asked = "", time.monotonic() + SECONDS, False
            while time.monotonic() < end and not re.search(wanted, said):
                if select.select([leader], [], [], 0.1)[0]:
                    said += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x07\x08]", "", os.read(leader, 65536).decode(errors="replace"))
                if not asked and "ready" in said:
                    asked, said = True, ""
                    os.write(leader, keys.encode())
            process.kill()
        os.close(leader)
        self.assertRegex(said, wanted)

    def test_in_shells(self):
        """Of either shell, as one who types sees it."""
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(os.path.join(work, "folder"))
            keys = "fhirexport exp\t--lev\tpat\t--to fi\tfol\t"
            self.typed(["bash", "--norc", "--noprofile", "-i"], f". {self.completions('fhirexport.bash')}", keys,
                       "fhirexport export +--level +patient +--to +file:folder", work)
            setup = f"fpath=({os.path.join(self.folder, 'completions')} $fpath); autoload -U compinit; compinit -u -D"
            self.typed(["zsh", "-f", "-i"], setup, keys, "fhirexport export +--level +patient +--to +file:folder", work)

    def test_zsh(self):
        """Every option, and no other."""
        for name, wanted in (("export", self.options), ("publish", self.of_publish)):
            script = f"""_arguments() {{ print -l -- "$@" }}; CURRENT=3 words=(fhirexport {name} '')
compdef() {{ }}; . {self.completions("_fhirexport")}"""
            done = output("zsh", "-f", "-c", script)
            self.assertEqual(set(re.findall(r"^\*?(--[a-z0-9-]+)\[", done.stdout, re.M)), wanted, done.stdout)

    def test_installed(self):
        """The program runs from where it is installed, and from where that is moved to."""
        with tempfile.TemporaryDirectory() as work:
            done = output("cmake", "--install", BUILD, "--prefix", os.path.join(work, "first"))
            self.assertEqual(done.returncode, 0, done.stdout)
            os.rename(os.path.join(work, "first"), os.path.join(work, "moved"))
            for name in ("share/man/man1/fhirexport.1.gz", "share/bash-completion/completions/fhirexport",
                         "share/zsh/site-functions/_fhirexport"):
                self.assertTrue(os.path.isfile(os.path.join(work, "moved", name)), name)
            done = output(os.path.join(work, "moved", "bin", "fhirexport"), "--version")
            self.assertRegex(done.stdout, r"^fhirexport \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    PROGRAM, ROOT, BUILD = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
