//! The threads that kernels compute on.

use std::error::Error;

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;

/// Starts the threads of the pool, as many as `RAYON_NUM_THREADS` says. Otherwise the first kernel
/// would start them, and panic where the system has no thread left. Does nothing if they run.
pub fn start_threads() -> Result<()> {
    match ThreadPoolBuilder::new().build_global() {
        Err(error) if error.source().is_some() => {
            Err(error).context("cannot start the threads to compute on; lower --threads")
        }
        // Otherwise there is a pool already.
        Ok(()) | Err(_) => Ok(()),
    }
}
