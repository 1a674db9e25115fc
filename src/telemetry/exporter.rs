//! The Prometheus exporter.
//!
//! Owns the recorder of the process. Never serves HTTP: that is `service`.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::names::{self, Kind};

/// Upper bounds of times, in seconds: from tens of microseconds (loopback) to seconds (a Redis in trouble).
const SECONDS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5,
];

/// Upper bounds of batch sizes, in values.
const VALUES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How often samples are folded into their buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {reason}")]
pub struct ExporterError {
    reason: String,
}

/// Renders every metric of the process.
#[derive(Debug, Clone)]
pub struct Exporter {
    handle: PrometheusHandle,
}

impl Exporter {
    /// Installs the recorder of the process.
    ///
    /// # Errors
    /// [`ExporterError`] when the process has one already.
    pub fn install() -> Result<Self, ExporterError> {
        let failed =
            |error: metrics_exporter_prometheus::BuildError| ExporterError { reason: error.to_string() };
        let mut builder = PrometheusBuilder::new();
        for (name, kind, _) in names::ALL {
            if *kind == Kind::Histogram {
                let bounds = if name.ends_with("_seconds") { SECONDS } else { VALUES };
                builder = builder
                    .set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)
                    .map_err(failed)?;
            }
        }
        let handle = builder.install_recorder().map_err(failed)?;
        for (name, kind, help) in names::ALL {
            match kind {
                Kind::Counter => metrics::describe_counter!(*name, *help),
                Kind::Gauge => metrics::describe_gauge!(*name, *help),
                Kind::Histogram => metrics::describe_histogram!(*name, *help),
            }
        }
        Ok(Self { handle })
    }

    /// The Prometheus text format, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds samples into their buckets, for ever. Without it they pile up until the next scrape.
    pub async fn upkeep(self) {
        let mut timer = tokio::time::interval(UPKEEP_EVERY);
        loop {
            timer.tick().await;
            self.handle.run_upkeep();
        }
    }
}
