//! A fast parser for the lines of steps, which overwrites the previous step.
//!
//! Nearly all lines of a journal are `step_done` as this program formats it, with the names of the
//! previous line. Their values are parsed into the previous event, so that nothing is allocated.
//! Any other line is left to serde, which defines the format and reports errors: whatever is parsed
//! here, serde parses to the same event.

use std::{borrow::Borrow, collections::BTreeMap};

use crate::protocol::{Loss, ObjectiveId, Step, event::StepDone};

/// Names of objectives that have occurred, so that each name is allocated once.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<ObjectiveId>);

impl Names {
    fn get(&mut self, name: &str) -> ObjectiveId {
        if let Some(known) = self.0.iter().find(|known| known.as_str() == name) {
            return known.clone();
        }
        let name = ObjectiveId::from(name);
        self.0.push(name.clone());
        name
    }
}

/// Parses a line into an earlier step. `None` if it is not formatted as the writer formats steps;
/// `step` is then unspecified.
pub(super) fn read_over(step: &mut StepDone, line: &str, names: &mut Names) -> Option<()> {
    let mut rest = Rest(line.strip_suffix('\n').unwrap_or(line));
    rest.skip("{\"kind\":\"step_done\",\"at_ms\":")?;
    step.at_ms = rest.integer()?;
    rest.skip(",\"step\":")?;
    step.step = Step(rest.integer()?);
    rest.skip(",\"losses\":")?;
    rest.map(&mut step.losses, |name| names.get(name), |rest| Loss::read(rest.number()?))?;
    rest.skip(",\"weights\":")?;
    rest.map(&mut step.weights, |name| names.get(name), Rest::number)?;
    rest.skip(",\"shares\":")?;
    rest.map(&mut step.shares, |name| names.get(name), Rest::number)?;
    rest.skip(",\"draws\":")?;
    rest.map(&mut step.draws, str::to_owned, Rest::integer)?;
    rest.skip(",\"gradient_norm\":")?;
    step.gradient_norm = rest.number()?;
    rest.skip(",\"learning_rate\":")?;
    step.learning_rate = rest.number()?;
    rest.skip(",\"tokens\":")?;
    step.tokens = rest.integer()?;
    rest.skip(",\"step_ms\":")?;
    step.step_ms = rest.integer()?;
    step.temperature = match rest.skip(",\"temperature\":") {
        Some(()) => Some(rest.number()?),
        None => None,
    };
    step.epochs = match rest.skip(",\"epochs\":") {
        Some(()) => Some(rest.number()?),
        None => None,
    };
    rest.skip("}")?;
    rest.0.is_empty().then_some(())
}

/// The rest of a line.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn take(&mut self, n_bytes: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(text)
    }

    /// The position after one or more digits, from a position on.
    fn digits(&self, from: usize) -> Option<usize> {
        let n_digits =
            self.0.as_bytes().get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (n_digits > 0).then_some(from + n_digits)
    }

    /// The position after an integer at a position. JSON has no leading zeros.
    fn whole(&self, from: usize) -> Option<usize> {
        let end = self.digits(from)?;
        (self.0.as_bytes()[from] != b'0' || end == from + 1).then_some(end)
    }

    fn integer(&mut self) -> Option<u64> {
        self.take(self.whole(0)?)?.parse().ok()
    }

    /// The nearest `f32`, as serde_json finds it; `None` if it is infinite.
    fn number(&mut self) -> Option<f32> {
        let at = |place: usize| self.0.as_bytes().get(place).copied();
        let mut end = self.whole(usize::from(at(0) == Some(b'-')))?;
        if at(end) == Some(b'.') {
            end = self.digits(end + 1)?;
        }
        if at(end) == Some(b'e') {
            end = self.digits(end + 1 + usize::from(matches!(at(end + 1), Some(b'+' | b'-'))))?;
        }
        self.take(end)?.parse().ok().filter(|number: &f32| number.is_finite())
    }

    /// A quoted name. `None` if it contains an escape sequence.
    fn name(&mut self) -> Option<&'a str> {
        self.skip("\"")?;
        let name = self.take(self.0.bytes().take_while(|byte| is_plain(*byte)).count())?;
        self.skip("\"")?;
        Some(name)
    }

    /// Skips a name if it is the given one.
    fn skip_name(&mut self, name: &str) -> Option<()> {
        self.skip("\"")?;
        self.skip(name)?;
        self.skip("\"")?;
        name.bytes().all(is_plain).then_some(())
    }

    /// Parses an object: into the existing values if the names are the same, otherwise anew.
    fn map<K: Ord + Borrow<str>, V>(
        &mut self,
        map: &mut BTreeMap<K, V>,
        mut key: impl FnMut(&str) -> K,
        value: impl Fn(&mut Self) -> Option<V>,
    ) -> Option<()> {
        let before = *self;
        if self.map_over(map, &value).is_some() {
            return Some(());
        }
        *self = before;
        map.clear();
        self.skip("{")?;
        while self.skip("}").is_none() {
            if !map.is_empty() {
                self.skip(",")?;
            }
            let name = self.name()?;
            self.skip(":")?;
            map.insert(key(name), value(self)?);
        }
        Some(())
    }

    fn map_over<K: Borrow<str>, V>(
        &mut self,
        map: &mut BTreeMap<K, V>,
        value: impl Fn(&mut Self) -> Option<V>,
    ) -> Option<()> {
        self.skip("{")?;
        for (entry_idx, (name, old)) in map.iter_mut().enumerate() {
            if entry_idx > 0 {
                self.skip(",")?;
            }
            self.skip_name(name.borrow())?;
            self.skip(":")?;
            *old = value(self)?;
        }
        self.skip("}")
    }
}

/// Whether a byte is allowed in a JSON string without an escape.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{arbitrary, protocol::Event};

    fn line(event: &Event) -> String {
        serde_json::to_string(event).unwrap()
    }

    fn over(line: &str) -> Option<StepDone> {
        let mut step = arbitrary::step_done(1, "chunk", 2.5);
        read_over(&mut step, line, &mut Names::default()).map(|()| step)
    }

    fn steps() -> impl Strategy<Value = Vec<Event>> {
        proptest::collection::vec(arbitrary::a_step(), 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_written_step_parses_over_any_other(events in steps()) {
            let mut names = Names::default();
            let mut step = arbitrary::step_done(1, "chunk", 2.5);
            for event in events {
                let text = line(&event) + "\n";
                prop_assert_eq!(read_over(&mut step, &text, &mut names), Some(()));
                prop_assert_eq!(Event::from(step.clone()), event);
            }
        }

        #[test]
        fn serde_parses_the_same_event(
            event in arbitrary::a_step(),
            at in any::<proptest::sample::Index>(),
            with in "[-+0-9.eE{}\",: \\\\a-z]{0,3}",
        ) {
            let mut text = line(&event);
            let at = at.index(text.len());
            text.replace_range(at..=at, &with);
            if let Some(step) = over(&text) {
                let read = Event::read("step_done", &text).unwrap();
                prop_assert_eq!(read.unwrap(), Event::from(step), "{}", text);
            }
        }
    }

    #[test]
    fn invalid_json_numbers_are_left_to_serde() {
        let text = line(&arbitrary::step_done(1, "chunk", 2.5).into());
        assert!(over(&text).is_some());
        for number in ["02.5", "2.", ".5", "+2.5", "2.5e", "-", "", "1e39", "inf", "NaN", "null"] {
            assert_eq!(over(&text.replace("2.5", number)), None, "{number}");
        }
        for number in ["2", "-0", "0", "1e-7", "1.5e+30", "1.5e30", "3.4028235e38", "1e-45", "0.1"]
        {
            let text = text.replace("2.5", number);
            let event = Event::read("step_done", &text).unwrap().unwrap();
            assert_eq!(over(&text).map(Event::from), Some(event), "{number}");
        }
    }

    #[test]
    fn a_name_with_escapes_is_left_to_serde() {
        let name = "a\\b";
        let mut step = arbitrary::step_done(1, name, 2.5);
        let written = line(&step.clone().into());
        let names = &mut Names::default();
        assert_eq!(read_over(&mut step, &written, names), None);
        // With one backslash the line has a backspace, and not the name.
        let mut step = arbitrary::step_done(1, name, 2.5);
        let other = written.replace("\\\\", "\\");
        assert_eq!(read_over(&mut step, &other, names), None);
    }
}
