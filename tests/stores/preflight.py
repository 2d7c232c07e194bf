#!/usr/bin/python3
"""A kick-off is refused at once where nothing could be written.

    preflight.py STORE --server PROGRAM --generate PROGRAM

With a wrong key, without the bucket and without the store it is answered 503 with an
OperationOutcome that says what is the matter and no secret.
"""
import argparse
import copy
import json
import sys
import tempfile

import component
import store_export
import places
import exports
from exports import need


def check_refused(options, loaded, work, place, name, words):
    with store_export.Exporter(options.server, loaded, work, name, place) as one:
        answer = one.server.get("/$export", headers={"Prefer": "respond-async"}, is_busy_told=True)
        need(answer.status == 503, f"{name}: the kick-off was answered {answer.status}")
        need(answer.header("Content-Type").startswith("application/fhir+json"), "no FHIR")
        issue, = json.loads(answer.body)["issue"]
        need(issue["severity"] == "error" and issue["code"] == "transient", "the outcome is no error")
        need(words in issue["diagnostics"], f"{name}: it is said that {issue['diagnostics']}")
        print(f"{name}: {issue['code']}: {issue['diagnostics']}", flush=True)
        one.check_secrets()


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=places.STORES)
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-preflight-") as work:
        data = store_export.generate(options.generate, work, "--patients", "2")
        loaded = store_export.load(options.server, work, data)
        with places.open_place(options.store) as place:
            wrong = copy.copy(place)
            wrong.environment = places.without_rights(place)
            check_refused(options, loaded, work, wrong, "wrong-key", "denied access")
            absent = copy.copy(place)
            absent.url = place.url.replace(places.NAME, "absent")
            check_refused(options, loaded, work, absent, "no-bucket", "files cannot be written")
            need(place.all() == {}, "a refused kick-off has left an object")
            with store_export.Exporter(options.server, loaded, work, "good", place) as one:
                one.wait(one.kick_off())
        check_refused(options, loaded, work, place, "no-store",
                      "cannot be reached")


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"preflight.py: {failure}")
