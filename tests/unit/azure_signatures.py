#!/usr/bin/python3
"""The signatures of test_azure_sign.c once more, by Python's own hmac and by the service's rules as
they are written down, line by line. Prints them; `azure_signatures.py FILE` says which of them the
file does not have."""
import base64
import hashlib
import hmac
import pathlib
import sys

KEY = bytes(range(64))
DELEGATION_KEY = bytes(range(100, 132))
VERSION = "2021-12-02"


def sign(key, lines):
    digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def shared_key(method, path, query=(), headers=None, length=0):
    """`headers` with names in lower case; account fhxaccount."""
    headers = headers or {}
    standard = ["content-encoding", "content-language", "content-length", "content-md5",
                "content-type", "date", "if-modified-since", "if-match", "if-none-match",
                "if-unmodified-since", "range"]
    values = {**headers, "content-length": str(length) if length else ""}
    lines = [method] + [values.get(name, "") for name in standard]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    lines.append("/fhxaccount" + path)
    lines += [f"{name}:{value}" for name, value in sorted(query)]
    return sign(KEY, lines)


COMMON = {"x-ms-date": "Sun, 22 Nov 2026 13:24:05 GMT", "x-ms-version": VERSION}
PUT = {**COMMON, "x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "application/fhir+ndjson",
       "x-ms-blob-content-encoding": "gzip", "if-none-match": "*",
       "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "content-type": "application/octet-stream"}
BLOB = "exports/job-1/Patient-0-1-0.ndjson"
END = "2026-11-23T13:24:05Z"


def service_sas(protocol):
    """Version 2020-12-06 and later: 16 fields."""
    return sign(KEY, ["r", "", END, f"/blob/fhxaccount/fhir/{BLOB}", "", "", protocol, VERSION, "b",
                      "", "", "", "", "", "", ""])


def delegation_sas():
    """Version 2020-12-06 and later: 24 fields."""
    return sign(DELEGATION_KEY, [
        "r", "", END, f"/blob/fhxaccount/fhir/{BLOB}", "11111111-2222-3333-4444-555555555555",
        "66666666-7777-8888-9999-000000000000", "2026-11-22T13:09:05Z", "2026-11-29T13:09:05Z", "b",
        VERSION, "", "", "", "", "https", VERSION, "b", "", "", "", "", "", "", ""])


def main(files):
    found = [
        shared_key("PUT", f"/fhir/{BLOB}", headers=PUT, length=1234),
        shared_key("PUT", f"/fhxaccount/fhir/{BLOB}", headers=COMMON, length=7,
                   query=[("comp", "block"), ("blockid", "MDAwMDAx/+==")]),
        shared_key("HEAD", "/fhir/a.ndjson", headers=COMMON),
        service_sas("https"), service_sas("https,http"), delegation_sas(),
    ]
    missing = [one for one in found for file in files if one not in pathlib.Path(file).read_text()]
    print(*(missing if files else found), sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
