#!/usr/bin/env python3
"""What a Binance spot recording says, worked out without any of tickcache's own code.

    final_state.py [--levels 20] [--states FILE] CAPTURE...

A capture is lines of `<receive time ns> ws <frame>` and `<receive time ns> rest <path?query> <body>`, plain or gzip.
Prints one JSON object: for each symbol the last top of book, the last trade, and the top levels of the book after the
last depth update, by Binance's documented procedure ("How to manage a local order book correctly"): drop every update
with u <= lastUpdateId of the snapshot, the first one applied has U <= lastUpdateId + 1 <= u, each further one has
U = u of the one before + 1, quantities are absolute, zero removes.

--states writes every true state, one JSON object a line, which `check_monitor.py` compares written values with:
    {"kind": "price",     "symbol": ..., "u": ..., "state": "u|bid|bid size|ask|ask size"}
    {"kind": "trade",     "symbol": ..., "state": "price|size|trade time in ms"}
    {"kind": "liquidity", "symbol": ..., "u": ..., "known": [bids, asks], "state": "u|price:size,...|price:size,..."}
Numbers are plain decimals without trailing zeros. `known` counts the leading levels that are inside what the snapshot
covered: a snapshot of 1000 levels says nothing about the 1001st, so a top level beyond it may lack neighbours.
Standard library only; memory is one book a symbol.
"""

import argparse
import bisect
import gzip
import json
import sys
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit


def plain(text):
    """`61837.63000000` -> `61837.63`: the number, however many zeros the venue appends."""
    return text.rstrip("0").rstrip(".") if "." in text else text


class Side:
    """One side of a book: prices kept sorted ascending by `sign * price`, so the best is always first."""

    def __init__(self, sign, levels, limit):
        self.sign, self.keys, self.levels = sign, [], {}
        for price, size in levels:
            self.change(price, size)
        # A snapshot as long as its limit is cut there; a shorter one is the whole side.
        self.bound = self.keys[-1] if len(self.keys) >= limit else None

    def change(self, price, size):
        key = self.sign * Decimal(price)
        known = key in self.levels
        if Decimal(size) == 0:
            if known:
                del self.levels[key]
                del self.keys[bisect.bisect_left(self.keys, key)]
            return
        if not known:
            bisect.insort(self.keys, key)
        self.levels[key] = (plain(price), plain(size))

    def top(self, count):
        return [self.levels[key] for key in self.keys[:count]]

    def known(self, count):
        if self.bound is None:
            return min(count, len(self.keys))
        return bisect.bisect_right(self.keys[:count], self.bound)


class Book:
    """The documented procedure for one symbol. `last` is None until a snapshot and the updates meet."""

    def __init__(self):
        self.waiting, self.last, self.first, self.gaps = [], None, True, 0

    def snapshot(self, body, limit):
        self.last, self.first = body["lastUpdateId"], True
        self.bids, self.asks = Side(-1, body["bids"], limit), Side(1, body["asks"], limit)
        yield self.last
        waiting, self.waiting = self.waiting, []
        for update in waiting:
            yield from self.update(update)

    def update(self, update):
        if self.last is None:
            self.waiting.append(update)
            return
        if update["u"] <= self.last:
            return
        joins = update["U"] <= self.last + 1 if self.first else update["U"] == self.last + 1
        if not joins:
            self.gaps += 1
            self.last, self.waiting = None, [update]
            return
        for price, size in update["b"]:
            self.bids.change(price, size)
        for price, size in update["a"]:
            self.asks.change(price, size)
        self.last, self.first = update["u"], False
        yield self.last


class Symbol:
    """Everything that the recording says of one symbol."""

    def __init__(self, name, levels, emit):
        self.name, self.levels, self.emit = name, levels, emit
        self.book, self.quote, self.trade, self.quotes, self.trades = Book(), None, None, 0, 0

    def on_quote(self, data):
        self.quote = [str(data["u"])] + [plain(data[key]) for key in ("b", "B", "a", "A")]
        self.quotes += 1
        self.emit({"kind": "price", "symbol": self.name, "u": data["u"], "state": "|".join(self.quote)})

    def on_trade(self, data):
        self.trade = [plain(data["p"]), plain(data["q"]), str(data["T"])]
        self.trades += 1
        self.emit({"kind": "trade", "symbol": self.name, "state": "|".join(self.trade)})

    def on_depth(self, steps):
        for u in steps:
            sides = (self.book.bids, self.book.asks)
            state = "|".join([str(u)] + [side_text(side.top(self.levels)) for side in sides])
            known = [side.known(self.levels) for side in sides]
            self.emit({"kind": "liquidity", "symbol": self.name, "u": u, "known": known, "state": state})

    def summary(self):
        out = {"quotes": self.quotes, "trades": self.trades, "gaps": self.book.gaps}
        if self.quote:
            u, bid, bid_size, ask, ask_size = self.quote
            out["price"] = {"u": int(u), "bid": bid, "bid_size": bid_size, "ask": ask, "ask_size": ask_size}
        if self.trade:
            out["last"] = {"price": self.trade[0], "size": self.trade[1], "time_ms": int(self.trade[2])}
        if self.book.last is not None:
            bids, asks = self.book.bids, self.book.asks
            out["liquidity"] = {
                "u": self.book.last,
                "bids": bids.top(self.levels),
                "asks": asks.top(self.levels),
                "known": [bids.known(self.levels), asks.known(self.levels)],
            }
        return out


def side_text(levels):
    return ",".join(f"{price}:{size}" for price, size in levels)


def lines(path):
    with open(path, "rb") as probe:
        magic = probe.read(4)
    if magic == b"\x28\xb5\x2f\xfd":
        sys.exit(f"{path}: zstd is not read here; give the plain file or gzip")
    opener = gzip.open if magic[:2] == b"\x1f\x8b" else open
    with opener(path, "rt", encoding="utf-8") as file:
        yield from file


def read(path, symbol_of):
    for number, line in enumerate(lines(path), 1):
        try:
            _, kind, rest = line.rstrip("\n").split(" ", 2)
            if kind == "rest":
                on_rest(rest, symbol_of)
            else:
                on_frame(json.loads(rest), symbol_of)
        except (ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}:{number}: {type(error).__name__}: {error}")


def on_rest(rest, symbol_of):
    path, body = rest.split(" ", 1)
    url = urlsplit(path)
    if not url.path.endswith("/depth"):
        return
    query, body = parse_qs(url.query), json.loads(body)
    symbol = symbol_of(query["symbol"][0])
    # Without a limit in the request the recorded length is all that is known of it: taken as cut there.
    limit = int(query.get("limit", [max(len(body["bids"]), len(body["asks"]))])[0])
    if symbol.book.last is None:
        symbol.on_depth(symbol.book.snapshot(body, limit))


def on_frame(frame, symbol_of):
    stream, data = frame.get("stream", ""), frame.get("data", {})
    channel = stream.partition("@")[2]
    if channel == "bookTicker":
        symbol_of(data["s"]).on_quote(data)
    elif channel == "trade":
        symbol_of(data["s"]).on_trade(data)
    elif channel.startswith("depth") and data.get("e") == "depthUpdate":
        symbol = symbol_of(data["s"])
        symbol.on_depth(symbol.book.update(data))


def run(captures, levels, emit):
    """Symbol -> what the recordings say of it; each true state goes to `emit` as it comes about."""
    symbols = {}

    def symbol_of(name):
        if name not in symbols:
            symbols[name] = Symbol(name, levels, emit)
        return symbols[name]

    for path in captures:
        read(path, symbol_of)
    return {name: symbol.summary() for name, symbol in sorted(symbols.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("captures", nargs="+", metavar="CAPTURE")
    parser.add_argument("--levels", type=int, default=20, help="levels a side (default 20)")
    parser.add_argument("--states", metavar="FILE", help="write every true state there, one JSON object a line")
    arguments = parser.parse_args()
    if arguments.states:
        with open(arguments.states, "w", encoding="utf-8") as file:
            emit = lambda state: file.write(json.dumps(state, separators=(",", ":")) + "\n")
            final = run(arguments.captures, arguments.levels, emit)
    else:
        final = run(arguments.captures, arguments.levels, lambda state: None)
    json.dump(final, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
