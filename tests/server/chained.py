#!/usr/bin/python3
"""Chains exports by _since while resources change, and finds every change, each at its time.

    chained.py --server PROGRAM --generate PROGRAM [--exports N] [--rate N] [--seed S]

Writers create, update and delete resources all the time and note what the server answered: version,
lastUpdated, content. Each export of the chain begins at the transactionTime of the one before: it
must hold exactly the resources whose newest change at its own transactionTime is later than the one
before, each once and in that version (FILTER-01, FILTER-13). A full export every few links must equal the
state at its transactionTime; so must, at the end, all links put together (MAN-03, MAN-04, MAN-05).
"""
import argparse
import bisect
import random
import sys
import tempfile
import time

import changes
import exports
from changes import Export
from exports import need

WRITERS = 2
FULL_EVERY = 4


def run_chain(server, count, chance):
    chain, fulls = [Export(server).end()], []
    for number in range(count):
        time.sleep(chance.uniform(0, 1))
        link = Export(server, chain[-1].time)
        full = Export(server) if number % FULL_EVERY == 0 else None
        chain.append(link.end())
        fulls += [full.end()] if full else []
    return chain, fulls


def check_all(history, chain, fulls):
    for export in chain + fulls:
        export.check(history)
    followed = {}
    for export in chain:
        export.follow(followed)
    changes.same(followed, history.at(chain[-1].time), "the chain")


def count_meanwhile(history, all_exports):
    """Versions that came between an export's time and its end: what it must not see."""
    return sum(bisect.bisect_right(stamps, export.end_time) - bisect.bisect_right(stamps, export.time)
               for stamps in history.stamps.values() for export in all_exports)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--exports", type=int, default=20)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="fhx-chained-") as work:
        data = exports.find_data("", options.generate, work, 150)
        loaded = exports.read_data(data)
        server = exports.start(options.server, "--load", data, "--part-bytes", "65536",
                               folder=work)
        keys = sorted(loaded)
        writers = [changes.Writer(server, keys[number::WRITERS], f"writer{number}",
                          options.rate / WRITERS, chance.random()) for number in range(WRITERS)]
        begin = time.monotonic()
        try:
            for writer in writers:
                writer.start()
            chain, fulls = run_chain(server, options.exports, chance)
        finally:
            for writer in writers:
                writer.ended.set()
            for writer in writers:
                writer.join()
            seconds = time.monotonic() - begin
            code = server.stop()
        for writer in writers:
            need(writer.problem is None, f"a writer failed: {writer.problem!r}")
        need(code == 0, f"the server ended with {code}")
        history, untold = changes.history_of(work, loaded, writers)
        need(not untold, "the server has deletions that nobody made")
    check_all(history, chain, fulls)
    made = sum(len(writer.changes) for writer in writers)
    deletes = sum(change[3] is None for writer in writers for change in writer.changes)
    meanwhile = count_meanwhile(history, chain + fulls)
    print(f"{made} changes, {deletes} of them deletions, {made / seconds:.0f} a second, over "
          f"{len(loaded)} resources; {len(chain) - 1} chained exports of "
          f"{sum(len(export.found) for export in chain[1:])} resources, {len(fulls) + 1} full ones; "
          f"{meanwhile} changes while these ran; all exact")
    need(meanwhile > 0 and deletes > 0, "nothing changed while the exports ran")


if __name__ == "__main__":
    try:
        main()
    except exports.Failure as failure:
        sys.exit(f"chained.py: {failure}")
