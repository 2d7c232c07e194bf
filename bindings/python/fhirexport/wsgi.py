"""An engine in a WSGI application: Flask, Django, or alone.

    app.wsgi_app = Export(app.wsgi_app, engine=engine, prefix="/fhir")    # Flask

The engine is the host's to close, behind the server's end. It does not survive a fork: servers that fork make it in
each process.
"""

from __future__ import annotations

import http
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

from . import _web
from ._engine import Engine, Response
from ._web import Caller

__all__ = ["Caller", "Export"]

Environ = Dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
#: Finds out who asks, of a WSGI environ; None: nobody whom the host knows.
Identify = Callable[[Environ], Optional[Caller]]


class Export:
    """A WSGI application that answers the requests of `$export` below `prefix`, and leaves all others to `app`.

    `identify` says who asks; whom it does not know is answered 401, but for signed links to files. Without it
    everybody may export. `metadata`: also answers `/metadata`, for hosts that have none of their own. `base_url`
    and `ig_version` replace the engine's. `body_bytes_max`: as the engine's.
    """

    def __init__(
        self,
        app: Optional[App] = None,
        *,
        engine: Engine,
        prefix: str = "",
        identify: Optional[Identify] = None,
        metadata: bool = False,
        base_url: Optional[str] = None,
        ig_version: Optional[int] = None,
        body_bytes_max: int = 1 << 20,
    ) -> None:
        self._app, self._engine, self._identify = app, engine, identify
        self._routes = _web.Routes(prefix.rstrip("/"), metadata)
        self._base_url, self._ig_version, self._body_max = base_url, ig_version, body_bytes_max

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        target = self._routes.target(_path(environ), environ.get("QUERY_STRING", ""))
        if target is None and self._app is not None:
            return self._app(environ, start_response)
        if target is None:
            answer: Any = _web.refusal(404, "not-found", "there is nothing at this URL")
        else:
            answer = self._answer(environ, target)
        status, headers, first, response = answer
        start_response(f"{status} {_phrase(status)}", headers)
        if response is not None:
            return _Body(first, response)
        return [first] if first else []

    def _answer(self, environ: Environ, target: str) -> Any:
        caller = Caller() if self._identify is None else self._identify(environ)
        caller = caller or _web.without_caller(target)
        if caller is None:
            return _web.unauthorized()
        method, body = environ["REQUEST_METHOD"], self._body(environ)
        headers = _headers(environ)
        request = _web.make_request(method, target, headers, body, caller, self._base_url, self._ig_version)
        return _web.begin(self._engine, request)

    def _body(self, environ: Environ) -> bytes:
        """The body; of one that is too long no more than shows it, so that the engine answers 413."""
        length = environ.get("CONTENT_LENGTH") or ""
        most = self._body_max + 1
        if length.isdigit():
            most = min(most, int(length))
        elif not environ.get("wsgi.input_terminated"):
            return b""
        data: List[bytes] = []
        while most > 0:
            piece: bytes = environ["wsgi.input"].read(most)
            if not piece:
                break
            data.append(piece)
            most -= len(piece)
        return b"".join(data)


class _Body:
    """What is sent; the server closes it, also when the client goes early."""

    def __init__(self, first: bytes, response: Response) -> None:
        self._first, self._response = first, response

    def __iter__(self) -> Iterator[bytes]:
        piece = self._first
        while piece:
            yield piece
            piece = self._response.read(_web.PIECE)

    def close(self) -> None:
        """Gives the response back."""
        self._response.close()


def _path(environ: Environ) -> str:
    """The path behind where the application is mounted: as it was sent, where the server tells."""
    root: str = environ.get("SCRIPT_NAME", "")
    for name in ("REQUEST_URI", "RAW_URI"):
        raw: str = environ.get(name, "").split("?", 1)[0]
        if raw.startswith(root + "/"):
            return raw[len(root) :]
    return _web.quoted(environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"))


def _headers(environ: Environ) -> _web.Pairs:
    found = [
        (name[5:].replace("_", "-").title(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    for name, header in (("CONTENT_TYPE", "Content-Type"), ("CONTENT_LENGTH", "Content-Length")):
        if environ.get(name):
            found.append((header, environ[name]))
    return found


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Status"
