//! Linked faders: a move of one moves the other by the same factor, as one change. The links are the
//! desk's own; the trainer receives plain gains.

use super::{Message, View};
use crate::{
    protocol::{Assignment, ObjectiveId},
    state::{Run, Strip},
};

/// Pairs of linked faders. Each fader is in one pair at most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    pairs: Vec<Link>,
    /// The fader to link with the next one that is selected.
    first: Option<ObjectiveId>,
}

/// Two linked faders.
#[derive(Clone, Debug, PartialEq)]
struct Link {
    names: [ObjectiveId; 2],
    /// Their last gains above 0, whose ratio is kept while they are 0.
    gains: [f32; 2],
}

impl Links {
    /// The fader that is linked with this one.
    pub fn partner(&self, objective: &ObjectiveId) -> Option<&ObjectiveId> {
        self.pairs.iter().find_map(|link| Some(&link.names[1 - link.place(objective)?]))
    }

    /// The fader that the next selected one is linked with.
    pub fn first(&self) -> Option<&ObjectiveId> {
        self.first.as_ref()
    }

    /// Links no fader after all; returns whether one was to be linked.
    pub(super) fn cancel(&mut self) -> bool {
        self.first.take().is_some()
    }

    fn unlink(&mut self, objective: &ObjectiveId) {
        self.pairs.retain(|link| link.place(objective).is_none());
    }
}

impl Link {
    fn place(&self, objective: &ObjectiveId) -> Option<usize> {
        self.names.iter().position(|name| name == objective)
    }
}

impl View {
    /// Unlinks the selected fader, or links it with the next one that is selected.
    pub(super) fn link(&mut self, strip: &Strip) {
        let name = &strip.name;
        if self.links.first.take().as_ref() == Some(name) {
            self.message = Some(Message::Done(format!("{name} is not linked")));
        } else if let Some(partner) = self.links.partner(name).cloned() {
            self.links.unlink(name);
            let text = format!("{name} and {partner} are no longer linked");
            self.message = Some(Message::Done(text));
        } else if self.has_ratio(strip) {
            self.links.first = Some(name.clone());
            let text = format!("select the fader to link {name} with; Esc cancels");
            self.message = Some(Message::Done(text));
        }
    }

    /// Links the fader that was waiting with one that has been selected.
    pub(super) fn link_with(&mut self, strip: &Strip, run: &Run) {
        let Some(first) = self.links.first.take_if(|first| *first != strip.name) else { return };
        let Some(other) = run.strip(&first) else { return };
        if !(self.has_ratio(strip) && self.has_ratio(other)) {
            return;
        }
        self.links.unlink(&first);
        self.links.unlink(&strip.name);
        let text = format!("{first} and {} are linked: their gains keep their ratio", strip.name);
        let gains = [self.gain_to_move(other), self.gain_to_move(strip)];
        self.links.pairs.push(Link { names: [first, strip.name.clone()], gains });
        self.message = Some(Message::Done(text));
    }

    /// Whether a fader has a ratio to others; says so if not.
    fn has_ratio(&mut self, strip: &Strip) -> bool {
        let has_ratio = self.gain_to_move(strip) > 0.0;
        if !has_ratio {
            let text = format!("the gain of {} is 0: there is no ratio to keep", strip.name);
            self.message = Some(Message::Refused(text));
        }
        has_ratio
    }

    /// The gain that the next move of a fader begins at. One that the rule moves goes on from the
    /// weight that the rule has given it.
    pub(super) fn gain_to_move(&self, strip: &Strip) -> f32 {
        if self.is_handed(strip) {
            self.weight(strip)
        } else {
            self.pending.gain(&strip.name).unwrap_or(strip.gain)
        }
    }

    /// The fader that is linked with this one, and its gain when this one gets a new gain.
    pub(super) fn linked_move<'a>(
        &mut self,
        strip: &Strip,
        gain: f32,
        run: &'a Run,
    ) -> Option<(&'a Strip, f32)> {
        let partner = run.strip(self.links.partner(&strip.name)?)?;
        let now = [self.gain_to_move(strip), self.gain_to_move(partner)];
        let mut pairs = self.links.pairs.iter_mut();
        let (place, link) = pairs.find_map(|link| Some((link.place(&strip.name)?, link)))?;
        if now.iter().all(|gain| *gain > 0.0) {
            link.gains[place] = now[0];
            link.gains[1 - place] = now[1];
        }
        let ratio = f64::from(link.gains[1 - place]) / f64::from(link.gains[place]);
        Some((partner, six_digits(f64::from(gain) * ratio)))
    }

    /// Sets a gain at once, or fades to it; a fader that was handed to the rule is taken back.
    pub(super) fn moved(&self, strip: &Strip, gain: f32, over: Option<u64>) -> Vec<Assignment> {
        let taken_back = match (self.is_handed(strip), over) {
            (false, _) => Vec::new(),
            (true, None) => vec![super::mix::take_back(strip)],
            // A fade begins at the weight that the rule has given.
            (true, Some(_)) => self.take_back_at_weight(strip),
        };
        let name = strip.name.clone();
        let set = match over {
            None => Assignment::gain(name, gain),
            Some(steps) => Assignment::fade(name, gain, steps),
        };
        taken_back.into_iter().chain([set]).collect()
    }
}

/// Rounded to so many digits that many moves do not change a ratio, and few enough to be read.
fn six_digits(gain: f64) -> f32 {
    if gain <= 0.0 {
        return 0.0;
    }
    let digit = 10f64.powf(gain.log10().floor() - 5.0);
    ((gain / digit).round() * digit) as f32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        arbitrary,
        protocol::{Command, CommandId, event::Setting},
        tui::view::{DeskMode, Effect, keymap::Keymap},
    };

    /// A run with gains of 1 for `chunk`, 0.4 for `pos` and 1 for `next-word`.
    fn run() -> Run {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        run.apply(&arbitrary::gain_set(0, "pos", 1.0, 0.4).into());
        run
    }

    fn view() -> View {
        View::new(DeskMode::Live)
    }

    /// Presses keys; the commands that they send are then in flight, and are returned.
    fn pressed(view: &mut View, run: &Run, keys: &str) -> Vec<Command> {
        let keymap = Keymap::new(&BTreeMap::new());
        let mut sent = Vec::new();
        for key in keys.split(' ') {
            let key: crate::tui::KeyPress = key.parse().unwrap();
            for effect in view.press(key.into(), &keymap, run) {
                let Effect::Send(request) = effect else { panic!("{effect:?}") };
                sent.push(request.command.clone());
                view.sent(&request, Some(CommandId(sent.len() as u64)));
            }
        }
        sent
    }

    fn gains(command: &Command) -> Vec<(String, f32)> {
        let Command::Set(all) = command else { panic!("{command:?}") };
        let gain = |one: &Assignment| {
            let Setting::Number(gain) = one.value else { panic!("a number") };
            (one.control.strip().unwrap().to_string(), gain)
        };
        all.iter().map(gain).collect()
    }

    fn pair(chunk: f32, pos: f32) -> Vec<(String, f32)> {
        vec![("chunk".to_owned(), chunk), ("pos".to_owned(), pos)]
    }

    #[test]
    fn a_linked_move_is_one_command_that_keeps_the_ratio() {
        let (run, mut view) = (run(), view());
        assert!(pressed(&mut view, &run, "1 & 3").is_empty(), "a link changes no gain");
        let chunk = ObjectiveId::from("chunk");
        assert_eq!(view.links.partner(&chunk), Some(&"pos".into()));
        let sent = pressed(&mut view, &run, "1 l");
        assert_eq!(sent.iter().map(gains).collect::<Vec<_>>(), [pair(1.05, 0.42)]);
        assert_eq!(view.pending.gain(&"pos".into()), Some(0.42), "drawn hollow on both");
        assert_eq!(view.pending.gain(&chunk), Some(1.05));
    }

    #[test]
    fn a_held_key_sends_one_command_at_a_time_and_both_faders_follow() {
        let (mut run, mut view) = (run(), view());
        pressed(&mut view, &run, "1 & 3");
        assert_eq!(pressed(&mut view, &run, "3 L L L").len(), 1);
        assert_eq!(view.pending.len(), 1);
        let set = |name: &str, old, new| crate::protocol::event::GainSet {
            command: Some(CommandId(1)),
            ..arbitrary::gain_set(1, name, old, new)
        };
        let first = set("pos", 0.4, 0.5).into();
        run.apply(&first);
        assert!(view.answered(&first, &run).is_empty(), "one of two answers");
        let second = set("chunk", 1.0, 1.25).into();
        run.apply(&second);
        let effects = view.answered(&second, &run);
        let [Effect::Send(request)] = &effects[..] else { panic!("{effects:?}") };
        let mut next = gains(&request.command);
        next.sort_by(|one, other| one.0.cmp(&other.0));
        let ratio = next[1].1 / next[0].1;
        assert!((ratio - 0.4).abs() < 1e-5 && next[1].1 > 0.7, "{next:?}");
        assert_eq!(view.pending.gain(&"pos".into()), Some(next[1].1));
    }

    #[test]
    fn the_ratio_is_kept_through_0_and_for_typed_gains_and_fades() {
        let (mut run, mut view) = (run(), view());
        pressed(&mut view, &run, "1 & 3 1");
        let sent = pressed(&mut view, &run, "w 0 enter");
        assert_eq!(sent.iter().map(gains).collect::<Vec<_>>(), [pair(0.0, 0.0)]);
        for (name, old) in [("chunk", 1.0), ("pos", 0.4)] {
            let set = arbitrary::gain_set(1, name, old, 0.0);
            let set = crate::protocol::event::GainSet { command: Some(CommandId(1)), ..set }.into();
            run.apply(&set);
            view.answered(&set, &run);
        }
        let sent = pressed(&mut view, &run, "l");
        assert_eq!(sent.iter().map(gains).collect::<Vec<_>>(), [pair(0.01, 0.004)]);
        view.forget_pending();
        let sent = pressed(&mut view, &run, "w 2 space o v e r space 9 enter");
        let [Command::Set(all)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(gains(&sent[0]), pair(2.0, 0.8));
        assert!(all.iter().all(|one| one.over == Some(9)), "{all:?}");
    }

    #[test]
    fn a_second_press_unlinks_and_esc_cancels() {
        let (run, mut view) = (run(), view());
        pressed(&mut view, &run, "1 & esc 3");
        assert_eq!(view.links, Links::default());
        pressed(&mut view, &run, "1 & 3 2 & 3");
        assert_eq!(view.links.partner(&"pos".into()), Some(&"next-word".into()));
        assert_eq!(view.links.partner(&"chunk".into()), None, "a fader is in one pair");
        pressed(&mut view, &run, "3 &");
        assert_eq!(view.links, Links::default());
        let sent = pressed(&mut view, &run, "1 l");
        assert_eq!(sent.iter().map(gains).collect::<Vec<_>>(), [vec![("chunk".to_owned(), 1.05)]]);
    }

    #[test]
    fn a_gain_of_0_has_no_ratio() {
        let (mut run, mut view) = (run(), view());
        run.apply(&arbitrary::gain_set(1, "pos", 0.4, 0.0).into());
        pressed(&mut view, &run, "1 & 3");
        assert_eq!(view.links, Links::default());
        let Some(Message::Refused(why)) = &view.message else { panic!("{:?}", view.message) };
        assert!(why.contains("the gain of pos is 0"), "{why}");
    }

    #[test]
    fn a_fader_that_was_handed_to_the_rule_is_taken_back_with_its_partner() {
        let (mut run, mut view) = (run(), view());
        pressed(&mut view, &run, "1 & 3 1");
        run.strips[2].is_handed = true;
        let sent = pressed(&mut view, &run, "l");
        let [Command::Set(all)] = &sent[..] else { panic!("{sent:?}") };
        let paths: Vec<String> = all.iter().map(|one| one.control.path()).collect();
        assert_eq!(paths, ["objective.chunk.gain", "objective.pos.by_rule", "objective.pos.gain"]);
    }

    #[test]
    fn keys_do_not_move_a_linked_fader_beyond_their_maximum() {
        let (mut view, mut run) = (view(), run());
        run.apply(&arbitrary::gain_set(0, "pos", 0.4, 90.0).into());
        pressed(&mut view, &run, "1 & 3 1");
        assert_eq!(pressed(&mut view, &run, "L"), []);
        let text = "the gain of pos, which is linked, would be above 100";
        assert_eq!(view.message, Some(Message::Refused(text.to_owned())));
        assert_eq!(gains(&pressed(&mut view, &run, "H")[0]), pair(0.8, 72.0));
    }
}
