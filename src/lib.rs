//! tickcache: from an exchange's websocket to a key that a bot reads.
//!
//! ```text
//!  venue ══ws══▶ feed ──▶ process ──▶ publish ══▶ Redis ══▶ reader ──▶ bots
//!                decode    book,       encode,    (and the
//!                session   state       conflate,  engine's
//!                                      pipeline   own table)
//! ```
//!
//! The folders are this pipeline. No stage imports another: they meet in [`domain`] types, and [`app`] wires them.
//!
//! | module | owns |
//! |---|---|
//! | [`domain`] | the nouns: venue, instrument, exact numbers, times, records, versions, states |
//! | [`codec`] | what bytes in Redis mean: keys, envelope, records, messages |
//! | [`config`] | TOML and environment, checked as a whole |
//! | [`clock`] | the only reader of time |
//! | [`telemetry`] | metric names, logs, the Prometheus exporter |
//! | [`net`] | reaching an address: name lookup, and the race of a name's addresses |
//! | [`feed`] | sessions with venues: connect, subscribe, decode, watch, reconnect; REST within a budget |
//! | [`process`] | books, continuity, how far each value can be trusted, and what is worth telling |
//! | [`publish`] | the conflation table, leases and the fence, pipelines to Redis in every form and their supervision, the table that other threads read, and the engine's own endpoint |
//! | [`reader`] | the client library |
//! | [`capture`] | recordings: their format, the tap that frames are left at, the files, the reader |
//! | [`simulate`] | the venue simulator, with a book of its own |
//! | [`service`] | HTTP for operators |
//! | [`app`] | the command line and the wiring |
//!
//! # Threads
//! A hot thread holds the sessions of some feeds, their books and a Redis connection: a frame goes from socket to socket in one
//! call chain. There is one, or as many as `engine.shards` says; they share nothing but the venues' budgets, and each stands in
//! the list of engines by itself. Everything slow (REST, HTTP, the terminal) lives on another runtime, and talks to the hot threads
//! through bounded channels or reads what they have published. The engine's own endpoint has a thread for itself, whatever the number of
//! tables that it reads: its clients take one core at most. No hot thread ever wakes it; while somebody is subscribed they mark
//! what changed, and the endpoint looks once a millisecond. A recording has a thread of its own, too, which fetches what was left for it.
//!
//! # What is consistent with what
//! Values of one key only get newer: (epoch, sequence) grows, whoever writes. An event comes after the value that it speaks of. Values of different keys are written in the order of their
//! urgency and may be a moment apart; each carries its own times. A key whose value is not live says so at once; a key
//! whose writer is gone expires. The endpoint serves the bytes that go to Redis, a moment earlier, and on a standby epoch 0.
//!
//! # What happens when something is full
//! | what | bound | then |
//! |---|---|---|
//! | values that wait for Redis | one a key | the newer one replaces the older one, counted |
//! | batches in flight | 2 a server, 64 values where a script writes them | values wait in their slots |
//! | events that wait for their value | 4,096, or two a key | a further one is dropped, counted |
//! | events that wait for their batch | 65,536 | the oldest is dropped, counted |
//! | commands from outside | 64, and as many for each hot thread | dropped, counted |
//! | known engines (each shard is one), Redis servers | 256, 1,000 | a further one is passed over |
//! | pushes to a slow follower of the reader | one a key, 1,024 events | the newer value replaces the older; events are dropped, counted |
//! | deltas that wait for a snapshot | [`process`] | the oldest go, the snapshot must be newer |
//! | levels of a book | [`domain::LEVELS_MAX`] a side | the farthest goes, and the claim to know beyond it |
//! | events of an instrument | a number of each kind a second ([`domain::EventPolicy`]) | dropped, counted |
//! | request weight and connects | what the venue grants, in each stretch as long as its own; shared through Redis | calls and sessions wait; beyond ten seconds a call fails |
//! | questions to Redis about shared budgets | [`publish::ASKS_MAX`], 200 ms | the engine's own budget decides alone, counted |
//! | a list of instruments on disk | 16 MiB, a day | fetched anew |
//! | a websocket frame, a REST answer | 4 MiB, 8 MiB | the session ends, the call fails |
//! | pushes that a follower has not taken | one a key, [`reader::EVENTS_MAX`] events | the newer one replaces the older one, the oldest events go, counted |
//! | channels of one reader | [`reader::CHANNELS_MAX`] | further keys are polled |
//! | records that wait for the recorder's disk | `record.buffer_bytes_max` for a feed's frames, as much for its REST answers | dropped from the recording, counted |
//! | a recording's file | `record.file_bytes_max` and one block of lines, one hour | the next file begins |
//! | clients of the engine's endpoint, their requests, replies, subscriptions | [`publish::endpoint`] | refused with an error, counted |
//! | values that wait for a subscriber of the endpoint | one a key | the newer one replaces the older one |
//! | events that wait for a subscriber of the endpoint | [`publish::endpoint::MESSAGES_MAX`] | it is disconnected, counted |
//! | messages that the hot thread leaves for the endpoint | [`publish::NOTICES_MAX`] | the oldest goes, counted |
//! | requests to a session or to REST | their channels | dropped, asked again at a later tick |

pub mod app;
pub mod capture;
pub mod clock;
pub mod codec;
pub mod config;
pub mod domain;
pub mod feed;
pub mod net;
pub mod process;
pub mod publish;
pub mod reader;
pub mod service;
pub mod simulate;
pub mod telemetry;
