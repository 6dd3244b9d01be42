//! Styles by their meaning. A panel uses `theme.good` and never names a color.
//!
//! A theme is TOML: one key per meaning, whose value is a list of style words. Four themes are
//! shipped. `dark` and `light` use the sixteen colors that the user has configured in the terminal,
//! and its default foreground and background. `safe` is for color vision without red-green
//! distinction. `plain` has no color.
//!
//! Nothing depends on the theme alone: objectives have digits, a trend has an arrow, a muted strip
//! says so. In `plain` all series look the same, and no information is lost.

mod depth;
mod reduce;
mod style_text;

use ratatui::style::Style;
use toml::de::{DeTable, DeValue};

use super::toml::{Entry, Faults};
use crate::nearest::{hint, nearest};

pub use depth::{ColorDepth, ColorWhen};

/// The number of series with a style of their own; the styles repeat for further series.
pub const N_SERIES: usize = 8;

/// Declares every meaning once: the field of [`Theme`] and the key in a theme's file.
macro_rules! meanings {
    ($($(#[$about:meta])* $field:ident $key:literal,)*) => {
        /// One style per meaning.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Theme {
            $($(#[$about])* pub $field: Style,)*
            /// The objectives' curves and names, by index; [`Theme::series`] repeats them where
            /// there are more.
            pub series: [Style; N_SERIES],
        }

        /// The keys of a theme's file, except `series`.
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
    /// Text without any other meaning. The whole screen is filled with it before anything is drawn.
    text "text",
    /// Less important than text: units, explanations beside a value.
    dim "dim",
    /// A panel's title.
    title "title",
    /// The border of a panel.
    border "border",
    /// The border of the focused panel.
    border_focus "border-focus",
    /// The selected entry of a list, or the name of the selected strip.
    selected "selected",
    /// Better than before.
    good "good",
    /// Worse than before, or in need of attention.
    bad "bad",
    /// Requested but not confirmed yet.
    pending "pending",
    /// Muted, or inactive because another strip is soloed.
    muted "muted",
    /// Soloed.
    solo "solo",
    /// A fader's track and handle.
    fader "fader",
    /// A meter of shares.
    share "share",
    /// Marks on a chart's axis, and guides.
    mark "mark",
    /// A chart's cursor and the values at it.
    cursor "cursor",
    /// Patched onto the style of the selected objective's curve.
    curve "curve",
    /// Patched onto a series' style for its raw values behind the smoothed ones.
    band "band",
    /// A key in the footer or the help.
    key "key",
    /// The run is training.
    state_live "state-live",
    /// The run is paused, or about to be.
    state_paused "state-paused",
    /// The run is a replay.
    state_replay "state-replay",
    /// The run has ended normally.
    state_ended "state-ended",
    /// The run has failed.
    state_failed "state-failed",
}

/// The shipped themes, in the order in which the desk cycles through them.
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

    /// The shipped theme with that name.
    pub fn shipped(name: &str) -> Option<Self> {
        let (name, text) = SHIPPED.iter().find(|(other, _)| *other == name)?;
        let (table, mut faults) = Faults::read(name, text);
        let mut theme = Self::default();
        let entries = faults.entries(table.get_ref());
        theme.overlay("", &entries, &mut faults);
        faults.finish().expect("a shipped theme has no fault");
        Some(theme)
    }

    /// The style of the objective with that index, counted from 0.
    pub fn series(&self, strip_idx: usize) -> Style {
        self.series[strip_idx % N_SERIES]
    }

    /// The theme in the colors of a terminal of that depth.
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

    /// A user's theme, based on the shipped one that it names as `based-on`, or on `dark`.
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

    /// Overrides the styles that have an entry.
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

    /// Every style with its key.
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
