//! A run that was killed and is continued at the desk.

use auxdesk::protocol::{By, Event, event::GainSet};

use super::{Desk, SIZE};
use crate::runs::{Here, whole_checkpoint};

/// No more than one evaluation in what this test waits for.
const SELDOM: &[&str] = &["--set", "train.evaluate_every=60"];

#[test]
fn a_change_from_before_a_kill_is_undone_at_the_desk_of_the_continued_run() {
    let here = Here::new();
    let gains = |desk: &Desk<'_>| -> Vec<GainSet> {
        let gain = |event| if let Event::GainSet(set) = event { Some(set) } else { None };
        desk.events().into_iter().filter_map(gain).collect()
    };
    let mut desk = Desk::training(&here, SIZE, SELDOM);
    desk.press("L");
    desk.pty.wait_for("the gain is set", |_| gains(&desk).len() == 1);
    let set = gains(&desk).remove(0);
    assert_eq!((set.old, set.new), (1.0, 1.25));
    desk.pty.wait_for("a checkpoint is saved after it", |_| {
        let saved = |event: &Event| matches!(event, Event::CheckpointSaved(saved) if saved.step >= set.from);
        desk.events().iter().any(saved)
    });
    desk.pty.signal("KILL");
    assert_eq!(desk.pty.wait().code, None, "killed");
    assert!(whole_checkpoint(&desk.run(), "last").state.step() >= set.from);

    let mut command = here.auxdesk(["continue", "run"]);
    let mut desk = Desk::open(&here, &mut command, SIZE);
    desk.is_live();
    desk.pty.wait_for_text("undo 1");
    desk.press("u");
    desk.pty.wait_for("it is undone", |_| gains(&desk).len() == 2);
    let undone = gains(&desk).remove(1);
    assert_eq!((undone.old, undone.new, undone.by), (1.25, 1.0, By::Key));
    assert_eq!(undone.undoes, set.command);
    assert_eq!(desk.step(undone.from.0).weights["chunk"], 1.0);
    assert_eq!(desk.step(undone.step.0).weights["chunk"], 1.25);
    desk.quit();
}
