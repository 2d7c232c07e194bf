#!/usr/bin/python3
"""What a Group export costs (target P10 of docs/performance.md), by fhirexport-server over HTTP.

    groups.py --server PROGRAM [--quick]

First the same Group in two databases, of which one has ten times as many other patients: pairs of
exports in turn, the median of the ratios of their times. Then Groups of many members: time from the
kick-off to the manifest, and the server's memory. Prints a line for each.
"""
import argparse
import glob
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request


def patient(number):
    return {"resourceType": "Patient", "id": f"p{number:08}", "gender": "female",
            "birthDate": "1974-12-25", "name": [{"family": f"Family{number}", "given": ["Given"]}]}


def observation(number, at):
    return {"resourceType": "Observation", "id": f"o{number:08}-{at}", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
            "subject": {"reference": f"Patient/p{number:08}"},
            "valueQuantity": {"value": 170.5, "unit": "cm"}}


def write_data(folder, members, others, observations):
    """Every (members + others) / members-th patient is a member, so that they lie apart."""
    step = (members + others) // members
    with open(os.path.join(folder, "all.ndjson"), "w", encoding="ascii") as file:
        for number in range(members + others):
            file.write(json.dumps(patient(number)) + "\n")
            for at in range(observations):
                file.write(json.dumps(observation(number, at)) + "\n")
        group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
            {"entity": {"reference": f"Patient/p{number * step:08}"}} for number in range(members)]}
        file.write(json.dumps(group) + "\n")


class Server:
    def __init__(self, program, folder, load=None):
        command = [program, "--listen", "127.0.0.1:0", "--db", f"sqlite:{folder}/db",
                   "--destination", f"file:{folder}/files", "--workers", "2"]
        self.process = subprocess.Popen(command + (["--load", load] if load else []),
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = self.process.stdout.readline().decode().split()[1]
        self.peak_kib = 0

    def export(self):
        """Seconds from the kick-off to the manifest, and the resources in it."""
        begin = time.monotonic()
        with urllib.request.urlopen(self.url + "/Group/g/$export") as answer:
            status = answer.headers["Content-Location"]
        while True:
            for _ in range(5):
                self.look_at_memory()
                time.sleep(0.02)
            with urllib.request.urlopen(status) as answer:
                if answer.status == 200:
                    manifest = json.load(answer)
                    break
        seconds = time.monotonic() - begin
        urllib.request.urlopen(urllib.request.Request(status, method="DELETE")).close()
        return seconds, sum(entry["count"] for entry in manifest["output"])

    def cpu(self):
        """Seconds of all threads, to the nanosecond: the ticks of /proc/PID/stat are too coarse."""
        spent = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(path, encoding="ascii") as stat:
                spent += int(stat.read().split()[0])
        return spent / 1e9

    def look_at_memory(self):
        """Without what is mapped from the database's file, which is the system's page cache."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("RssAnon"):
                    self.peak_kib = max(self.peak_kib, int(line.split()[1]))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def open_server(program, folder, members, others, observations):
    os.mkdir(folder)
    write_data(folder, members, others, observations)
    # The memory of loading is not that of exporting: the server is started again.
    Server(program, folder, f"{folder}/all.ndjson").stop()
    os.unlink(f"{folder}/all.ndjson")
    return Server(program, folder)


def compare_databases(program, work, members, pairs):
    others = 9 * members
    servers = [open_server(program, f"{work}/{times}", members, times * others, 20)
               for times in (1, 10)]
    try:
        for server in servers:
            server.export()
        ratios = []
        for _ in range(pairs):
            costs = []
            for server in servers:
                before = server.cpu()
                server.export()
                costs.append(server.cpu() - before)
            ratios.append(costs[1] / costs[0])
    finally:
        for server in servers:
            server.stop()
    more = (statistics.median(ratios) - 1) * 100
    print(f"P10 {more:+.1f} % CPU with 10 x the other patients, target < 5 %,"
          f" {'holds' if more < 5 else 'short'} ({members} members, {pairs} pairs,"
          f" {min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def large_group(program, work, members):
    server = open_server(program, f"{work}/large{members}", members, members // 10, 1)
    try:
        seconds, count = server.export()
        print(f"Group of {members} members: {count} resources, {seconds:.1f} s, {server.cpu():.1f} s"
              f" of CPU, {server.peak_kib / 1024:.0f} MiB at most", flush=True)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-groups-") as work:
        compare_databases(options.server, work, 100 if options.quick else 1000,
                          3 if options.quick else 9)
        for members in (10000,) if options.quick else (100000, 1000000):
            large_group(options.server, work, members)


if __name__ == "__main__":
    main()
