//! The view's fold: an action changes the view and may have effects outside.

use super::{
    DeskMode, Effect, EventList, Focus, Message, Overlay, Page, Palette, Prompt, PromptKind, Seek,
    SpeedChange, View,
    mix::{clear_solos, take_back},
    pending::UndoKey,
    prompt::Entered,
};
use crate::{
    live::{LiveSetting, SettingId},
    protocol::{
        Assignment, Command, Control,
        event::{Reason, Setting},
    },
    state::Run,
    tui::view::action::{Action, Spec},
};

impl View {
    /// Carries out an action if it is available now; otherwise shows why not.
    pub fn act(&mut self, spec: &Spec, run: &Run) -> Vec<Effect> {
        if !(spec.valid)(self, run) {
            self.message = Some(Message::Refused(self.refusal(spec, run)));
            return Vec::new();
        }
        self.message = None;
        let effects = self.update(spec.action, run);
        self.note_action(spec.action);
        effects
    }

    pub(super) fn refusal(&self, spec: &Spec, run: &Run) -> String {
        match (self.mode, spec.action) {
            (DeskMode::Replay(_), Action::TrainOn) => {
                "read-only: this is a replay; `auxdesk continue RUN --epochs N` trains the run on".to_owned()
            }
            (DeskMode::Observe, Action::TrainOn) => {
                "read-only: started with --observe; `auxdesk continue RUN --epochs N` trains the run on".to_owned()
            }
            (DeskMode::Live, Action::TrainOn) if self.is_extending => {
                "the session is being prepared".to_owned()
            }
            (DeskMode::Live, Action::TrainOn) => "the run has not ended yet".to_owned(),
            (_, Action::EndTour) => "there is no tour".to_owned(),
            (DeskMode::Replay(_), _) => {
                "read-only: this is a replay; `auxdesk train --moves JOURNAL` repeats its changes"
                    .to_owned()
            }
            (DeskMode::Observe, _) => "read-only: started with --observe".to_owned(),
            (DeskMode::Live, _) if run.ended.is_some() => "the run has ended".to_owned(),
            (DeskMode::Live, Action::Undo) => "nothing to undo".to_owned(),
            (DeskMode::Live, Action::Redo) => "nothing to redo".to_owned(),
            (DeskMode::Live, Action::ClearSolos) => "no objective is soloed".to_owned(),
            (DeskMode::Live, Action::Recall(scene)) => {
                let (letter, key) = (scene.letter(), scene.letter().to_ascii_lowercase());
                format!("scene {letter} is empty; {key} saves the mix there")
            }
            (DeskMode::Live, _) => format!("{} is not available now", spec.name),
        }
    }

    fn update(&mut self, action: Action, run: &Run) -> Vec<Effect> {
        match action {
            Action::NextStrip => self.select(self.strip_idx(run) + 1, run),
            Action::PreviousStrip => self.select(self.strip_idx(run).saturating_sub(1), run),
            Action::Strip(number) => self.select(number - 1, run),
            Action::Nudge(nudge) => {
                return self.on_strip(run, |view, strip| view.nudge(strip, nudge, run));
            }
            Action::TypeGain => return self.on_strip(run, Self::type_gain),
            Action::TypeFade => return self.on_strip(run, Self::type_fade),
            Action::ResetGain => {
                return self.on_strip(run, |view, strip| view.touch(strip, strip.recipe_gain, run));
            }
            Action::Mute => return self.on_strip(run, |view, strip| Some(view.mute(strip))),
            Action::Solo => return self.on_strip(run, |view, strip| Some(view.solo(strip))),
            Action::Finish => return self.on_strip(run, |view, strip| Some(view.finish(strip))),
            Action::Link => {
                if let Some(strip) = self.strip(run) {
                    self.link(strip);
                }
            }
            Action::EqualizeGradients => return self.equalize_gradients(run),
            Action::ClearSolos => return clear_solos(run),
            Action::Undo => return self.undo_or_redo(UndoKey::Undo, run),
            Action::Redo => return self.undo_or_redo(UndoKey::Redo, run),
            Action::Store(scene) => return Effect::send(Command::StoreScene { scene }),
            Action::Recall(scene) => return self.recall(scene, run),
            Action::Pause => {
                let is_paused = self.pending.pause().unwrap_or(run.paused);
                return Effect::send(if is_paused { Command::Resume } else { Command::Pause });
            }
            Action::StepOnce => return Effect::send(Command::StepOnce),
            Action::TypeNote => self.open_prompt(PromptKind::Note, ""),
            Action::Checkpoint => return self.once(Command::Checkpoint),
            Action::Evaluate => return self.once(Command::Evaluate),
            Action::Set(setting) => {
                self.prompt_for_setting(&LiveSetting::of(SettingId::Train(setting)).pattern(), run);
            }
            Action::ByRule => return self.on_strip(run, |view, strip| Some(view.by_rule(strip))),
            Action::Weightings => {
                let selected = self.weighting_idx(run);
                self.overlay = Some(Overlay::Weightings { selected });
            }
            Action::Settings => self.overlay = Some(Overlay::Settings { selected: 0 }),
            Action::TrainOn => self.open_prompt(PromptKind::TrainOn, "5 epochs"),
            Action::Quit => return self.quit(run),
            Action::Interrupt if self.is_over(run) => return vec![Effect::Quit],
            Action::Interrupt => {
                self.stopping = true;
                let text = "stopping after this step; press Ctrl-C again to abort";
                self.message = Some(Message::Done(text.to_owned()));
                return vec![Effect::Interrupt];
            }
            Action::Suspend => return vec![Effect::Suspend],
            Action::NextFocus => self.focus = self.next_focus(run, true),
            Action::PreviousFocus => self.focus = self.next_focus(run, false),
            Action::Back => self.back(),
            Action::NextPage => self.next_page(),
            Action::Show(page) => (self.page, self.focus) = (page, Focus::Desk),
            Action::EndTour => {
                self.tour = None;
                let text = "the tour is over, and is not shown again";
                self.message = Some(Message::Done(text.to_owned()));
                return vec![Effect::EndTour];
            }
            Action::Freeze => self.frozen = !self.frozen,
            Action::Help => self.overlay = Some(Overlay::help()),
            Action::Palette => self.overlay = Some(Overlay::Palette(Palette::default())),
            Action::NextTheme => return vec![Effect::NextTheme],
            Action::Play => return vec![Effect::Play],
            Action::Faster => return vec![Effect::Speed(SpeedChange::Up)],
            Action::Slower => return vec![Effect::Speed(SpeedChange::Down)],
            Action::Seek(by) => return vec![Effect::Seek(Seek::By(by))],
            Action::SeekStart => return vec![Effect::Seek(Seek::Start)],
            Action::SeekEnd => return vec![Effect::Seek(Seek::End)],
            Action::TypeSeek => self.open_prompt(PromptKind::Step, ""),
            Action::NextEvent => return self.event_from_here(true, run),
            Action::PreviousEvent => return self.event_from_here(false, run),
            Action::JumpToEvent => return self.jump(run),
            Action::LogY => self.chart.log_y = !self.chart.log_y,
            Action::SmoothMore => self.chart.smoother(),
            Action::SmoothLess => self.chart.rougher(),
            Action::NextUnit => self.chart.next_unit(),
            Action::ZoomIn => self.chart.zoom_in(run),
            Action::ZoomOut => self.chart.zoom_out(run),
            Action::PanLeft => self.chart.pan(-0.25, run),
            Action::PanRight => self.chart.pan(0.25, run),
            Action::Follow => self.chart.follow(),
            Action::Cursor(by) => {
                let width = self.layout(run).plot().width;
                self.chart.cursor_by(by, width, run);
            }
            Action::CursorFirst => {
                let width = self.layout(run).plot().width;
                self.chart.cursor_at(0, width, run);
            }
            Action::CursorLast => self.chart.cursor_to(run.step, run),
            Action::OnlyThis => {
                let selected = self.strip(run).map(|strip| strip.name.clone());
                self.chart.only = if self.chart.only == selected { None } else { selected };
            }
            Action::OlderEvent(by) => self.events.select_older(by, run),
            Action::NewerEvent(by) => self.events.select_newer(by, run),
            Action::FirstEvent => self.events.select_first(run),
            Action::LastEvent => self.events.selected = None,
            Action::NextSample => self.move_sample(true, run),
            Action::PreviousSample => self.move_sample(false, run),
            Action::EarlierEvaluation => self.move_evaluation(false, run),
            Action::LaterEvaluation => self.move_evaluation(true, run),
            Action::WorstSamples => return self.toggle_worst_samples(run),
            Action::Filter => {
                let filter = self.events.filter.clone();
                self.open_prompt(PromptKind::Filter, &filter);
            }
            Action::NextClass => {
                self.events = EventList {
                    class: self.events.class.next(),
                    selected: None,
                    ..self.events.clone()
                };
            }
        }
        Vec::new()
    }

    pub(super) fn select(&mut self, idx: usize, run: &Run) {
        let idx = idx.min(run.strips.len().saturating_sub(1));
        let Some(strip) = run.strips.get(idx) else { return };
        if self.chart.only.is_some() {
            self.chart.only = Some(strip.name.clone());
        }
        self.selected = Some(strip.name.clone());
        self.link_with(strip, run);
    }

    pub(super) fn open_prompt(&mut self, kind: PromptKind, text: &str) {
        self.overlay = Some(Overlay::Prompt(Prompt::new(kind, text)));
    }

    fn undo_or_redo(&mut self, key: UndoKey, run: &Run) -> Vec<Effect> {
        Effect::send_if(self.pending.undo_or_redo(key, run))
    }

    /// Handles the input of a prompt.
    pub(super) fn entered(&mut self, entry: Entered, run: &Run) -> Vec<Effect> {
        match entry {
            Entered::Command(command) => self.send(command, run),
            Entered::TrainOn(extension) => {
                self.is_extending = true;
                self.message = Some(Message::Done("reading the corpora to train on".to_owned()));
                vec![Effect::TrainOn(extension)]
            }
            Entered::Step(step) => vec![Effect::Seek(Seek::To(step))],
            Entered::Filter(filter) => {
                self.events.filter = filter;
                self.events.selected = None;
                Vec::new()
            }
        }
    }

    /// Sends a command; a single fader's waits for the one in flight, and takes it back from the weighting rule.
    fn send(&mut self, command: Command, run: &Run) -> Vec<Effect> {
        if let Command::Set(all) = &command
            && let [Assignment { control: Control::Gain(objective), value, over }] = &all[..]
            && let (Setting::Number(gain), Some(strip)) = (value, run.strip(objective))
        {
            return Effect::send_if(match over {
                None => self.touch(strip, *gain, run),
                Some(steps) => Some(self.fade(strip, *gain, *steps, run)),
            });
        }
        let handed = command.strips().find_map(|name| run.strip(name));
        if let Some(strip) = handed.filter(|strip| self.is_handed(strip))
            && let Command::Set(all) = command
        {
            let taken_back = [take_back(strip)].into_iter().chain(all);
            return Effect::send(Command::Set(taken_back.collect()));
        }
        Effect::send(command)
    }

    /// Whether there is no run left to stop.
    fn is_over(&self, run: &Run) -> bool {
        run.ended.is_some() || self.disconnected || self.is_replay()
    }

    /// Sends a slow command, unless one of its kind is in flight: a key that is held down must not
    /// queue minutes of work.
    fn once(&mut self, command: Command) -> Vec<Effect> {
        if self.pending.has_any(|open| *open == command) {
            self.message =
                Some(Message::Refused("the previous one is still in progress".to_owned()));
            return Vec::new();
        }
        Effect::send(command)
    }

    fn quit(&mut self, run: &Run) -> Vec<Effect> {
        if self.is_over(run) {
            return vec![Effect::Quit];
        }
        if self.stopping {
            let text = "the run is ending; press Ctrl-C again to abort";
            self.message = Some(Message::Done(text.to_owned()));
            return Vec::new();
        }
        self.overlay = Some(Overlay::ConfirmStop);
        Vec::new()
    }

    /// Confirms the stop.
    pub(super) fn stop(&mut self) -> Vec<Effect> {
        self.stopping = true;
        let text = "stopping: evaluating and saving; Ctrl-C skips both";
        self.message = Some(Message::Done(text.to_owned()));
        Effect::send(Command::Stop { reason: Reason::Key })
    }

    /// The next visible panel.
    fn next_focus(&self, run: &Run, forwards: bool) -> Focus {
        const ROUND: [Focus; 4] = [Focus::Desk, Focus::Chart, Focus::Samples, Focus::Events];
        const N: usize = ROUND.len();
        let layout = self.layout(run);
        let here = ROUND.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let way = |by: usize| ROUND[(here + if forwards { by } else { N - by }) % N];
        (1..N).map(way).find(|focus| layout.place(*focus).is_some()).unwrap_or(self.focus)
    }

    fn next_page(&mut self) {
        (self.page, self.focus) = match self.page {
            Page::Overview => (Page::Chart, Focus::Chart),
            Page::Chart => (Page::Objective, Focus::Desk),
            Page::Objective => (Page::Gradients, Focus::Desk),
            Page::Gradients => (Page::Shares, Focus::Desk),
            Page::Shares => (Page::Scores, Focus::Desk),
            Page::Scores => (Page::Samples, Focus::Samples),
            Page::Samples => (Page::Corpora, Focus::Desk),
            Page::Corpora => (Page::Health, Focus::Desk),
            Page::Health => (Page::Events, Focus::Events),
            Page::Events => (Page::Overview, Focus::Desk),
        };
    }

    /// Closes one layer.
    fn back(&mut self) {
        if self.links.cancel() || self.chart.cursor.take().is_some() {
            return;
        }
        if !self.events.filter.is_empty() || self.events != EventList::default() {
            self.events = EventList::default();
        } else if self.chart.only.is_some() {
            self.chart.only = None;
        } else if self.focus != Focus::Desk {
            self.focus = Focus::Desk;
        } else {
            self.page = Page::Overview;
        }
    }

    /// Moves the cursor to the nearest event before or after it; a replay seeks there.
    fn event_from_here(&mut self, later: bool, run: &Run) -> Vec<Effect> {
        if self.is_replay() {
            let seek = if later { Seek::NextEvent } else { Seek::PreviousEvent };
            return vec![Effect::Seek(seek)];
        }
        let here = self.chart.cursor.unwrap_or(run.step);
        let steps = self.events.rows(run).map(|row| row.event.step());
        let nearest = if later {
            steps.filter(|step| *step > here).min()
        } else {
            steps.filter(|step| *step < here).max()
        };
        if let Some(step) = nearest {
            self.chart.cursor_to(step, run);
        } else {
            let text = if later { "no later event" } else { "no earlier event" };
            self.message = Some(Message::Refused(text.to_owned()));
        }
        Vec::new()
    }

    fn jump(&mut self, run: &Run) -> Vec<Effect> {
        let Some(step) = self.events.selected(run).map(|row| row.event.step()) else {
            return Vec::new();
        };
        self.chart.cursor_to(step, run);
        if self.is_replay() { vec![Effect::Seek(Seek::To(step))] } else { Vec::new() }
    }
}
