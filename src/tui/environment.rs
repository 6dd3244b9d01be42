//! What the program was told of its terminal by variables. It is read once and handed on, so that
//! what is made of it can be tested without touching a process that other tests share.

use std::collections::BTreeMap;

/// The variables that say something of the terminal, those that are set and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// All that are asked for.
const NAMES: &[&str] = &[
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "COLORTERM",
    "COLORFGBG",
    "TERM",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
];

/// How bright the terminal's own background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Dark, or nothing is known: most are.
    Dark,
    /// Light.
    Light,
}

impl Environment {
    /// The variables of this process.
    pub fn of_this_process() -> Self {
        NAMES.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?))).collect()
    }

    /// A variable, if it is set to something. An empty one counts as none, which is what those who
    /// thought up `NO_COLOR` and its kin say, and what a shell makes of `LC_ALL=`.
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(NAMES.contains(&name), "{name} is never read");
        self.0.get(name).map(String::as_str)
    }

    /// The background by `COLORFGBG`, which some terminals set (`15;0`, or `0;default;15`). None is
    /// asked: the answer would come in among the keys.
    pub fn background(&self) -> Background {
        let background = self.get("COLORFGBG").and_then(|value| value.rsplit(';').next());
        match background.and_then(|number| number.parse::<u8>().ok()) {
            // White, and the bright colours but for bright black, which is a dark grey.
            Some(7 | 9..=15) => Background::Light,
            _ => Background::Dark,
        }
    }

    /// Whether text is in UTF-8, by the first of the locale's variables that is set.
    pub fn is_utf8(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| self.get(name));
        let locale = locale.unwrap_or_default().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(variables.filter(|(_, value): &(_, String)| !value.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_light_where_the_terminal_says_so() {
        for (value, background) in [
            ("15;0", Background::Dark),
            ("0;15", Background::Light),
            ("0;default;15", Background::Light),
            ("0;7", Background::Light),
            ("7;8", Background::Dark),
            ("0;default", Background::Dark),
            ("", Background::Dark),
        ] {
            let environment: Environment = [("COLORFGBG", value)].into_iter().collect();
            assert_eq!(environment.background(), background, "{value}");
        }
        assert_eq!(Environment::default().background(), Background::Dark);
    }

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_holds() {
        let utf8 = |variables: &[(&str, &str)]| {
            variables.iter().copied().collect::<Environment>().is_utf8()
        };
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]));
        assert!(utf8(&[("LC_ALL", ""), ("LANG", "C.utf8")]));
        assert!(!utf8(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(!utf8(&[("LC_CTYPE", "POSIX"), ("LANG", "de_DE.UTF-8")]));
        assert!(!utf8(&[]));
    }
}
