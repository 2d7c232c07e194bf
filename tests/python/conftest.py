"""What holds for every test of the Python package."""

import gc
import sys
import time

import pytest

from fhirexport import _calls


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch):
    """C has given back every object that it was given, and no exception was lost on the way."""
    lost = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: lost.append(event.exc_value))
    yield
    end = time.monotonic() + 120
    while _calls._objects and time.monotonic() < end:
        gc.collect()
        time.sleep(0.02)  # a thread may still be on its way out
    assert _calls._objects == {}
    assert lost == []
