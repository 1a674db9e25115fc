//! Every metric's name, with its unit as suffix, and its help text. Labels stand in the comment.

macro_rules! metric_names {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident, $help:literal;)+) => {
        $($(#[$doc])* #[doc = $help] pub const $name: &str = $text;)+

        /// Name, kind and help of each, for the exporter.
        pub const ALL: &[(&str, Kind, &str)] = &[$(($text, Kind::$kind, $help)),+];
    };
}

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

metric_names! {
    FEED_FRAMES = "tickcache_feed_frames_total", Counter, "Frames read from venues. Labels: feed.";
    FEED_FRAME_BYTES = "tickcache_feed_frame_bytes_total", Counter, "Bytes of frames read from venues. Labels: feed.";
    FEED_DECODE_ERRORS = "tickcache_feed_decode_errors_total", Counter, "Frames that could not be understood. Labels: feed.";
    FEED_CONNECTS = "tickcache_feed_connects_total", Counter, "Sessions that were established. Labels: feed.";
    FEED_RECONNECTS = "tickcache_feed_reconnects_total", Counter, "Sessions that ended and are made anew. Labels: feed, why.";
    FEED_ALARMS = "tickcache_feed_first_data_alarms_total", Counter, "Subscriptions that were acknowledged and stayed silent. Labels: feed.";
    FEED_GAPS = "tickcache_feed_gaps_total", Counter, "Holes in a venue's sequence. Labels: feed.";
    FEED_MISMATCHES = "tickcache_feed_checksum_mismatches_total", Counter, "Books whose checksum was not the venue's. Labels: feed.";
    FEED_TIMES_BACK = "tickcache_feed_times_back_total", Counter, "Events before the time of the one before them, where nothing else orders them. Labels: feed.";
    FEED_ABSURD_STAMPS = "tickcache_feed_absurd_stamps_total", Counter, "Stamps of a venue that cannot be meant: more than a minute ahead of this machine's clock, or before 2009. Labels: feed.";
    FEED_REFUSED = "tickcache_feed_refused_total", Counter, "Subscriptions that a venue refused, each time that it did. Labels: feed.";
    FEED_CLOCK_STEPS = "tickcache_feed_clock_steps_total", Counter, "Times that a feed saw this machine's wall clock being set. Labels: feed.";
    FEED_CHANGES = "tickcache_feed_state_changes_total", Counter, "Keys whose state or reason changed. Labels: feed, reason (none = live again).";
    FEED_SNAPSHOTS = "tickcache_feed_snapshots_total", Counter, "Depth snapshots fetched over REST. Labels: feed, outcome.";
    FEED_REST_WEIGHT = "tickcache_feed_rest_weight_total", Counter, "REST request weight spent. Labels: feed.";
    FEED_BUDGET_WAITS = "tickcache_feed_budget_waits_total", Counter, "Times that a REST call or a connect had to wait for a venue's budget. Labels: feed, kind (rest, connect), whose (own, shared).";
    FEED_BUDGET_ALONE = "tickcache_feed_budget_alone_total", Counter, "REST calls and connects that only this engine's own budget has let pass, since Redis did not answer for all of them. Labels: feed, kind (rest, connect).";
    FEED_PAUSES = "tickcache_feed_pauses_total", Counter, "REST calls and connects after which a venue was left alone for a while: refused (403, 418, 429, 451, 5xx, Retry-After, a page instead of an answer), or not answered. Labels: feed, kind (rest, connect).";
    FEED_STATES = "tickcache_feed_keys", Gauge, "Keys by state. Labels: feed, state.";
    PROCESS_UPDATES = "tickcache_process_updates_total", Counter, "Values that changed or were confirmed. Labels: feed, entity.";
    PUBLISH_SLOTS = "tickcache_publish_slots", Gauge, "Keys that the engine writes.";
    PUBLISH_CONFLATED = "tickcache_publish_conflated_total", Counter, "Values overwritten by a newer one before they were sent.";
    PUBLISH_ENCODED = "tickcache_publish_values_encoded_total", Counter, "Values encoded.";
    PUBLISH_WRITTEN = "tickcache_publish_values_written_total", Counter, "Values that Redis acknowledged.";
    PUBLISH_BYTES = "tickcache_publish_bytes_total", Counter, "Bytes sent to Redis.";
    PUBLISH_BATCHES = "tickcache_publish_batches_total", Counter, "Pipelines sent to Redis.";
    PUBLISH_BATCH_VALUES = "tickcache_publish_batch_values", Histogram, "Values in a pipeline.";
    PUBLISH_ROUND_TRIP = "tickcache_publish_round_trip_seconds", Histogram, "From a pipeline's send to its last reply.";
    PUBLISH_LATENCY = "tickcache_publish_receive_to_acknowledged_seconds", Histogram, "From the socket read of a frame to Redis' acknowledgement of the value.";
    PUBLISH_ERRORS = "tickcache_publish_redis_errors_total", Counter, "Error replies of Redis. Labels: kind.";
    PUBLISH_RECONNECTS = "tickcache_publish_redis_reconnects_total", Counter, "Connections to Redis that were lost. Labels: why.";
    PUBLISH_REDIS_UP = "tickcache_publish_redis_up_ratio", Gauge, "1 while the connection to Redis works. Labels: shard.";
    PUBLISH_BREAKER = "tickcache_publish_breaker_state", Gauge, "Circuit breaker of a server: 0 closed, 1 trying, 2 open. Labels: server, shard.";
    PUBLISH_BREAKER_OPENED = "tickcache_publish_breaker_opened_total", Counter, "Times that a working connection was given up. Labels: server.";
    PUBLISH_FOREIGN = "tickcache_publish_foreign_values_total", Counter, "Values of ours that took the place of something that was none.";
    PUBLISH_OLDER = "tickcache_publish_older_values_total", Counter, "Values that came after a newer one of the same epoch, and were refused.";
    PUBLISH_PUSHES_REFUSED = "tickcache_publish_pushes_refused_total", Counter, "Values that were written but could not be pushed.";
    LEASE_HELD = "tickcache_lease_held_ratio", Gauge, "1 while this engine writes the feed. Labels: feed.";
    LEASE_LOST = "tickcache_lease_lost_total", Counter, "Feeds that this engine stopped writing. Labels: feed, why.";
    EVENTS = "tickcache_events_total", Counter, "Events that were made. Labels: kind.";
    EVENTS_DROPPED = "tickcache_events_dropped_total", Counter, "Events that were not told: too many, or lost with a connection. Labels: kind.";
    REDIS_MEMORY_USED = "tickcache_redis_memory_used_bytes", Gauge, "Memory that a Redis server uses. Labels: server.";
    REDIS_MEMORY_MAX = "tickcache_redis_memory_max_bytes", Gauge, "What a Redis server may use (maxmemory); 0 = no limit. Labels: server.";
    REDIS_EVICTED_KEYS = "tickcache_redis_evicted_keys_total", Counter, "Keys that a Redis server evicted for want of memory. Labels: server.";
    REDIS_KEYSPACE_HITS = "tickcache_redis_keyspace_hits_total", Counter, "Reads of keys that were there, by anybody. Labels: server.";
    REDIS_KEYSPACE_MISSES = "tickcache_redis_keyspace_misses_total", Counter, "Reads of keys that were not there, by anybody. Labels: server.";
    EMBEDDED_CLIENTS = "tickcache_embedded_clients", Gauge, "Clients that are connected to the engine's own endpoint.";
    EMBEDDED_CONNECTS = "tickcache_embedded_connects_total", Counter, "Connections that the endpoint took.";
    EMBEDDED_REQUESTS = "tickcache_embedded_requests_total", Counter, "Requests that the endpoint answered, errors included.";
    EMBEDDED_ERRORS = "tickcache_embedded_errors_total", Counter, "Requests that the endpoint answered with an error.";
    EMBEDDED_PUSHES = "tickcache_embedded_pushes_total", Counter, "Messages and invalidations that the endpoint put on their way.";
    EMBEDDED_LIMITS = "tickcache_embedded_limits_total", Counter, "Times that a limit of the endpoint was met. Labels: limit (clients, request, arguments, pipeline, subscriptions, patterns, transaction, output, stalled, messages, login, notices).";
    EMBEDDED_DISCONNECTS = "tickcache_embedded_disconnects_total", Counter, "Clients that the endpoint disconnected. Labels: why (protocol, foreign, stalled, messages, login).";
    COMMANDS = "tickcache_commands_total", Counter, "Messages on the command channel. Labels: outcome (taken, dropped, malformed).";
    CAPTURE_RECORDS = "tickcache_capture_records_total", Counter, "Frames and REST answers in recordings. Labels: feed.";
    CAPTURE_MISSING = "tickcache_capture_missing_total", Counter, "Frames and REST answers that are in no recording. Labels: feed, why (overflow, unfit, disk).";
    CAPTURE_FILE_BYTES = "tickcache_capture_file_bytes_total", Counter, "Bytes written to recordings. Labels: feed.";
    CAPTURE_ERRORS = "tickcache_capture_errors_total", Counter, "Failed attempts to write a recording. Labels: feed.";
    READER_UNREADABLE = "tickcache_reader_unreadable_total", Counter, "Values that a reader could not read and took for missing.";
}
