"""Requests to servers: where the token goes, redirects, and what is tried again after which pause."""

from __future__ import annotations

import email.utils
import http.client
import random
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Set

from . import _urls
from ._errors import FetchError, Unreachable, is_transient, read_outcome
from ._tokens import Tokens

__all__ = ["Http", "Interrupted", "Pauses", "Reply"]

_BODY_MAX = 64 << 20  # of a manifest or an OperationOutcome
_REDIRECTS = {301, 302, 303, 307, 308}
_BUSY = {408, 425, 429, 502, 503, 504}
_WAIT_MAX = 3600.0
# What a broken connection raises while an answer is read. A certificate that is not believed is no
# matter of patience.
BROKEN = (OSError, http.client.HTTPException)


class Interrupted(Exception):
    """The fetch is to stop; another thread has the reason."""


class Reply:
    """An answer: its status, its headers, and a body that is read or streamed."""

    def __init__(self, url: str, response: Any, sent: Optional[str]) -> None:
        self.url = url
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.sent_token = sent
        self._response = response

    def header(self, name: str) -> Optional[str]:
        """The value of a header."""
        return self.headers.get(name)

    def read(self, size: int) -> bytes:
        """At most `size` bytes of the body; b"" at its end."""
        data: bytes = self._response.read(size)
        if not data and (self._response.length or 0) > 0:
            raise http.client.IncompleteRead(b"", self._response.length)
        return data

    def body(self) -> bytes:
        """The whole body, of a document."""
        with self:
            data = b""
            while True:
                piece = self.read(1 << 20)
                if not piece:
                    return data
                data += piece
                if len(data) > _BODY_MAX:
                    raise FetchError(f"the server's answer is longer than {_BODY_MAX >> 20} MiB")

    def retry_after(self) -> Optional[float]:
        """The seconds of Retry-After, whether it gives these or a time."""
        value = (self.header("Retry-After") or "").strip()
        if value.isdigit():
            return min(float(value[:9]), _WAIT_MAX)
        try:
            when = email.utils.parsedate_to_datetime(value).timestamp()
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        return min(max(when - time.time(), 0.0), _WAIT_MAX)

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()


class Pauses:
    """The pauses between tries: doubled each time, with jitter, until the patience is at its end."""

    def __init__(self, patience: float, stop: threading.Event) -> None:
        self._patience, self._stop = patience, stop
        self._tries = 0
        self._since = time.monotonic()

    def progress(self) -> None:
        """Something went well: begin anew."""
        self._tries, self._since = 0, time.monotonic()

    def pause(self, why: str, at_least: Optional[float] = None) -> None:
        """Waits, or raises `Unreachable` with `why`."""
        spent = time.monotonic() - self._since
        if spent >= self._patience:
            raise Unreachable(f"{why}, for {spent:.0f} s; run the same again to go on")
        seconds = min(60.0, 0.25 * 2 ** min(self._tries, 10)) * random.uniform(0.5, 1.0)
        self._tries += 1
        if at_least is None:
            seconds = min(seconds, max(self._patience - spent, 0.05))
        wait(self._stop, max(seconds, at_least or 0.0))


def wait(stop: threading.Event, seconds: float) -> None:
    """Waits, unless the fetch is to stop meanwhile."""
    if stop.wait(seconds):
        raise Interrupted


class _Asked(NamedTuple):
    """What stays the same of a request wherever it is sent on to; `token`: it may carry one."""

    method: str
    headers: Dict[str, str]
    body: Optional[bytes]
    token: bool


class Http:
    """Every thread may use it. A token goes to the origins of `trust` alone."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        patience: float,
        timeout: float,
        stop: threading.Event,
        ca_file: Optional[str] = None,
        allow_http_token: bool = False,
        on_retry: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._tokens, self._timeout = tokens, timeout
        self._allow_http_token, self._on_retry = allow_http_token, on_retry
        self.patience, self.stop = patience, stop
        self._trusted: Set[str] = set()
        context = ssl.create_default_context(cafile=ca_file)
        # Without handlers of files, of FTP, and of redirects: those are followed below.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def trust(self, url: str) -> None:
        """Tokens may go to where `url` leads."""
        secret_way = url.startswith("https:") or _urls.is_loopback(url) or self._allow_http_token
        if self._tokens.any and not secret_way:
            raise FetchError("a token is not sent over http, where others can read it")
        self._trusted.add(_urls.origin(url))

    def pauses(self) -> Pauses:
        """New pauses, with the patience of this fetch."""
        return Pauses(self.patience, self.stop)

    def once(
        self,
        method: str,
        url: str,
        headers: Optional[Dict[str, str]] = None,
        body: Optional[bytes] = None,
        token: bool = True,
    ) -> Reply:
        """One request, its redirects followed. A token that is refused is renewed once."""
        asked = _Asked(method, headers or {}, body, token)
        reply = self._follow(asked, url, None)
        if reply.status == 401 and reply.sent_token is not None:
            if self._tokens.get(reply.sent_token) != reply.sent_token:
                with reply:
                    pass
                return self._follow(asked, url, reply.sent_token)
        return reply

    def _follow(self, asked: _Asked, url: str, refused: Optional[str]) -> Reply:
        for _ in range(6):
            reply = self._send(asked, url, refused)
            target = reply.header("Location")
            if reply.status not in _REDIRECTS or target is None:
                return reply
            if asked.method != "GET" and reply.status not in (307, 308):
                return reply
            with reply:
                url = _urls.follow(target, url, "a redirect")
        raise FetchError("the server sends from one URL to the next without end")

    def _send(self, asked: _Asked, url: str, refused: Optional[str]) -> Reply:
        if self.stop.is_set():
            raise Interrupted
        request = urllib.request.Request(
            url, data=asked.body, method=asked.method, headers=asked.headers
        )
        request.add_header("User-agent", "fhirexport-fetch")
        sent = None
        if asked.token and _urls.origin(url) in self._trusted:
            sent = self._tokens.get(refused)
            if sent is not None:
                request.add_unredirected_header("Authorization", "Bearer " + sent)
        try:
            response = self._opener.open(request, timeout=self._timeout)
        except urllib.error.URLError as error:
            reason = error.reason
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise FetchError("the server's certificate is not believed") from None
            raise reason if isinstance(reason, OSError) else OSError(str(reason)) from None
        return Reply(url, response, sent)

    def document(
        self,
        method: str,
        url: str,
        headers: Optional[Dict[str, str]] = None,
        body: Optional[bytes] = None,
        repeat_lost: bool = True,
    ) -> "Document":
        """A request for a document, tried again while it is worth it.

        `repeat_lost`: also where the request may have been taken and only its answer was lost.
        """
        pauses = self.pauses()
        while True:
            at_least = None
            try:
                reply = self.once(method, url, headers, body)
                answer = Document(reply)
                if not answer.busy:
                    return answer
                why, at_least = f"the server answers {reply.status}", reply.retry_after()
            except BROKEN as error:
                refused = isinstance(error, (ConnectionRefusedError, socket.gaierror))
                why = explain(error)
                if not refused and not repeat_lost:
                    raise Unreachable(why + "; the answer to the kick-off is lost") from None
            self._on_retry(why)
            pauses.pause(why, at_least)


class Document:
    """An answer whose body has been read."""

    def __init__(self, reply: Reply) -> None:
        self.url, self.status, self.header = reply.url, reply.status, reply.header
        self.retry_after = reply.retry_after
        self.data = reply.body()
        self.outcome = read_outcome(self.data) if self.status >= 400 else None

    @property
    def busy(self) -> bool:
        """Whether the same request is worth repeating."""
        return self.status in _BUSY or (self.status >= 500 and is_transient(self.outcome))


def explain(error: BaseException) -> str:
    """Why a connection failed, without addresses or contents."""
    if isinstance(error, socket.timeout):
        return "the server does not answer"
    if isinstance(error, socket.gaierror):
        return "the server's name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "the server refuses connections"
    if isinstance(error, (http.client.HTTPException, ConnectionError)):
        return "the connection broke"
    text = getattr(error, "strerror", None)
    return "the server cannot be reached" + (f" ({text})" if isinstance(text, str) else "")
