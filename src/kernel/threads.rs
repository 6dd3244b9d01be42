//! The threads that kernels compute on.

use std::error::Error;

use anyhow::{Result, bail};
use rayon::ThreadPoolBuilder;

/// Starts the threads of the pool, as many as `RAYON_NUM_THREADS` says. Otherwise the first kernel
/// would start them, and panic where the system has no thread left. Does nothing if they run.
pub fn start_threads() -> Result<()> {
    match ThreadPoolBuilder::new().build_global().as_ref().map_err(Error::source) {
        // The error prints its source, too.
        Err(Some(why)) => bail!("cannot start the threads to compute on; lower --threads: {why}"),
        // Otherwise there is a pool already.
        Ok(()) | Err(None) => Ok(()),
    }
}
