"""What the adapters to ASGI and WSGI share: which requests are the engine's, and who asks."""

from __future__ import annotations

import dataclasses
import json
import re
import urllib.parse
from typing import Iterable, List, Optional, Tuple

from ._engine import Engine, Request, Response
from ._errors import Error

__all__ = ["Caller", "Pairs", "Routes", "refusal", "without_caller"]

Pairs = List[Tuple[str, str]]
#: A link to a file: the job, the file's name, and a signature, which is the right to read it.
_FILE_LINK = re.compile(r"/(?:\$|%24)export/[0-9a-f]{32}/[^/?]+\?(?:.*&)?signature=")
PIECE = 256 * 1024
_SAFE = "/:@!$&'()*+,;=-._~%"


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who asks, as the host has found out. `permitted_types`: the types that he may read, None for all."""

    client: str = ""
    tenant: str = ""
    permitted_types: Optional[Iterable[str]] = None
    host_context: bytes = b""


@dataclasses.dataclass(frozen=True)
class Routes:
    """Which paths are the engine's: those behind `prefix` with a segment `$export`, and if wanted `/metadata`."""

    prefix: str
    metadata: bool

    def target(self, path: str, query: str) -> Optional[str]:
        """The target for the engine, of a path as it was sent; None: the request is somebody else's."""
        if not path.startswith(self.prefix + "/"):
            return None
        behind = path[len(self.prefix) :]
        segments = [urllib.parse.unquote(one) for one in behind.split("/")]
        if "$export" not in segments and not (self.metadata and segments == ["", "metadata"]):
            return None
        return behind + ("?" + query if query else "")


def quoted(path: str) -> str:
    """A path that a server has decoded, as it may have been sent."""
    return urllib.parse.quote(path, safe=_SAFE.replace("%", ""))


def without_caller(target: str) -> Optional[Caller]:
    """Nobody, where a signed link is right enough; None: who asks has to say who he is."""
    return Caller() if _FILE_LINK.match(target) else None


def make_request(
    method: str,
    target: str,
    headers: Pairs,
    body: bytes,
    caller: Caller,
    base_url: Optional[str],
    ig_version: Optional[int] = None,
) -> Request:
    """The request as the engine takes it."""
    return Request(
        method=method,
        target=target,
        headers=headers,
        body=body,
        base_url=base_url,
        tenant=caller.tenant,
        client=caller.client,
        permitted_types=caller.permitted_types,
        host_context=caller.host_context,
        ig_version=ig_version,
    )


def begin(engine: Engine, request: Request) -> Tuple[int, Pairs, bytes, Optional[Response]]:
    """Status, headers, the first bytes of the body, and the response if there is more of it."""
    try:
        response = engine.handle(request)
    except Error as error:
        retry = [("Retry-After", "10")] if error.retryable else []
        status, code = (503, "transient") if error.retryable else (500, "exception")
        return refusal(status, code, "the server cannot answer at present", retry)
    try:
        first = b"" if request.method == "HEAD" else response.read(PIECE)
        headers = list(response.headers)
        if not first:
            if request.method != "HEAD" and response.header("Content-Length") is None:
                headers.append(("Content-Length", "0"))
            status = response.status
            response.close()
            return status, headers, b"", None
        return response.status, headers, first, response
    except BaseException:
        response.close()
        raise


def refusal(
    status: int, code: str, text: str, headers: Iterable[Tuple[str, str]] = ()
) -> Tuple[int, Pairs, bytes, None]:
    """An answer of the adapter's own, as an OperationOutcome."""
    issue = {"severity": "error", "code": code, "diagnostics": text}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    own = [("Content-Type", "application/fhir+json"), ("Content-Length", str(len(body)))]
    return status, [*own, *headers], body, None


def unauthorized() -> Tuple[int, Pairs, bytes, None]:
    """401 for who has not said who he is."""
    text = "this request needs an access token"
    return refusal(401, "login", text, [("WWW-Authenticate", "Bearer")])
