"""The data of the rows, made once and kept: generated, or made of a folder of real resources."""
import glob
import gzip
import json
import os
import re
import shutil
import subprocess

MB = 1000 * 1000
# The members whose values people write in their own language.
PROSE = {"display", "text", "div", "family", "given", "line", "city", "state", "district", "country",
         "description", "comment", "note", "title", "prefix", "valueString", "name", "unit"}
# One character of three bytes for each letter, and two-byte characters for the vowels.
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CJK = str.maketrans({letter: chr(0x4E00 + 211 * at) for at, letter in enumerate(LETTERS)})
LATIN = str.maketrans("aeiouyAEIOUYncs", "äéïôüÿÄÉÏÔÜÝñçš")
ID = re.compile(r'("id":"|"reference":"(?:#|[A-Za-z]+/))([A-Za-z0-9.\-]+)"')


def translate(value, table, prose=False):
    """A resource with its prose in other letters. Markup in it stays what it is."""
    if isinstance(value, dict):
        return {key: translate(inner, table, key in PROSE) for key, inner in value.items()}
    if isinstance(value, list):
        return [translate(inner, table, prose) for inner in value]
    if prose and isinstance(value, str):
        return "".join(part if part.startswith("<") else part.translate(table)
                       for part in re.split(r"(<[^>]*>)", value))
    return value


def ascii_line(line):
    return line if line.isascii() else "".join(c if c.isascii() else "x" for c in line)


def compact(resource):
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


KINDS = {
    "ascii": ascii_line,
    "pretty": lambda line: json.dumps(json.loads(ascii_line(line)), indent=2),
    "latin": lambda line: compact(translate(json.loads(line), LATIN)),
    "cjk": lambda line: compact(translate(json.loads(line), CJK)),
}


class Data:
    def __init__(self, folder, generate, real):
        self.folder = folder
        self.generate_program = generate
        self.real = real
        os.makedirs(folder, exist_ok=True)

    def describe(self):
        return "real resources, repeated with other ids" if self.real else "generated resources"

    def keep(self, name, make):
        """The path of what `make(path)` makes, which is kept for the next time."""
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            draft = path + ".draft"
            shutil.rmtree(draft, ignore_errors=True)
            make(draft)
            os.rename(draft, path)
        return path

    def generate(self, path, size, form):
        subprocess.run([self.generate_program, "--out", path, "--bytes", str(size), "--format",
                        form], check=True, stdout=subprocess.DEVNULL)

    def sqlite(self, size):
        """A table of about `size` bytes of JSON, a tenth of it pretty-printed."""
        folder = self.keep(f"sqlite-{size // MB}", lambda path: self.generate(path, size, "sqlite"))
        return os.path.join(folder, "fhir.sqlite")

    def ndjson(self, size):
        """A folder of generated NDJSON."""
        return self.keep(f"ndjson-{size // MB}", lambda path: self.generate(path, size, "ndjson"))

    def joined(self, size):
        """The same in one file."""
        def make(path):
            with open(path, "wb") as out:
                for name in sorted(glob.glob(os.path.join(self.ndjson(size), "*.ndjson"))):
                    with open(name, "rb") as file:
                        shutil.copyfileobj(file, out, MB)
        return self.keep(f"joined-{size // MB}", make)

    def read_real(self):
        for path in sorted(glob.glob(os.path.join(self.real, "*.ndjson*"))):
            with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
                for line in file:
                    yield line.rstrip("\n")

    def real_copies(self, count):
        """The real resources `count` times, each time with ids of their own."""
        for number in range(count):
            for line in self.read_real():
                yield ID.sub(rf'\g<1>\g<2>-{number}"', line) if number else line

    def lines(self, size, generated=False):
        """Resources of at least `size` bytes, or a little less if they are generated."""
        if self.real and not generated:
            count = 1 + size // sum(len(line) for line in self.read_real())
            done = 0
            for line in self.real_copies(count):
                if done >= size:
                    return
                done += len(line)
                yield line
            return
        for name in sorted(glob.glob(os.path.join(self.ndjson(size), "*.ndjson"))):
            with open(name, encoding="utf-8") as file:
                for line in file:
                    yield line.rstrip("\n")

    def texts(self, kind, size, generated=False):
        """A file for support/texts.h; generated ones are the same everywhere."""
        def make(path):
            with open(path, "wb") as out:
                for line in self.lines(size, generated):
                    out.write(KINDS[kind](line).encode() + b"\0")
        origin = "generated" if generated or not self.real else "real"
        return self.keep(f"texts-{kind}-{origin}-{size // MB}", make)

    def server_folder(self, copies):
        """What P7 loads: so many times the real resources, or as many generated ones."""
        def make(path):
            if not self.real:
                self.generate(path, copies * 13 * MB, "ndjson")
                return
            os.mkdir(path)
            with open(os.path.join(path, "all.ndjson"), "w", encoding="utf-8") as out:
                for line in self.real_copies(copies):
                    out.write(line + "\n")
        return self.keep(f"server-{'real' if self.real else 'generated'}-{copies}", make)


def share_beyond_ascii(path):
    """How many bytes of 100 are not ASCII."""
    with open(path, "rb") as file:
        data = file.read()
    return 100 * (1 - len(data.translate(None, bytes(range(128, 256)))) / len(data))
