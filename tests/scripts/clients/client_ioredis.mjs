// What ioredis makes of a server. Prints it, for comparison: PORT KEY...
import Redis from "ioredis";

const [port, ...keys] = process.argv.slice(2);
const prefix = "tickcache:v1:";
const channel = keys[0].replace(":price:", ":update:price:");
const text = (value) => JSON.stringify(value, (_, part) => (part?.type === "Buffer" ? Buffer.from(part.data).toString("hex") : part));
const show = (what, value) => console.log(what, text(value));
const said = (promise) => promise.then((value) => value, (error) => `${error.name}: ${error.message}`);

const client = new Redis(Number(port));
await client.ping();
for (const [name, ...rest] of [
  ["getBuffer", keys[0]], ["getBuffer", "nothing"], ["mgetBuffer", ...keys, "nothing"], ["strlen", keys[0]], ["getrangeBuffer", keys[0], 0, 10],
  ["exists", ...keys], ["type", keys[0]], ["hget", prefix + "meta", "transport"], ["hgetall", prefix + "meta"], ["hmget", prefix + "meta", "schema", "x"],
  ["hgetall", prefix + "catalog"], ["ttl", prefix + "meta"], ["get", prefix + "meta"], ["echo", "hi"], ["call", "GET"], ["call", "FOO", "a"],
  ["getrange", keys[0], "a", "b"], ["auth", "x", "y"],
]) show(name, await said(client[name](...rest)));

const walked = [];
for await (const found of client.scanStream({ match: prefix + "price:*", count: 2 })) walked.push(...found);
show("scan", walked.sort());
let pipeline = client.pipeline();
for (let turn = 0; turn < 50; turn++) keys.forEach((key) => pipeline.getBuffer(key));
show("pipeline", await pipeline.exec());
show("transaction", await client.multi().getBuffer(keys[0]).hgetall(prefix + "meta").exec());
show("broken", await said(client.multi().call("FOO").exec()));
const automatic = new Redis(Number(port), { enableAutoPipelining: true });
show("automatic", await Promise.all(keys.map((key) => automatic.getBuffer(key))));

const subscriber = new Redis(Number(port));
show("subscribed to", await subscriber.subscribe(channel));
show("subscribed to", await subscriber.psubscribe(channel + "*"));
const messages = new Promise((resolve) => {
  const told = [];
  const tell = (...message) => told.push(message) === 2 && resolve(told);
  subscriber.on("messageBuffer", tell).on("pmessageBuffer", tell);
});
console.log("subscribed");
show("messages", await messages);
show("left", await subscriber.unsubscribe(channel));
console.log("WRITE", await said(client.set("tickcache:app:x", "y")));
process.exit(0);
