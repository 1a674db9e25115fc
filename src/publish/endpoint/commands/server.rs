//! What the server says of itself. <https://redis.io/docs/latest/commands/?group=server>

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::reply::Replies;
use super::super::session::Call;
use super::super::spec::{self, COMMANDS, Name, Spec};
use super::super::view::Life;
use super::connection::REDIS_VERSION;
use super::is_word;

pub(in super::super) fn time(call: &mut Call<'_>) {
    let micros = call.wall.nanos() / 1_000;
    let mut reply = call.reply();
    reply.array(2);
    reply.bulk((micros / 1_000_000).to_string().as_bytes());
    reply.bulk((micros % 1_000_000).to_string().as_bytes());
}

/// A primary without replicas.
pub(in super::super) fn role(call: &mut Call<'_>) {
    let mut reply = call.reply();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(0);
    reply.array(0);
}

/// There is nothing to configure here.
pub(in super::super) fn config_get(call: &mut Call<'_>) {
    call.reply().map(0);
}

fn commands() -> impl Iterator<Item = &'static Spec> {
    COMMANDS.iter().filter(|spec| !spec.is_part())
}

pub(in super::super) fn command_count(call: &mut Call<'_>) {
    call.reply().count(commands().count());
}

pub(in super::super) fn command(call: &mut Call<'_>) {
    let mut reply = call.reply();
    reply.array(commands().count());
    commands().for_each(|spec| describe(&mut reply, spec));
}

fn named(name: &[u8]) -> Option<&'static Spec> {
    spec::find(&Name::of(name, None))
}

pub(in super::super) fn command_info(call: &mut Call<'_>) {
    let request = call.request;
    if request.len() == 2 {
        return command(call);
    }
    let mut reply = call.reply();
    reply.array(request.len() - 2);
    for name in request.from(2) {
        match named(name) {
            Some(spec) => describe(&mut reply, spec),
            None => reply.null(),
        }
    }
}

/// Name, arity, flags, keys, and what clients read less: categories, tips, key specifications, subcommands.
fn describe(reply: &mut Replies<'_>, spec: &'static Spec) {
    reply.array(10);
    reply.bulk(spec.name.as_bytes());
    reply.integer(spec.arity);
    reply.set(spec.flags.len());
    spec.flags.iter().for_each(|flag| reply.simple(flag));
    spec.keys.iter().for_each(|&number| reply.integer(number));
    let categories: Vec<&str> = [("readonly", "@read"), ("pubsub", "@pubsub"), ("fast", "@fast")]
        .into_iter()
        .filter(|(flag, _)| spec.flags.contains(flag))
        .map(|(_, category)| category)
        .collect();
    reply.set(categories.len());
    categories.iter().for_each(|category| reply.simple(category));
    reply.array(0);
    reply.array(0);
    reply.array(spec.parts().count());
    spec.parts().for_each(|part| describe(reply, part));
}

pub(in super::super) fn command_docs(call: &mut Call<'_>) {
    let specs: Vec<_> = if call.request.len() == 2 {
        commands().collect()
    } else {
        call.request.from(2).filter_map(named).collect()
    };
    let mut reply = call.reply();
    reply.map(specs.len());
    for spec in specs {
        reply.bulk(spec.name.as_bytes());
        document(&mut reply, spec);
    }
}

fn document(reply: &mut Replies<'_>, spec: &'static Spec) {
    let parts = spec.parts().count();
    reply.map(3 + usize::from(parts > 0));
    for (name, text) in [("summary", spec.summary), ("since", spec.since), ("group", spec.group)] {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if parts > 0 {
        reply.bulk(b"subcommands");
        reply.map(parts);
        for part in spec.parts() {
            reply.bulk(part.name.as_bytes());
            document(reply, part);
        }
    }
}

/// The sections in their order, as redis-server writes them.
const SECTIONS: [&str; 6] = ["Server", "Clients", "Memory", "Stats", "Replication", "Keyspace"];

pub(in super::super) fn info(call: &mut Call<'_>) {
    let wants = |section: &str| {
        let of = |word: &[u8]| {
            is_word(word, section) || ["default", "all", "everything"].iter().any(|all| is_word(word, all))
        };
        call.request.len() == 1 || call.request.from(1).any(of)
    };
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| wants(section)) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        // A String takes everything.
        let _ = write!(text, "# {section}\r\n");
        match *section {
            "Server" => of_server(call, &mut text),
            "Clients" => of_clients(call, &mut text),
            "Memory" => text.push_str("used_memory:0\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"),
            "Stats" => of_stats(call, &mut text),
            "Replication" => text.push_str("role:master\r\nconnected_slaves:0\r\n"),
            _ => of_keys(call, &mut text),
        }
    }
    call.reply().verbatim(&text);
}

fn of_server(call: &Call<'_>, text: &mut String) {
    let uptime = call.now.since(call.shared.started).as_secs();
    let _ = write!(
        text,
        "redis_version:{REDIS_VERSION}\r\ntickcache_version:{}\r\nredis_mode:standalone\r\nos:{}\r\narch_bits:{}\r\n\
         process_id:{}\r\ntcp_port:{}\r\nserver_time_usec:{}\r\nuptime_in_seconds:{uptime}\r\nuptime_in_days:{}\r\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        usize::BITS,
        std::process::id(),
        call.shared.port,
        call.wall.nanos() / 1_000,
        uptime / 86_400,
    );
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn of_clients(call: &Call<'_>, text: &mut String) {
    let _ = write!(
        text,
        "connected_clients:{}\r\nmaxclients:{}\r\nblocked_clients:0\r\npubsub_clients:{}\r\n",
        load(&call.shared.totals.clients),
        call.shared.limits.clients_max,
        call.shared.hub.len(),
    );
}

fn of_stats(call: &Call<'_>, text: &mut String) {
    let totals = &call.shared.totals;
    let _ = write!(
        text,
        "total_connections_received:{}\r\ntotal_commands_processed:{}\r\nrejected_connections:{}\r\nexpired_keys:0\r\n\
         evicted_keys:0\r\nkeyspace_hits:{}\r\nkeyspace_misses:{}\r\n",
        load(&totals.connections),
        load(&totals.requests),
        load(&totals.refused),
        load(&totals.hits),
        load(&totals.misses),
    );
}

fn of_keys(call: &Call<'_>, text: &mut String) {
    let view = &call.shared.view;
    let lives = || view.names().iter().map(|(_, place)| view.life(*place, call.now));
    let keys = lives().filter(|life| *life != Life::Missing).count();
    let expires = lives().filter(|life| matches!(life, Life::Left(_))).count();
    if keys > 0 {
        let _ = write!(text, "db0:keys={keys},expires={expires},avg_ttl=0\r\n");
    }
}
