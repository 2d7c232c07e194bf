"""Where an access token comes from: a file that is read again, or a command that prints one."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
import time
from typing import Callable, Optional

from ._errors import FetchError

__all__ = ["Tokens"]

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*$")
_EARLY = 30.0  # seconds before its end a token is renewed


class Tokens:
    """Gives the token that is good now. Every thread may ask.

    Exactly one of `file`, `command` and `call` is given, or none: then there is no token. A command is
    split as a shell would, and run without one; it prints the token, or a token response of OAuth 2.0
    (`access_token`, `expires_in`).
    """

    def __init__(
        self,
        file: Optional[str] = None,
        command: Optional[str] = None,
        call: Optional[Callable[[], str]] = None,
    ) -> None:
        if sum(one is not None for one in (file, command, call)) > 1:
            raise ValueError("a token comes from one place: a file, a command or a function")
        self._file, self._command, self._call = file, command, call
        self._lock = threading.Lock()
        self._token: Optional[str] = None
        self._until: Optional[float] = None

    @property
    def any(self) -> bool:
        """Whether there is a place at all that tokens come from."""
        return not (self._file is None and self._command is None and self._call is None)

    def get(self, refused: Optional[str] = None) -> Optional[str]:
        """The token; another one than `refused`, where that is the one at hand."""
        with self._lock:
            late = self._until is not None and time.monotonic() >= self._until
            if self._token is None or late or self._token == refused:
                self._token = self._read() if self.any else None
            return self._token

    def _read(self) -> str:
        self._until = None
        if self._file is not None:
            try:
                with open(self._file, encoding="utf-8") as file:
                    text = file.read()
            except OSError as error:
                raise FetchError(f"the token file cannot be read: {error.strerror}") from None
            except UnicodeDecodeError:
                raise FetchError("the token file is not text") from None
        elif self._command is not None:
            text = self._run(self._command)
        else:
            assert self._call is not None
            text = self._call()
        token = self._take(text.strip())
        if not _TOKEN.match(token):
            raise FetchError(
                "what should be a token is not a bearer token: letters, digits, ._~+/-"
            )
        return token

    @staticmethod
    def _run(command: str) -> str:
        try:
            done = subprocess.run(
                shlex.split(command), stdout=subprocess.PIPE, timeout=120, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise FetchError(f"the token command did not run: {type(error).__name__}") from None
        if done.returncode != 0:
            raise FetchError(f"the token command ended with {done.returncode}")
        return done.stdout.decode("utf-8", "replace")

    def _take(self, text: str) -> str:
        if not text.startswith("{"):
            return text
        try:
            answer = json.loads(text)
        except ValueError:
            raise FetchError("the token response is not JSON") from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
            self._until = time.monotonic() + max(0.0, seconds - min(_EARLY, seconds / 2))
        return token if isinstance(token, str) else ""
