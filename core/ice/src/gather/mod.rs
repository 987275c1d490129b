//! Where local candidates come from: one file per source.

mod host;
