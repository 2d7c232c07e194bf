#!/usr/bin/python3
"""Peak memory does not grow with what is exported (performance target P6; lessons.md 4).

    memory.py --export PROGRAM --generate PROGRAM

Exports 0.1 and 1 GB from an SQLite table and from a folder, and from the table in gzip: the peaks
must be within 10 % of each other. Then a folder with a single resource of 100 MB: it passes, and costs its own size about once.
"""
import argparse
import os
import subprocess
import sys
import tempfile

SIZES = {"0.1 GB": "100M", "1 GB": "1000M"}
BIG = 100 * 1000 * 1000
MIB = 1024 * 1024


def peak_bytes(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return usage.ru_maxrss * 1024


def export(options, source, folder, *more):
    with tempfile.TemporaryDirectory(dir=folder) as out:
        return peak_bytes([options.export, *source, "--out", out, "--threads", "1", "--quiet", *more])


def generated_peaks(options, kind):
    """The peak for each size, from a source of this kind."""
    peaks = {}
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="fhx-memory-") as folder:
            data = os.path.join(folder, "data")
            subprocess.run([options.generate, "--out", data, "--bytes", size, "--format",
                            "ndjson" if kind == "folder" else "sqlite"],
                           check=True, stdout=subprocess.DEVNULL)
            source = ["--folder", data] if kind == "folder" else \
                ["--sqlite", os.path.join(data, "fhir.sqlite")]
            peaks[name] = export(options, source, folder, *["--gzip"] * (kind == "gzip"))
        print(f"{kind}, {name}: {peaks[name] / MIB:.1f} MiB", flush=True)
    return peaks


def big_resource_peak(options):
    with tempfile.TemporaryDirectory(prefix="fhx-memory-") as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        with open(os.path.join(data, "Binary.ndjson"), "w", encoding="ascii") as file:
            for number, size in enumerate([1000, BIG, 1000]):
                file.write('{"resourceType": "Binary", "id": "%d", "data": "' % number)
                for _ in range(size // 1000):  # in pieces: a child's peak begins with its parent's
                    file.write("A" * 1000)
                file.write('"}\n')
        peak = export(options, ["--folder", data], folder)
    print(f"folder, a resource of {BIG} bytes: {peak / MIB:.1f} MiB", flush=True)
    return peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True)
    parser.add_argument("--generate", required=True)
    options = parser.parse_args()
    for kind in ("sqlite", "folder", "gzip"):
        peaks = generated_peaks(options, kind)
        low, high = min(peaks.values()), max(peaks.values())
        assert high <= 1.1 * low, f"{kind}: the peaks differ by more than 10 %"
        assert high <= 32 * MIB, f"{kind}: the peak is over 32 MiB"
    # The source holds the line, growing its buffer as it reads it; the library adds nothing.
    peak = big_resource_peak(options)
    assert peak <= 1.3 * BIG + 32 * MIB, "a big resource costs more than its own size"
    return 0


if __name__ == "__main__":
    sys.exit(main())
