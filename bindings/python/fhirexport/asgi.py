"""An engine in an ASGI application: Starlette, FastAPI, Django, or alone.

    app.add_middleware(Export, engine=engine, prefix="/fhir")    # beside the application's own routes
    app.mount("/fhir", Export(engine=engine))                    # where nothing else is below /fhir

Calls of the engine run on threads of a pool, not on the event loop; files are streamed. The engine is the host's to
close, behind the server's end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from typing import Any, Awaitable, Callable, Iterable, MutableMapping, Optional, Tuple, Union

from . import _web
from ._engine import Engine, Response
from ._web import Caller

__all__ = ["Caller", "Export"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
#: Finds out who asks, of an ASGI scope; None: nobody whom the host knows.
Identify = Callable[[Scope], Union[Optional[Caller], Awaitable[Optional[Caller]]]]


class _Gone(Exception):
    """The client has closed the connection."""


class Export:
    """An ASGI 3 application that answers the requests of `$export` below `prefix`, and leaves all others to `app`.

    `identify` says who asks; whom it does not know is answered 401, but for signed links to files. Without it
    everybody may export. `metadata`: also answers `/metadata`, for hosts that have none of their own. `base_url`
    and `ig_version` replace the engine's. `threads`: how many requests the engine answers at a time. `body_bytes_max`: as the
    engine's.
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
        threads: int = 16,
        body_bytes_max: int = 1 << 20,
    ) -> None:
        self._app, self._engine, self._identify = app, engine, identify
        self._routes = _web.Routes(prefix.rstrip("/"), metadata)
        self._base_url, self._ig_version, self._body_max = base_url, ig_version, body_bytes_max
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, "fhirexport asgi")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = _target(self._routes, scope) if scope["type"] == "http" else None
        if target is not None:
            try:
                await self._answer(scope, target, receive, send)
            except _Gone:
                pass
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _send_all(send, *_web.refusal(404, "not-found", "there is nothing at this URL")[:3])

    async def _answer(self, scope: Scope, target: str, receive: Receive, send: Send) -> None:
        caller: Optional[Caller] = Caller()
        if self._identify is not None:
            found = self._identify(scope)
            caller = await found if inspect.isawaitable(found) else found
        caller = caller or _web.without_caller(target)
        if caller is None:
            await _send_all(send, *_web.unauthorized()[:3])
            return
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        body = await self._body(receive)
        method = scope["method"]
        request = _web.make_request(method, target, headers, body, caller, self._base_url, self._ig_version)
        begun = self._pool.submit(_web.begin, self._engine, request)
        try:
            status, answered, first, response = await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            begun.add_done_callback(_close_late)
            raise
        if response is None:
            await _send_all(send, status, answered, first)
            return
        await self._stream(response, status, answered, first, receive, send)

    async def _body(self, receive: Receive) -> bytes:
        """The body; of one that is too long no more than shows it, so that the engine answers 413."""
        body = b""
        while len(body) <= self._body_max:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return body[: self._body_max + 1]

    async def _stream(
        self,
        response: Response,
        status: int,
        headers: _web.Pairs,
        first: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        """The body piece by piece, until its end or until the client goes."""
        gone = asyncio.ensure_future(_disconnect(receive))
        reading: Optional["concurrent.futures.Future[bytes]"] = None
        try:
            await send(_start(status, headers))
            piece = first
            while piece and not gone.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                reading = self._pool.submit(response.read, _web.PIECE)
                piece = await asyncio.wrap_future(reading)
            if not piece:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            raise _Gone from None  # what a server raises whose client has gone
        finally:
            gone.cancel()
            if reading is not None and not reading.done():
                reading.add_done_callback(lambda _: response.close())
            else:
                self._pool.submit(response.close)


def _target(routes: _web.Routes, scope: Scope) -> Optional[str]:
    """The path as it was sent, behind where the application is mounted."""
    raw, root = scope.get("raw_path"), scope.get("root_path", "")
    path = raw.decode("latin-1") if raw else _web.quoted(scope["path"])
    for mounted in (root, _web.quoted(root)):
        if mounted and path.startswith(mounted + "/"):
            path = path[len(mounted) :]
            break
    return routes.target(path.split("?", 1)[0], scope.get("query_string", b"").decode("latin-1"))


def _start(status: int, headers: Iterable[Tuple[str, str]]) -> Message:
    pairs = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _send_all(
    send: Send, status: int, headers: Iterable[Tuple[str, str]], body: bytes
) -> None:
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return


def _close_late(begun: "concurrent.futures.Future[Any]") -> None:
    """The answer to a request that nobody waits for any more."""
    if not begun.cancelled() and begun.exception() is None:
        response = begun.result()[3]
        if response is not None:
            response.close()
