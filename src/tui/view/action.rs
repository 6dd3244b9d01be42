//! The actions of the desk: one table that dispatches keys and generates help, footer, palette and the
//! key configuration, so that none of them can drift from the others.

use super::{DeskMode, Page, View};
use crate::{live::TrainSetting, protocol::Scene, state::Run};

/// What the user asks of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Select the next strip.
    NextStrip,
    /// Select the previous strip.
    PreviousStrip,
    /// Select a strip by its number, counted from 1.
    Strip(usize),
    /// Move the selected fader by a fraction of its gain.
    Nudge(Nudge),
    /// Prompt for a gain.
    TypeGain,
    /// Prompt for a gain and the number of steps of a fade.
    TypeFade,
    /// Reset to the recipe's gain; of a schedule, to its first value.
    ResetGain,
    /// Mute or unmute the selected strip.
    Mute,
    /// Solo or unsolo the selected strip.
    Solo,
    /// Finish the selected objective, or train it again.
    Finish,
    /// Set the gains at which all measured gradients have the same norm.
    EqualizeGradients,
    /// Link the selected fader with the next one that is selected, or unlink it.
    Link,
    /// Unsolo every strip.
    ClearSolos,
    /// Undo the last change.
    Undo,
    /// Redo the last undone change.
    Redo,
    /// Save the mix as a scene.
    Store(Scene),
    /// Recall a scene.
    Recall(Scene),
    /// Pause or resume training.
    Pause,
    /// Train one step, then pause.
    StepOnce,
    /// Prompt for a note at this step.
    TypeNote,
    /// Save a checkpoint now.
    Checkpoint,
    /// Evaluate on dev now.
    Evaluate,
    /// Prompt for a live setting of the run.
    Set(TrainSetting),
    /// Hand the selected fader to the weighting rule, or take it back.
    ByRule,
    /// List the weighting rules.
    Weightings,
    /// List the live settings.
    Settings,
    /// Prompt for how long to train a run on that has ended.
    TrainOn,
    /// Ask for confirmation to stop the run; quit if it has ended.
    Quit,
    /// Stop after this step, as SIGINT does; a second one aborts.
    Interrupt,
    /// Suspend to the shell.
    Suspend,
    /// Focus the next panel.
    NextFocus,
    /// Focus the previous panel.
    PreviousFocus,
    /// Close one layer: a window, a filter, a cursor. Never quits.
    Back,
    /// The next page.
    NextPage,
    /// Show a page.
    Show(Page),
    /// Freeze the screen; training continues.
    Freeze,
    /// End the tour for good.
    EndTour,
    /// Every key, searchable.
    Help,
    /// Every action by name.
    Palette,
    /// The next theme.
    NextTheme,
    /// Logarithmic or linear.
    LogY,
    /// More smoothing.
    SmoothMore,
    /// Less smoothing.
    SmoothLess,
    /// Steps, tokens or time.
    NextUnit,
    /// Zoom in on fewer steps.
    ZoomIn,
    /// Zoom out to more steps.
    ZoomOut,
    /// Pan to earlier steps.
    PanLeft,
    /// Pan to later steps.
    PanRight,
    /// Show the whole run and follow it.
    Follow,
    /// One objective's curve, or all of them.
    OnlyThis,
    /// Move the cursor by a number of columns.
    Cursor(i32),
    /// Move the cursor to the first visible step.
    CursorFirst,
    /// Move the cursor to the last step.
    CursorLast,
    /// Move the cursor to the previous event.
    PreviousEvent,
    /// Move the cursor to the next event.
    NextEvent,
    /// Select an older event in the list.
    OlderEvent(usize),
    /// Select a newer event in the list.
    NewerEvent(usize),
    /// Select the first event.
    FirstEvent,
    /// Select the last event.
    LastEvent,
    /// Move the cursor to the selected event's step.
    JumpToEvent,
    /// Show the next sample first.
    NextSample,
    /// Show the previous sample first.
    PreviousSample,
    /// Show the samples of the evaluation before.
    EarlierEvaluation,
    /// Show the samples of the evaluation after.
    LaterEvaluation,
    /// Take the examples with the largest losses as samples, or drawn ones.
    WorstSamples,
    /// Show only events that contain a text.
    Filter,
    /// Show one class of events; each press switches to the next class.
    NextClass,
    /// Play or pause a replay.
    Play,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Seek forward or back by a number of steps.
    Seek(i64),
    /// Seek to before the first step.
    SeekStart,
    /// Seek to the end.
    SeekEnd,
    /// Prompt for a step to go to.
    TypeSeek,
}

impl Action {
    /// Whether it opens a prompt for a text.
    pub(super) fn prompts(self) -> bool {
        matches!(
            self,
            Self::TypeGain
                | Self::TypeFade
                | Self::TypeNote
                | Self::Set(_)
                | Self::TrainOn
                | Self::Filter
                | Self::TypeSeek
        )
    }
}

/// How far a key press moves a fader: by a fraction of its gain, as the scale is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// 5 % more.
    Up,
    /// 5 % less.
    Down,
    /// 25 % more.
    FarUp,
    /// 25 % less.
    FarDown,
}

/// The scope in which an action's keys are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionScope {
    /// Wherever no window is open.
    Anywhere,
    /// While the strips have the focus, in a live run.
    Desk,
    /// While the chart has the focus.
    Chart,
    /// While the list of events has the focus.
    Events,
    /// While the samples have the focus.
    Samples,
    /// In a replay.
    Replay,
}

impl ActionScope {
    /// Its name as a list of one: two actions of one scope can't share a key.
    pub fn alone(self) -> &'static [&'static str] {
        match self {
            Self::Anywhere => &["anywhere"],
            Self::Desk => &["desk"],
            Self::Chart => &["chart"],
            Self::Events => &["events"],
            Self::Samples => &["samples"],
            Self::Replay => &["replay"],
        }
    }

    /// Its name in help.
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
    /// A word or two for the footer; empty if it is not shown there.
    pub short: &'static str,
    /// Default keys.
    pub keys: &'static [&'static str],
    /// Where they are bound.
    pub scope: ActionScope,
    /// Whether it is available now.
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

/// Whether the run is live and may be changed from this desk.
pub fn movable(view: &View, run: &Run) -> bool {
    view.mode == DeskMode::Live && run.ended.is_none() && !run.strips.is_empty()
}

/// Whether the run was trained in this process, has ended, and may be trained on from this desk.
fn has_ended(view: &View, run: &Run) -> bool {
    view.mode == DeskMode::Live && run.ended.is_some() && !view.is_extending
}

fn is_touring(view: &View, _: &Run) -> bool {
    view.tour.is_some()
}

fn has_settings(_: &View, run: &Run) -> bool {
    !run.plan.settings_at_start.is_empty()
}

fn replayed(view: &View, _: &Run) -> bool {
    view.is_replay()
}

fn can_undo(view: &View, run: &Run) -> bool {
    movable(view, run) && (run.manual.history.n_done() > 0 || view.pending.has_changes())
}

fn can_redo(view: &View, run: &Run) -> bool {
    movable(view, run) && (run.manual.history.n_undone() > 0 || view.pending.has_changes())
}

fn has_solo(view: &View, run: &Run) -> bool {
    movable(view, run) && run.strips.iter().any(|strip| strip.soloed)
}

fn has_a(view: &View, run: &Run) -> bool {
    movable(view, run) && run.manual.scenes.contains_key(&Scene::A)
}

fn has_b(view: &View, run: &Run) -> bool {
    movable(view, run) && run.manual.scenes.contains_key(&Scene::B)
}

use Action as A;
use ActionScope::{Anywhere, Chart, Desk, Events, Replay, Samples};

/// Every action, in the order of the help.
#[rustfmt::skip]
pub static ACTIONS: &[Spec] = &[
    row(Anywhere, A::NextStrip, "next-strip", &["j"], "", "select the next objective", always),
    row(Anywhere, A::PreviousStrip, "previous-strip", &["k"], "", "select the previous objective", always),
    row(Desk, A::NextStrip, "strip-down", &["down"], "", "select the next objective", always),
    row(Desk, A::PreviousStrip, "strip-up", &["up"], "select", "select the previous objective", always),
    row(Anywhere, A::Strip(1), "strip-1", &["1"], "", "select an objective by number (1 to 9)", always),
    row(Anywhere, A::Strip(2), "strip-2", &["2"], "", "", always),
    row(Anywhere, A::Strip(3), "strip-3", &["3"], "", "", always),
    row(Anywhere, A::Strip(4), "strip-4", &["4"], "", "", always),
    row(Anywhere, A::Strip(5), "strip-5", &["5"], "", "", always),
    row(Anywhere, A::Strip(6), "strip-6", &["6"], "", "", always),
    row(Anywhere, A::Strip(7), "strip-7", &["7"], "", "", always),
    row(Anywhere, A::Strip(8), "strip-8", &["8"], "", "", always),
    row(Anywhere, A::Strip(9), "strip-9", &["9"], "", "", always),
    row(Desk, A::Nudge(Nudge::Down), "gain-down", &["left", "h"], "", "lower the fader by 5 %", movable),
    row(Desk, A::Nudge(Nudge::Up), "gain-up", &["right", "l"], "fader", "raise the fader by 5 %; from 0 to 0.01", movable),
    row(Desk, A::Nudge(Nudge::FarDown), "gain-far-down", &["shift-left", "H"], "", "lower the fader by 25 %", movable),
    row(Desk, A::Nudge(Nudge::FarUp), "gain-far-up", &["shift-right", "L"], "", "raise the fader by 25 %", movable),
    row(Anywhere, A::TypeGain, "gain", &["w"], "gain", "enter a gain, or GAIN over STEPS for a fade", movable),
    row(Anywhere, A::TypeFade, "fade", &["W"], "", "fade to a gain over a number of steps", movable),
    row(Anywhere, A::ResetGain, "reset", &["0"], "", "reset to the recipe's initial gain", movable),
    row(Anywhere, A::Mute, "mute", &["m"], "mute", "mute or unmute: weight 0, the gain is kept", movable),
    row(Anywhere, A::Solo, "solo", &["s"], "solo", "solo or unsolo: only soloed ones are trained", movable),
    row(Anywhere, A::Finish, "finish", &["F"], "", "finish an objective: no longer trained, its head frozen; or train it again", movable),
    row(Anywhere, A::ClearSolos, "clear-solos", &["S"], "", "unsolo every objective", has_solo),
    row(Anywhere, A::Link, "link-faders", &["&"], "", "link the fader with the next one you select, so that they keep their ratio; or unlink it", movable),
    row(Anywhere, A::EqualizeGradients, "equalize-gradients", &["E"], "", "set gains at which all measured gradients have the same norm", movable),
    row(Anywhere, A::Undo, "undo", &["u"], "undo", "undo the last change", can_undo),
    row(Anywhere, A::Redo, "redo", &["ctrl-r"], "redo", "redo the last undone change", can_redo),
    row(Anywhere, A::Store(Scene::A), "store-a", &["a"], "", "save the mix as scene A", movable),
    row(Anywhere, A::Store(Scene::B), "store-b", &["b"], "", "save the mix as scene B", movable),
    row(Anywhere, A::Recall(Scene::A), "recall-a", &["A"], "", "recall scene A, as one change", has_a),
    row(Anywhere, A::Recall(Scene::B), "recall-b", &["B"], "", "recall scene B, as one change", has_b),
    row(Anywhere, A::Pause, "pause", &["space"], "pause", "pause or resume training", movable),
    row(Anywhere, A::StepOnce, "step", &[">"], "", "train one step, then pause", movable),
    row(Anywhere, A::TypeNote, "note", &["n"], "note", "add a note at this step", movable),
    row(Anywhere, A::Checkpoint, "checkpoint", &["c"], "", "save a checkpoint now", movable),
    row(Anywhere, A::Evaluate, "evaluate", &["e"], "", "evaluate on dev now; early stopping ignores it", movable),
    row(Anywhere, A::Set(TrainSetting::LearningRate), "learning-rate", &["r"], "", "set the learning rate", movable),
    row(Anywhere, A::Set(TrainSetting::Sampling), "sampling", &["d"], "", "set the sampling rule for groups", movable),
    row(Anywhere, A::Weightings, "weighting", &["R"], "rules", "choose the weighting rule, and shadow rules to compare", movable),
    row(Anywhere, A::ByRule, "by-rule", &["i"], "", "hand the fader to the weighting rule, or take it back", movable),
    row(Anywhere, A::Set(TrainSetting::MeasureGradientsEvery), "gradients", &["G"], "", "measure per-objective gradients every N steps", movable),
    row(Anywhere, A::Settings, "settings", &["p"], "", "list the live settings; Enter sets one", has_settings),
    row(Replay, A::Play, "play", &["space"], "play", "play or pause", replayed),
    row(Replay, A::Faster, "faster", &[">"], "faster", "play faster, up to 1000x", replayed),
    row(Replay, A::Slower, "slower", &["<"], "", "play slower", replayed),
    row(Replay, A::Seek(1), "forward", &["right", "l"], "step", "one step forward", replayed),
    row(Replay, A::Seek(-1), "back", &["left", "h"], "", "one step back", replayed),
    row(Replay, A::Seek(100), "forward-100", &["shift-right", "L"], "", "100 steps forward", replayed),
    row(Replay, A::Seek(-100), "back-100", &["shift-left", "H"], "", "100 steps back", replayed),
    row(Replay, A::SeekStart, "start", &["home"], "", "go to before the first step", replayed),
    row(Replay, A::SeekEnd, "end", &["end"], "", "go to the end", replayed),
    row(Replay, A::TypeSeek, "go-to", &["G"], "go to", "go to a step", replayed),
    row(Chart, A::Cursor(-1), "cursor-left", &["left", "h"], "cursor", "move the cursor one column left", always),
    row(Chart, A::Cursor(1), "cursor-right", &["right", "l"], "", "move the cursor one column right", always),
    row(Chart, A::Cursor(-10), "cursor-far-left", &["shift-left", "H"], "", "move the cursor ten columns left", always),
    row(Chart, A::Cursor(10), "cursor-far-right", &["shift-right", "L"], "", "move the cursor ten columns right", always),
    row(Chart, A::CursorFirst, "cursor-first", &["home"], "", "move the cursor to the first visible step", always),
    row(Chart, A::CursorLast, "cursor-last", &["end"], "", "move the cursor to the last step", always),
    row(Chart, A::ZoomIn, "chart-in", &["up"], "", "zoom in", always),
    row(Chart, A::ZoomOut, "chart-out", &["down"], "", "zoom out", always),
    row(Anywhere, A::ZoomIn, "zoom-in", &["+", "="], "zoom", "zoom in on fewer steps", always),
    row(Anywhere, A::ZoomOut, "zoom-out", &["-"], "", "zoom out to more steps", always),
    row(Anywhere, A::PanLeft, "pan-left", &[","], "", "pan to earlier steps", always),
    row(Anywhere, A::PanRight, "pan-right", &["."], "", "pan to later steps", always),
    row(Anywhere, A::Follow, "follow", &["z"], "", "show the whole run and follow it", always),
    row(Anywhere, A::LogY, "log-y", &["y"], "", "logarithmic or linear loss axis", always),
    row(Anywhere, A::SmoothLess, "smooth-less", &["["], "", "less smoothing", always),
    row(Anywhere, A::SmoothMore, "smooth-more", &["]"], "", "more smoothing", always),
    row(Anywhere, A::NextUnit, "unit", &["x"], "", "x axis in steps, tokens or time", always),
    row(Anywhere, A::OnlyThis, "only", &["o"], "", "the selected objective's curve only, or all", always),
    row(Anywhere, A::PreviousEvent, "previous-event", &["{"], "", "move the cursor to the previous event", always),
    row(Anywhere, A::NextEvent, "next-event", &["}"], "", "move the cursor to the next event", always),
    row(Events, A::OlderEvent(1), "event-up", &["up"], "select", "select an older event", always),
    row(Events, A::NewerEvent(1), "event-down", &["down"], "", "select a newer event", always),
    row(Events, A::OlderEvent(10), "events-up", &["pageup"], "", "ten events up", always),
    row(Events, A::NewerEvent(10), "events-down", &["pagedown"], "", "ten events down", always),
    row(Events, A::FirstEvent, "event-first", &["home"], "", "the first event", always),
    row(Events, A::LastEvent, "event-last", &["end"], "", "the last event, and follow the run", always),
    row(Events, A::JumpToEvent, "jump", &["enter"], "jump", "move the cursor to the selected event's step", always),
    row(Samples, A::PreviousSample, "sample-up", &["up"], "sample", "the previous sample", always),
    row(Samples, A::NextSample, "sample-down", &["down"], "", "the next sample", always),
    row(Samples, A::EarlierEvaluation, "earlier-evaluation", &["left", "h"], "evaluation", "the samples of the evaluation before", always),
    row(Samples, A::LaterEvaluation, "later-evaluation", &["right", "l"], "", "the samples of the evaluation after", always),
    row(Samples, A::WorstSamples, "worst-samples", &["!"], "worst", "take the examples with the largest losses as samples, or drawn ones", movable),
    row(Anywhere, A::Filter, "filter", &["/"], "filter", "show only events that contain a text", always),
    row(Anywhere, A::NextClass, "class", &["t"], "", "filter by type: changes, scores, notes, faults", always),
    row(Anywhere, A::NextFocus, "focus", &["tab"], "focus", "focus the next panel", always),
    row(Anywhere, A::PreviousFocus, "focus-back", &["shift-tab"], "", "focus the previous panel", always),
    row(Anywhere, A::NextPage, "view", &["v"], "view", "overview, chart, objective, gradients, shares, scores, samples, corpora, health, events", always),
    row(Anywhere, A::Show(Page::Objective), "page-objective", &["O"], "", "the selected objective: losses on train and dev, metrics, draws, rate", always),
    row(Anywhere, A::Show(Page::Health), "page-health", &["P"], "", "health: time of each phase of a step, rate, memory, journal lag, missed frames", always),
    row(Anywhere, A::Freeze, "freeze", &["f"], "", "freeze the screen; training continues", always),
    row(Anywhere, A::NextTheme, "theme", &["T"], "", "switch to the next theme", always),
    row(Anywhere, A::EndTour, "end-tour", &["X"], "", "end the tour of the first start for good", is_touring),
    row(Anywhere, A::Help, "help", &["?", "f1"], "help", "list every key; / searches", always),
    row(Anywhere, A::Palette, "palette", &[":"], "command", "run an action by name", always),
    row(Anywhere, A::Back, "back-out", &["esc"], "", "close one layer: a window, a filter, the cursor", always),
    row(Anywhere, A::Suspend, "suspend", &["ctrl-z"], "", "suspend to the shell; fg returns to the desk", always),
    row(Anywhere, A::Interrupt, "interrupt", &["ctrl-c"], "", "stop after this step; twice: abort", always),
    row(Anywhere, A::TrainOn, "train-on", &["C"], "train on", "train a run that has ended on, for so many epochs or steps", has_ended),
    row(Anywhere, A::Quit, "quit", &["q"], "quit", "stop the run and quit, after you confirm with y", always),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn action_names_are_unique_and_every_action_has_a_description() {
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
    fn default_keys_are_unique_per_scope() {
        let mut seen = BTreeSet::new();
        for spec in ACTIONS {
            for key in spec.keys {
                assert!(seen.insert((spec.scope, key)), "{key} twice in {:?}", spec.scope);
            }
        }
    }
}
