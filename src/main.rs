//! The program: parses the command line and returns an exit code.

use std::process::ExitCode;

use auxdesk::{cli::Cli, command, kernel, printable::print_message, tui};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: kernel::Allocator = kernel::Allocator;

fn main() -> ExitCode {
    kernel::before_out_of_memory(tui::terminal::restore_now);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Without colors: it quotes arguments, which may have escape sequences of their own.
        Err(error) if error.use_stderr() => {
            print_message(&error.render().to_string());
            return ExitCode::from(2);
        }
        // Help, or the version.
        Err(error) => error.exit(),
    };
    let threads = cli.threads().unwrap_or_else(num_cpus::get_physical);
    set_threads(threads);
    kernel::keep_memory();
    command::run(cli, threads)
}

/// Sizes rayon's thread pool, which our kernels use, and limits candle's own pool to one thread:
/// little work is left to candle, and its threads spin while they wait. Both can only be configured
/// through environment variables.
#[expect(unsafe_code, reason = "set_var is unsafe while other threads run; none does yet")]
fn set_threads(threads: usize) {
    for (name, threads) in [("RAYON_NUM_THREADS", threads), ("CANDLE_NUM_THREADS", 1)] {
        // SAFETY: this is the top of `main`; no other thread has been started.
        unsafe { std::env::set_var(name, threads.to_string()) };
    }
}
