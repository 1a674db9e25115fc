//! A stream that stands still while nothing but a new subscription can say more: REST answers nothing of use, or knows nothing of it.
//! How soon it is noticed is for [`crate::table`] to say: here it is enough that it is, and that it heals.

use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{Anchor, Channel, Entity, PriceFrom, Reason};
use tickcache::simulate::{Fault, Rule};

use crate::cases::{CASES, Case};
use crate::stage::{Key, PATIENCE, Stage, on_paused_time};
use crate::table::Of;

const STRUCK: usize = 0;

/// What REST does meanwhile: it refuses, answers what nobody understands, or takes longer than anybody waits.
fn refusals() -> [Fault; 3] {
    [Fault::Status { status: 500, retry_after_s: None }, Fault::GarbageBody, Fault::SlowRest(PATIENCE)]
}

fn reasons(stage: &Stage, key: Key) -> Vec<Reason> {
    let log = stage.desk.log.borrow();
    log.turns.iter().filter(|turn| turn.key == key).map(|turn| turn.reason).collect()
}

async fn heals(stage: &Stage, of: Of, refusal: Fault) {
    let venue = tickcache::feed::venue(stage.case.venue).expect("registered");
    let (channel, entity) = match of {
        Of::Quote => (Channel::Quote, Entity::Price),
        Of::Book => (Channel::Depth, Entity::Liquidity),
    };
    let (key, what) = ((STRUCK, entity), format!("{}: {of:?}: {refusal:?}", stage.case.venue));
    stage.take_turns();
    let stream = stage.case.stream(channel, "BTC");
    let stalled = Rule::new(&stream, Fault::Stall(Duration::from_secs(3_600))).times(1);
    stage.simulator.faults().set([stalled, Rule::new("", refusal)]);
    stage.until(&what, PATIENCE, || stage.simulator.faults().struck()[0] > 0).await;
    let struck = clock::mono();
    stage.until(&what, PATIENCE, || !reasons(stage, key).is_empty()).await;
    // A book that begins with a snapshot over REST cannot begin without: that deltas come again is what can be had.
    let expected = match (of, venue.book_rules(stage.case.depth).anchor) {
        (Of::Book, Anchor::Rest) => Reason::SequenceGap,
        (Of::Quote | Of::Book, _) => Reason::None,
    };
    stage.until(&what, PATIENCE, || reasons(stage, key).contains(&expected)).await;
    eprintln!("{what}: {:?} after {:?}", reasons(stage, key), clock::mono().since(struck));
    stage.simulator.faults().clear();
    stage.right().await;
    // So that its usual pace is known again.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.desk.ends.get(), 0, "{what}: the sessions stood all the time");
}

/// Figures have no probe: what is traded meanwhile tells that they stand still.
async fn figures_heal(stage: &Stage) {
    let (key, what) = ((STRUCK, Entity::Volume), format!("{}: figures", stage.case.venue));
    stage.take_turns();
    let stream = stage.case.stream(Channel::Volume, "BTC");
    stage.simulator.faults().set([Rule::new(&stream, Fault::Stall(Duration::from_secs(3_600))).times(1)]);
    stage.until(&what, PATIENCE, || stage.simulator.faults().struck()[0] > 0).await;
    stage.until(&what, PATIENCE, || !reasons(stage, key).is_empty()).await;
    assert_eq!(reasons(stage, key), [Reason::Silent], "{what}");
    stage.until(&what, PATIENCE, || reasons(stage, key).contains(&Reason::None)).await;
    stage.simulator.faults().clear();
    stage.right().await;
}

async fn heals_at(case: Case) {
    let stage = Stage::start(case, 7).await;
    stage.right().await;
    let venue = tickcache::feed::venue(case.venue).expect("registered");
    for refusal in refusals() {
        if venue.defaults().price_from() == PriceFrom::Bbo {
            heals(&stage, Of::Quote, refusal.clone()).await;
        }
        heals(&stage, Of::Book, refusal).await;
    }
    figures_heal(&stage).await;
    stage.stop().await;
}

#[test]
fn a_stream_that_stands_still_is_subscribed_to_anew_although_no_probe_is_answered() {
    for case in CASES {
        on_paused_time(heals_at(case));
    }
}
