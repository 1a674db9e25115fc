#!/usr/bin/env python3
"""Checks every value that was ever written to Redis against the true states of the recordings it was made from.

    redis-cli MONITOR > monitor.txt                     while captures are replayed through the engine
    final_state.py --states states.jsonl CAPTURE...
    check_monitor.py --states states.jsonl [--ttl price=30000,...] [--resynchronised] monitor.txt

Each SET of a value key must carry a state that the recording went through (same update id, same digits), a TTL of its
entity, and a version above the one before it under that key. A value about which nothing is known (no update id, no
numbers) must not be live. Prints counts per entity as JSON; with faults it prints the first of them and exits with 1.
Recordings that start again are fine: states repeat, versions grow. Independent of tickcache's code.

A writer that fetches a snapshot later than the recorded one knows the book less deep than the recording does, because each
snapshot ends at its limit. With --resynchronised sides that are too short for the recording are counted, not faults.
"""

import argparse
import json
import re
import sys

import wire

ARGUMENT = re.compile(rb'"((?:[^"\\]|\\.)*)"')
FAULTS_SHOWN = 10
SHORT = "too short"


def unescape(raw):
    # Redis escapes as C does, and all that is left is ASCII.
    return raw.decode("unicode_escape").encode("latin-1")


def writes(path):
    """(line number, key, value, TTL in ms or None) of each SET in MONITOR's output, by whomever, scripts too."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            arguments = [unescape(argument) for argument in ARGUMENT.findall(line.partition(b"] ")[2])]
            if len(arguments) < 3 or arguments[0].upper() != b"SET":
                continue
            key = arguments[1].decode("utf-8", "replace")
            if wire.entity_of(key):
                options = [option.upper() for option in arguments[3:]]
                ttl = int(options[options.index(b"PX") + 1]) if b"PX" in options else None
                yield number, key, arguments[2], ttl


def load_states(path):
    states = {"price": set(), "trade": set(), "liquidity": {}}
    with open(path, encoding="utf-8") as file:
        for line in file:
            state = json.loads(line)
            symbol, kind = state["symbol"], state["kind"]
            if kind == "liquidity":
                _, bids, asks = state["state"].split("|")
                levels = [side.split(",") if side else [] for side in (bids, asks)]
                states[kind][symbol, state["u"]] = (levels, state["known"])
            else:
                states[kind].add((symbol, state["state"]))
    return states


def price_fault(symbol, value, states):
    quote = [value[name] for name in ("venue_sequence", "bid", "bid_size", "ask", "ask_size")]
    if all(item is None for item in quote):
        if value["state"] == 0:
            return "live, and nothing known"
    elif (symbol, "|".join(map(str, quote))) not in states["price"]:
        return f"no such top of book in the recording: {quote}"
    if value["last"] is not None:
        venue_time = value["last_venue_time"]
        milliseconds = None if venue_time is None else venue_time // 1_000_000
        trade = f"{value['last']}|{value['last_size']}|{milliseconds}"
        if (symbol, trade) not in states["trade"]:
            return f"no such trade in the recording: {trade}"
    return None


def liquidity_fault(symbol, value, states):
    sides = [
        [f"{price}:{size}" for price, size in zip(value[f"{side}_prices"], value[f"{side}_sizes"], strict=True)]
        for side in ("bid", "ask")
    ]
    if value["venue_sequence"] is None:
        return "levels without an update id" if any(sides) else "live, and nothing known" if value["state"] == 0 else None
    known = states["liquidity"].get((symbol, value["venue_sequence"]))
    if known is None:
        return f"the recording's book was never at update {value['venue_sequence']}"
    for side, name, true, certain in zip(sides, ("bids", "asks"), *known):
        # A writer may leave out levels beyond what its snapshot covered, never invent or skip one.
        if side != true[: len(side)]:
            return f"{name} at update {value['venue_sequence']} differ: {side} instead of {true}"
        if value["state"] == 0 and len(side) < certain and len(side) < len(true):
            return SHORT + f": {len(side)} {name} at update {value['venue_sequence']}, of {certain} that are certain"
    return None


def faults(path, states, ttls, counts, short_is_fault):
    newest = {}
    for number, key, raw, ttl in writes(path):
        entity, instrument, _ = wire.entity_of(key)
        count = counts.setdefault(entity, {"written": 0, "live": 0, "short": 0, "faults": 0})
        count["written"] += 1
        found = []
        try:
            value = wire.decode(entity, raw)
        except wire.Malformed as error:
            found.append(str(error))
        else:
            count["live"] += value["state"] == 0
            version = (value["epoch"], value["sequence"])
            if version <= newest.get(key, (-1, -1)):
                found.append(f"version {version} after {newest[key]}")
            newest[key] = max(version, newest.get(key, version))
            check = {"price": price_fault, "liquidity": liquidity_fault}.get(entity)
            found.append(check(instrument.replace("-", ""), value, states) if check else None)
        if ttl != ttls[entity]:
            found.append(f"TTL {ttl} ms instead of {ttls[entity]} ms")
        for fault in filter(None, found):
            if fault.startswith(SHORT):
                count["short"] += 1
                if not short_is_fault:
                    continue
            count["faults"] += 1
            yield f"line {number}: {key}: {fault}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("monitor", metavar="MONITOR_OUTPUT")
    parser.add_argument("--states", required=True, metavar="FILE", help="written by final_state.py --states")
    parser.add_argument("--ttl", default="", help="other TTLs, entity=ms,...")
    parser.add_argument("--resynchronised", action="store_true", help="sides may be shorter than the recording knows them")
    arguments = parser.parse_args()
    ttls = {"price": 30_000, "liquidity": 60_000, "volume": 300_000}
    ttls |= {entity: int(ms) for entity, ms in (pair.split("=") for pair in arguments.ttl.split(",") if pair)}
    counts = {}
    found = list(faults(arguments.monitor, load_states(arguments.states), ttls, counts, not arguments.resynchronised))
    print(json.dumps(counts))
    for fault in found[:FAULTS_SHOWN]:
        print(fault, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
