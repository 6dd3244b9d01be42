//! What lies over the panels and has the keys: help, the palette, a prompt, a question.

use super::Prompt;
use crate::tui::{
    line::Line,
    view::action::{ACTIONS, Spec},
};

/// A window over the panels.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Every key.
    Help {
        /// What is looked for.
        search: Line,
        /// Whether keys go into the search.
        searching: bool,
        /// Rows scrolled past.
        scroll: usize,
    },
    /// Every action by its name.
    Palette(Palette),
    /// A line of text for something.
    Prompt(Prompt),
    /// Whether to stop the run and leave.
    Leave,
}

impl Overlay {
    /// The help from its top.
    pub fn help() -> Self {
        Self::Help { search: Line::default(), searching: false, scroll: 0 }
    }
}

/// A line with an action's name, and the actions that it could mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Palette {
    /// What was typed so far.
    pub line: Line,
    /// Which of the matches is chosen.
    pub chosen: usize,
    /// How far back in the history one is; 0 is the line itself.
    pub back: usize,
}

impl Palette {
    /// Actions whose name or description holds every word that was typed; those whose name begins
    /// with it first.
    pub fn matches(&self) -> Vec<&'static Spec> {
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

    /// Puts the longest beginning in that all names share which begin with what was typed; if there is
    /// none, the chosen name.
    pub(super) fn complete(&mut self) {
        let text = self.line.text();
        let found = self.matches();
        let mut begun = found.iter().map(|spec| spec.name).filter(|name| name.starts_with(&text));
        let chosen = found.get(self.chosen).map(|spec| spec.name);
        let shared = begun.next().map(|first| {
            begun.fold(first, |shared, name| {
                let same = shared.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
                &shared[..same]
            })
        });
        if let Some(name) = shared.filter(|shared| shared.len() > text.len()).or(chosen) {
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
    fn what_begins_as_typed_comes_first_and_descriptions_count_too() {
        let names = |text| palette(text).matches().iter().map(|spec| spec.name).collect::<Vec<_>>();
        assert_eq!(names("mute")[0], "mute");
        assert_eq!(names("rate")[0], "rate");
        assert!(names("dev").contains(&"evaluate"), "{:?}", names("dev"));
        assert!(names("no such thing").is_empty());
    }

    #[test]
    fn completion_goes_as_far_as_it_is_sure() {
        let mut palette = palette("che");
        palette.complete();
        assert_eq!(palette.line.text(), "checkpoint");
        let mut palette = Palette { line: Line::new("recall"), ..Palette::default() };
        palette.complete();
        assert_eq!(palette.line.text(), "recall-");
    }
}
