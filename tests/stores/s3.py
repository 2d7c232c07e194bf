"""Signed requests to an S3 store, so that tests can look into it by other code than the library's.

AWS Signature Version 4 with a signed payload, paths with the bucket in front.
"""
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree

import component


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def escape(text, keep="-._~"):
    return urllib.parse.quote(text, safe=keep)


def query_text(query):
    pairs = sorted((escape(name), escape(value)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    def __init__(self, endpoint, access_key, secret_key, session_token=None, region="us-east-1",
                 ca_file=None):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self.access_key, self.secret_key = access_key, secret_key
        self.session_token = session_token
        self.region = region
        self.ca_file = ca_file

    def signature(self, scope, text):
        key = ("AWS4" + self.secret_key).encode()
        for word in scope.split("/"):
            key = digest(key, word)
        return digest(key, text).hex()

    def headers(self, method, path, query, body, service):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        fields = {"host": self.endpoint.netloc, "x-amz-date": now,
                  "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        if self.session_token:
            fields["x-amz-security-token"] = self.session_token
        names = ";".join(sorted(fields))
        lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
        canonical = "\n".join([method, escape(path, "/-._~"), query_text(query), lines, names,
                               fields["x-amz-content-sha256"]])
        scope = f"{now[:8]}/{self.region}/{service}/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        fields["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={self.signature(scope, to_sign)}")
        return fields

    def connect(self):
        if self.endpoint.scheme == "https":
            return http.client.HTTPSConnection(self.endpoint.netloc, timeout=300,
                                               context=component.trusting(self.ca_file))
        return http.client.HTTPConnection(self.endpoint.netloc, timeout=300)

    def request(self, method, path, query=None, body=b"", headers=None, service="s3"):
        query = query or {}
        fields = self.headers(method, path, query, body, service)
        target = escape(path, "/-._~") + ("?" + query_text(query) if query else "")
        connection = self.connect()
        try:
            connection.request(method, target, body, {**fields, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def done(self, *arguments, **more):
        """A request that must be answered 2xx."""
        answer = self.request(*arguments, **more)
        if answer.status // 100 != 2:
            raise component.Failure(f"{arguments[:2]} was answered {answer.status}: {answer.body}")
        return answer

    def pages(self, path, query, item, next_of):
        """All items of a list in pages, each a dictionary of its plain elements."""
        items, more = [], {}
        while more is not None:
            answer = self.done("GET", path, query={**query, **more})
            root = xml.etree.ElementTree.fromstring(answer.body)
            plain = {}
            for element in root:
                name = element.tag.split("}")[-1]
                if name == item:
                    items.append({inner.tag.split("}")[-1]: inner.text for inner in element})
                else:
                    plain[name] = element.text
            more = next_of(plain) if plain.get("IsTruncated") == "true" else None
        return items

    def create_bucket(self, bucket):
        self.done("PUT", f"/{bucket}")

    def objects(self, bucket, prefix=""):
        """Name to length of all objects."""
        items = self.pages(f"/{bucket}", {"list-type": "2", "prefix": prefix}, "Contents",
                           lambda plain: {"continuation-token": plain["NextContinuationToken"]})
        return {item["Key"]: int(item["Size"]) for item in items}

    def uploads(self, bucket):
        """Name and id of all multipart uploads that are under way."""
        items = self.pages(f"/{bucket}", {"uploads": ""}, "Upload",
                           lambda plain: {"key-marker": plain["NextKeyMarker"],
                                          "upload-id-marker": plain["NextUploadIdMarker"]})
        return [(item["Key"], item["UploadId"]) for item in items]

    def parts(self, bucket, name, upload_id):
        """Length of each piece that such an upload has."""
        items = self.pages(f"/{bucket}/{name}", {"uploadId": upload_id}, "Part",
                           lambda plain: {"part-number-marker": plain["NextPartNumberMarker"]})
        return [int(item["Size"]) for item in items]

    def get(self, bucket, name):
        return self.done("GET", f"/{bucket}/{name}")

    def head(self, bucket, name):
        return self.request("HEAD", f"/{bucket}/{name}")

    def put(self, bucket, name, body, headers=None):
        return self.done("PUT", f"/{bucket}/{name}", body=body, headers=headers)

    def delete(self, bucket, name):
        self.done("DELETE", f"/{bucket}/{name}")

    def presigned(self, bucket, name, seconds, method="GET"):
        """A request that anybody may send for so long."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = f"/{bucket}/{name}"
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": now,
                 "X-Amz-Credential": f"{self.access_key}/{scope}",
                 "X-Amz-Expires": str(seconds), "X-Amz-SignedHeaders": "host"}
        if self.session_token:
            query["X-Amz-Security-Token"] = self.session_token
        canonical = "\n".join([method, escape(path, "/-._~"), query_text(query),
                               f"host:{self.endpoint.netloc}\n", "host", "UNSIGNED-PAYLOAD"])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        query["X-Amz-Signature"] = self.signature(scope, to_sign)
        return f"{self.endpoint.geturl()}{escape(path, '/-._~')}?{query_text(query)}"
