//! The program: what was typed, and an exit code.

use std::process::ExitCode;

use auxdesk::{cli::Cli, command};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let threads = cli.threads().unwrap_or_else(num_cpus::get_physical);
    set_threads(threads);
    command::run(cli, threads)
}

/// Sizes candle's thread pools and rayon's, which have no other way to be told.
#[expect(unsafe_code, reason = "set_var is unsafe while other threads run; none does yet")]
fn set_threads(threads: usize) {
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: this is the top of `main`; no other thread has been started.
        unsafe { std::env::set_var(name, threads.to_string()) };
    }
}
