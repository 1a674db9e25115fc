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
    FEED_SNAPSHOTS = "tickcache_feed_snapshots_total", Counter, "Depth snapshots fetched over REST. Labels: feed, outcome.";
    FEED_REST_WEIGHT = "tickcache_feed_rest_weight_total", Counter, "REST request weight spent. Labels: feed.";
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
    PUBLISH_REDIS_UP = "tickcache_publish_redis_up_ratio", Gauge, "1 while the connection to Redis works.";
    PUBLISH_STOOD_DOWN = "tickcache_publish_stood_down_total", Counter, "Times that a greater epoch in place took a feed from this engine. Labels: feed.";
    LEASE_HELD = "tickcache_lease_held_ratio", Gauge, "1 while this engine holds the feed's lease, 0 while it stands by. Labels: feed.";
    EVENTS_DROPPED = "tickcache_events_dropped_total", Counter, "Events that were not published: too many, or their value was not accepted. Labels: kind.";
    REDIS_MEMORY_USED = "tickcache_redis_memory_used_bytes", Gauge, "Memory that Redis uses, by its own INFO. Labels: node.";
    REDIS_MEMORY_MAX = "tickcache_redis_memory_max_bytes", Gauge, "Memory that Redis may use; 0 = as much as there is. Labels: node.";
    REDIS_EVICTED = "tickcache_redis_evicted_keys_total", Counter, "Keys that Redis dropped for want of memory. Labels: node.";
    REDIS_HITS = "tickcache_redis_keyspace_hits_total", Counter, "Reads of all clients that found their key. Labels: node.";
    REDIS_MISSES = "tickcache_redis_keyspace_misses_total", Counter, "Reads of all clients that did not find their key. Labels: node.";
    READER_UNREADABLE = "tickcache_reader_unreadable_total", Counter, "Values that a reader could not read and took for missing.";
}
