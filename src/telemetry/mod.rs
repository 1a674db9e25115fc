//! Metric names, logging, and the Prometheus exporter.
//!
//! Owns the process-wide recorder and subscriber. Never decides what is measured. Histograms are bucketed, and
//! [`Exporter::upkeep`] folds their samples in every second, so that memory stays bounded while nobody scrapes.

mod exporter;
mod logging;
pub mod names;

pub use exporter::{Exporter, ExporterError};
pub use logging::{LogFormat, init as init_logging};
