//! The environment variables that describe the terminal. They are read once and passed on, so that
//! code that depends on them can be tested without changing the environment of a process that other
//! tests share.

use std::collections::BTreeMap;

/// The variables that describe the terminal, as far as they are set and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// All variables that are read.
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

/// The brightness of the terminal's background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Dark, or unknown: most are dark.
    Dark,
    /// Light.
    Light,
}

impl Environment {
    /// Reads the variables of this process.
    pub fn of_this_process() -> Self {
        NAMES.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?))).collect()
    }

    /// A variable, if it is set and not empty: `NO_COLOR` and similar conventions treat an empty
    /// variable as unset, and so do shells for `LC_ALL=`.
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(NAMES.contains(&name), "{name} is never read");
        self.0.get(name).map(String::as_str)
    }

    /// The background according to `COLORFGBG`, which some terminals set (`15;0`, or
    /// `0;default;15`). The terminal itself is not queried: its answer would arrive among the keys.
    pub fn background(&self) -> Background {
        let background = self.get("COLORFGBG").and_then(|value| value.rsplit(';').next());
        match background.and_then(|number| number.parse::<u8>().ok()) {
            // White, and the bright colors except bright black, which is a dark gray.
            Some(7 | 9..=15) => Background::Light,
            _ => Background::Dark,
        }
    }

    /// Whether text is UTF-8, according to the first locale variable that is set.
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
    fn colorfgbg_determines_the_background() {
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
    fn the_first_locale_variable_that_is_set_applies() {
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
