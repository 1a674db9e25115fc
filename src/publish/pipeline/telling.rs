//! What is told to whoever serves this process's table: heartbeats, events, leases.
//!
//! Owns when. Follows no connection: who reads the table is to know how the feeds are while Redis is away, and, on a
//! standby, that nobody stands behind the values here (epoch 0).

use crate::codec::{FeedMessage, encode_engine, encode_feed};
use crate::domain::{Epoch, MonoTime, Now, SlotId, Version};

use super::super::noticeboard::Notice;
use super::super::outbox::Ready;
use super::super::roster::SIGN_EVERY;
use super::{HEARTBEAT_EVERY, Pipeline};

/// When what is told next.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// The next heartbeats.
    at: MonoTime,
    /// What is said of the engine.
    engine_at: MonoTime,
    /// A feed's health has changed.
    changed: bool,
}

impl Telling {
    #[inline]
    pub(super) fn is_due(&self, now: MonoTime) -> bool {
        now >= self.at || self.changed
    }

    pub(super) const fn soon(&mut self) {
        self.changed = true;
    }
}

impl Pipeline {
    /// Heartbeats of all feeds. Once in 250 ms, so what it costs does not matter.
    #[cold]
    pub(super) fn tell(&mut self, now: Now) {
        // Counted from the time when it was due: the calls come when they come.
        if now.mono >= self.telling.at {
            let next = self.telling.at.after(HEARTBEAT_EVERY);
            self.telling.at = if next > now.mono { next } else { now.mono.after(HEARTBEAT_EVERY) };
        }
        self.telling.changed = false;
        let board = self.encoding.table.board();
        for (index, writer) in self.feeds.iter().enumerate() {
            let epoch = writer.authority(now.mono);
            board.show_lease(index, &self.owner, epoch, now.mono);
            if !board.is_watched() {
                continue;
            }
            let message = FeedMessage {
                feed: writer.feed.clone(),
                engine: self.engine.clone(),
                epoch: epoch.unwrap_or(Epoch::UNOWNED),
                state: writer.health.state,
                reason: writer.health.reason,
                time: now.wall,
                clock_offset: self.clock_offset,
            };
            let mut bytes = Vec::new();
            encode_feed(&message, &mut bytes);
            board.tell(Notice { channel: writer.channel.clone(), message: bytes });
        }
        if now.mono >= self.telling.engine_at {
            self.telling.engine_at = now.mono.after(SIGN_EVERY);
            let feeds: Vec<_> =
                self.feeds.iter().map(|writer| (writer.feed.clone(), writer.role(now.mono))).collect();
            // In Redis the script puts the server's clock in front: here the engine is the server.
            let mut said = format!("{} ", now.wall.nanos() / 1_000_000).into_bytes();
            encode_engine(self.started_ms, env!("CARGO_PKG_VERSION"), &feeds, self.breakers(), &mut said);
            board.show_engine(&self.engine, said, now.mono);
        }
    }

    /// Without a Redis a value is where it belongs at once, and the events that waited for it are told.
    #[cold]
    pub(super) fn tell_events(&mut self, slot: SlotId, version: Version, upto: u64) {
        let more = self.outbox.accepted(slot, version, upto);
        self.conflation.set_announced(slot, more);
        while let Some(ready) = self.outbox.take(|_| true) {
            self.tell_event(&ready);
        }
    }

    pub(super) fn tell_event(&self, ready: &Ready) {
        let board = self.encoding.table.board();
        if board.is_watched() {
            board.tell(Notice { channel: ready.channel.clone(), message: ready.message.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lease::LeaseTimes;
    use super::super::tests::{FEED, Play};
    use super::super::{FeedHealth, Fencing};
    use super::*;
    use crate::codec::{FeedMessage, decode_event, decode_feed, peek_version};
    use crate::domain::{EventDetail, KeyEvent, Reason, State};

    fn heartbeats(play: &Play) -> Vec<FeedMessage> {
        let notices = play.table.board().take_notices();
        notices.iter().filter_map(|notice| decode_feed(&notice.message).ok()).collect()
    }

    fn fill(play: &mut Play) {
        let now = play.now();
        play.pipeline.fill(now);
    }

    #[test]
    fn a_standby_says_that_nobody_stands_behind_its_values() {
        let mut play = Play::with(1, Fencing::On(LeaseTimes::default()));
        play.table.board().watch();
        play.push(0);
        fill(&mut play);
        let epoch = |play: &Play| {
            let value = play.table.get(SlotId(0), play.now().mono).expect("a value");
            peek_version(&value.bytes).expect("an envelope").epoch
        };
        assert_eq!(epoch(&play), Epoch::UNOWNED);
        assert_eq!(heartbeats(&play)[0].epoch, Epoch::UNOWNED);
        assert_eq!(play.table.board().lease(0), None);
    }

    #[test]
    fn heartbeats_come_every_250_ms_and_at_each_change_whether_or_not_redis_answers() {
        let mut play = Play::new(1);
        play.table.board().watch();
        fill(&mut play);
        assert_eq!(heartbeats(&play).len(), 1);
        play.now_ms += 249;
        fill(&mut play);
        assert_eq!(heartbeats(&play).len(), 0);
        play.now_ms += 1;
        fill(&mut play);
        assert_eq!(heartbeats(&play)[0].epoch.get(), 9);
        let health = FeedHealth { state: State::Live, reason: Reason::None, warm: true };
        play.pipeline.set_health(FEED, health);
        fill(&mut play);
        assert_eq!(heartbeats(&play)[0].state, State::Live);
        let lease = play.table.board().lease(0).expect("it writes the feed");
        assert_eq!(lease.value, b"a.1:9");
    }

    #[test]
    fn an_event_is_told_once_redis_has_its_value() {
        let mut play = Play::connected(1);
        play.table.board().watch();
        play.push(0);
        let detail = EventDetail::State { state: State::Live, reason: Reason::None };
        let time = play.now().wall;
        play.pipeline.event(KeyEvent { slot: SlotId(0), time, detail });
        fill(&mut play);
        play.table.board().take_notices().clear();
        assert_eq!(play.sent(), ["SET key0", "DEL tickcache:v1:compare:{BTC-USDT}"]);
        play.reply(b"+OK\r\n:1\r\n").expect("they were asked");
        fill(&mut play);
        let notices = play.table.board().take_notices();
        let event = notices.iter().find_map(|notice| decode_event(&notice.message).ok()).expect("an event");
        assert_eq!(event.version.sequence.get(), 1);
    }
}
