//! What is wished for the strips: nudges, mutes, solos, scenes.

use super::{Effect, Message, View, Wanted, Wish, Wishes, command, nudged, wish};
use crate::{
    protocol::{Command, Scene, event::SceneStored},
    state::{Run, Strip},
    tui::view::action::Nudge,
};

impl View {
    /// Something with the chosen strip, and what is to be wished for it.
    pub(super) fn on_strip(
        &mut self,
        run: &Run,
        wished: impl FnOnce(&mut Self, &Strip) -> Option<Wish>,
    ) -> Vec<Effect> {
        wish(self.strip(run).and_then(|strip| wished(self, strip)))
    }

    pub(super) fn nudge(&mut self, strip: &Strip, nudge: Nudge) -> Option<Wish> {
        let gain = self.wishes.gain(&strip.name).unwrap_or(strip.gain);
        let moved = nudged(gain, nudge);
        if moved == gain && strip.fade.is_none() {
            return None;
        }
        self.wishes.set_gain(&strip.name, moved)
    }

    pub(super) fn type_gain(&mut self, strip: &Strip) -> Option<Wish> {
        self.ask(Wanted::Gain(strip.name.clone()), "");
        None
    }

    pub(super) fn type_fade(&mut self, strip: &Strip) -> Option<Wish> {
        self.ask(Wanted::Gain(strip.name.clone()), &format!("{} over ", strip.gain));
        None
    }

    pub(super) fn mute(&self, strip: &Strip) -> Wish {
        let muted = !self.wishes.mute(&strip.name).unwrap_or(strip.muted);
        Command::SetMuted { objective: strip.name.clone(), muted }.into()
    }

    pub(super) fn solo(&self, strip: &Strip) -> Wish {
        let soloed = !self.wishes.solo(&strip.name).unwrap_or(strip.soloed);
        Command::SetSoloed { objective: strip.name.clone(), soloed }.into()
    }

    pub(super) fn recall(&mut self, scene: Scene, run: &Run) -> Vec<Effect> {
        let Some(stored) = run.scenes.get(&scene) else { return Vec::new() };
        let moves = moves_to(stored, run, &self.wishes);
        if moves.is_empty() {
            let text = format!("the mix already matches scene {}", scene.letter());
            self.message = Some(Message::Done(text));
            return Vec::new();
        }
        command(Command::Several(moves))
    }
}

pub(super) fn clear_solos(run: &Run) -> Vec<Effect> {
    let soloed = run.strips.iter().filter(|strip| strip.soloed);
    let unsolo =
        |strip: &Strip| Command::SetSoloed { objective: strip.name.clone(), soloed: false };
    command(Command::Several(soloed.map(unsolo).collect()))
}

/// What has to be moved for the mix to be as it was stored, once all that is wished has been done.
fn moves_to(stored: &SceneStored, run: &Run, wishes: &Wishes) -> Vec<Command> {
    let mut moves = Vec::new();
    for strip in &run.strips {
        let Some(kept) = stored.strips.get(&strip.name) else { continue };
        let objective = || strip.name.clone();
        if kept.muted != wishes.mute(&strip.name).unwrap_or(strip.muted) {
            moves.push(Command::SetMuted { objective: objective(), muted: kept.muted });
        }
        if kept.soloed != wishes.solo(&strip.name).unwrap_or(strip.soloed) {
            moves.push(Command::SetSoloed { objective: objective(), soloed: kept.soloed });
        }
        if kept.gain != wishes.gain(&strip.name).unwrap_or(strip.gain) || strip.fade.is_some() {
            moves.push(Command::SetGain { objective: objective(), gain: kept.gain });
        }
    }
    moves
}
