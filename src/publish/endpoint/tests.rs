//! Several tables behind one endpoint, and the dispatcher, without a socket and without a clock.

use std::sync::Arc;

use super::super::noticeboard::{Notice, Watching};
use super::super::testing::slot_key;
use super::super::{SlotPlan, ValueTable};
use super::hub::Dispatcher;
use super::mailbox::{Delivery, MESSAGES_MAX, Mailbox, Route};
use super::reply::Protocol;
use super::view::{Kind, View};
use crate::domain::{Entity, Epoch, MonoTime, Namespace, Sequence, SlotId, Version};

const CHANNEL: &[u8] = b"tickcache:v1:update:second";

fn at(seconds: u64) -> MonoTime {
    MonoTime::from_nanos(seconds * 1_000_000_000)
}

fn table(keys: &[&str]) -> Arc<ValueTable> {
    let mut plan = SlotPlan::new();
    for key in keys {
        plan.add(slot_key(&format!("tickcache:v1:{key}"), Entity::Price, 30)).unwrap();
    }
    Arc::new(ValueTable::new(&plan))
}

fn store(table: &ValueTable, slot: u32, bytes: &[u8], sequence: u64, now: MonoTime) {
    let version = Version { epoch: Epoch::new(7).unwrap(), sequence: Sequence::new(sequence).unwrap() };
    table.store(SlotId(slot), bytes, version, now);
}

/// Two shards; what the second one has lies beyond the first one's words.
fn view() -> (View, [Arc<ValueTable>; 2]) {
    let tables = [table(&["first"]), table(&["other", "second"])];
    let with_feeds = tables.iter().map(|table| (Arc::clone(table), Vec::new())).collect();
    (View::new(&Namespace::default(), with_feeds), tables)
}

fn delivered(mailbox: &Mailbox, view: &View, protocol: Protocol, now: MonoTime) -> String {
    let (mut delivery, mut out) = (Delivery::default(), Vec::new());
    assert!(mailbox.take(&mut delivery));
    mailbox.lock().deliver(&mut delivery, view, now, protocol, &mut out, usize::MAX);
    assert!(delivery.is_empty());
    String::from_utf8(out).unwrap()
}

#[test]
fn keys_of_every_table_are_found() {
    let (view, [first, second]) = view();
    store(&first, 0, b"a", 1, at(0));
    store(&second, 1, b"b", 1, at(0));
    let read = |key: &[u8]| view.text(view.find(key).unwrap(), at(1), <[u8]>::to_vec);
    assert_eq!(read(b"tickcache:v1:first").as_deref(), Some(&b"a"[..]));
    assert_eq!(read(b"tickcache:v1:second").as_deref(), Some(&b"b"[..]));
    assert_eq!(read(b"tickcache:v1:other"), None);
    let kinds = view.names().iter().filter_map(|(_, place)| view.kind(*place, at(1)));
    assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Text, Kind::Hash, Kind::Text], "first, meta, second");
    assert!(view.names().is_sorted_by(|(one, _), (other, _)| one < other));
}

#[test]
fn a_subscriber_is_told_the_newest_value_once_and_the_event_after_it() {
    let (view, tables) = view();
    let _watching = Watching::begin(&tables);
    let (mailbox, mut dispatcher) = (Arc::new(Mailbox::new(1)), Dispatcher::default());
    mailbox.lock().subscribe(Route::Channel, CHANNEL, &view);
    mailbox.lock().subscribe(Route::Pattern, b"*event*", &view);
    for sequence in 1..=3 {
        store(&tables[1], 1, format!("v{sequence}").as_bytes(), sequence, at(0));
        tables[1].board().tell(Notice { channel: "event".to_owned(), message: b"e".to_vec() });
    }
    store(&tables[0], 0, b"unasked", 1, at(0));
    dispatcher.look(&view, &[Arc::clone(&mailbox)], at(0));
    let event = "*4\r\n$8\r\npmessage\r\n$7\r\n*event*\r\n$5\r\nevent\r\n$1\r\ne\r\n";
    let value = "*3\r\n$7\r\nmessage\r\n$26\r\ntickcache:v1:update:second\r\n$2\r\nv3\r\n";
    let expected = format!("{value}{event}{event}{event}");
    assert_eq!(delivered(&mailbox, &view, Protocol::Resp2, at(0)), expected);
    dispatcher.look(&view, &[Arc::clone(&mailbox)], at(0));
    assert_eq!(delivered(&mailbox, &view, Protocol::Resp2, at(0)), "");
}

#[test]
fn a_copy_is_dropped_when_its_value_changes_or_expires() {
    let (view, tables) = view();
    let _watching = Watching::begin(&tables);
    let (mailbox, mut dispatcher) = (Arc::new(Mailbox::new(1)), Dispatcher::default());
    mailbox.lock().track(&[b"tickcache:v1:s"], &view);
    store(&tables[1], 1, b"v", 1, at(0));
    let told = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$19\r\ntickcache:v1:second\r\n";
    for (seconds, expected) in [(0, told), (29, ""), (30, told), (31, "")] {
        (0..600).for_each(|_| dispatcher.look(&view, &[Arc::clone(&mailbox)], at(seconds)));
        assert_eq!(delivered(&mailbox, &view, Protocol::Resp3, at(seconds)), expected, "after {seconds} s");
    }
}

#[test]
fn what_is_no_longer_subscribed_is_not_told() {
    let (view, tables) = view();
    let _watching = Watching::begin(&tables);
    let (mailbox, mut dispatcher) = (Arc::new(Mailbox::new(1)), Dispatcher::default());
    let routes = [(Route::Channel, CHANNEL), (Route::Shard, CHANNEL), (Route::Pattern, b"*".as_slice())];
    for (route, name) in routes {
        assert!(mailbox.lock().subscribe(route, name, &view));
        assert!(!mailbox.lock().subscribe(route, name, &view), "it is there already");
    }
    for (sequence, (route, name)) in (1..).zip(routes) {
        store(&tables[1], 1, b"v", sequence, at(0));
        dispatcher.look(&view, &[Arc::clone(&mailbox)], at(0));
        let messages = delivered(&mailbox, &view, Protocol::Resp2, at(0)).matches("message\r\n").count();
        assert_eq!(messages, 4 - usize::try_from(sequence).unwrap());
        mailbox.lock().unsubscribe(route, name, &view);
    }
    store(&tables[1], 1, b"v", 9, at(0));
    dispatcher.look(&view, &[Arc::clone(&mailbox)], at(0));
    assert_eq!(delivered(&mailbox, &view, Protocol::Resp2, at(0)), "");
    assert!(mailbox.lock().is_idle());
}

#[test]
fn a_client_that_leaves_too_many_messages_is_given_up() {
    let (view, _) = view();
    let mailbox = Mailbox::new(1);
    mailbox.lock().subscribe(Route::Channel, b"event", &view);
    let notice = |channel: &str| Arc::new(Notice { channel: channel.to_owned(), message: b"e".to_vec() });
    for _ in 0..MESSAGES_MAX {
        assert!(mailbox.tell(&notice("event")) && mailbox.tell(&notice("another")));
    }
    assert!(!mailbox.tell(&notice("event")));
    assert!(!mailbox.take(&mut Delivery::default()));
}
