// What node-redis makes of a server, in both versions of the protocol. Prints it, for comparison: PORT KEY...
import { createClient, RESP_TYPES } from "redis";

const [port, ...keys] = process.argv.slice(2);
const prefix = "tickcache:v1:";
const channel = keys[0].replace(":price:", ":update:price:");
const text = (value) =>
  JSON.stringify(value, (_, part) => (part?.type === "Buffer" ? Buffer.from(part.data).toString("hex") : part instanceof Map ? [...part] : part));
const said = (promise) => promise.then((value) => value, (error) => `${error.constructor.name}: ${error.message}`);

for (const RESP of [2, 3]) {
  const show = (what, value) => console.log(RESP, what, text(value));
  const client = await createClient({ url: `redis://127.0.0.1:${port}`, RESP }).connect();
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  show("get", await bytes.get(keys[0]));
  show("get", await bytes.get("nothing"));
  show("mGet", await bytes.mGet([...keys, "nothing"]));
  show("exists", await client.exists(keys));
  show("strLen", await client.strLen(keys[0]));
  show("hGetAll", await client.hGetAll(prefix + "meta"));
  show("hGetAll", await client.hGetAll(prefix + "catalog"));
  show("hmGet", await client.hmGet(prefix + "meta", ["schema", "x"]));
  show("ttl", await client.ttl(prefix + "meta"));
  show("type", await client.type(keys[0]));
  for (const words of [["GET"], ["FOO", "a"], ["GET", prefix + "meta"], ["GETRANGE", keys[0], "a", "b"], ["AUTH", "x", "y"]])
    show(words[0], await said(client.sendCommand(words)));
  const walked = [];
  for await (const found of client.scanIterator({ MATCH: prefix + "price:*", COUNT: 2 })) walked.push(...[found].flat());
  show("scan", walked.sort());
  show("pipeline", await Promise.all([...keys, ...keys, ...keys].map((key) => bytes.get(key))));
  show("transaction", await client.multi().get(prefix + "nothing").hGetAll(prefix + "meta").exec());
  const subscriber = await client.duplicate().connect();
  let heard = 0;
  let finish;
  const both = new Promise((resolve) => (finish = resolve));
  const tell = (message) => (show("message", message), ++heard === 2 && finish());
  await subscriber.subscribe(channel, tell, true);
  await subscriber.pSubscribe(channel + "*", tell, true);
  console.log("subscribed");
  await both;
  await subscriber.unsubscribe(channel);
  await subscriber.pUnsubscribe(channel + "*");
  show("left", await subscriber.ping());
  subscriber.destroy();
  if (RESP === 3) console.log("WRITE", await said(client.set("tickcache:app:x", "y")));
  client.destroy();
}
