//! The characters that the desk is drawn with, in three sets: for modern terminals, for the Linux
//! console, and for any terminal.
//!
//! Every character is one cell wide. Each meaning has a distinct character in every set, so that
//! nothing depends on color alone.

mod sets;

use ratatui::symbols::border;

use super::Environment;

pub use sets::{ASCII, BLOCK, BRAILLE};

/// One of the three glyph sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    /// Charts in braille, bars in eighths of a cell.
    #[default]
    Braille,
    /// Blocks and box-drawing lines, as far as the Linux console's font has them.
    Block,
    /// ASCII only.
    Ascii,
}

/// The choice on the command line or in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphChoice {
    /// Chosen by locale and terminal.
    #[default]
    Auto,
    /// That set, regardless of locale and terminal.
    Set(GlyphSet),
}

const CHOICES: &[(&str, GlyphChoice)] = &[
    ("auto", GlyphChoice::Auto),
    ("braille", GlyphChoice::Set(GlyphSet::Braille)),
    ("block", GlyphChoice::Set(GlyphSet::Block)),
    ("ascii", GlyphChoice::Set(GlyphSet::Ascii)),
];

impl GlyphChoice {
    /// The names of all choices.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        CHOICES.iter().map(|(name, _)| *name)
    }

    /// The choice with that name.
    pub fn named(name: &str) -> Option<Self> {
        CHOICES.iter().find(|(other, _)| *other == name).map(|(_, choice)| *choice)
    }

    /// The name of this choice.
    pub fn name(self) -> &'static str {
        let choice = CHOICES.iter().find(|(_, choice)| *choice == self);
        choice.expect("every choice has a name").0
    }

    /// The characters to draw with.
    pub fn glyphs(self, environment: &Environment) -> &'static Glyphs {
        match self {
            Self::Set(set) => set.glyphs(),
            Self::Auto if !environment.is_utf8() => &ASCII,
            Self::Auto if environment.get("TERM") == Some("linux") => &BLOCK,
            Self::Auto => &BRAILLE,
        }
    }
}

impl GlyphSet {
    /// The characters of this set.
    pub fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Braille => &BRAILLE,
            Self::Block => &BLOCK,
            Self::Ascii => &ASCII,
        }
    }
}

/// The characters of one set.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Which set it is: a chart has more than one way to draw a line.
    pub set: GlyphSet,
    /// The border of a panel.
    pub border: border::Set<'static>,
    /// The border of the focused panel.
    pub border_focus: border::Set<'static>,
    /// A fader's track below the gain in force.
    pub fader_filled: &'static str,
    /// The rest of the track.
    pub fader_empty: &'static str,
    /// A vertical fader's track below the gain in force.
    pub vertical_filled: &'static str,
    /// The rest of that track.
    pub vertical_empty: &'static str,
    /// The handle, at the gain in force.
    pub fader_handle: &'static str,
    /// The requested gain while it is not in force yet: hollow.
    pub fader_pending: &'static str,
    /// The gain in the recipe.
    pub fader_configured: &'static str,
    /// A cell of a bar that grows to the right, in eighths; see [`eighths`].
    pub bar: [&'static str; 9],
    /// A cell of a bar that grows upwards, in eighths.
    pub column: [&'static str; 9],
    /// A sparkline's levels; the lowest one is still a mark, as there is a value.
    pub spark: [&'static str; 8],
    /// Increased.
    pub up: &'static str,
    /// Decreased.
    pub down: &'static str,
    /// Unchanged.
    pub level: &'static str,
    /// In front of the selected item of a list or the selected strip.
    pub selected: &'static str,
    /// Text was truncated here.
    pub ellipsis: &'static str,
    /// A separator on one line.
    pub dot: &'static str,
    /// A live run that trains, or a replay that plays.
    pub playing: &'static str,
    /// A paused run or replay.
    pub paused: &'static str,
    /// The left arrow key in the footer.
    pub key_left: &'static str,
    /// The right arrow key in the footer.
    pub key_right: &'static str,
    /// The up arrow key in the footer.
    pub key_up: &'static str,
    /// The down arrow key in the footer.
    pub key_down: &'static str,
    /// An objective's digit by its index: its key, and its mark in the chart and the legend. The
    /// tenth is 0; all later ones share the last mark and have no key.
    pub digits: [&'static str; 11],
}

impl Glyphs {
    /// The mark of the objective with that index, counted from 0.
    pub fn digit(&self, strip_idx: usize) -> &'static str {
        self.digits[strip_idx.min(self.digits.len() - 1)]
    }
}

/// The number of filled eighths of one cell, for a fraction between 0 and 1: 0 only if the fraction
/// is 0, 8 only if it is 1. NaN counts as 0.
pub fn eighths(part: f32) -> usize {
    if part.is_nan() || part <= 0.0 {
        0
    } else if part >= 1.0 {
        8
    } else {
        ((part * 8.0).round() as usize).clamp(1, 7)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_width::UnicodeWidthStr;

    use super::*;

    const ALL: [&Glyphs; 3] = [&BRAILLE, &BLOCK, &ASCII];

    /// Beyond ASCII, the characters of the PC's boot font, which is the Linux console's until
    /// another one is loaded.
    const CONSOLE: &str = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐\
                           ¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤\
                           ⌠⌡÷≈°∙·√ⁿ²■";

    /// All characters but the names of keys.
    fn cells(glyphs: &Glyphs) -> Vec<&'static str> {
        let mut cells = vec![
            glyphs.fader_filled,
            glyphs.fader_empty,
            glyphs.vertical_filled,
            glyphs.vertical_empty,
            glyphs.fader_handle,
            glyphs.fader_pending,
            glyphs.fader_configured,
            glyphs.up,
            glyphs.down,
            glyphs.level,
            glyphs.selected,
            glyphs.ellipsis,
            glyphs.dot,
            glyphs.playing,
            glyphs.paused,
        ];
        for border in [glyphs.border, glyphs.border_focus] {
            cells.extend([border.top_left, border.top_right, border.bottom_left]);
            cells.extend([border.bottom_right, border.vertical_left, border.vertical_right]);
            cells.extend([border.horizontal_top, border.horizontal_bottom]);
        }
        cells.extend(glyphs.bar.iter().chain(&glyphs.column).chain(&glyphs.spark));
        cells.extend(glyphs.digits);
        cells
    }

    fn differ(glyphs: &[&str]) -> bool {
        glyphs.iter().collect::<BTreeSet<_>>().len() == glyphs.len()
    }

    #[test]
    fn every_character_is_one_cell_wide() {
        for glyphs in ALL {
            for cell in cells(glyphs) {
                assert_eq!((cell.chars().count(), cell.width()), (1, 1), "{cell:?}");
            }
        }
    }

    #[test]
    fn each_set_has_only_characters_that_its_terminals_show() {
        for cell in cells(&ASCII) {
            assert!(cell.is_ascii(), "{cell}");
        }
        assert!(ASCII.key_left.is_ascii() && ASCII.key_up.is_ascii());
        for cell in cells(&BLOCK) {
            assert!(cell.is_ascii() || CONSOLE.contains(cell), "{cell}");
        }
    }

    #[test]
    fn glyphs_of_different_meaning_differ() {
        for glyphs in ALL {
            assert!(differ(&[glyphs.up, glyphs.down, glyphs.level]));
            let marks = [glyphs.fader_handle, glyphs.fader_pending, glyphs.fader_configured];
            for way in [
                [glyphs.fader_filled, glyphs.fader_empty],
                [glyphs.vertical_filled, glyphs.vertical_empty],
            ] {
                assert!(differ(&[&way[..], &marks].concat()), "{:?}", glyphs.set);
            }
            assert!(differ(&glyphs.digits));
            assert_ne!(glyphs.border, glyphs.border_focus);
            assert_ne!(glyphs.playing, glyphs.paused);
        }
    }

    #[test]
    fn only_zero_and_one_give_empty_and_full_cells() {
        for (part, n_eighths) in [
            (f32::NAN, 0),
            (-1.0, 0),
            (0.0, 0),
            (0.001, 1),
            (0.5, 4),
            (0.999, 7),
            (1.0, 8),
            (f32::INFINITY, 8),
        ] {
            assert_eq!(eighths(part), n_eighths, "{part}");
        }
        for glyphs in ALL {
            assert_ne!(glyphs.bar[0], glyphs.bar[8]);
            assert_ne!(glyphs.column[0], glyphs.column[8]);
        }
    }

    #[test]
    fn locale_and_terminal_determine_the_default_glyphs() {
        for (locale, term, choice, set) in [
            ("C.UTF-8", "xterm-256color", "auto", GlyphSet::Braille),
            ("C.UTF-8", "linux", "auto", GlyphSet::Block),
            ("C", "xterm-256color", "auto", GlyphSet::Ascii),
            ("C", "linux", "auto", GlyphSet::Ascii),
            ("C", "xterm", "braille", GlyphSet::Braille),
            ("C.UTF-8", "xterm", "ascii", GlyphSet::Ascii),
        ] {
            let environment = [("LANG", locale), ("TERM", term)].into_iter().collect();
            let choice = GlyphChoice::named(choice).unwrap();
            assert_eq!(choice.glyphs(&environment).set, set, "{locale} {term} {choice:?}");
        }
        assert!(GlyphChoice::names().all(|name| GlyphChoice::named(name).unwrap().name() == name));
    }

    #[test]
    fn strips_beyond_the_tenth_share_a_mark() {
        assert_eq!((BRAILLE.digit(0), BRAILLE.digit(8), BRAILLE.digit(9)), ("1", "9", "0"));
        assert_eq!(BRAILLE.digit(10), BRAILLE.digit(99));
    }
}
