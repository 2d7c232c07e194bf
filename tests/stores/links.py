#!/usr/bin/python3
"""Signed URLs of a store open one object for a while, and nothing else.

    links.py STORE --server PROGRAM --generate PROGRAM

Changed, moved to another object or expired they are refused by the store; the next poll after that
gives some that work.
"""
import argparse
import os
import re
import sys
import tempfile
import time
import urllib.parse

import component
import store_export
import places
import exports
import fhir_server
from exports import need

SECONDS = 8
TRIES = 20


def status(place, url):
    return store_export.curl(url, *place.curl, check=False)[0]


def other_digit(match):
    return match.group(1) + ("B" if match.group(2) in "Aa" else "A")


def changed(url, other):
    """The URL with other signatures and expiries, without them, and for another object."""
    plain, query = url.split("?")
    yield "without its signature", plain
    yield "with another signature", re.sub(r"(ignature=|sig=)(.)", other_digit, url)
    yield "of another object", f"{other.split('?')[0]}?{query}"
    yield "for longer", re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", re.sub(
        r"([?&]se=)\d{4}", r"\g<1>2999", url))
    yield "for writing", re.sub(r"([?&]sp=)r", r"\g<1>rw", url) if "sp=" in url else plain


def in_time(what, act):
    """What `act` does with URLs that it has got, once more where a busy machine has let them expire meanwhile."""
    for _ in range(TRIES):
        begun = time.monotonic()
        if act():
            return
        need(time.monotonic() - begun > SECONDS - 1.5, what)
    raise exports.Failure(f"{what}, or they always expire before they are used")


def links_of(one, url):
    """Those of a poll that has just been answered."""
    links = [entry["url"] for entry in one.wait(url)["output"]]
    for link in links:
        parts = urllib.parse.urlsplit(link)
        need(parts.query and not parts.username, "a URL is not signed, or has a user")
    return links


def check_changed(place, one, url, number):
    """One that was changed is refused, while it works as it was."""
    links = links_of(one, url)
    what, link = list(changed(links[0], links[1]))[number]
    need(link != links[0], f"nothing was changed: {what}")
    need(status(place, link) in (401, 403, 404), f"a URL {what} works")
    return status(place, links[0]) == 200


def check(place, one):
    url = one.kick_off()
    one.wait(url)
    links = links_of(one, url)
    for number in range(len(links)):
        in_time("a URL does not work", lambda at=number: status(place, links_of(one, url)[at]) == 200)
    for number in range(len(list(changed(links[0], links[1])))):
        in_time("a URL does not work", lambda at=number: check_changed(place, one, url, at))
    links = links_of(one, url)
    time.sleep(SECONDS + 1.5)
    for link in links:
        need(status(place, link) in (401, 403), "a URL works that has expired")
    second = links_of(one, url)
    need([link.split("?")[0] for link in second] == [link.split("?")[0] for link in links], "a file has moved")
    in_time("the URL of a later poll does not work", lambda: status(place, links_of(one, url)[0]) == 200)
    one.check_secrets()
    return len(links)


def check_page(place, one, token):
    """The page for operators sends browsers to the store, by such a URL."""
    jobs = one.server.base_url[:-len("/fhir")] + "/exports/jobs"
    operator = {"Authorization": "Bearer " + token}
    files = f"{jobs}/{one.server.request('POST', jobs, b'level=system', operator).json()['id']}/files"
    end = time.monotonic() + fhir_server.PATIENCE
    while one.server.get(files, headers=operator).status != 200:
        need(time.monotonic() < end, "the export of the page does not end")
        time.sleep(0.1)

    def follow():
        answer = one.server.get(files + "/0", headers=operator)
        need(answer.status == 303 and answer.body == b"", f"a file was answered {answer.status}")
        return status(place, answer.header("Location")) == 200
    in_time("the page's URL does not work", follow)


def main():
    component.end_on_signal()
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=places.STORES)
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fhx-links-") as work:
        data = store_export.generate(options.generate, work, "--patients", "5")
        loaded = store_export.load(options.server, work, data)
        token = os.urandom(24).hex()
        with open(os.path.join(work, "operators"), "w", encoding="ascii") as file:
            print(token, file=file)
        with places.open_place(options.store) as place:
            with store_export.Exporter(options.server, loaded, work, "links", place,
                                       "--link-seconds", str(SECONDS), "--admin-token-file",
                                       os.path.join(work, "operators")) as one:
                check_page(place, one, token)
                count = check(place, one)
    print(f"{count} URLs are good for what they are signed for")


if __name__ == "__main__":
    try:
        main()
    except (exports.Failure, component.Failure) as failure:
        sys.exit(f"links.py: {failure}")
