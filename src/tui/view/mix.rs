//! Actions on strips: nudges, mutes, solos, scenes.

use super::{Effect, Message, Pending, PromptKind, Request, View, nudged};
use crate::{
    protocol::{Assignment, Command, Scene, event::SceneStored},
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

    pub(super) fn nudge(&mut self, strip: &Strip, nudge: Nudge) -> Option<Request> {
        let gain = self.pending.gain(&strip.name).unwrap_or(strip.gain);
        let moved = nudged(gain, nudge);
        if moved == gain && strip.fade.is_none() {
            return None;
        }
        self.pending.set_gain(&strip.name, moved)
    }

    pub(super) fn type_gain(&mut self, strip: &Strip) -> Option<Request> {
        self.open_prompt(PromptKind::Gain(strip.name.clone()), "");
        None
    }

    pub(super) fn type_fade(&mut self, strip: &Strip) -> Option<Request> {
        self.open_prompt(PromptKind::Gain(strip.name.clone()), &format!("{} over ", strip.gain));
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

    pub(super) fn recall(&mut self, scene: Scene, run: &Run) -> Vec<Effect> {
        let Some(stored) = run.manual.scenes.get(&scene) else { return Vec::new() };
        let changes = changes_to(stored, run, &self.pending);
        if changes.is_empty() {
            let text = format!("the mix already matches scene {}", scene.letter());
            self.message = Some(Message::Done(text));
            return Vec::new();
        }
        Effect::send(Command::Set(changes))
    }
}

pub(super) fn clear_solos(run: &Run) -> Vec<Effect> {
    let soloed = run.strips.iter().filter(|strip| strip.soloed);
    let unsolo = |strip: &Strip| Assignment::soloed(strip.name.clone(), false);
    Effect::send(Command::Set(soloed.map(unsolo).collect()))
}

/// The changes from the mix, with all pending commands applied, to a stored scene.
fn changes_to(stored: &SceneStored, run: &Run, pending: &Pending) -> Vec<Assignment> {
    let mut changes = Vec::new();
    for strip in &run.strips {
        let Some(kept) = stored.strips.get(&strip.name) else { continue };
        let objective = || strip.name.clone();
        if kept.muted != pending.mute(&strip.name).unwrap_or(strip.muted) {
            changes.push(Assignment::muted(objective(), kept.muted));
        }
        if kept.soloed != pending.solo(&strip.name).unwrap_or(strip.soloed) {
            changes.push(Assignment::soloed(objective(), kept.soloed));
        }
        if kept.gain != pending.gain(&strip.name).unwrap_or(strip.gain) || strip.fade.is_some() {
            changes.push(Assignment::gain(objective(), kept.gain));
        }
    }
    changes
}
