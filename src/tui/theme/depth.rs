//! The color depth of the terminal.
//!
//! In order of precedence: the option, `NO_COLOR`, variables that force colors, variables that
//! describe the terminal. Whether there is a terminal is checked elsewhere: without one there is no
//! desk.

use crate::tui::Environment;

/// The values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorWhen {
    /// As the environment says.
    #[default]
    Auto,
    /// At least sixteen colors, regardless of the environment.
    Always,
    /// No color.
    Never,
    /// The sixteen colors that the user has configured in the terminal.
    Ansi16,
    /// The fixed palette of 256 colors.
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
    /// The names of all choices.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        CHOICES.iter().map(|(name, _)| *name)
    }

    /// The choice with that name.
    pub fn named(name: &str) -> Option<Self> {
        CHOICES.iter().find(|(other, _)| *other == name).map(|(_, when)| *when)
    }
}

/// The color depth, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// No color; bold, dim, underlined and reversed remain.
    None,
    /// Sixteen colors, configured in the terminal.
    Ansi16,
    /// A fixed palette of 256.
    Ansi256,
    /// 24-bit RGB.
    True,
}

impl ColorDepth {
    /// The requested depth, or the one that the environment indicates.
    pub fn of(when: ColorWhen, environment: &Environment) -> Self {
        match when {
            ColorWhen::Never => Self::None,
            ColorWhen::Ansi16 => Self::Ansi16,
            ColorWhen::Ansi256 => Self::Ansi256,
            ColorWhen::Always => detected(environment).max(Self::Ansi16),
            ColorWhen::Auto if environment.get("NO_COLOR").is_some() => Self::None,
            ColorWhen::Auto => forced(environment).unwrap_or_else(|| detected(environment)),
        }
    }

    /// Makes crossterm write colors, or not. By itself it reads `NO_COLOR`, which `--color`
    /// overrides. Call it before the first frame.
    pub fn enforce(self) {
        crossterm::style::force_color_output(self != Self::None);
    }
}

/// The depth that the environment describes.
fn detected(environment: &Environment) -> ColorDepth {
    let term = environment.get("TERM").unwrap_or_default();
    match environment.get("COLORTERM") {
        _ if term == "dumb" => ColorDepth::None,
        Some("truecolor" | "24bit") => ColorDepth::True,
        _ if term.contains("256color") => ColorDepth::Ansi256,
        _ => ColorDepth::Ansi16,
    }
}

/// The depth that variables force, or none with the value 0.
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
    Some(detected(environment).max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(when: &str, variables: &[(&str, &str)]) -> ColorDepth {
        let environment = variables.iter().copied().collect();
        ColorDepth::of(ColorWhen::named(when).unwrap(), &environment)
    }

    #[test]
    fn the_environment_determines_the_color_depth() {
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
    fn no_color_overrides_everything_but_an_option() {
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
    fn colors_can_be_forced() {
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
