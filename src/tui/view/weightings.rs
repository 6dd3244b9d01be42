//! The list of weighting rules: which one is in force, and which ones are shown beside it.

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    Effect, Message, Overlay, PromptKind, View,
    action::{ACTIONS, Action, movable},
};
use crate::{
    live::{LiveSetting, NONE, SettingId, TrainSetting},
    mixer::{WeightingChoice, choices},
    protocol::{Assignment, Command, Control, event::Setting},
    state::Run,
};

/// The interval of measurements when the first shadow rule is chosen and gradients are not measured yet.
const MEASURE_EVERY: f32 = 10.0;

/// A row of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightingShown {
    /// The rule with its options, in the notation of the desk: those in force, or the defaults.
    pub notation: String,
    /// Its description.
    pub about: &'static str,
    /// Whether it is in force.
    pub is_in_force: bool,
    /// Whether it was requested and is not in force yet.
    pub is_pending: bool,
    /// Whether it is a shadow rule, or requested as one.
    pub is_shadow: bool,
    /// Its mark on the faders, once it has set shares.
    pub letter: Option<char>,
}

fn path(setting: TrainSetting) -> String {
    LiveSetting::of(SettingId::Train(setting)).pattern()
}

fn text(setting: Option<Setting>) -> Option<String> {
    match setting {
        Some(Setting::Text(text)) => Some(text),
        Some(Setting::Number(_) | Setting::Switch(_)) | None => None,
    }
}

/// The name in a notation, without options.
fn name(notation: &str) -> &str {
    notation.split_whitespace().next().unwrap_or_default()
}

impl View {
    /// Every weighting rule, in the order of `auxdesk list`.
    pub fn weightings(&self, run: &Run) -> Vec<WeightingShown> {
        let in_force = run.weighting().unwrap_or_default();
        let pending = text(self.pending.value(&Control::Setting(path(TrainSetting::Weighting))));
        let pending = pending.unwrap_or_else(|| in_force.clone());
        let shadows = self.shadow_weightings(run);
        let letters: Vec<(char, &str)> = run.measured.letters().collect();
        let row = |choice: WeightingChoice| {
            let is_it = |notation: &str| name(notation) == name(&choice.notation);
            let shadow = shadows.iter().find(|notation| is_it(notation));
            let letter = letters.iter().find(|(_, notation)| is_it(notation));
            WeightingShown {
                about: choice.about,
                is_in_force: is_it(&in_force),
                is_pending: pending != in_force && is_it(&pending),
                is_shadow: shadow.is_some(),
                letter: letter.map(|(letter, _)| *letter).filter(|_| shadow.is_some()),
                notation: if is_it(&in_force) {
                    in_force.clone()
                } else {
                    shadow.cloned().unwrap_or(choice.notation)
                },
            }
        };
        choices().map(row).collect()
    }

    /// The shadow rules, as requested.
    fn shadow_weightings(&self, run: &Run) -> Vec<String> {
        let path = path(TrainSetting::ShadowWeightings);
        let requested = text(self.pending.value(&Control::Setting(path.clone())));
        let rules = requested.or_else(|| text(run.setting(&path))).unwrap_or_default();
        let rules =
            rules.split(',').map(str::trim).filter(|rule| !rule.is_empty() && *rule != NONE);
        rules.map(str::to_owned).collect()
    }

    /// Handles a key while the list is open.
    pub(super) fn press_in_weightings(
        &mut self,
        selected: usize,
        event: KeyEvent,
        run: &Run,
    ) -> Vec<Effect> {
        let all = self.weightings(run);
        let mut effects = Vec::new();
        let selected = match (event.code, all.get(selected)) {
            (KeyCode::Esc | KeyCode::Char('R' | 'q'), _) => return effects,
            (KeyCode::Up | KeyCode::Char('k'), _) => selected.saturating_sub(1),
            (KeyCode::Down | KeyCode::Char('j'), _) => {
                (selected + 1).min(all.len().saturating_sub(1))
            }
            // Setting it again would clear its memory.
            (KeyCode::Enter, Some(shown)) if shown.is_in_force && !shown.is_pending => {
                return effects;
            }
            (KeyCode::Enter | KeyCode::Char('e' | ' '), _) if !movable(self, run) => {
                if let Some(spec) = ACTIONS.iter().find(|it| it.action == Action::Weightings) {
                    self.message = Some(Message::Refused(self.refusal(spec, run)));
                }
                return effects;
            }
            (KeyCode::Enter, Some(shown)) => {
                let rule = Setting::Text(shown.notation.clone());
                let assignment = Assignment::setting(&path(TrainSetting::Weighting), rule);
                return Effect::send(Command::from(assignment));
            }
            (KeyCode::Char('e'), Some(shown)) => {
                let kind = PromptKind::Setting(path(TrainSetting::Weighting));
                self.open_prompt(kind, &shown.notation);
                return effects;
            }
            (KeyCode::Char(' '), Some(shown)) => {
                effects = Effect::send(self.toggle_shadow(shown, run));
                selected
            }
            _ => selected,
        };
        self.overlay = Some(Overlay::Weightings { selected });
        effects
    }

    /// Adds a rule to the shadow rules, or removes it. The first one starts the measurement of gradients.
    fn toggle_shadow(&self, shown: &WeightingShown, run: &Run) -> Command {
        let mut rules = self.shadow_weightings(run);
        match rules.iter().position(|rule| name(rule) == name(&shown.notation)) {
            Some(at) => drop(rules.remove(at)),
            None => rules.push(shown.notation.clone()),
        }
        let text = if rules.is_empty() { NONE.to_owned() } else { rules.join(", ") };
        let shadows = path(TrainSetting::ShadowWeightings);
        let mut all = vec![Assignment::setting(&shadows, Setting::Text(text))];
        let every = path(TrainSetting::MeasureGradientsEvery);
        let requested = self.pending.value(&Control::Setting(every.clone()));
        let interval = requested.or_else(|| run.setting(&every));
        if !rules.is_empty() && interval == Some(Setting::Number(0.0)) {
            all.push(Assignment::setting(&every, Setting::Number(MEASURE_EVERY)));
        }
        Command::Set(all)
    }

    /// The index of the rule in force.
    pub(super) fn weighting_idx(&self, run: &Run) -> usize {
        self.weightings(run).iter().position(|shown| shown.is_in_force).unwrap_or(0)
    }
}
