//! Metric names, logging, and the Prometheus exporter.

pub mod names;
