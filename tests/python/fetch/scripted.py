"""A Bulk Data server that does what a test tells it, above all what is wrong; it listens on 127.0.0.1."""

import hashlib
import http.server
import json
import threading
import time


class Answer:
    """What is sent; `cut` closes the connection after so many bytes of the body."""

    def __init__(self, status, headers=(), body=b"", cut=None):
        self.status, self.headers, self.body, self.cut = status, dict(headers), body, cut


class Asked:
    """What came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers), body)
        with self.server.lock:
            self.server.asked.append(asked)
        answer = self.server.answer(asked)
        self.send_response_only(answer.status)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[:answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class Scripted:
    """`routes`: paths and their answers, or lists of answers (the last one stays), or functions."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.lock, self.server.asked = threading.Lock(), []
        self.server.answer = self.answer
        self.routes = {}
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def asked(self):
        with self.server.lock:
            return list(self.server.asked)

    def answer(self, asked):
        found = self.routes.get(asked.path.split("?")[0])
        if callable(found):
            found = found(asked)
        if isinstance(found, list):
            with self.server.lock:
                found = found.pop(0) if len(found) > 1 else found[0]
        return found if found is not None else Answer(404)

    def export(self, files, *, token=False, section="output", **more):
        """Serves an export of `files`: names, and items of the manifest beside their bytes."""
        self.routes["/fhir/$export"] = Answer(202, {"Content-Location": self.url + "/status"})
        items = []
        for name, (item, body) in files.items():
            plain = isinstance(body, bytes)
            self.routes[name] = Answer(200, {"Content-Type": "application/fhir+ndjson"},
                                       body) if plain else body
            items.append({"type": "Patient", "url": self.url + name, **item})
        manifest = {"transactionTime": "2024-01-01T00:00:00Z", "request": self.url,
                    "requiresAccessToken": token, "output": [], "error": [], section: items}
        manifest.update(more)
        self.routes["/status"] = json_answer(manifest)
        return manifest


def json_answer(value, status=200, headers=()):
    return Answer(status, {"Content-Type": "application/json", **dict(headers)},
                  json.dumps(value).encode())


def outcome(status, code, text="so it is", headers=()):
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return json_answer({"resourceType": "OperationOutcome", "issue": [issue]}, status, headers)


def lines(count, begin=0):
    return b"".join(b'{"resourceType":"Patient","id":"p%d"}\n' % (begin + i) for i in range(count))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def ranged(data, etag='"a"', cut=(), with_range=True):
    """Serves ranges of `data`; the first answers end after so many bytes of `cut`."""
    cuts = list(cut)

    def answer(asked):
        headers = {"Content-Type": "application/fhir+ndjson"}
        if etag is not None:
            headers["ETag"] = etag
        value = asked.headers.get("Range")
        first = int(value[6:-1]) if value and with_range else 0
        if asked.headers.get("If-Range", etag) != etag:
            first = 0
        end = cuts.pop(0) if cuts else None
        if first >= len(data) > 0 and value:
            return Answer(416, {"Content-Range": f"bytes */{len(data)}"})
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            return Answer(206, headers, data[first:], end)
        return Answer(200, headers, data, end)
    return answer


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not come about")
        time.sleep(0.02)
