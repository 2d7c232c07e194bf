"""Rows in Arrow's record batches, handed to the library where they lie.

pyarrow is imported when there are such rows."""

import dataclasses
import itertools
from array import array
from typing import Any, Iterable, Iterator, Optional, Tuple

from ._library import lib
from ._source import Rows


@dataclasses.dataclass
class Chunk:
    """Some rows of one type, which go to the library at once."""

    resource_type: str
    rows: Rows


class ArrowRows(Rows):
    """A batch of resources in a column of Arrow's, with the times of their changes in another, or None. Neither is
    copied."""

    __slots__ = ("_texts", "_times", "_ends", "_first", "_last")

    def __init__(self, texts: Any, times: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self._texts, self._times = texts, times
        width = pa.int64() if pa.types.is_large_binary(texts.type) else pa.int32()
        offsets = pa.Array.from_buffers(width, len(texts) + 1, [None, texts.buffers()[1]], offset=texts.offset)
        self._first, self._last = offsets[0].as_py(), offsets[len(texts)].as_py()
        # Arrow's offsets are 32 bits wide, and those of a slice do not begin at 0.
        self._ends = pc.subtract(offsets.slice(1).cast(pa.int64()), self._first)

    def give(self, reply: int) -> None:
        """Answers with these rows, which the caller keeps until the cursor's next call."""
        data = self._texts.buffers()[2]
        updated = None if self._times is None else _address(self._times)
        lib.fhx_reply_rows(reply, b"" if data is None else data.address + self._first, self._last - self._first,
                           len(self._texts), _address(self._ends), updated, None, 0)

    def plain(self) -> Rows:
        """The same, in bytes of their own."""
        data = self._texts.buffers()[2]
        texts = b"" if data is None else data.slice(self._first, self._last - self._first).to_pybytes()
        times = None if self._times is None else self._times.to_pylist()
        return Rows.joined(texts, array("Q", self._ends.to_pylist()), times)


def _address(column: Any) -> int:
    """Where the numbers of a column of 64 bits lie."""
    return int(column.buffers()[1].address) + 8 * int(column.offset)


def chunks_of_batches(batches: Iterable[Any]) -> Iterator[Chunk]:
    """Of record batches with the columns resource_type, updated_us and json, all sorted by type."""
    for batch in batches:
        kinds, times, texts = batch.columns
        for kind, first, count in _runs(kinds):
            for has_time, start, length in _runs(times.slice(first, count).is_valid()):
                part = slice(first + start, first + start + length)
                yield Chunk(kind, ArrowRows(texts[part], times[part] if has_time else None))


def _runs(column: Any) -> Iterator[Tuple[Any, int, int]]:
    """The equal values that follow each other, with where they begin and how many they are."""
    if len(column) == 0:
        return
    found: Optional[Any] = _only(column)
    if found is not None:
        yield found, 0, len(column)
        return
    first = 0
    for value, run in itertools.groupby(column.to_pylist()):
        length = sum(1 for _ in run)
        yield value, first, length
        first += length


def _only(column: Any) -> Optional[Any]:
    """The value of a column that has only one; None: it has several."""
    import pyarrow.compute as pc

    if column[0] != column[len(column) - 1]:
        return None
    found = pc.unique(column)
    return found[0].as_py() if len(found) == 1 else None
