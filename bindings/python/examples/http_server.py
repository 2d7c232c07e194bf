#!/usr/bin/env python3
"""Serves `$export` of a few patients by http.server.

usage: http_server.py PORT FOLDER

A real server authenticates who asks, and says so in Request.client and Request.permitted_types."""

import http.server
import sys

import fhirexport as fhx

PATIENTS = [{"resourceType": "Patient", "id": f"p{number}"} for number in range(1000)]


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to the engine, and its answer to the client."""

    protocol_version = "HTTP/1.1"
    engine: fhx.Engine

    def answer(self) -> None:
        """One request; its body has to have a length."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = fhx.Request(self.command, self.path, self.headers.items(), body, client="somebody")
        with self.engine.handle(request) as response:
            sized = response.header("Content-Length") is not None or response.status == 204
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            if not sized:  # a manifest is made while it is read
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                for piece in response:
                    self.wfile.write(piece)
            self.close_connection = self.close_connection or not sized

    do_GET = do_HEAD = do_POST = do_DELETE = answer


def main(port: str, folder: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    with fhx.Engine({"Patient": PATIENTS}, fhx.Destination.directory(folder), base, settle_us=-1) as Handler.engine:
        print(f"{base}/$export", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()


if __name__ == "__main__":
    main(*sys.argv[1:])
