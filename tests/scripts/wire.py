#!/usr/bin/env python3
"""The values that tickcache keeps in Redis, decoded without any of its code: the MessagePack subset of the wire contract.

    wire.py < lines of `<key> <hex of the value>`       prints one JSON object a line

Standard library only. A zstd body (codec 1) goes through the system's libzstd, because Python has none before 3.14.
"""

import ctypes
import json
import struct
import sys

SCHEMA = 1
BODY_MAX = 1 << 20
HEAD = ["state", "reason", "venue_time", "receive_time", "confirmed_time", "publish_time"]
FIELDS = {
    "price": HEAD + ["price_scale", "size_scale", "size_unit", "bid", "bid_size", "ask", "ask_size", "venue_sequence",
                     "last", "last_size", "last_venue_time", "last_receive_time"],
    "liquidity": HEAD + ["price_scale", "size_scale", "size_unit", "bid_prices", "bid_sizes", "ask_prices", "ask_sizes",
                         "venue_sequence", "checked_levels"],
    "volume": HEAD + ["price_scale", "size_scale", "quote_scale", "base_volume", "quote_volume", "trade_count",
                      "open", "high", "low", "last", "window_s"],
}
# Which scale the mantissas of a field have; what is not named here is no mantissa.
SCALE_OF = {name: "price_scale" for name in ("bid", "ask", "last", "bid_prices", "ask_prices", "open", "high", "low")}
SCALE_OF |= {name: "size_scale" for name in ("bid_size", "ask_size", "last_size", "bid_sizes", "ask_sizes", "base_volume")}
SCALE_OF |= {"quote_volume": "quote_scale"}


class Malformed(ValueError):
    """No value of the wire contract."""


def unpack(data, at=0):
    """One MessagePack item and the offset after it: nil, ints, str, bin, array."""
    if at >= len(data):
        raise Malformed(f"ends at byte {at}")
    byte, at = data[at], at + 1
    if byte < 0x80:
        return byte, at
    if byte >= 0xE0:
        return byte - 0x100, at
    if byte == 0xC0:
        return None, at
    if 0x90 <= byte <= 0x9F:
        return array(data, at, byte & 0x0F)
    if 0xA0 <= byte <= 0xBF:
        return text(data, at, byte & 0x1F)
    if byte in NUMBERS:
        return number(data, at, NUMBERS[byte])
    if byte in LENGTHS:
        form, build = LENGTHS[byte]
        length, at = number(data, at, form)
        return build(data, at, length)
    raise Malformed(f"byte {byte:#04x} at {at - 1} is outside the contract's subset")


def number(data, at, form):
    end = at + struct.calcsize(form)
    if end > len(data):
        raise Malformed(f"ends inside a number at byte {at}")
    return struct.unpack(form, data[at:end])[0], end


def array(data, at, length):
    items = []
    for _ in range(length):
        item, at = unpack(data, at)
        items.append(item)
    return items, at


def binary(data, at, length):
    if at + length > len(data):
        raise Malformed(f"{length} bytes announced at {at}, {len(data) - at} there")
    return data[at : at + length], at + length


def text(data, at, length):
    raw, at = binary(data, at, length)
    return raw.decode("utf-8"), at


NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
LENGTHS = {0xC4: (">B", binary), 0xC5: (">H", binary), 0xC6: (">I", binary), 0xD9: (">B", text), 0xDA: (">H", text),
           0xDB: (">I", text), 0xDC: (">H", array), 0xDD: (">I", array)}


def unzstd(frame):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(BODY_MAX)
    length = library.ZSTD_decompress(out, ctypes.c_size_t(BODY_MAX), frame, ctypes.c_size_t(len(frame)))
    if length > BODY_MAX:  # Errors are returned as numbers close to the largest one.
        raise Malformed("no zstd frame, or one of more than a megabyte")
    return out.raw[:length]


def decimal(mantissa, scale):
    """Exact text of mantissa x 10^-scale with just the digits that it needs; None stays None."""
    if mantissa is None:
        return None
    mantissa = int(mantissa)
    digits = str(abs(mantissa)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:].rstrip("0")) if scale else (digits, "")
    return ("-" if mantissa < 0 else "") + whole + ("." + fraction if fraction else "")


def decode(entity, value):
    """A value as a dict: epoch, sequence, codec, and every field of the record, numbers as exact decimal text."""
    if value[:3] != b"\x95\x01\xcf" or value[11:12] != b"\xcf":
        raise Malformed(f"no envelope of schema {SCHEMA}: begins {value[:12].hex()}")
    (schema, epoch, sequence, codec, body), end = unpack(value)
    if end != len(value):
        raise Malformed(f"{len(value) - end} bytes after the value")
    if codec == 1:
        body, _ = unpack(unzstd(body))
    elif codec != 0:
        raise Malformed(f"codec {codec}")
    names = FIELDS[entity]
    if len(body) < len(names):
        raise Malformed(f"{entity}: {len(body)} items, at least {len(names)} expected")
    out = {"schema": schema, "epoch": epoch, "sequence": sequence, "codec": codec} | dict(zip(names, body))
    for name in names:
        if name in SCALE_OF:
            scale, item = out[SCALE_OF[name]], out[name]
            out[name] = [decimal(one, scale) for one in item] if isinstance(item, list) else decimal(item, scale)
    return out


def entity_of(key):
    """`tickcache:v1:price:{BTC-USDT}:binance` -> (`price`, `BTC-USDT`, `binance`), or None for any other key."""
    head, brace, rest = key.partition("{")
    instrument, closing, venue = rest.partition("}:")
    parts = head.rstrip(":").split(":")
    if not brace or not closing or len(parts) < 3 or parts[-2] != "v1" or parts[-1] not in FIELDS:
        return None
    return parts[-1], instrument, venue


def main():
    for line in sys.stdin:
        key, value = line.split()
        entity, instrument, venue = entity_of(key) or sys.exit(f"{key}: no key of price, liquidity or volume")
        head = {"entity": entity, "instrument": instrument, "venue": venue}
        print(json.dumps(head | decode(entity, bytes.fromhex(value))))


if __name__ == "__main__":
    main()
