"""Requests to Azure Blob Storage, so that tests can look into it by other code than the library's.

Signed with the account's key (Shared Key).
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree

import component
from s3 import Answer, escape, query_text

VERSION = "2021-08-06"


class Client:
    def __init__(self, endpoint, account, account_key, ca_file=None):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self.account = account
        self.key = base64.b64decode(account_key)
        self.ca_file = ca_file

    def signature(self, method, path, query, fields, length):
        own = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields) if name[:5] == "x-ms-")
        resource = f"/{self.account}{escape(path, '/-._~')}"
        resource += "".join(f"\n{name}:{query[name]}" for name in sorted(query))
        text = "\n".join([method, "", "", str(length or ""), "", fields.get("content-type", ""),
                          "", "", "", fields.get("If-None-Match", ""), "", ""])
        text += f"\n{own}{resource}"
        return base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest()).decode()

    def connect(self):
        if self.endpoint.scheme == "https":
            return http.client.HTTPSConnection(self.endpoint.netloc, timeout=300,
                                               context=component.trusting(self.ca_file))
        return http.client.HTTPConnection(self.endpoint.netloc, timeout=300)

    def request(self, method, path, query=None, body=b"", headers=None):
        """`path` is behind the account: "/container/name"."""
        query = query or {}
        path = self.endpoint.path + (path or "/")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        fields = {"x-ms-date": now, "x-ms-version": VERSION, **(headers or {})}
        fields["Authorization"] = "SharedKey {}:{}".format(
            self.account, self.signature(method, path, query, fields, len(body)))
        target = escape(path, "/-._~") + ("?" + query_text(query) if query else "")
        connection = self.connect()
        try:
            connection.request(method, target, body or None, fields)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def done(self, *arguments, **more):
        """A request that must be answered 2xx."""
        answer = self.request(*arguments, **more)
        if answer.status // 100 != 2:
            raise component.Failure(f"{arguments[:2]} was answered {answer.status}: {answer.body}")
        return answer

    def container_sas(self, container, rights, seconds):
        """A query by which anybody may do so much with a container for so long."""
        expiry = (datetime.datetime.now(datetime.timezone.utc)
                  + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        resource = f"/blob/{self.account}/{container}"
        # Version 2020-12-06 and later: rights, start, expiry, resource, identifier, addresses,
        # protocol, version, kind, snapshot, encryption scope, five response headers.
        text = "\n".join([rights, "", expiry, resource, "", "", "", VERSION, "c", "", "", "", "",
                          "", "", ""])
        signature = base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest())
        return query_text({"sv": VERSION, "sr": "c", "sp": rights, "se": expiry,
                           "sig": signature.decode()})

    def create_container(self, container):
        self.done("PUT", f"/{container}", {"restype": "container"})

    def blobs(self, container, uncommitted=False):
        """Name to length of all blobs; `uncommitted`: of those, too, that are only blocks."""
        found, marker = {}, ""
        include = {"include": "uncommittedblobs"} if uncommitted else {}
        while marker is not None:
            more = {"marker": marker} if marker else {}
            answer = self.done("GET", f"/{container}", {"restype": "container", "comp": "list",
                                                        **include, **more})
            root = xml.etree.ElementTree.fromstring(answer.body)
            for blob in root.iter("Blob"):
                found[blob.findtext("Name")] = int(blob.findtext("Properties/Content-Length") or 0)
            marker = root.findtext("NextMarker") or None
        return found

    def get(self, container, name):
        return self.done("GET", f"/{container}/{name}")

    def head(self, container, name):
        return self.request("HEAD", f"/{container}/{name}")

    def put(self, container, name, body):
        return self.done("PUT", f"/{container}/{name}", body=body,
                         headers={"x-ms-blob-type": "BlockBlob"})

    def delete(self, container, name):
        self.done("DELETE", f"/{container}/{name}")
