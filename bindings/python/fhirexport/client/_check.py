"""Counting lines and bytes of a file while it comes, with its digest; and unpacking what came in gzip."""

from __future__ import annotations

import hashlib
import zlib
from typing import BinaryIO, Iterator

from ._errors import VerificationFailed

__all__ = ["Tally", "pieces", "unpack"]

PIECE = 1 << 18


class Tally:
    """Lines that are not empty, bytes, SHA-256."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ends = 0
        self._open = False  # behind the last line end there is more than white space
        self._digest = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """The next bytes."""
        self.bytes += len(data)
        self._digest.update(data)
        if not data:
            return
        if not self._open or b"\n\n" in data or b"\n\r" in data or b"\n " in data:
            self._each(data)
            return
        self._ends += data.count(b"\n")
        self._open = not data.endswith(b"\n")

    def _each(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        for line in whole:
            self._ends += bool(self._open or line.strip())
            self._open = False
        self._open = self._open or bool(rest.strip())

    @property
    def lines(self) -> int:
        """Lines, the last one also without its end."""
        return self._ends + self._open

    @property
    def sha256(self) -> str:
        """The digest in hexadecimal digits."""
        return self._digest.hexdigest()


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, piece by piece."""
    while True:
        data = file.read(PIECE)
        if not data:
            return
        yield data


def unpack(packed: BinaryIO) -> Iterator[bytes]:
    """The content of gzip, of one member or several, in bounded pieces."""
    inflate = zlib.decompressobj(31)
    try:
        for data in pieces(packed):
            while data:
                if inflate.eof:
                    inflate = zlib.decompressobj(31)
                out = inflate.decompress(data, PIECE)
                data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
                if out:
                    yield out
        while not inflate.eof:
            # What the window still holds when the input has ended.
            out = inflate.decompress(b"", PIECE)
            if not out:
                raise VerificationFailed("a file in gzip ends early")
            yield out
    except zlib.error:
        raise VerificationFailed("a file in gzip is broken") from None
