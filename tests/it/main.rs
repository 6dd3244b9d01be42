//! The integration tests, one program: whole recipes, whole runs.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "test helpers may panic and are read in place"
)]

mod accumulated;
mod agreement;
mod architecture;
mod bags;
mod baselines;
mod boundaries;
mod broken;
mod caught_up;
mod cli;
mod collections;
mod conll;
mod continued;
mod copying;
mod damaged;
mod desk;
mod devices;
mod dual_class;
mod encoders;
mod epochs;
mod exits;
mod finished;
mod folders;
mod frozen;
mod fuzz;
mod generation;
mod glossary;
mod guards;
mod hostile;
mod inputs;
mod inverse;
mod irregular;
mod label_inputs;
mod lagged_cosines;
mod layouts;
mod leaks;
mod live;
mod long;
mod memory;
mod muted;
mod objectives;
mod optimizers;
mod orders;
mod pages;
mod plain;
mod predicted;
mod pty;
mod public_corpora;
mod reading;
mod recipes;
mod regress;
mod relations;
mod replay;
mod runs;
mod samples;
mod sampling;
mod sequences;
mod shadows;
mod terminal;
mod tied;
mod tiny;
mod transcribe;
mod twice;
mod vectors;
mod warm_start;
mod warned;
mod weightings;
