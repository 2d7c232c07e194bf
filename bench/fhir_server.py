"""fhirexport-server as a process, and a client of its $export."""
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request

from measure import Failed, NotMeasured

POLL_SECONDS = 0.1
KICK_OFF = {"Accept": "application/fhir+json", "Prefer": "respond-async"}


class Server:
    """Its resources are in `folder`/db, or in the database that is named; exported files go to
    `out`."""

    def __init__(self, program, folder, out, load=None, database=None):
        command = [program, "--listen", "127.0.0.1:0", "--db", database or f"sqlite:{folder}/db",
                   "--destination", f"file:{out}", "--workers", "2"]
        self.process = subprocess.Popen(command + (["--load", load] if load else []),
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.url = self.process.stdout.readline().decode().split()[1]
        except IndexError as error:
            raise Failed(f"the server ended with {self.process.wait()}") from error
        except BaseException:
            self.process.kill()
            raise

    @classmethod
    def with_data(cls, program, folder, out, load, database=None):
        """The server is started again once it has loaded: the memory of loading is not that of
        exporting."""
        cls(program, folder, out, load, database).stop()
        return cls(program, folder, out, database=database)

    def export(self, path):
        """Seconds from the kick-off to the manifest, the manifest, and the job's URL."""
        begin = time.monotonic()
        request = urllib.request.Request(self.url + path, headers=KICK_OFF)
        try:
            with urllib.request.urlopen(request) as answer:
                job = answer.headers["Content-Location"]
        except urllib.error.HTTPError as error:
            raise NotMeasured(f"the server answers {path} with {error.code}") from error
        while True:
            with urllib.request.urlopen(job) as answer:
                if answer.status == 200:
                    manifest = json.load(answer)
                    return time.monotonic() - begin, manifest, job
            time.sleep(POLL_SECONDS)

    @staticmethod
    def remove(job):
        urllib.request.urlopen(urllib.request.Request(job, method="DELETE")).close()

    def cpu(self):
        """CPU seconds of the process, by the clock that clock_getcpuclockid(3) gives; the figures
        in /proc have steps of 10 ms."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024 / 1e6
        return 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


def count(manifest):
    if manifest["error"]:
        raise Failed("the export has errors")
    return sum(entry["count"] for entry in manifest["output"])
