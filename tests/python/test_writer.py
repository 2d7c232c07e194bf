"""Level 1, filters, and what arguments and errors look like."""

import datetime
import gzip
import hashlib
import json

import fhirexport as fhx
import pytest
from support import Memory, patients


def test_resources_of_every_form(tmp_path):
    with fhx.Writer(fhx.Destination.directory(tmp_path), "Patient", sha256=True, name_prefix="run7/") as writer:
        writer.append(b'{"resourceType":"Patient",\n "id":"a"}')
        writer.append('{"resourceType":"Patient","id":"b","name":[{"text":"Zo\u00eb"}]}')
        writer.append({"resourceType": "Patient", "id": "c", "active": True})
        writer.append(bytearray(b'{"resourceType":"Patient","id":"d"}'))
    part, = writer.parts
    data = (tmp_path / "run7" / "Patient-1.ndjson").read_bytes()
    assert [json.loads(line)["id"] for line in data.splitlines()] == list("abcd")
    assert (part.name, part.resource_count, part.byte_count) == ("run7/Patient-1.ndjson", 4, len(data))
    assert part.sha256 == hashlib.sha256(data).digest() and part.kind is fhx.PartKind.OUTPUT
    assert "Zo\u00eb".encode() in data


def test_parts_in_gzip_roll(tmp_path):
    with fhx.Writer(fhx.Destination.directory(tmp_path), "Patient", gzip=True, part_count=2) as writer:
        for row in patients(5):
            writer.append(row)
    assert [part.resource_count for part in writer.parts] == [2, 2, 1]
    assert all(part.gzip for part in writer.parts)
    data = b"".join(gzip.decompress((tmp_path / part.name).read_bytes()) for part in writer.parts)
    assert data.splitlines() == patients(5)


def test_a_refused_resource(tmp_path):
    with fhx.Writer(fhx.Destination.directory(tmp_path), "Patient") as writer:
        with pytest.raises(fhx.ResourceError, match="type Patient") as caught:
            writer.append({"resourceType": "Group", "id": "g"})
        assert caught.value.status is fhx.Status.RESOURCE and not caught.value.retryable
        assert caught.value.operation_outcome["issue"][0]["code"] == "invalid"
        with pytest.raises(fhx.ResourceError):
            writer.append('{"resourceType":"Patient","id":"\ud800"}')  # no UTF-8
        with pytest.raises(TypeError, match="not int"):
            writer.append(7)
        writer.append(patients(1)[0])
    assert writer.parts[0].resource_count == 1


def test_a_block_that_raises_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), fhx.Writer(fhx.Destination.directory(tmp_path), "Patient") as writer:
        writer.append(patients(1)[0])
        raise KeyError("x")
    assert list(tmp_path.rglob("*")) == [] and writer.parts == []


def test_closed_and_finished(tmp_path):
    writer = fhx.Writer(fhx.Destination.directory(tmp_path), "Patient")
    assert writer.finish() == []
    with pytest.raises(fhx.MisuseError) as caught:
        writer.append(patients(1)[0])
    assert caught.value.status == fhx.Status.MISUSE
    writer.close()
    writer.close()
    with pytest.raises(fhx.MisuseError, match="this Writer is closed"):
        writer.append(patients(1)[0])
    destination = fhx.Destination.directory(tmp_path)
    destination.close()
    with pytest.raises(fhx.MisuseError, match="this Destination is closed"):
        fhx.Writer(destination, "Patient")


@pytest.mark.parametrize("method, at", [("open", 1), ("write", 1), ("write", 3), ("commit", 1), ("abort", 1)])
def test_what_a_destination_raises_comes_out(method, at):
    error = ZeroDivisionError("of the host")
    parts = Memory("write" if method == "abort" else method, error, at)
    if method == "abort":
        parts.abort = lambda upload: (_ for _ in ()).throw(error)
    with fhx.Destination.custom(parts) as destination, pytest.raises(ZeroDivisionError) as caught:
        with fhx.Writer(destination, "Patient", part_bytes=2_000_000) as writer:
            for row in patients(400):
                writer.append(row[:-1] + b',"language":"' + b"x" * 10_000 + b'"}')
    assert caught.value is error
    if method != "abort":
        assert parts.open_uploads == 0


def test_an_error_of_a_destination_is_its_answer():
    parts = Memory("write", fhx.DestinationError("the shelf is full", status=fhx.Status.NO_SPACE, retryable=True))
    with fhx.Destination.custom(parts) as destination, pytest.raises(fhx.Error, match="the shelf is full") as caught:
        with fhx.Writer(destination, "Patient") as writer:
            writer.append(patients(1)[0])
    assert caught.value.status is fhx.Status.NO_SPACE and caught.value.retryable
    assert caught.value.__cause__ is parts.error


@pytest.mark.parametrize("call, message", [
    (lambda d: fhx.Writer(d, "Pa\0tient"), "resource_type has a NUL"),
    (lambda d: fhx.Writer(d, "Patient", part_bytes=-1), "part_bytes is out of range"),
    (lambda d: fhx.Writer(d, "Patient", part_bytes=2**64), "part_bytes is out of range"),
    (lambda d: fhx.Writer(d, "Patient", depth_max=5000), "depth"),
    (lambda d: fhx.Filter(since="yesterday"), "instant"),
    (lambda d: fhx.Filter(types=["no type"]), "type"),
    (lambda d: fhx.Filter(since=datetime.datetime(2024, 1, 1)), "without a time zone"),
    (lambda d: fhx.Rows([b"{}"], updated_us=[1, 2]), "not one time for each"),
    (lambda d: fhx.Rows.joined(b"{}", [1]), "not the length"),
])
def test_arguments(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(fhx.Destination.directory(tmp_path))


@pytest.mark.parametrize("call, message", [
    (lambda d: fhx.Writer(d, "Patient", part_byte=1), "part_byte is no option; there are"),
    (lambda d: fhx.Writer(d, "Patient", part_bytes="1"), "part_bytes is an int, not str"),
    (lambda d: fhx.Filter("Patient"), "a list of str"),
    (lambda d: fhx.Job("Patient", d), "a source is"),
    (lambda d: fhx.Job(7, d), "a source is"),
])
def test_types_of_arguments(tmp_path, call, message):
    with pytest.raises(TypeError, match=message):
        call(fhx.Destination.directory(tmp_path))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(fhx.NotFoundError):
        fhx.Destination.directory(tmp_path / "no")


def test_secrets_are_in_no_error():
    with pytest.raises(fhx.Error) as caught:
        fhx.Destination.azure("c", connection_string="AccountName=hidden;AccountKey=hidden")
    assert "hidden" not in str(caught.value) + json.dumps(caught.value.operation_outcome)
    assert "hidden" not in repr(fhx.S3Credentials("id", "hidden", "hidden"))


def test_statuses():
    assert fhx.Status(-13) is fhx.Status.RESOURCE
    assert fhx.Status(-999).name == "UNKNOWN_STATUS_-999" and fhx.Status(-999) == -999
    error = fhx.NotFoundError("no such Group")
    assert (error.status, error.retryable) == (fhx.Status.NOT_FOUND, False)
    assert error.operation_outcome["resourceType"] == "OperationOutcome"
    with pytest.raises(ValueError):
        fhx.Status("x")


def test_filter():
    some = fhx.Filter(["Patient", "Observation"], since=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
                      queries=["Observation?status=final"])
    new = {"resourceType": "Observation", "id": "o", "status": "final", "meta": {"lastUpdated": "2024-02-01T00:00:00Z"},
           "subject": {"reference": "Patient/p1"}}
    assert some.matches(new)
    assert not some.matches({**new, "status": "amended"})
    assert not some.matches({**new, "meta": {"lastUpdated": "2023-02-01T00:00:00Z"}})
    assert some.patients_of(new) == ["p1"]
    with pytest.raises(fhx.ResourceError):
        some.matches(b"{")
    with pytest.raises(fhx.UnsupportedError):
        fhx.Filter(queries=["Observation?_has:x=y"])
    with pytest.raises(fhx.UnsupportedError):
        fhx.Filter(group="g").matches(new)
