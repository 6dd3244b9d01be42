//! How many colours the terminal is taken to have.
//!
//! What was asked for comes first, then `NO_COLOR`, then what forces colours, then what the terminal
//! says of itself. Whether it is a terminal at all is asked elsewhere: without one there is no desk.

use crate::tui::Environment;

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorWhen {
    /// What the variables say.
    #[default]
    Auto,
    /// At least the sixteen, whatever they say.
    Always,
    /// None.
    Never,
    /// The sixteen that the terminal's owner has chosen.
    Ansi16,
    /// Those of a fixed palette.
    Ansi256,
}

const CHOICES: &[(&str, ColorWhen)] = &[
    ("auto", ColorWhen::Auto),
    ("always", ColorWhen::Always),
    ("never", ColorWhen::Never),
    ("16", ColorWhen::Ansi16),
    ("256", ColorWhen::Ansi256),
];

impl ColorWhen {
    /// Everything that can be asked for, by name.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        CHOICES.iter().map(|(name, _)| *name)
    }

    /// The choice of that name.
    pub fn named(name: &str) -> Option<Self> {
        CHOICES.iter().find(|(other, _)| *other == name).map(|(_, when)| *when)
    }
}

/// How many colours there are, fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None; bold, dim, underlined and reversed are left.
    None,
    /// Sixteen, whose look the terminal's owner has chosen.
    Ansi16,
    /// A fixed palette.
    Ansi256,
    /// Red, green and blue, a byte each.
    True,
}

impl ColorDepth {
    /// The depth that was asked for, or that the variables speak for.
    pub fn of(when: ColorWhen, environment: &Environment) -> Self {
        match when {
            ColorWhen::Never => Self::None,
            ColorWhen::Ansi16 => Self::Ansi16,
            ColorWhen::Ansi256 => Self::Ansi256,
            ColorWhen::Always => told(environment).max(Self::Ansi16),
            ColorWhen::Auto if environment.get("NO_COLOR").is_some() => Self::None,
            ColorWhen::Auto => forced(environment).unwrap_or_else(|| told(environment)),
        }
    }

    /// Has the terminal's library write colours, or none. By itself it looks at `NO_COLOR`, over
    /// which `--color` stands. To be called before the first frame.
    pub fn enforce(self) {
        crossterm::style::force_color_output(self != Self::None);
    }
}

/// What the terminal says of itself.
fn told(environment: &Environment) -> ColorDepth {
    let term = environment.get("TERM").unwrap_or_default();
    match environment.get("COLORTERM") {
        _ if term == "dumb" => ColorDepth::None,
        Some("truecolor" | "24bit") => ColorDepth::True,
        _ if term.contains("256color") => ColorDepth::Ansi256,
        _ => ColorDepth::Ansi16,
    }
}

/// What the variables say that force colours, or, with 0, forbid them.
fn forced(environment: &Environment) -> Option<ColorDepth> {
    let least = match environment.get("FORCE_COLOR") {
        Some("0" | "false") => return Some(ColorDepth::None),
        Some("2") => ColorDepth::Ansi256,
        Some("3") => ColorDepth::True,
        Some(_) => ColorDepth::Ansi16,
        None if environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => {
            ColorDepth::Ansi16
        }
        None => return None,
    };
    Some(told(environment).max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(when: &str, variables: &[(&str, &str)]) -> ColorDepth {
        let environment = variables.iter().copied().collect();
        ColorDepth::of(ColorWhen::named(when).unwrap(), &environment)
    }

    #[test]
    fn a_terminal_is_taken_at_its_word() {
        let auto = |variables| depth("auto", variables);
        assert_eq!(auto(&[]), ColorDepth::Ansi16);
        assert_eq!(auto(&[("TERM", "xterm")]), ColorDepth::Ansi16);
        assert_eq!(auto(&[("TERM", "screen-256color")]), ColorDepth::Ansi256);
        assert_eq!(auto(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), ColorDepth::True);
        assert_eq!(auto(&[("TERM", "xterm"), ("COLORTERM", "24bit")]), ColorDepth::True);
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("COLORTERM", "yes")]), ColorDepth::Ansi256);
        assert_eq!(auto(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), ColorDepth::None);
    }

    #[test]
    fn no_color_wins_over_all_but_an_option() {
        let no_color = |when| {
            depth(when, &[("NO_COLOR", "1"), ("FORCE_COLOR", "3"), ("COLORTERM", "truecolor")])
        };
        assert_eq!(no_color("auto"), ColorDepth::None);
        assert_eq!(no_color("never"), ColorDepth::None);
        assert_eq!(no_color("16"), ColorDepth::Ansi16);
        assert_eq!(no_color("256"), ColorDepth::Ansi256);
        assert_eq!(no_color("always"), ColorDepth::True);
        assert_eq!(depth("auto", &[("NO_COLOR", "")]), ColorDepth::Ansi16);
    }

    #[test]
    fn colours_can_be_forced_upon_a_terminal_that_denies_them() {
        let dumb = |name, value| depth("auto", &[("TERM", "dumb"), (name, value)]);
        assert_eq!(dumb("CLICOLOR_FORCE", "1"), ColorDepth::Ansi16);
        assert_eq!(dumb("CLICOLOR_FORCE", "0"), ColorDepth::None);
        assert_eq!(dumb("FORCE_COLOR", "1"), ColorDepth::Ansi16);
        assert_eq!(dumb("FORCE_COLOR", "2"), ColorDepth::Ansi256);
        assert_eq!(dumb("FORCE_COLOR", "3"), ColorDepth::True);
        assert_eq!(dumb("FORCE_COLOR", ""), ColorDepth::None);
        assert_eq!(depth("auto", &[("FORCE_COLOR", "0")]), ColorDepth::None);
        assert_eq!(
            depth("auto", &[("FORCE_COLOR", "1"), ("TERM", "256color")]),
            ColorDepth::Ansi256
        );
        assert_eq!(depth("always", &[("TERM", "dumb")]), ColorDepth::Ansi16);
        assert_eq!(depth("never", &[("FORCE_COLOR", "3")]), ColorDepth::None);
    }
}
