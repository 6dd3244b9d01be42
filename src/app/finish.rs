//! What a run leaves beside its journal, and what is said when it panics.

use std::{any::Any, backtrace::Backtrace, panic, path::Path, sync::Mutex, thread};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{RunFolder, TRAINER, whole::write_whole};

/// Sends what is logged to the run's `diagnostics.log`.
pub(super) fn diagnostics(folder: &RunFolder) -> Result<()> {
    let file = folder.diagnostics().context("diagnostics.log can't be written")?;
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(file)).finish();
    // A second run in one process goes on with the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    tracing::info!(folder = %folder.path().display(), "run started");
    Ok(())
}

/// Has panics logged with their backtraces. The trainer's are told as the run's end and not
/// printed; any other thread's go the usual way too.
pub(super) fn log_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let backtrace = Backtrace::force_capture();
        tracing::error!(%info, %backtrace, "panic");
        // Its loop runs on a thread of the pool, which nobody else gives work.
        let is_trainers =
            thread::current().name() == Some(TRAINER) || rayon::current_thread_index().is_some();
        if !is_trainers {
            usual(info);
        }
    }));
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Writes a document, whole or not at all.
pub(super) fn write_json(path: &Path, document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec(document)?;
    text.push(b'\n');
    write_whole(path, &text).with_context(|| format!("{}: can't be written", path.display()))
}
