//! `auxdesk continue`: continues a run that was stopped, or extends a finished one, in its own
//! folder.

use std::process::ExitCode;

use super::{
    Failure,
    continuation::Continuation,
    prepared::Equipment,
    progress::reading,
    session::{Session, moves, show},
};
use crate::{
    app::RunFolder, cli::ContinueArgs, journal, kernel, printable::print_message, recipe::Overrides,
};

pub(super) fn run(args: &ContinueArgs, threads: usize) -> Result<ExitCode, Failure> {
    if !args.run.join("recipe.toml").is_file() {
        let (run, what) =
            (args.run.display(), "no recipe.toml in it; expected the folder of a run");
        return Err(Failure::Request(format!("{run}: {what}")));
    }
    // A folder in which somebody keeps a recipe has neither.
    if ["diagnostics.log", journal::FILE].iter().all(|name| !args.run.join(name).is_file()) {
        let (run, what) =
            (args.run.display(), "no journal.jsonl in it; expected the folder of a run");
        return Err(Failure::Request(format!("{run}: {what}")));
    }
    let folder = RunFolder::reopened(&args.run).map_err(Failure::Request)?;
    let overrides = Overrides { steps: args.steps, epochs: args.epochs, ..Overrides::default() };
    let continuation = Continuation::read(&args.run, &overrides)?;
    if continuation.past.checkpoint.is_none() {
        let run = args.run.display();
        print_message(&format!("{run}: the journal records no checkpoint; continuing from step 0"));
    }
    let moves = moves(args.moves.as_deref(), &continuation.recipe)?;
    let moves = moves.map(|moves| moves.after(continuation.step()));
    let show = show(args.headless || args.plain || args.json, args.observe, args.look)?;
    let device = args.device.open().map_err(Failure::Request)?;
    warn_if_kernel_differs(continuation.kernel(), kernel::name(&device));
    let prepared = continuation.prepare(moves, &mut reading())?;
    let equipment = Equipment { threads, device, on_alert: args.on_alert.clone() };
    Session { equipment, show, json: args.json }.train(prepared, |_| Ok(folder))
}

/// Warns if the kernel differs, as results are reproducible bit for bit with one kernel only. The
/// number of threads does not matter.
fn warn_if_kernel_differs(before: Option<&str>, kernel: &str) {
    if let Some(before) = before.filter(|before| *before != kernel) {
        print_message(&format!(
            "kernel {kernel}; the run began with {before}: results may not be equal bit for bit"
        ));
    }
}
