//! The desk's configuration: `$XDG_CONFIG_HOME/auxdesk/desk.toml`, or
//! `~/.config/auxdesk/desk.toml`, on every operating system. Defaults apply without the file and
//! for keys that it omits. `assets/desk.toml` lists them.
//!
//! Unknown keys and invalid values are errors, all reported at once with the nearest valid name: a
//! key that is silently ignored would be hard to find.

mod bindings;

use std::{
    collections::BTreeMap,
    fmt::Write,
    io,
    path::{Path, PathBuf},
};

use etcetera::base_strategy::{BaseStrategy, Xdg};
use toml::de::{DeTable, DeValue};

use super::{
    GlyphChoice, KeyPress, Theme,
    environment::{Background, Environment},
    theme::ColorDepth,
    toml::{Entry, Faults},
};
use crate::{nearest::hint, regular_file};

/// The largest file in bytes.
const LARGEST: u64 = 1 << 20;

/// An action, as far as key bindings are concerned.
#[derive(Clone, Copy, Debug)]
pub struct ActionName {
    /// What the configuration, the help and the palette call it.
    pub name: &'static str,
    /// Its default keys, in the notation of [`KeyPress`].
    pub keys: &'static [&'static str],
    /// The panels where it applies. Two actions can share a key if they share no panel.
    pub groups: &'static [&'static str],
}

/// The user's configuration, with defaults for what the file omits.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The theme's name; `None` is `auto`, which depends on the terminal.
    pub theme: Option<String>,
    /// The shipped themes, then the user's own, in the order in which the desk cycles through them.
    pub themes: Vec<(String, Theme)>,
    /// The characters to draw with.
    pub glyphs: GlyphChoice,
    /// Whether the desk receives mouse events, instead of the terminal's text selection.
    pub mouse: bool,
    /// The initial smoothing coefficient of the curves, below 1; `None` for the chart's default.
    pub smoothing: Option<f32>,
    /// The keys of every action, by its name.
    pub keys: BTreeMap<String, Vec<KeyPress>>,
}

const KEYS: &[&str] = &["theme", "glyphs", "mouse", "smoothing", "keys", "themes"];

const AUTO: &str = "auto";

impl Config {
    /// The defaults.
    pub fn defaults(actions: &[ActionName]) -> Self {
        let shipped = Theme::shipped_names();
        let theme = |name| Theme::shipped(name).expect("a listed theme is shipped");
        Self {
            theme: None,
            themes: shipped.map(|name| (name.to_owned(), theme(name))).collect(),
            glyphs: GlyphChoice::Auto,
            mouse: false,
            smoothing: None,
            keys: bindings::defaults(actions),
        }
    }

    /// Reads the user's file, if there is one. The error has one line per fault.
    pub fn load(actions: &[ActionName]) -> Result<Self, String> {
        match path() {
            Some(path) => Self::read(&path, actions),
            None => Ok(Self::defaults(actions)),
        }
    }

    /// Reads a file, which may be missing.
    pub fn read(path: &Path, actions: &[ActionName]) -> Result<Self, String> {
        let text = regular_file::read_small(path, LARGEST).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| io::Error::other("expected UTF-8"))
        });
        match text {
            Ok(text) => Self::parse(&text, &path.to_string_lossy(), actions),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::defaults(actions)),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Parses the contents of a file of that name.
    pub fn parse(text: &str, file: &str, actions: &[ActionName]) -> Result<Self, String> {
        let (table, mut faults) = Faults::read(file, text);
        let mut config = Self::defaults(actions);
        let entries = faults.entries(table.get_ref());
        // A theme may be selected above its definition.
        for Entry { value, line, .. } in entries.iter().filter(|entry| entry.key == "themes") {
            match value {
                DeValue::Table(themes) => config.read_themes(themes, &mut faults),
                value => faults.value(*line, "themes", value, "a table of themes"),
            }
        }
        for entry in &entries {
            config.read_entry(entry, actions, &mut faults);
        }
        faults.finish().map(|()| config)
    }

    /// The configured theme, or the one for this terminal and environment.
    pub fn theme(&self, depth: ColorDepth, environment: &Environment) -> &Theme {
        let name = match &self.theme {
            Some(name) => name.as_str(),
            None if depth == ColorDepth::None => "plain",
            None => match environment.background() {
                Background::Dark => "dark",
                Background::Light => "light",
            },
        };
        let theme = self.themes.iter().find(|(other, _)| other == name);
        &theme.expect("a theme that is named was read").1
    }

    fn read_themes(&mut self, themes: &DeTable<'_>, faults: &mut Faults<'_>) {
        for Entry { key, value, line } in faults.entries(themes) {
            let label = format!("themes.{key}");
            if key == AUTO || Theme::shipped_names().any(|name| name == key) {
                faults
                    .at(line, format!("`{label}`: a shipped theme has that name; choose another"));
            }
            match value {
                DeValue::Table(table) => {
                    self.themes.push((key.to_owned(), Theme::based(&label, table, faults)));
                }
                value => faults.value(line, &label, value, "a table of styles"),
            }
        }
    }

    fn read_entry(&mut self, entry: &Entry<'_>, actions: &[ActionName], faults: &mut Faults<'_>) {
        let Entry { key, value, line } = *entry;
        match (key, value) {
            ("themes", _) => {}
            ("keys", DeValue::Table(table)) => {
                self.keys = bindings::read(table, actions, faults);
            }
            ("keys", value) => faults.value(line, key, value, "a table of actions and their keys"),
            ("theme", DeValue::String(name)) => {
                let names = self.themes.iter().map(|(name, _)| name.as_str());
                let names = std::iter::once(AUTO).chain(names);
                if names.clone().any(|other| other == name) {
                    self.theme = Some(name.to_string()).filter(|name| name != AUTO);
                } else {
                    faults.at(line, format!("no theme named {name:?}{}", hint(name, names)));
                }
            }
            ("theme", value) => faults.value(line, key, value, "the name of a theme"),
            ("glyphs", DeValue::String(name)) => {
                if let Some(choice) = GlyphChoice::named(name) {
                    self.glyphs = choice;
                } else {
                    let hint = hint(name, GlyphChoice::names());
                    faults.at(line, format!("no glyphs named {name:?}{hint}"));
                }
            }
            ("glyphs", value) => faults.value(line, key, value, "the name of a set of glyphs"),
            ("mouse", DeValue::Boolean(switch)) => self.mouse = *switch,
            ("mouse", value) => faults.value(line, key, value, "true or false"),
            ("smoothing", value) => match number(value).filter(|part| (0.0..1.0).contains(part)) {
                Some(smoothing) => self.smoothing = Some(smoothing),
                None => faults.value(line, key, value, "a number of at least 0 and below 1"),
            },
            _ => {
                let hint = hint(key, KEYS.iter().copied());
                faults.at(line, format!("no key named {key:?}{hint}"));
            }
        }
    }
}

/// Reads the user's file and summarizes its contents, for `auxdesk check --config`.
pub fn check(actions: &[ActionName]) -> Result<String, String> {
    let Some(path) = path() else {
        return Ok("no home folder, so no desk.toml; using the defaults\n".to_owned());
    };
    let config = Config::read(&path, actions)?;
    let mut text = String::new();
    let state = if path.exists() { "valid" } else { "no such file; using the defaults" };
    let _ = writeln!(text, "{}: {state}", path.display());
    let _ = writeln!(text, "  theme {}", config.theme.as_deref().unwrap_or(AUTO));
    for (name, _) in config.themes.iter().skip(Theme::shipped_names().count()) {
        let _ = writeln!(text, "  a theme named {name}");
    }
    let _ = writeln!(text, "  glyphs {}", config.glyphs.name());
    let _ = writeln!(text, "  mouse {}", if config.mouse { "on" } else { "off" });
    if let Some(smoothing) = config.smoothing {
        let _ = writeln!(text, "  smoothing {smoothing}");
    }
    let defaults = bindings::defaults(actions);
    let rebound = config.keys.iter().filter(|(action, keys)| defaults.get(*action) != Some(*keys));
    let _ = match rebound.count() {
        0 => writeln!(text, "  all actions have their default keys"),
        1 => writeln!(text, "  1 action is rebound"),
        n_rebound => writeln!(text, "  {n_rebound} actions are rebound"),
    };
    Ok(text)
}

/// The path of the user's file, if there is a home folder.
fn path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.config_dir().join("auxdesk").join("desk.toml"))
}

fn number(value: &DeValue<'_>) -> Option<f32> {
    match value {
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
