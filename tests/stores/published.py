#!/usr/bin/python3
"""What is published in a store is served by the store alone: a consumer follows a chain, its end and
the next one by the store's own ETags, and each object has the headers that caches go by (PUB-03,
PUB-04, PUB-06, PUB-08).

    published.py STORE --publish PROGRAM
"""
import argparse
import json
import os
import sys
import tempfile
import time
import unittest

import component
import places  # finds the tests of the server
import published_consumer as consumer
from exports import Failure, need

BASE_URL = "https://cdn.example.org/directory"
IMMUTABLE = "max-age=31536000,immutable"


class Answer:
    def __init__(self, answer):
        self.status, self.body, self.headers = answer.status, answer.body, answer.headers

    def header(self, name):
        return self.headers.get(name.lower())

    def json(self):
        return json.loads(self.body)


class Network:
    """In front of the store, as a CDN would be: it signs, and asks for the same object."""

    def __init__(self, place):
        self.place = place

    def get(self, url, headers=None):
        need(url.startswith(BASE_URL + "/"), f"{url} is not below the base URL")
        path = f"/{places.NAME}/{places.PREFIX}{url[len(BASE_URL):]}"
        return Answer(self.place.client.request("GET", path, headers=headers))


class Publisher(consumer.Publisher):
    def __init__(self, source, place, program):
        super().__init__(source, None, BASE_URL, program)
        self.place = place

    def destination(self):
        return self.place.url

    def environment(self):
        return {**os.environ, **self.place.environment}


def check_headers(network, first):
    """Media types and how long caches keep it, by what may change."""
    root = network.get(BASE_URL + "/$bulk-publish")
    need(root.header("Content-Type") == "application/json", "the root is not JSON")
    need(root.header("Cache-Control") == "public, max-age=10", root.header("Cache-Control"))
    page = root.json()
    file = network.get(page["output"][0]["url"])
    need(file.header("Content-Type") == "application/fhir+ndjson", "the file is not NDJSON")
    need(file.header("Cache-Control") == IMMUTABLE, file.header("Cache-Control"))
    closed = network.get(first)
    need(closed.header("Cache-Control") == "public, max-age=31536000, immutable",
         closed.header("Cache-Control"))


def check_removed(place, publisher, files):
    """When the grace period is over, nothing is left of what was there before."""
    time.sleep(1.1)
    told = publisher.run("--grace", "1")
    need(told["removed"] > 0, "nothing was removed")
    left = {f"{BASE_URL}/{name}" for name in place.all()}
    gone = files - left
    need(told["removed"] == len(gone), f"{told['removed']} were removed, {len(gone)} are gone")


def check(place, program, work):
    source = consumer.Source(work)
    publisher, network = Publisher(source, place, program), Network(place)
    reader = consumer.Consumer(unittest.TestCase(), network, BASE_URL + "/$bulk-publish")
    source.change(20)
    publisher.run()
    reader.poll()
    first = None
    for number in range(1, 5):
        reader.poll()
        need(reader.not_modified == number, "the store did not answer 304")
        if number == 3:
            first, old = reader.page, set(reader.files)
        source.change(6)
        publisher.run(*(["--snapshot"] if number == 3 else []))
        reader.poll()
        need(reader.data == source.state, f"after {number} the consumer has something else")
    need(reader.restarts == 1, "the consumer was not told to begin again")
    check_headers(network, first)
    check_removed(place, publisher, old)
    reader.poll()
    need(reader.data == source.state, "something was removed that counts")


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=places.STORES)
    parser.add_argument("--publish", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-published-") as work:
        with places.open_place(options.store) as place:
            check(place, options.publish, work)
    print("a consumer follows what is published in", options.store)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AssertionError, component.Failure, Failure) as failure:
        sys.exit(f"published.py: {failure}")
