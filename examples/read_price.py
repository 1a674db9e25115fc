#!/usr/bin/env python3
"""A price out of Redis, and whether to trade on it. Needs: pip install redis msgpack

    python examples/read_price.py [INSTRUMENT] [VENUE]        # REDIS_URL says where
"""

import os
import sys
import time
from decimal import Decimal

import msgpack
import redis

instrument, venue = (sys.argv[1:] + ["BTC-USDT", "binance"][len(sys.argv) - 1 :])[:2]
client = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6380"))

value = client.get(f"tickcache:v1:price:{{{instrument}}}:{venue}")
if value is None:
    sys.exit(f"{instrument} at {venue}: no price (never written, or its writer is gone)")
schema, epoch, sequence, codec, record = msgpack.unpackb(value)
if (schema, codec) != (1, 0):
    sys.exit(f"{instrument} at {venue}: schema {schema}, codec {codec} are not read by this example")

state, confirmed_ns, price_scale, bid, ask = record[0], record[4], record[6], record[9], record[11]
age_s = (time.time_ns() - confirmed_ns) / 1e9


def price(mantissa):  # Exact: an int (or, beyond 64 bits, its digits) times ten to the minus scale.
    return None if mantissa is None else Decimal(f"{mantissa}e-{price_scale}")


print(f"state {state}  bid {price(bid)}  ask {price(ask)}  age {age_s:.3f} s  version {epoch}.{sequence}")
if state != 0 or abs(age_s) > 3:
    sys.exit("do not trade on it: it is suspect, halted or stale")
