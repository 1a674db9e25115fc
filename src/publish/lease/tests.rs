//! The lease's rules, one by one.

use super::*;

const TIMES: LeaseTimes = LeaseTimes { ttl: Duration::from_secs(2), renew: Duration::from_millis(400) };

fn at(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

const fn ours(epoch: u64) -> Answer {
    Answer { owner: Owner::Asker, epoch }
}

const fn other(epoch: u64) -> Answer {
    Answer { owner: Owner::Other, epoch }
}

const NOBODY: Answer = Answer { owner: Owner::Nobody, epoch: 0 };

/// Held with epoch 7; the question was sent at 100 ms, answered at 110.
fn held() -> Lease {
    let mut lease = Lease::new(TIMES);
    assert_eq!(lease.poll(at(100)), Some(Ask::Acquire { floor: 0 }));
    let change = lease.answered(Ask::Acquire { floor: 0 }, at(100), ours(7), at(110));
    assert_eq!(change, Change::Acquired(Epoch::new(7).unwrap()));
    lease
}

fn epoch(lease: &Lease, now: u64) -> Option<u64> {
    lease.authority(at(now)).map(Epoch::get)
}

#[test]
fn authority_ends_at_its_own_deadline_counted_from_the_sending() {
    let mut lease = held();
    // 2000 - 500 - 20 after 100.
    assert_eq!(epoch(&lease, 1_579), Some(7));
    assert_eq!(epoch(&lease, 1_580), None);
    assert_eq!(lease.tick(at(1_579)), Change::None);
    assert_eq!(lease.tick(at(1_580)), Change::Lost(LostBy::Lapsed));
    // An answer that comes too late gives nothing back, whatever Redis says.
    assert_eq!(lease.answered(Ask::Renew { epoch: 7 }, at(500), ours(7), at(1_590)), Change::None);
    assert_eq!(epoch(&lease, 1_590), None);
}

/// What was encoded between the deadline and the answer was sent nowhere, and nobody would send it again.
#[test]
fn an_answer_past_the_deadline_is_a_lapse_though_nobody_has_ticked() {
    let mut lease = held();
    assert_eq!(lease.poll(at(500)), Some(Ask::Renew { epoch: 7 }));
    assert_eq!(epoch(&lease, 1_700), None);
    let change = lease.answered(Ask::Renew { epoch: 7 }, at(500), ours(7), at(1_700));
    assert_eq!(change, Change::Lost(LostBy::Lapsed));
    assert_eq!(lease.poll(at(1_700)), Some(Ask::Acquire { floor: 7 }));
    let change = lease.answered(Ask::Acquire { floor: 7 }, at(1_700), ours(7), at(1_701));
    assert_eq!(change, Change::Acquired(Epoch::new(7).unwrap()), "everything is sent");
}

#[test]
fn renewals_move_the_deadline_and_one_error_does_not_stop_them() {
    let mut lease = held();
    assert_eq!(lease.due(), at(500));
    assert_eq!(lease.poll(at(499)), None);
    assert_eq!(lease.poll(at(500)), Some(Ask::Renew { epoch: 7 }));
    assert_eq!(lease.poll(at(501)), None, "one question at a time");
    lease.failed(at(520));
    assert_eq!(lease.poll(at(619)), None);
    assert_eq!(lease.poll(at(620)), Some(Ask::Renew { epoch: 7 }));
    assert_eq!(lease.answered(Ask::Renew { epoch: 7 }, at(620), ours(7), at(640)), Change::None);
    assert_eq!(epoch(&lease, 2_099), Some(7));
    assert_eq!(epoch(&lease, 2_100), None);
    assert_eq!(lease.due(), at(1_020));
}

#[test]
fn a_renewal_that_finds_another_or_nobody_is_the_end_at_once() {
    for answer in [other(9), NOBODY] {
        let mut lease = held();
        let _ = lease.poll(at(500));
        let change = lease.answered(Ask::Renew { epoch: 7 }, at(500), answer, at(510));
        assert_eq!(change, Change::Lost(LostBy::Taken));
        assert_eq!(epoch(&lease, 510), None);
        let floor = answer.epoch.max(7);
        assert_eq!(lease.poll(at(510)), Some(Ask::Acquire { floor }));
    }
}

#[test]
fn only_a_greater_epoch_outranks_and_the_next_one_is_above_it() {
    let mut lease = held();
    assert_eq!(lease.outranked(7, at(200)), Change::None);
    assert_eq!(lease.outranked(6, at(200)), Change::None);
    assert_eq!(epoch(&lease, 200), Some(7));
    assert_eq!(lease.outranked(12, at(200)), Change::Lost(LostBy::Outranked));
    assert_eq!(lease.poll(at(200)), Some(Ask::Acquire { floor: 12 }));
    // An answer from before, with an epoch that is not above: asked again.
    assert_eq!(lease.answered(Ask::Acquire { floor: 0 }, at(190), ours(11), at(210)), Change::None);
    assert_eq!(epoch(&lease, 210), None);
    assert_eq!(lease.poll(at(210)), Some(Ask::Acquire { floor: 12 }));
}

#[test]
fn the_next_in_line_waits_for_a_lease_that_stays_free() {
    let mut lease = Lease::new(TIMES);
    lease.set_rank(1);
    assert_eq!(lease.poll(at(0)), Some(Ask::Look));
    let _ = lease.answered(Ask::Look, at(0), other(7), at(1));
    assert_eq!(lease.poll(at(40)), None);
    assert_eq!(lease.poll(at(41)), Some(Ask::Look));
    let _ = lease.answered(Ask::Look, at(41), NOBODY, at(42));
    assert_eq!(lease.poll(at(81)), None);
    assert_eq!(lease.poll(at(82)), Some(Ask::Acquire { floor: 7 }));
    // The preferred one was quicker.
    let _ = lease.answered(Ask::Acquire { floor: 7 }, at(82), other(8), at(83));
    assert_eq!(lease.poll(at(123)), Some(Ask::Look));
}

#[test]
fn a_graceful_end_releases_and_may_still_write_until_it_is_outranked() {
    let mut lease = held();
    lease.leave();
    assert_eq!(lease.poll(at(200)), Some(Ask::Release { epoch: 7 }));
    let _ = lease.answered(Ask::Release { epoch: 7 }, at(200), ours(7), at(201));
    assert_eq!(epoch(&lease, 350), Some(7));
    assert_eq!(lease.poll(at(400)), None, "nothing is asked any more");
    assert_eq!(lease.outranked(8, at(401)), Change::Lost(LostBy::Outranked));
    assert_eq!((epoch(&lease, 401), lease.poll(at(900))), (None, None));
}

#[test]
fn a_feed_that_is_handed_over_is_written_no_more_and_released() {
    let mut lease = held();
    assert_eq!(lease.hand_over(at(300)), Change::Lost(LostBy::HandedOver));
    assert_eq!(epoch(&lease, 300), None);
    assert_eq!(lease.poll(at(300)), Some(Ask::Release { epoch: 7 }));
    let _ = lease.answered(Ask::Release { epoch: 7 }, at(300), ours(7), at(301));
    lease.set_rank(1);
    assert_eq!(lease.poll(at(799)), None, "the engine that prefers it goes first");
    assert_eq!(lease.poll(at(800)), Some(Ask::Look));
}

#[test]
fn what_cannot_be_an_epoch_is_neither_taken_nor_feared() {
    let mut lease = Lease::new(TIMES);
    let _ = lease.poll(at(0));
    assert_eq!(lease.answered(Ask::Acquire { floor: 0 }, at(0), ours(u64::MAX), at(1)), Change::None);
    assert_eq!(lease.outranked(VERSION_MAX, at(1)), Change::None);
    assert_eq!(lease.poll(at(1)), Some(Ask::Acquire { floor: 0 }));
}

#[test]
fn a_reply_that_is_lost_with_its_connection_is_asked_for_again_at_once() {
    let mut lease = Lease::new(TIMES);
    let _ = lease.poll(at(0));
    lease.failed(at(50));
    lease.link_up(at(60));
    assert_eq!(lease.poll(at(60)), Some(Ask::Acquire { floor: 0 }));
}
