//! What can be done at the desk: one table, from which keys are dispatched and from which help, footer,
//! palette and the user's key file are made, so that none of them can drift from the others.

use super::{DeskMode, View};
use crate::{protocol::Scene, state::Run};

/// A wish of whoever sits at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Choose the next strip.
    NextStrip,
    /// Choose the strip before.
    PreviousStrip,
    /// Choose a strip by its number, counted from 1.
    Strip(usize),
    /// Move the chosen fader by a part of its gain.
    Nudge(Nudge),
    /// Ask for a gain.
    TypeGain,
    /// Ask for a gain and how many steps to fade there over.
    TypeFade,
    /// Back to the recipe's gain.
    ResetGain,
    /// Mute or unmute the chosen strip.
    Mute,
    /// Solo or unsolo the chosen strip.
    Solo,
    /// Unsolo every strip.
    ClearSolos,
    /// Take the last move back.
    Undo,
    /// Make again what was taken back last.
    Redo,
    /// Keep the mix as it is.
    Store(Scene),
    /// Go back to a kept mix.
    Recall(Scene),
    /// Hold training, or go on.
    Pause,
    /// One step, and hold.
    StepOnce,
    /// Ask for a note to keep at this step.
    TypeNote,
    /// Save a checkpoint now.
    Checkpoint,
    /// Score dev now.
    Evaluate,
    /// Ask for a learning rate.
    TypeRate,
    /// Ask how a step chooses among the groups.
    TypeSampling,
    /// Ask how often gradients are measured apart.
    TypeGradients,
    /// Ask whether to stop, or leave what has ended.
    Quit,
    /// Stop after this step, as SIGINT does; a second one ends the program at once.
    Interrupt,
    /// Hand the terminal back to the shell for a while.
    Suspend,
    /// The next panel has the keys.
    NextFocus,
    /// The panel before has the keys.
    PreviousFocus,
    /// Leave one layer: a window, a filter, a cursor. Never quits.
    Back,
    /// The next page.
    NextPage,
    /// Hold the screen; training goes on.
    Freeze,
    /// Every key, searchable.
    Help,
    /// Every action by name.
    Palette,
    /// The next theme.
    NextTheme,
    /// Logarithmic or linear.
    LogY,
    /// A smoother curve.
    SmoothMore,
    /// A rougher curve.
    SmoothLess,
    /// Steps, tokens or time.
    NextUnit,
    /// Show less of the run, and that larger.
    ZoomIn,
    /// Show more of the run.
    ZoomOut,
    /// Show earlier steps.
    PanLeft,
    /// Show later steps.
    PanRight,
    /// Show all, and go with the run.
    Follow,
    /// One objective's curve, or all of them.
    OnlyThis,
    /// Move the cursor by so many columns.
    Cursor(i32),
    /// The cursor to the first step in sight.
    CursorFirst,
    /// The cursor to the last step.
    CursorLast,
    /// The cursor to the event before.
    PreviousEvent,
    /// The cursor to the next event.
    NextEvent,
    /// Choose an older event in the list.
    OlderEvent(usize),
    /// Choose a younger event in the list.
    YoungerEvent(usize),
    /// The oldest event.
    OldestEvent,
    /// The youngest event.
    YoungestEvent,
    /// The cursor to the chosen event's step.
    JumpToEvent,
    /// Show only events that hold a text.
    Filter,
    /// Show only one class of events, and the next one with each press.
    NextClass,
    /// Play, or hold, a replay.
    Play,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// Some steps on, or back.
    Seek(i64),
    /// Before the first step.
    SeekStart,
    /// To the end.
    SeekEnd,
    /// Ask for a step to go to.
    TypeSeek,
}

/// How far a press moves a fader: by a part of its gain, since the scale is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// A twentieth more.
    Up,
    /// A twentieth less.
    Down,
    /// A quarter more.
    FarUp,
    /// A quarter less.
    FarDown,
}

/// Where an action's keys are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionScope {
    /// Wherever no window is open.
    Anywhere,
    /// While the strips have the keys, in a run that can be moved.
    Desk,
    /// While the chart has the keys.
    Chart,
    /// While the list of events has the keys.
    Events,
    /// In a replay.
    Replay,
}

impl ActionScope {
    /// Its name as the only place: two actions of one place can't share a key.
    pub fn alone(self) -> &'static [&'static str] {
        match self {
            Self::Anywhere => &["anywhere"],
            Self::Desk => &["desk"],
            Self::Chart => &["chart"],
            Self::Events => &["events"],
            Self::Replay => &["replay"],
        }
    }

    /// What help calls it.
    pub fn name(self) -> &'static str {
        self.alone()[0]
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    /// What it does.
    pub action: Action,
    /// Its name in the palette and in the user's file.
    pub name: &'static str,
    /// One line for help.
    pub about: &'static str,
    /// A word or two for the footer; empty if it is never there.
    pub short: &'static str,
    /// Keys, unless the user has others.
    pub keys: &'static [&'static str],
    /// Where they are heard.
    pub scope: ActionScope,
    /// Whether it can be done now.
    pub valid: fn(&View, &Run) -> bool,
}

const fn row(
    scope: ActionScope,
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    short: &'static str,
    about: &'static str,
    valid: fn(&View, &Run) -> bool,
) -> Spec {
    Spec { action, name, about, short, keys, scope, valid }
}

fn always(_: &View, _: &Run) -> bool {
    true
}

/// A run that goes on, and may be moved from here.
fn movable(view: &View, run: &Run) -> bool {
    view.mode == DeskMode::Live && run.ended.is_none() && !run.strips.is_empty()
}

fn replayed(view: &View, _: &Run) -> bool {
    matches!(view.mode, DeskMode::Replay(_))
}

fn can_undo(view: &View, run: &Run) -> bool {
    movable(view, run) && (run.history.n_done() > 0 || view.wishes.has_moves())
}

fn can_redo(view: &View, run: &Run) -> bool {
    movable(view, run) && (run.history.n_undone() > 0 || view.wishes.has_moves())
}

fn has_solo(view: &View, run: &Run) -> bool {
    movable(view, run) && run.strips.iter().any(|strip| strip.soloed)
}

fn has_a(view: &View, run: &Run) -> bool {
    movable(view, run) && run.scenes.contains_key(&Scene::A)
}

fn has_b(view: &View, run: &Run) -> bool {
    movable(view, run) && run.scenes.contains_key(&Scene::B)
}

use Action as A;
use ActionScope::{Anywhere, Chart, Desk, Events, Replay};

/// Every action, in the order of the help.
#[rustfmt::skip]
pub static ACTIONS: &[Spec] = &[
    row(Anywhere, A::NextStrip, "next-strip", &["j"], "", "choose the next objective", always),
    row(Anywhere, A::PreviousStrip, "previous-strip", &["k"], "", "choose the objective before", always),
    row(Desk, A::NextStrip, "strip-down", &["down"], "", "choose the next objective", always),
    row(Desk, A::PreviousStrip, "strip-up", &["up"], "pick", "choose the objective before", always),
    row(Anywhere, A::Strip(1), "strip-1", &["1"], "", "choose an objective by its number (1 to 9)", always),
    row(Anywhere, A::Strip(2), "strip-2", &["2"], "", "", always),
    row(Anywhere, A::Strip(3), "strip-3", &["3"], "", "", always),
    row(Anywhere, A::Strip(4), "strip-4", &["4"], "", "", always),
    row(Anywhere, A::Strip(5), "strip-5", &["5"], "", "", always),
    row(Anywhere, A::Strip(6), "strip-6", &["6"], "", "", always),
    row(Anywhere, A::Strip(7), "strip-7", &["7"], "", "", always),
    row(Anywhere, A::Strip(8), "strip-8", &["8"], "", "", always),
    row(Anywhere, A::Strip(9), "strip-9", &["9"], "", "", always),
    row(Desk, A::Nudge(Nudge::Down), "gain-down", &["left", "h"], "", "fader down by 5 %", movable),
    row(Desk, A::Nudge(Nudge::Up), "gain-up", &["right", "l"], "fader", "fader up by 5 %; from 0 to 0.01", movable),
    row(Desk, A::Nudge(Nudge::FarDown), "gain-far-down", &["shift-left", "H"], "", "fader down by 25 %", movable),
    row(Desk, A::Nudge(Nudge::FarUp), "gain-far-up", &["shift-right", "L"], "", "fader up by 25 %", movable),
    row(Anywhere, A::TypeGain, "gain", &["w"], "type", "type a gain, or GAIN over STEPS for a fade", movable),
    row(Anywhere, A::TypeFade, "fade", &["W"], "", "fade to a gain over so many steps", movable),
    row(Anywhere, A::ResetGain, "reset", &["0"], "", "back to the gain of the recipe", movable),
    row(Anywhere, A::Mute, "mute", &["m"], "mute", "mute or unmute: weight 0, the gain is kept", movable),
    row(Anywhere, A::Solo, "solo", &["s"], "solo", "solo or unsolo: only soloed objectives sound", movable),
    row(Anywhere, A::ClearSolos, "clear-solos", &["S"], "", "unsolo every objective", has_solo),
    row(Anywhere, A::Undo, "undo", &["u"], "undo", "take the last move back", can_undo),
    row(Anywhere, A::Redo, "redo", &["ctrl-r"], "redo", "make again what was taken back last", can_redo),
    row(Anywhere, A::Store(Scene::A), "store-a", &["a"], "", "keep the mix as scene A", movable),
    row(Anywhere, A::Store(Scene::B), "store-b", &["b"], "", "keep the mix as scene B", movable),
    row(Anywhere, A::Recall(Scene::A), "recall-a", &["A"], "", "go back to scene A, as one move", has_a),
    row(Anywhere, A::Recall(Scene::B), "recall-b", &["B"], "", "go back to scene B, as one move", has_b),
    row(Anywhere, A::Pause, "pause", &["space"], "pause", "hold training, or go on", movable),
    row(Anywhere, A::StepOnce, "step", &[">"], "", "one step, and hold", movable),
    row(Anywhere, A::TypeNote, "note", &["n"], "note", "keep a note at this step", movable),
    row(Anywhere, A::Checkpoint, "checkpoint", &["c"], "", "save a checkpoint now", movable),
    row(Anywhere, A::Evaluate, "evaluate", &["e"], "", "score dev now; counts for nothing else", movable),
    row(Anywhere, A::TypeRate, "rate", &["r"], "", "set the learning rate", movable),
    row(Anywhere, A::TypeSampling, "sampling", &["d"], "", "set how a step chooses among the groups", movable),
    row(Anywhere, A::TypeGradients, "gradients", &["G"], "", "measure each objective's gradient every N steps", movable),
    row(Replay, A::Play, "play", &["space"], "play", "play, or hold", replayed),
    row(Replay, A::Faster, "faster", &[">"], "faster", "play faster, up to 1000 times", replayed),
    row(Replay, A::Slower, "slower", &["<"], "", "play slower", replayed),
    row(Replay, A::Seek(1), "forward", &["right", "l"], "step", "one step on", replayed),
    row(Replay, A::Seek(-1), "back", &["left", "h"], "", "one step back", replayed),
    row(Replay, A::Seek(100), "forward-100", &["shift-right", "L"], "", "100 steps on", replayed),
    row(Replay, A::Seek(-100), "back-100", &["shift-left", "H"], "", "100 steps back", replayed),
    row(Replay, A::SeekStart, "start", &["home"], "", "before the first step", replayed),
    row(Replay, A::SeekEnd, "end", &["end"], "", "to the end", replayed),
    row(Replay, A::TypeSeek, "go-to", &["G"], "go to", "go to a step", replayed),
    row(Chart, A::Cursor(-1), "cursor-left", &["left", "h"], "cursor", "cursor one column back", always),
    row(Chart, A::Cursor(1), "cursor-right", &["right", "l"], "", "cursor one column on", always),
    row(Chart, A::Cursor(-10), "cursor-far-left", &["shift-left", "H"], "", "cursor ten columns back", always),
    row(Chart, A::Cursor(10), "cursor-far-right", &["shift-right", "L"], "", "cursor ten columns on", always),
    row(Chart, A::CursorFirst, "cursor-first", &["home"], "", "cursor to the first step in sight", always),
    row(Chart, A::CursorLast, "cursor-last", &["end"], "", "cursor to the last step", always),
    row(Chart, A::ZoomIn, "chart-in", &["up"], "", "zoom in", always),
    row(Chart, A::ZoomOut, "chart-out", &["down"], "", "zoom out", always),
    row(Anywhere, A::ZoomIn, "zoom-in", &["+", "="], "zoom", "show less of the run, and that larger", always),
    row(Anywhere, A::ZoomOut, "zoom-out", &["-"], "", "show more of the run", always),
    row(Anywhere, A::PanLeft, "pan-left", &[","], "", "show earlier steps", always),
    row(Anywhere, A::PanRight, "pan-right", &["."], "", "show later steps", always),
    row(Anywhere, A::Follow, "follow", &["z"], "", "show all of the run, and go with it", always),
    row(Anywhere, A::LogY, "log-y", &["y"], "", "logarithmic or linear losses", always),
    row(Anywhere, A::SmoothLess, "smooth-less", &["["], "", "rougher curves", always),
    row(Anywhere, A::SmoothMore, "smooth-more", &["]"], "", "smoother curves", always),
    row(Anywhere, A::NextUnit, "unit", &["x"], "", "steps, tokens or time along the bottom", always),
    row(Anywhere, A::OnlyThis, "only", &["o"], "", "the chosen objective's curve alone, or all", always),
    row(Anywhere, A::PreviousEvent, "previous-event", &["{"], "", "cursor to the event before", always),
    row(Anywhere, A::NextEvent, "next-event", &["}"], "", "cursor to the next event", always),
    row(Events, A::OlderEvent(1), "event-up", &["up"], "choose", "choose an older event", always),
    row(Events, A::YoungerEvent(1), "event-down", &["down"], "", "choose a younger event", always),
    row(Events, A::OlderEvent(10), "events-up", &["pageup"], "", "ten events up", always),
    row(Events, A::YoungerEvent(10), "events-down", &["pagedown"], "", "ten events down", always),
    row(Events, A::OldestEvent, "event-first", &["home"], "", "the oldest event", always),
    row(Events, A::YoungestEvent, "event-last", &["end"], "", "the youngest event, and go with the run", always),
    row(Events, A::JumpToEvent, "jump", &["enter"], "jump", "cursor to the chosen event's step", always),
    row(Anywhere, A::Filter, "filter", &["/"], "filter", "show only events that hold a text", always),
    row(Anywhere, A::NextClass, "class", &["t"], "", "all events, or moves, scores, notes, faults", always),
    row(Anywhere, A::NextFocus, "focus", &["tab"], "focus", "the next panel has the keys", always),
    row(Anywhere, A::PreviousFocus, "focus-back", &["shift-tab"], "", "the panel before has the keys", always),
    row(Anywhere, A::NextPage, "view", &["v"], "view", "overview, chart, gradients, classes, corpora, events", always),
    row(Anywhere, A::Freeze, "freeze", &["f"], "", "hold the screen; training goes on", always),
    row(Anywhere, A::NextTheme, "theme", &["T"], "", "the next theme", always),
    row(Anywhere, A::Help, "help", &["?", "f1"], "help", "every key; / searches", always),
    row(Anywhere, A::Palette, "palette", &[":"], "command", "every action by its name", always),
    row(Anywhere, A::Back, "back-out", &["esc"], "", "leave one layer: a window, a filter, the cursor", always),
    row(Anywhere, A::Suspend, "suspend", &["ctrl-z"], "", "back to the shell; fg brings the desk again", always),
    row(Anywhere, A::Interrupt, "interrupt", &["ctrl-c"], "", "stop after this step; twice: end at once", always),
    row(Anywhere, A::Quit, "quit", &["q"], "quit", "stop and leave, once you said y", always),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_action_says_what_it_does() {
        let names: BTreeSet<&str> = ACTIONS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), ACTIONS.len());
        for spec in ACTIONS {
            let is_number = matches!(spec.action, Action::Strip(2..));
            assert_eq!(spec.about.is_empty(), is_number, "{}", spec.name);
            assert!(!spec.about.ends_with('.'), "{}", spec.name);
            assert!(!spec.keys.is_empty(), "{}", spec.name);
        }
    }

    #[test]
    fn a_key_means_one_thing_in_one_place() {
        let mut seen = BTreeSet::new();
        for spec in ACTIONS {
            for key in spec.keys {
                assert!(seen.insert((spec.scope, key)), "{key} twice in {:?}", spec.scope);
            }
        }
    }
}
