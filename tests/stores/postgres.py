"""A PostgreSQL server, reached by a socket in its folder; its superuser is "fhx".

With a port it is also reached at 127.0.0.1, for those who know no sockets in folders."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import urllib.parse

import component


def find(program):
    """Debian keeps these programs out of PATH."""
    try:
        folder = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True,
                                check=True).stdout.strip()
    except OSError:
        folder = None
    found = shutil.which(program, path=folder) if folder else None
    found = found or shutil.which(program)
    if found is None:
        raise component.Failure(f"this test needs PostgreSQL's {program}: install it, or say"
                                " --without postgres")
    return found


class Postgres(component.Component):
    def __init__(self, port=None):
        super().__init__()
        self.port = port
        self.as_user = {}
        # PostgreSQL refuses to run as root.
        if os.geteuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                user = pwd.getpwnam("nobody")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def start(self):
        subprocess.run([find("initdb"), "-D", self.path("data"), "-U", "fhx", "-A", "trust",
                        "-E", "UTF8", "--no-locale", "--no-sync"], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, **self.as_user)
        self.run()

    def run(self):
        tcp = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port)] if self.port else []
        with open(self.path("postgres.out"), "ab") as out:
            self.processes["postgres"] = subprocess.Popen(
                [find("postgres"), "-D", self.path("data"), "-k", self.folder,
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=on",
                 *tcp],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder,
                preexec_fn=component.die_with_parent, **self.as_user)
        component.wait_until(self.is_ready, "PostgreSQL", alive=lambda: self.is_alive("postgres"))

    def crash(self):
        """At once, as by a failure of its machine; run() starts it again."""
        self.processes["postgres"].send_signal(signal.SIGQUIT)
        self.processes["postgres"].wait()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path("data/postmaster.pid"))

    def is_ready(self):
        try:
            with open(self.path("data/postmaster.pid"), encoding="utf-8") as file:
                lines = file.read().split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[7].startswith("ready")

    def url(self, password):
        """The password is not asked for."""
        return f"postgresql://fhx:{password}@/postgres?host={urllib.parse.quote(self.folder, '')}"
