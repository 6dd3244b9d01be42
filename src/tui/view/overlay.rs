//! Windows above the panels, which receive the keys: help, palette, live settings,
//! weighting rules, prompt, confirmation.

use super::Prompt;
use crate::tui::{
    line::Line,
    view::action::{ACTIONS, Spec},
};

/// A window above the panels.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Every key.
    Help {
        /// The search text.
        search: Line,
        /// Whether keys go into the search.
        searching: bool,
        /// The number of rows scrolled past.
        scroll: usize,
    },
    /// Every action by name.
    Palette(Palette),
    /// A prompt for a text.
    Prompt(Prompt),
    /// The live settings with their values.
    Settings {
        /// Index of the selected one in [`View::live_settings`](super::View::live_settings).
        selected: usize,
    },
    /// The weighting rules.
    Weightings {
        /// Index of the selected one in [`View::weightings`](super::View::weightings).
        selected: usize,
    },
    /// The confirmation of a stop.
    ConfirmStop,
}

impl Overlay {
    /// The help, scrolled to its top.
    pub fn help() -> Self {
        Self::Help { search: Line::default(), searching: false, scroll: 0 }
    }
}

/// An input for an action's name, and the matching actions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Palette {
    /// The text so far.
    pub line: Line,
    /// The index of the selected match.
    pub selected: usize,
    /// The position in the history, counted back; 0 is the input itself.
    pub back: usize,
}

impl Palette {
    /// Actions whose name or description contains every word of the input; those whose name begins
    /// with it first. The name of one that prompts may be followed by what it prompts for.
    pub fn matches(&self) -> Vec<&'static Spec> {
        if let Some((spec, _)) = self.with_text() {
            return vec![spec];
        }
        let text = self.line.text().to_lowercase();
        let holds = |spec: &&Spec| {
            let about = spec.about.to_lowercase();
            text.split_whitespace().all(|word| spec.name.contains(word) || about.contains(word))
        };
        let is_named = |spec: &&Spec| !spec.about.is_empty();
        let mut found: Vec<&Spec> = ACTIONS.iter().filter(is_named).filter(holds).collect();
        let text = text.trim();
        found.sort_by_key(|spec| (spec.name != text, !spec.name.starts_with(text)));
        found
    }

    /// The action that prompts and whose name is the first word, with the other words, which are what it
    /// would prompt for.
    pub(super) fn with_text(&self) -> Option<(&'static Spec, String)> {
        let line = self.line.text();
        let (name, text) = line.trim().split_once(' ')?;
        let spec = ACTIONS.iter().find(|spec| spec.name == name && spec.action.prompts())?;
        Some((spec, text.trim().to_owned()))
    }

    /// Completes the input to the longest common prefix of the names that begin with it; if that
    /// adds nothing, to the selected name.
    pub(super) fn complete(&mut self) {
        let text = self.line.text();
        let found = self.matches();
        let mut begun = found.iter().map(|spec| spec.name).filter(|name| name.starts_with(&text));
        let selected = found.get(self.selected).map(|spec| spec.name);
        let shared = begun.next().map(|first| {
            begun.fold(first, |shared, name| {
                let same = shared.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
                &shared[..same]
            })
        });
        if let Some(name) = shared.filter(|shared| shared.len() > text.len()).or(selected) {
            self.line = Line::new(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette(text: &str) -> Palette {
        Palette { line: Line::new(text), ..Palette::default() }
    }

    #[test]
    fn names_with_the_prefix_come_first_and_descriptions_match_too() {
        let names = |text| palette(text).matches().iter().map(|spec| spec.name).collect::<Vec<_>>();
        assert_eq!(names("mute")[0], "mute");
        assert_eq!(names("learning")[0], "learning-rate");
        assert!(names("dev").contains(&"evaluate"), "{:?}", names("dev"));
        assert!(names("no such thing").is_empty());
    }

    #[test]
    fn the_name_of_an_action_that_prompts_may_be_followed_by_its_text() {
        let found = palette("train-on 5 epochs").with_text().unwrap();
        assert_eq!((found.0.name, found.1.as_str()), ("train-on", "5 epochs"));
        assert_eq!(palette("gain 5").matches().len(), 1, "and not gain-down, by 5 %");
        for other in ["train-on", "mute pos", "no-such 5"] {
            assert!(palette(other).with_text().is_none(), "{other}");
        }
    }

    #[test]
    fn completion_extends_to_the_longest_common_prefix() {
        let mut palette = palette("che");
        palette.complete();
        assert_eq!(palette.line.text(), "checkpoint");
        let mut palette = Palette { line: Line::new("recall"), ..Palette::default() };
        palette.complete();
        assert_eq!(palette.line.text(), "recall-");
    }
}
