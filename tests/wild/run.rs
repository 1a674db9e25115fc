//! Runs the cases: each with a venue and an engine of its own, many at a time.

use std::sync::Arc;
use std::time::Duration;

use tickcache::app::{Engine, gather, venue_defaults};
use tickcache::clock;
use tickcache::codec::decode;
use tickcache::config::Settings;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::case::{self, Case};
use crate::judge::{Seen, fields};
use crate::server::Server;

/// Cases at a time.
const AT_A_TIME: usize = 24;

/// How often a reader looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long the first subscription may take to come.
const START_MAX: Duration = Duration::from_secs(20);

/// How much longer something may take than it is claimed to on a quiet machine: `TICKCACHE_WILD_SLACK_MS`.
fn slack_ms() -> u64 {
    std::env::var("TICKCACHE_WILD_SLACK_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_500)
}

fn settings(case: &Case, port: u16) -> Settings {
    let Case { venue, instruments, entities, feed, top, .. } = case;
    let text = format!(
        "{}\n[engine]\ncache_dir = \"\"\n[store]\nkind = \"embedded\"\n[embedded]\nlisten = \"\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \
         \"{venue}\"\ninstruments = {instruments:?}\nentities = {entities:?}\nwebsocket_url = \
         \"ws://127.0.0.1:{port}/ws\"\nvolume_websocket_url = \"ws://127.0.0.1:{port}/ws\"\nrest_url = \
         \"http://127.0.0.1:{port}\"\n{}\n",
        top.join("\n"),
        feed.join("\n"),
    );
    Settings::load(&text, "case", std::iter::empty(), &venue_defaults())
        .unwrap_or_else(|errors| panic!("{}: its settings are wrong: {errors}", case.name))
}

/// What a reader sees of every key now.
fn look(engine: &Engine, at: Duration) -> Vec<Seen> {
    let now = clock::now();
    let seen = engine.keys().iter().filter_map(|key| {
        let value = engine.read(key, now.mono, |bytes, _| {
            decode(key.entity, bytes).expect("what is written can be read")
        })?;
        let stamp = *value.record.stamp();
        Some(Seen {
            at,
            entity: key.entity.to_string(),
            instrument: key.instrument.to_string(),
            state: stamp.state.to_string(),
            reason: stamp.reason.to_string(),
            fields: fields(&value.record),
            confirmed_ms: now.wall.nanos_since(stamp.confirmed_time.nanos()) / 1_000_000,
        })
    });
    seen.collect()
}

/// Plays a case; what was not as it claims.
async fn play(case: &Case) -> Result<(), String> {
    let server = Server::start(case).await;
    let settings = settings(case, server.port);
    let listings = gather(&settings).await;
    let engine =
        Engine::start_with(&settings, &listings).map_err(|error| format!("the engine: {error:#}"))?;
    let end = Duration::from_millis(case.claims.iter().map(crate::judge::Claim::end_ms).max().unwrap_or(0));
    let (started, mut seen) = (clock::mono(), Vec::new());
    let slack = Duration::from_millis(slack_ms());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let began = server.story(|story| story.began);
        let since = began.map(|began| clock::mono().since(began));
        seen.extend(look(&engine, since.unwrap_or_default()).into_iter().filter(|_| since.is_some()));
        let objections = |slack: u64| {
            server.story(|story| {
                case.claims.iter().filter_map(|claim| claim.objection(&seen, story, slack)).count()
            })
        };
        match since {
            Some(since) if since > end + slack => break,
            Some(since) if since > end && objections(slack_ms()) == 0 => break,
            None if case.blocks.is_empty() && clock::mono().since(started) > end => break,
            None if clock::mono().since(started) > START_MAX => {
                engine.stop().await.map_err(|error| error.to_string())?;
                return Err("nobody subscribed to anything of the script".to_owned());
            }
            Some(_) | None => {}
        }
        assert!(!engine.is_dead(), "{}: a hot thread is gone", case.name);
    }
    engine.stop().await.map_err(|error| format!("{error:#}"))?;
    let objections: Vec<String> = server.story(|story| {
        case.claims.iter().filter_map(|claim| claim.objection(&seen, story, slack_ms())).collect()
    });
    if objections.is_empty() { Ok(()) } else { Err(tell(case, &objections, &seen, &server)) }
}

/// What was expected, what was seen when, and what the venue did.
fn tell(case: &Case, objections: &[String], seen: &[Seen], server: &Server) -> String {
    let mut story = vec![format!("{} ({})", case.what, case.source)];
    story.extend(objections.iter().map(|objection| format!("  NOT SO: {objection}")));
    let mut last: Vec<&Seen> = Vec::new();
    for seen in seen {
        let same = |known: &&&Seen| known.entity == seen.entity && known.instrument == seen.instrument;
        let known = last.iter().find(same);
        let is_new = known.is_none_or(|known| {
            (&known.state, &known.reason, &known.fields) != (&seen.state, &seen.reason, &seen.fields)
        });
        if is_new && story.len() < 80 {
            let fields: Vec<String> =
                seen.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            story.push(format!(
                "  {:>6} ms {} {} {} ({}) {}",
                seen.at.as_millis(),
                seen.entity,
                seen.instrument,
                seen.state,
                seen.reason,
                fields.join(" ")
            ));
        }
        if is_new {
            last.retain(|known| !same(&known));
            last.push(seen);
        }
    }
    server.story(|told| {
        let began = told.began.map_or(0, |began| began.nanos() / 1_000_000);
        for (at, line) in told.lines.iter().take(60) {
            story.push(format!(
                "  {:>6} venue {line}",
                i128::from(at.nanos() / 1_000_000) - i128::from(began)
            ));
        }
    });
    story.join("\n")
}

/// Those that `TICKCACHE_WILD` names a part of; all without it.
fn wanted() -> Vec<Case> {
    let filter = std::env::var("TICKCACHE_WILD").unwrap_or_default();
    case::all().into_iter().map(Result::unwrap).filter(|case| case.name.contains(&filter)).collect()
}

fn report(results: Vec<(String, Result<(), String>)>) {
    let count = results.len();
    let failed: Vec<String> =
        results.into_iter().filter_map(|(name, result)| Some(format!("{name}: {}", result.err()?))).collect();
    println!("{} of {count} cases are right", count - failed.len());
    assert!(failed.is_empty(), "\n{}", failed.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_is_right() {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    let (alone, together): (Vec<Case>, Vec<Case>) = wanted().into_iter().partition(Case::is_alone);
    for case in together {
        let permits = Arc::clone(&permits);
        running.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let result = play(&case).await;
            (case.name.clone(), result)
        });
    }
    let mut results = running.join_all().await;
    // These set the clock of the whole process.
    for case in alone {
        let result = play(&case).await;
        results.push((case.name.clone(), result));
    }
    results.sort_by(|one, other| one.0.cmp(&other.0));
    report(results);
}
