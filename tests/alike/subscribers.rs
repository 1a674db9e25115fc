//! Subscribers of both sides: the same bytes in the same order, while nothing is so fast that values are left out.

use tickcache::domain::{EventDetail, Reason, State};

use crate::rig::{on_one_thread, until};
use crate::world::{Client, SIDES, Side, World, array, arrays, shown};

/// Two clients that sent the same, with what each was told so far.
struct Pair([(Client, Vec<u8>); 2]);

impl Pair {
    /// Subscribes, in version 2 or 3 of the protocol; the confirmations are compared, too.
    async fn start(world: &World, before: &[u8], script: &str) -> Self {
        let mut both = Vec::new();
        let bytes = [before, &arrays(&world.fill(script)), &array(&["PING", "ready"])].concat();
        for side in SIDES {
            let mut client = world.client(side).await;
            let said = client.ask_until(&bytes, "ready").await;
            // The answer to HELLO has an id.
            let at = said.windows(11).position(|window| window == b"modules\r\n*0").unwrap_or(0);
            both.push((client, said[at..].to_vec()));
        }
        Self(both.try_into().unwrap_or_else(|_| panic!("two sides")))
    }

    /// Waits until both were told so many bytes in all; they must be the same ones.
    async fn told(&mut self, what: &[u8]) {
        for (client, said) in &mut self.0 {
            let text = String::from_utf8_lossy(what).into_owned();
            let more = client.until_bytes(what).await;
            assert!(!more.is_empty(), "{text}");
            said.extend(more);
        }
    }

    fn compare(&self) {
        let [theirs, ours] = &self.0;
        assert_eq!(shown(&ours.1), shown(&theirs.1));
    }
}

/// A push of a new value, and both sides are told of it before the next.
async fn step(world: &mut World, pairs: &mut [&mut Pair], slot: usize, bid: i128, is_event: bool) {
    if is_event {
        let detail = EventDetail::State { state: State::Live, reason: Reason::None };
        world.rig.push_event(slot, bid, detail);
    } else {
        world.rig.push(slot, bid);
    }
    world.rig.drain().await;
    let value = world.rig.table.get_key(&world.rig.keys[slot], tickcache::clock::mono()).unwrap().bytes;
    for pair in pairs {
        pair.told(&value).await;
    }
}

#[test]
fn both_tell_the_same_values_in_every_form_of_subscription() {
    on_one_thread(async {
        let mut world = World::start().await;
        let hello = array(&["HELLO", "3"]);
        let pattern = "PSUBSCRIBE tickcache:v1:update:*C0-USDT*";
        let mut pairs = [
            Pair::start(&world, b"", "SUBSCRIBE $u0 $u1").await,
            Pair::start(&world, &hello, "SUBSCRIBE $u0 $u1").await,
            Pair::start(&world, b"", pattern).await,
            Pair::start(&world, &hello, pattern).await,
        ];
        for bid in 1..=30 {
            let [one, two, three, four] = &mut pairs;
            step(&mut world, &mut [one, two, three, four], 0, bid, false).await;
        }
        let [one, two, ..] = &mut pairs;
        step(&mut world, &mut [one, two], 1, 7, false).await;
        pairs.iter().for_each(Pair::compare);
    });
}

#[test]
fn both_tell_the_same_events_after_the_values_that_they_speak_of() {
    on_one_thread(async {
        let mut world = World::start().await;
        let events = "SUBSCRIBE $u0 tickcache:v1:event:{C0-USDT}";
        for before in [Vec::new(), array(&["HELLO", "3"])] {
            let mut pair = Pair::start(&world, &before, events).await;
            for bid in 1..=30 {
                step(&mut world, &mut [&mut pair], 0, bid, true).await;
                // The event's channel, and the array that is the event.
                pair.told(b"event:{C0-USDT}\r\n").await;
                pair.told(b"\r\n").await;
                pair.told(b"\r\n").await;
            }
            pair.compare();
        }
    });
}

/// RESP3 tells a client that keeps copies what to drop.
#[test]
fn both_invalidate_the_copies_of_a_client_that_tracks_a_prefix() {
    on_one_thread(async {
        let mut world = World::start().await;
        let hello = array(&["HELLO", "3"]);
        let tracking = "CLIENT TRACKING on BCAST PREFIX tickcache:v1:price:";
        let mut pair = Pair::start(&world, &hello, tracking).await;
        for bid in 1..=20 {
            world.rig.push(0, bid);
            world.rig.drain().await;
            let key = world.rig.keys[0].clone();
            pair.told(key.as_bytes()).await;
            pair.told(b"\r\n").await;
        }
        pair.compare();
    });
}

/// Whoever leaves is told nothing more, and the connection is an ordinary one again.
#[test]
fn both_stop_when_the_client_unsubscribes() {
    on_one_thread(async {
        let mut world = World::start().await;
        let mut pair = Pair::start(&world, b"", "SUBSCRIBE $u0\nPSUBSCRIBE *:price:*").await;
        step(&mut world, &mut [&mut pair], 0, 1, false).await;
        pair.told(b"\r\n").await;
        for (client, said) in &mut pair.0 {
            // The rest of the message for the pattern comes first.
            let bytes = [arrays("UNSUBSCRIBE\nPUNSUBSCRIBE"), array(&["ECHO", "left"])].concat();
            said.extend(client.ask_until(&bytes, "left").await);
        }
        world.rig.push(0, 2);
        world.rig.drain().await;
        let value = world.rig.table.get_key(&world.rig.keys[0], tickcache::clock::mono()).unwrap().bytes;
        until("both have the new value", async || {
            world
                .client(Side::Redis)
                .await
                .ask(&array(&["GET", &world.rig.keys[0]]))
                .await
                .ends_with(&[&value[..], b"\r\n"].concat())
        })
        .await;
        for (client, said) in &mut pair.0 {
            let bytes = [array(&["GET", &world.rig.keys[0]]), array(&["ECHO", "end"])].concat();
            said.extend(client.ask_until(&bytes, "end").await);
        }
        pair.compare();
    });
}
