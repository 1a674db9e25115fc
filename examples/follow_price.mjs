// A price as it changes: subscribe, then read, then never go back. Needs: npm install ioredis @msgpack/msgpack
//
//     node examples/follow_price.mjs [INSTRUMENT] [VENUE]        # REDIS_URL says where
import { decode } from "@msgpack/msgpack";
import Redis from "ioredis";

const [instrument = "BTC-USDT", venue = "binance"] = process.argv.slice(2);
const key = `tickcache:v1:price:{${instrument}}:${venue}`;
const channel = `tickcache:v1:update:price:{${instrument}}:${venue}`; // On a Cluster: ssubscribe, see `transport` in meta.
const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6380";
const ttl = 30_000; // A copy older than this says nothing any more, so it keeps nothing out.

let newest = [-1n, -1n];
let keptUntil = 0;
let wasFresh = false;

// Reports a value, pushed or read, unless a newer one was there before, or it is the same and as fresh as then.
function take(value) {
  if (value === null) return console.log("no price: never written, or its writer is gone");
  const [schema, epoch, sequence, codec, record] = decode(value, { useBigInt64: true });
  if (Number(schema) !== 1 || Number(codec) !== 0) return console.log(`schema ${schema}, codec ${codec} are not read here`);
  const [state, , , , confirmed, , scale, , , bid, , ask] = record;
  const age = Number(BigInt(Date.now()) * 1_000_000n - BigInt(confirmed)) / 1e9;
  const fresh = Number(state) === 0 && Math.abs(age) < 3;
  const same = epoch === newest[0] && sequence === newest[1];
  const older = epoch < newest[0] || (epoch === newest[0] && sequence < newest[1]);
  if ((same && fresh === wasFresh) || (older && performance.now() < keptUntil)) return;
  if (!same) [newest, keptUntil] = [[epoch, sequence], performance.now() + ttl];
  wasFresh = fresh;
  const trust = fresh ? "live" : "DO NOT TRADE";
  console.log(`${trust}  bid ${price(bid, scale)}  ask ${price(ask, scale)}  version ${epoch}.${sequence}`);
}

function price(mantissa, scale) {
  if (mantissa === null) return null;
  const digits = String(mantissa).padStart(scale + 1, "0");
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const report = (error) => console.log(`DO NOT TRADE: ${error.message}`);
// ioredis connects and subscribes again by itself; what was pushed meanwhile is read then.
const client = new Redis(url, { commandTimeout: 1_000, maxRetriesPerRequest: 1 }).on("error", report);
const look = () => client.getBuffer(key).then(take, report);
const subscriber = new Redis(url).on("error", report).on("messageBuffer", (_, value) => take(value));
await subscriber.subscribe(channel);
await look();
subscriber.on("ready", look);
// No push is missed for long; and when nobody confirms the price any more, or its key expires, only a look tells.
setInterval(look, 1_000);
