// A price out of Redis, and whether to trade on it. Needs: npm install ioredis @msgpack/msgpack
//
//     node examples/read_price.mjs [INSTRUMENT] [VENUE]        # REDIS_URL says where
import { decode } from "@msgpack/msgpack";
import Redis from "ioredis";

const [instrument = "BTC-USDT", venue = "binance"] = process.argv.slice(2);
const client = new Redis(process.env.REDIS_URL ?? "redis://127.0.0.1:6380");

// Bytes, not text; and 64-bit integers as BigInt, because a double has 53 bits.
const value = await client.getBuffer(`tickcache:v1:price:{${instrument}}:${venue}`);
client.disconnect();
if (value === null) fail(`${instrument} at ${venue}: no price (never written, or its writer is gone)`);
const [schema, epoch, sequence, codec, record] = decode(value, { useBigInt64: true });
if (Number(schema) !== 1 || Number(codec) !== 0) fail(`schema ${schema}, codec ${codec} are not read by this example`);

const [state, , , , confirmed, , scale, , , bid, , ask] = record;
const age = Number(BigInt(Date.now()) * 1_000_000n - BigInt(confirmed)) / 1e9;

// Exact: an int (or, beyond 64 bits, its digits) with the point moved `scale` digits to the left.
function price(mantissa) {
  if (mantissa === null) return null;
  const digits = String(mantissa).padStart(scale + 1, "0");
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function fail(why) {
  console.error(why);
  process.exit(1);
}

console.log(`state ${state}  bid ${price(bid)}  ask ${price(ask)}  age ${age.toFixed(3)} s  version ${epoch}.${sequence}`);
if (state !== 0 || Math.abs(age) > 3) fail("do not trade on it: it is suspect, halted or stale");
