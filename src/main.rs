//! The program: what was typed, and an exit code.

use std::process::ExitCode;

use auxdesk::{cli::Cli, command, kernel};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let threads = cli.threads().unwrap_or_else(num_cpus::get_physical);
    set_threads(threads);
    kernel::keep_memory();
    command::run(cli, threads)
}

/// Sizes rayon's thread pool, which our kernels work on, and keeps candle's own at one thread: what
/// is left to candle is small, and its threads wait for each other in a loop. Neither has another
/// way to be told.
#[expect(unsafe_code, reason = "set_var is unsafe while other threads run; none does yet")]
fn set_threads(threads: usize) {
    for (name, threads) in [("RAYON_NUM_THREADS", threads), ("CANDLE_NUM_THREADS", 1)] {
        // SAFETY: this is the top of `main`; no other thread has been started.
        unsafe { std::env::set_var(name, threads.to_string()) };
    }
}
