//! The files of a finished run, and the log of its panics.

use std::{any::Any, backtrace::Backtrace, panic, path::Path, sync::Mutex, thread};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{RunFolder, TRAINER, whole::write_whole};
use crate::printable;

/// Writes log messages to the run's `diagnostics.log`.
pub(super) fn diagnostics(folder: &RunFolder) -> Result<()> {
    let file = folder.diagnostics().context("diagnostics.log cannot be written")?;
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(file)).finish();
    // A second run in one process uses the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    tracing::info!(folder = %folder.path().display(), "run started");
    Ok(())
}

/// Logs panics with their backtraces. The trainer's are reported as the end of the run and not
/// printed; those of other threads are also printed.
pub(super) fn log_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let backtrace = Backtrace::force_capture();
        tracing::error!(%info, %backtrace, "panic");
        // Its loop runs on a thread of the pool, which has no other work.
        let is_trainers =
            thread::current().name() == Some(TRAINER) || rayon::current_thread_index().is_some();
        if !is_trainers {
            usual(info);
        }
    }));
}

/// The message of a panic.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Writes a document atomically.
pub(super) fn write_json(path: &Path, document: &impl Serialize) -> Result<()> {
    let text = printable::json(document)? + "\n";
    write_whole(path, text.as_bytes())
        .with_context(|| format!("{}: cannot be written", path.display()))
}
