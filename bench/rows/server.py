"""P7: a whole server: kick-off, polls every 100 ms, manifest, and five clients that download."""
import statistics
import subprocess
import tempfile
import time

from fhir_server import POLL_SECONDS, Server, count
from measure import PAIRS, Failed, NotMeasured, Row, figure_of

CLIENTS = 5


def download(curl, manifest):
    """All files by parallel curls, each with its share; the bytes that came."""
    shares = [[entry["url"] for entry in manifest["output"][first::CLIENTS]]
              for first in range(CLIENTS)]
    clients = []
    for share in filter(None, shares):
        config = "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in share)
        client = subprocess.Popen([curl, "-s", "-f", "-K", "-", "-w", "%{size_download}\n"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        client.stdin.write(config)
        client.stdin.close()
        clients.append(client)
    total = 0
    for client in clients:
        total += sum(int(size) for size in client.stdout.read().split())
        if client.wait() != 0:
            raise Failed(f"curl ended with {client.returncode}")
    return total


def one_export(server, curl):
    """Resources, seconds to the manifest and to the last byte, and bytes."""
    begin = time.monotonic()
    to_manifest, manifest, job = server.export("/$export")
    size = download(curl, manifest)
    to_last_byte = time.monotonic() - begin
    server.remove(job)
    return count(manifest), to_manifest, to_last_byte, size


def runs(bench):
    copies = 1 if bench.quick else 20
    curl, program = bench.tool("curl"), bench.program("fhirexport-server")
    if bench.tmpfs is None:
        raise NotMeasured("there is no tmpfs; --tmpfs DIR names one")
    with tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.disk) as folder, \
            tempfile.TemporaryDirectory(prefix="fhx-bench-", dir=bench.tmpfs) as out:
        server = Server.with_data(program, folder, out, bench.data.server_folder(copies))
        try:
            one_export(server, curl)
            return [one_export(server, curl) for _ in range(PAIRS)]
        finally:
            server.stop()


def poll_limit(count):
    """Whoever polls so often cannot see more than this of an export that takes no time at all."""
    return f"no more than {count / POLL_SECONDS:.0f} can be seen by polls every {POLL_SECONDS} s"


def rate(index, what):
    def measure(bench):
        all_runs = bench.once("P7", lambda: runs(bench))
        if len({(run[0], run[3]) for run in all_runs}) != 1:
            raise Failed("the exports are not alike")
        seconds = statistics.median(run[index] for run in all_runs)
        return figure_of([run[0] / run[index] for run in all_runs],
                         f"{all_runs[0][0]} resources, {all_runs[0][3] / 1e6:.0f} MB, {seconds:.2f} s"
                         f" {what}; {poll_limit(all_runs[0][0])}; files on tmpfs", [(run[index],) for run in all_runs])
    return measure


ROWS = [
    Row("P7.manifest", "a server's whole export, kick-off to manifest", rate(1, "to the manifest"),
        300000, 600000, unit="resources a second"),
    Row("P7.last_byte", "the same to the last byte of five parallel curls",
        rate(2, "to the last byte"), unit="resources a second"),
]
