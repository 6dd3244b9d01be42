//! Actions on strips: nudges, mutes, solos, scenes.

use super::{Effect, Message, PromptKind, Request, View, nudge::MOST, nudged};
use crate::{
    protocol::{
        Assignment, Command, Control, Scene,
        event::{SceneStored, Setting},
    },
    state::{Run, Strip},
    tui::view::action::Nudge,
};

impl View {
    /// Applies an action to the selected strip and returns the request to send.
    pub(super) fn on_strip(
        &mut self,
        run: &Run,
        request: impl FnOnce(&mut Self, &Strip) -> Option<Request>,
    ) -> Vec<Effect> {
        Effect::send_if(self.strip(run).and_then(|strip| request(self, strip)))
    }

    pub(super) fn nudge(&mut self, strip: &Strip, nudge: Nudge, run: &Run) -> Option<Request> {
        let gain = self.gain_to_move(strip);
        let moved = nudged(gain, nudge);
        if moved == gain && strip.fade.is_none() && !self.is_handed(strip) {
            return None;
        }
        if let Some((partner, to)) = self.linked_move(strip, moved, run)
            && to > MOST.max(self.gain_to_move(partner))
        {
            let text =
                format!("the gain of {}, which is linked, would be above {MOST}", partner.name);
            self.message = Some(Message::Refused(text));
            return None;
        }
        self.touch(strip, moved, run)
    }

    /// The weight of an objective with its requested gain, whether it is active or not.
    pub(super) fn weight(&self, strip: &Strip) -> f32 {
        self.pending.gain(&strip.name).unwrap_or(strip.gain) * strip.share
    }

    /// Requests a gain, and that of a linked fader; a fader that was handed to the rule is taken
    /// back.
    pub(super) fn touch(&mut self, strip: &Strip, gain: f32, run: &Run) -> Option<Request> {
        let linked = self.linked_move(strip, gain, run);
        let moves = [Some((strip, gain)), linked].into_iter().flatten();
        if moves.clone().any(|(strip, _)| self.is_handed(strip)) {
            let all = moves.flat_map(|(strip, gain)| self.moved(strip, gain, None));
            return Some(Command::Set(all.collect()).into());
        }
        let gains = moves.map(|(strip, gain)| (strip.name.clone(), gain)).collect();
        self.pending.set_gains(gains)
    }

    /// Fades to a gain, with a linked fader.
    pub(super) fn fade(&mut self, strip: &Strip, gain: f32, steps: u64, run: &Run) -> Request {
        let linked = self.linked_move(strip, gain, run);
        let moves = [Some((strip, gain)), linked].into_iter().flatten();
        let all = moves.flat_map(|(strip, gain)| self.moved(strip, gain, Some(steps)));
        Command::Set(all.collect()).into()
    }

    /// Whether the next touch of a fader takes it back from the weighting rule.
    pub(super) fn is_handed(&self, strip: &Strip) -> bool {
        strip.is_handed && self.pending.value(&by_rule(strip)) != Some(Setting::Switch(false))
    }

    /// Takes a fader back from the rule, with its weight as its gain.
    pub(super) fn take_back_at_weight(&self, strip: &Strip) -> Vec<Assignment> {
        let weight =
            (strip.share != 1.0).then(|| Assignment::gain(strip.name.clone(), self.weight(strip)));
        [take_back(strip)].into_iter().chain(weight).collect()
    }

    /// Hands a fader to the weighting rule, or takes it back with its weight as its gain.
    pub(super) fn by_rule(&self, strip: &Strip) -> Request {
        let is_by_rule = match self.pending.value(&by_rule(strip)) {
            Some(Setting::Switch(requested)) => requested,
            _ => strip.share_by.is_rule(),
        };
        if !is_by_rule {
            return Command::from(by_rule(strip).assign(Setting::Switch(true))).into();
        }
        Command::Set(self.take_back_at_weight(strip)).into()
    }

    pub(super) fn type_gain(&mut self, strip: &Strip) -> Option<Request> {
        self.open_prompt(PromptKind::Gain(strip.name.clone()), "");
        None
    }

    pub(super) fn type_fade(&mut self, strip: &Strip) -> Option<Request> {
        let from = if self.is_handed(strip) { self.weight(strip) } else { strip.gain };
        self.open_prompt(PromptKind::Gain(strip.name.clone()), &format!("{from} over "));
        None
    }

    pub(super) fn mute(&self, strip: &Strip) -> Request {
        let muted = !self.pending.mute(&strip.name).unwrap_or(strip.muted);
        Assignment::muted(strip.name.clone(), muted).into()
    }

    pub(super) fn solo(&self, strip: &Strip) -> Request {
        let soloed = !self.pending.solo(&strip.name).unwrap_or(strip.soloed);
        Assignment::soloed(strip.name.clone(), soloed).into()
    }

    /// Finishes an objective, or trains it again.
    pub(super) fn finish(&self, strip: &Strip) -> Request {
        let is_finished = match self.pending.value(&finished(strip)) {
            Some(Setting::Switch(requested)) => requested,
            _ => strip.training.is_finished(),
        };
        Command::from(finished(strip).assign(Setting::Switch(!is_finished))).into()
    }

    pub(super) fn recall(&mut self, scene: Scene, run: &Run) -> Vec<Effect> {
        let Some(stored) = run.manual.scenes.get(&scene) else { return Vec::new() };
        let changes = self.changes_to(stored, run);
        if changes.is_empty() {
            let text = format!("the mix already matches scene {}", scene.letter());
            self.message = Some(Message::Done(text));
            return Vec::new();
        }
        Effect::send(Command::Set(changes))
    }
}

fn by_rule(strip: &Strip) -> Control {
    Control::Setting(format!("objective.{}.by_rule", strip.name))
}

/// The control that finishes an objective.
pub fn finished(strip: &Strip) -> Control {
    Control::Setting(format!("objective.{}.finished", strip.name))
}

/// Takes a fader back from the weighting rule.
pub(super) fn take_back(strip: &Strip) -> Assignment {
    by_rule(strip).assign(Setting::Switch(false))
}

pub(super) fn clear_solos(run: &Run) -> Vec<Effect> {
    let soloed = run.strips.iter().filter(|strip| strip.soloed);
    let unsolo = |strip: &Strip| Assignment::soloed(strip.name.clone(), false);
    Effect::send(Command::Set(soloed.map(unsolo).collect()))
}

impl View {
    /// The changes from the mix, with all pending commands applied, to a stored scene.
    fn changes_to(&self, stored: &SceneStored, run: &Run) -> Vec<Assignment> {
        let (pending, mut changes) = (&self.pending, Vec::new());
        for strip in &run.strips {
            let Some(kept) = stored.strips.get(&strip.name) else { continue };
            let objective = || strip.name.clone();
            if kept.muted != pending.mute(&strip.name).unwrap_or(strip.muted) {
                changes.push(Assignment::muted(objective(), kept.muted));
            }
            if kept.soloed != pending.solo(&strip.name).unwrap_or(strip.soloed) {
                changes.push(Assignment::soloed(objective(), kept.soloed));
            }
            // The stored gain is a weight again only in the hands of the user.
            let is_handed = self.is_handed(strip);
            if is_handed {
                changes.push(take_back(strip));
            }
            if is_handed
                || kept.gain != pending.gain(&strip.name).unwrap_or(strip.gain)
                || strip.fade.is_some()
            {
                changes.push(Assignment::gain(objective(), kept.gain));
            }
        }
        changes
    }
}
