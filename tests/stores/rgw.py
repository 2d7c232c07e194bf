"""A Ceph RADOS Gateway on 127.0.0.1: one monitor, one OSD that keeps everything in memory, radosgw.

No systemd, no authentication between the daemons, any user. The gateway alone can be killed and
started again, for outages: what the OSD holds stays.
"""
import contextlib
import os
import secrets
import string
import subprocess
import uuid
import xml.etree.ElementTree

import component
import s3

CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon_port}
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
run dir = {folder}
admin socket = {folder}/$name.asok
pid file =
log file = {folder}/$name.log
keyring = {folder}/keyring
[mon]
mon data = {folder}/mon
paxos propose interval = 0.02
paxos min wait = 0.01
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 8589934592
[client.rgw]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls_port} \
ssl_certificate={certificate} ssl_private_key={key}
rgw dns name = {host_name}
rgw s3 auth use sts = {sts}
rgw sts key = {sts_key}
rgw thread pool size = 64
rgw dynamic resharding = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw run sync thread = false
"""
HOST_NAME = "s3.localhost"
REGION = "us-east-1"
# Daemons that have just started sometimes fail once.
ATTEMPTS = 8
ROLE = "fhx-export"
TRUST = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":'
         '["arn:aws:iam:::user/fhx"]},"Action":["sts:AssumeRole"]}]}')
RIGHTS = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":'
          '["arn:aws:s3:::*"]}]}')


class Gateway(component.Component):
    def __init__(self, sts=False):
        super().__init__()
        self.sts = sts
        self.port, self.tls_port = component.free_port(), component.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.https_endpoint = f"https://127.0.0.1:{self.tls_port}"
        # Buckets are names below these.
        self.host_endpoint = f"http://{HOST_NAME}:{self.port}"
        self.ca_file = self.path("tls.crt")
        letters = string.ascii_uppercase + string.digits
        self.access_key = "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
        letters += string.ascii_lowercase
        # With characters that have to be escaped in many places.
        self.secret_key = "/+" + "".join(secrets.choice(letters) for _ in range(38))

    def tool(self, *command, check=True):
        with open(self.path("tools.out"), "ab") as out:
            return subprocess.run([command[0], "-c", self.path("ceph.conf"), *command[1:]],
                                  check=check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=out, timeout=component.START_SECONDS)

    def patiently(self, *command):
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self.tool(*command, check=False).returncode == 0:
                    return
        self.tool(*command)

    def configure(self):
        key, certificate = component.make_certificate(self.folder, HOST_NAME, "*." + HOST_NAME)
        fsid, mon_port = str(uuid.uuid4()), component.free_port()
        with open(self.path("ceph.conf"), "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(
                fsid=fsid, mon_port=mon_port, folder=self.folder, port=self.port,
                tls_port=self.tls_port, key=key, certificate=certificate, host_name=HOST_NAME,
                sts=str(self.sts).lower(), sts_key=secrets.token_hex(8)))
        for name in ("mon", "osd"):
            os.mkdir(self.path(name))
        self.tool("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                  f"[v1:127.0.0.1:{mon_port}]", self.path("monmap"))

    def start_monitor(self):
        self.tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", self.path("monmap"))
        self.spawn("mon", "ceph-mon", "-c", self.path("ceph.conf"), "-i", "a", "-f")

    def osd_is_up(self):
        try:
            with open(self.path("mon.a.log"), encoding="utf-8", errors="replace") as log:
                return any("osd.0" in line and " boot" in line for line in log)
        except FileNotFoundError:
            return False

    def start_osd(self):
        """radosgw hangs when it starts before the OSD is up."""
        number = str(uuid.uuid4())
        self.patiently("ceph", "--connect-timeout", "20", "osd", "create", number)
        self.tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", number)
        for attempt in range(ATTEMPTS):
            self.spawn("osd", "ceph-osd", "-c", self.path("ceph.conf"), "-i", "0", "-f")
            try:
                # A longer time each time: it may hang, or be slow.
                component.wait_until(self.osd_is_up, "the OSD", seconds=20 * (attempt + 1),
                                     alive=lambda: self.is_alive("osd"))
                return
            except component.Failure:
                self.kill("osd")
                if attempt == ATTEMPTS - 1:
                    raise

    def start_gateway(self):
        self.spawn("rgw", "radosgw", "-c", self.path("ceph.conf"), "-n", "client.rgw", "-f")
        component.wait_until(lambda: component.answers_http(self.port), "radosgw",
                             alive=lambda: self.is_alive("rgw"))

    def start(self):
        self.configure()
        self.start_monitor()
        self.start_osd()
        self.start_gateway()
        self.patiently("radosgw-admin", "user", "create", "--uid=fhx", "--display-name=fhx",
                       f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        if self.sts:
            self.tool("radosgw-admin", "role", "create", f"--role-name={ROLE}",
                      f"--assume-role-policy-doc={TRUST}")
            self.tool("radosgw-admin", "role-policy", "put", f"--role-name={ROLE}",
                      "--policy-name=all", f"--policy-doc={RIGHTS}")

    def kill_gateway(self):
        """As a machine goes: nothing is finished, connections are cut."""
        self.kill("rgw")

    def client(self, **more):
        return s3.Client(self.endpoint, self.access_key, self.secret_key, region=REGION, **more)

    def assume_role(self):
        """Short-lived credentials: access key, secret key, session token."""
        form = {"Action": "AssumeRole", "RoleArn": f"arn:aws:iam:::role/{ROLE}",
                "RoleSessionName": "fhx", "DurationSeconds": "900", "Version": "2011-06-15"}
        answer = self.client().request("POST", "/", query=form, service="sts")
        root = xml.etree.ElementTree.fromstring(answer.body)
        texts = {element.tag.split("}")[-1]: element.text for element in root.iter()}
        return texts["AccessKeyId"], texts["SecretAccessKey"], texts["SessionToken"]
