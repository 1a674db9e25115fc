#!/usr/bin/env python3
"""What redis-py, synchronous and asyncio, in both versions of the protocol, makes of a server. Prints it, for comparison.

    client_redis.py PORT KEY...        # then a line on stdin for each push that was made after "subscribed"
"""

import asyncio
import sys

import redis
import redis.asyncio

port, keys = int(sys.argv[1]), sys.argv[2:]
channel = keys[0].replace(":price:", ":update:price:")
prefix = "tickcache:v1:"
READS = [
    ("get", keys[0]), ("get", "nothing"), ("mget", keys + ["nothing"]), ("strlen", keys[0]), ("getrange", keys[0], 0, 10),
    ("exists", *keys), ("type", keys[0]), ("hget", prefix + "meta", "transport"), ("hgetall", prefix + "meta"),
    ("hmget", prefix + "meta", ["schema", "x"]), ("hlen", prefix + "catalog"), ("hgetall", prefix + "catalog"), ("ttl", prefix + "meta"),
    ("get", prefix + "meta"), ("echo", "hi"), ("ping",), ("execute_command", "GET"), ("execute_command", "FOO", "a"),
    ("execute_command", "GETRANGE", keys[0], "a", "b"), ("client_setname", "me"), ("execute_command", "AUTH", "x", "y"),
]


def plain(value):
    """Bytes in hexadecimal digits, fields in order."""
    if isinstance(value, dict):
        return sorted((plain(name), plain(of)) for name, of in value.items())
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value


def show(protocol, what, value):
    print(protocol, what, plain(value))


def failed(error):
    return f"{type(error).__name__}: {error}"


def synchronous(protocol):
    client = redis.Redis(port=port, protocol=protocol, socket_timeout=30)
    for name, *arguments in READS:
        try:
            show(protocol, name, getattr(client, name)(*arguments))
        except redis.RedisError as error:
            show(protocol, name, failed(error))
    show(protocol, "scan", sorted(client.scan_iter(match=prefix + "price:*", count=2)))
    for transaction in (False, True):
        pipeline = client.pipeline(transaction=transaction)
        for key in keys * 50:
            pipeline.get(key)
        show(protocol, "pipeline", [value.hex() for value in pipeline.execute()])
        show(protocol, "broken", [failed(answer) if isinstance(answer, Exception) else answer for answer in
                                  client.pipeline(transaction=False).get(prefix + "meta").ping().execute(raise_on_error=False)])
    with client.pubsub() as subscription:
        subscription.subscribe(channel)
        subscription.psubscribe(channel + "*")
        for _ in range(2):
            show(protocol, "confirmed", subscription.get_message(timeout=30))
        print("subscribed", flush=True)
        for _ in range(2):
            message = subscription.get_message(timeout=30)
            show(protocol, message["type"], message["data"])
        subscription.unsubscribe()
        subscription.punsubscribe()
        show(protocol, "left", subscription.get_message(timeout=30))


async def asynchronous(protocol):
    client = redis.asyncio.Redis(port=port, protocol=protocol, socket_timeout=30)
    for name, *arguments in READS:
        try:
            show(protocol, "async " + name, await getattr(client, name)(*arguments))
        except redis.RedisError as error:
            show(protocol, "async " + name, failed(error))
    values = await asyncio.gather(*(client.get(key) for key in keys * 20))
    show(protocol, "gathered", [value.hex() for value in values])
    async with client.pipeline(transaction=True) as pipeline:
        show(protocol, "async pipeline", [value.hex() for value in await pipeline.get(keys[0]).get(keys[1]).execute()])
    show(protocol, "async scan", sorted([key async for key in client.scan_iter(match=prefix + "price:*", count=2)]))
    async with client.pubsub() as subscription:
        await subscription.subscribe(channel)
        show(protocol, "confirmed", await subscription.get_message(timeout=30))
        print("subscribed", flush=True)
        message = await subscription.get_message(timeout=30)
        show(protocol, "async " + message["type"], message["data"])
    await client.aclose()


for protocol in (2, 3):
    synchronous(protocol)
    asyncio.run(asynchronous(protocol))

# Only the endpoint refuses this; clients know the error as that of a replica.
try:
    redis.Redis(port=port).set("tickcache:app:x", "y")
    print("WRITE done")
except redis.ReadOnlyError as error:
    print("WRITE", failed(error))
