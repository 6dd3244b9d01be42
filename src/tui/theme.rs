//! Styles by what they mean. A panel says `theme.good`, and never which colour that is.
//!
//! A theme is TOML: a key a meaning, and words that say what it looks like. Four are shipped. `dark`
//! and `light` use the sixteen colours that every terminal's owner has chosen, and the terminal's own
//! foreground and background. `safe` is for eyes that don't tell red from green. `plain` has no colour.
//!
//! No theme says anything alone: objectives have digits, a trend has an arrow, what is muted says so.
//! That is why in `plain` all series look the same, and nothing is lost.

mod depth;
mod reduce;
mod style_text;

use ratatui::style::Style;
use toml::de::{DeTable, DeValue};

use super::toml::{Entry, Faults};
use crate::nearest::{hint, nearest};

pub use depth::{ColorDepth, ColorWhen};

/// How many series have a style of their own; the ones after begin again with the first.
pub const N_SERIES: usize = 8;

/// Declares every meaning once: the field of [`Theme`], and the key of a theme's file.
macro_rules! meanings {
    ($($(#[$about:meta])* $field:ident $key:literal,)*) => {
        /// A style for every meaning.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Theme {
            $($(#[$about])* pub $field: Style,)*
            /// The objectives' curves and names, by their place; [`Theme::series`] begins again
            /// where there are more.
            pub series: [Style; N_SERIES],
        }

        /// The keys of a theme's file, but for `series`.
        const KEYS: &[&str] = &[$($key),*];

        impl Theme {
            fn style_mut(&mut self, key: &str) -> Option<&mut Style> {
                match key {
                    $($key => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

meanings! {
    /// What has no other meaning. The whole screen is set in it before anything is drawn.
    text "text",
    /// Of less weight than text: units, what is explained beside a number.
    dim "dim",
    /// A panel's title.
    title "title",
    /// Around a panel.
    border "border",
    /// Around the panel that keys go to.
    border_focus "border-focus",
    /// The selected entry of a list, or the name of the selected strip.
    selected "selected",
    /// Better than before.
    good "good",
    /// Worse than before, or in need of attention.
    bad "bad",
    /// Wished for and not answered yet.
    pending "pending",
    /// Muted, or silent because another is soloed.
    muted "muted",
    /// Soloed.
    solo "solo",
    /// A fader's way and its handle.
    fader "fader",
    /// A meter of shares.
    share "share",
    /// Marks on a chart's axis and its guides.
    mark "mark",
    /// A chart's cursor, and what is read off there.
    cursor "cursor",
    /// Put over the selected objective's curve.
    curve "curve",
    /// Put over a series' own style where its raw values are drawn behind the smoothed ones.
    band "band",
    /// A key in the footer or the help.
    key "key",
    /// The run trains.
    state_live "state-live",
    /// The run is held, or is about to be.
    state_paused "state-paused",
    /// The run is replayed.
    state_replay "state-replay",
    /// The run has ended well.
    state_ended "state-ended",
    /// The run has failed.
    state_failed "state-failed",
}

/// The themes that are shipped, in the order in which the desk goes through them.
const SHIPPED: &[(&str, &str)] = &[
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("safe", include_str!("../../assets/themes/safe.toml")),
    ("plain", include_str!("../../assets/themes/plain.toml")),
];

impl Theme {
    /// The names of the shipped themes.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> + Clone {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The shipped theme of that name.
    pub fn shipped(name: &str) -> Option<Self> {
        let (name, text) = SHIPPED.iter().find(|(other, _)| *other == name)?;
        let (table, mut faults) = Faults::read(name, text);
        let mut theme = Self::default();
        let entries = faults.entries(table.get_ref());
        theme.overlay("", &entries, &mut faults);
        faults.finish().expect("a shipped theme has no fault");
        Some(theme)
    }

    /// The style of the objective in that place, counted from 0.
    pub fn series(&self, strip_idx: usize) -> Style {
        self.series[strip_idx % N_SERIES]
    }

    /// The theme as a terminal of that depth can show it.
    #[must_use]
    pub fn reduced(&self, depth: ColorDepth) -> Self {
        let mut reduced = self.clone();
        for key in KEYS {
            let style = reduced.style_mut(key).expect("every key has a style");
            *style = reduce::style(*style, depth);
        }
        reduced.series = self.series.map(|style| reduce::style(style, depth));
        reduced
    }

    /// A theme of the user's, over the shipped one that it names as `based-on`, or over `dark`.
    pub(super) fn based(label: &str, table: &DeTable<'_>, faults: &mut Faults<'_>) -> Self {
        let (based_on, rest): (Vec<_>, Vec<_>) =
            faults.entries(table).into_iter().partition(|entry| entry.key == "based-on");
        let mut base = Self::shipped("dark");
        if let Some(Entry { value, line, .. }) = based_on.first() {
            let key = format!("{label}.based-on");
            match value {
                DeValue::String(name) => {
                    base = Self::shipped(name);
                    if base.is_none() {
                        let hint = hint(name, Self::shipped_names());
                        faults.at(*line, format!("`{key}`: no theme named {name:?}{hint}"));
                    }
                }
                value => faults.value(*line, &key, value, "the name of a shipped theme"),
            }
        }
        let mut theme = base.unwrap_or_default();
        theme.overlay(label, &rest, faults);
        theme
    }

    /// Takes over what the entries say, and leaves the rest.
    fn overlay(&mut self, label: &str, entries: &[Entry<'_>], faults: &mut Faults<'_>) {
        let way = if label.is_empty() { String::new() } else { format!("{label}.") };
        for Entry { key, value, line } in entries {
            let name = format!("{way}{key}");
            if *key == "series" {
                self.overlay_series(&name, value, *line, faults);
                continue;
            }
            let Some(style) = self.style_mut(key) else {
                let keys = KEYS.iter().copied().chain(["series", "based-on"]);
                let hint = nearest(key, keys)
                    .map_or(String::new(), |nearest| format!("; did you mean {nearest:?}?"));
                faults.at(*line, format!("`{way}{key}`: unknown key{hint}"));
                continue;
            };
            if let Some(read) = read_style(&name, value, *line, faults) {
                *style = read;
            }
        }
    }

    fn overlay_series(
        &mut self,
        name: &str,
        value: &DeValue<'_>,
        line: usize,
        faults: &mut Faults<'_>,
    ) {
        let DeValue::Array(items) = value else {
            return faults.value(line, name, value, "an array of styles");
        };
        if items.is_empty() || items.len() > N_SERIES {
            let n_found = items.len();
            faults.at(line, format!("`{name}`: expected 1 to {N_SERIES} styles, found {n_found}"));
        }
        for (series_idx, item) in items.iter().enumerate() {
            let name = format!("{name}[{series_idx}]");
            let line = faults.line(&item.span());
            let read = read_style(&name, item.get_ref(), line, faults);
            if let (Some(style), Some(read)) = (self.series.get_mut(series_idx), read) {
                *style = read;
            }
        }
    }

    /// Every style with the key that it is written under.
    #[cfg(test)]
    fn styles(&self) -> Vec<(String, Style)> {
        let mut theme = self.clone();
        let named = KEYS.iter().map(|key| ((*key).to_owned(), *theme.style_mut(key).unwrap()));
        let series = self.series.iter().enumerate();
        named.chain(series.map(|(at, style)| (format!("series[{at}]"), *style))).collect()
    }
}

fn read_style(
    name: &str,
    value: &DeValue<'_>,
    line: usize,
    faults: &mut Faults<'_>,
) -> Option<Style> {
    let DeValue::String(text) = value else {
        faults.value(line, name, value, "a style such as \"bold light-red\"");
        return None;
    };
    match style_text::style(text) {
        Ok(style) => Some(style),
        Err(wrong) => {
            for what in wrong {
                faults.at(line, format!("`{name}`: {what}"));
            }
            None
        }
    }
}

#[cfg(test)]
mod tests;
