#!/usr/bin/env python3
"""A price as it changes: subscribe, then read, then never go back. Needs: pip install redis msgpack

    python examples/follow_price.py [INSTRUMENT] [VENUE]        # REDIS_URL says where
"""

import os
import sys
import time
from decimal import Decimal

import msgpack
import redis

instrument, venue = (sys.argv[1:] + ["BTC-USDT", "binance"][len(sys.argv) - 1 :])[:2]
key = f"tickcache:v1:price:{{{instrument}}}:{venue}"
channel = f"tickcache:v1:update:price:{{{instrument}}}:{venue}"  # On a Cluster: SSUBSCRIBE, see `transport` in meta.
TTL_S = 30  # A copy older than this says nothing any more, so it keeps nothing out.

newest, kept_until, was_fresh = (-1, -1), 0.0, False


def take(value):
    """Reports a value, pushed or read, unless a newer one was there before, or it is the same and as fresh as then."""
    global newest, kept_until, was_fresh
    schema, epoch, sequence, codec, record = msgpack.unpackb(value)
    if (schema, codec) != (1, 0):
        return print(f"schema {schema}, codec {codec} are not read by this example")
    state, confirmed_ns, scale, bid, ask = record[0], record[4], record[6], record[9], record[11]
    fresh = state == 0 and abs(time.time_ns() - confirmed_ns) < 3e9
    if (epoch, sequence) == newest and fresh == was_fresh:
        return
    if (epoch, sequence) < newest and time.monotonic() < kept_until:
        return
    if (epoch, sequence) != newest:
        newest, kept_until = (epoch, sequence), time.monotonic() + TTL_S
    was_fresh = fresh
    exact = [None if side is None else Decimal(f"{side}e-{scale}") for side in (bid, ask)]
    print(f"{'live' if fresh else 'DO NOT TRADE'}  bid {exact[0]}  ask {exact[1]}  version {epoch}.{sequence}", flush=True)


def follow():
    client = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6380"), socket_timeout=1)
    with client, client.pubsub() as subscription:
        subscription.subscribe(channel)
        looked = 0.0
        while True:
            message = subscription.get_message(timeout=0.5)
            if message and message["type"] == "message":
                take(message["data"])
            # As soon as the subscription stands, and then every second: no push is missed for long, and when nobody
            # confirms the price any more, or its key expires, only a look tells.
            subscribed = message and message["type"] == "subscribe"
            if subscribed or time.monotonic() - looked > 1:
                looked = time.monotonic()
                value = client.get(key)
                if value is None:
                    print("no price: never written, or its writer is gone", flush=True)
                else:
                    take(value)


while True:
    try:
        follow()
    except redis.RedisError as error:  # After a reconnection everything is subscribed and read anew.
        print(f"DO NOT TRADE: {error}", flush=True)
        time.sleep(0.2)
