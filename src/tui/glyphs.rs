//! The characters that the desk is drawn with, in three sets: what modern terminals show, what the
//! Linux console shows, and what everything shows.
//!
//! Every character is one cell wide. What has a meaning has a shape of its own in every set, so
//! that nothing is told by colour alone.

mod sets;

use ratatui::symbols::border;

use super::Environment;

pub use sets::{ASCII, BLOCK, BRAILLE};

/// One of the three sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    /// Charts in braille, bars in eighths of a cell.
    #[default]
    Braille,
    /// Blocks and box lines, as far as the Linux console's own font has them.
    Block,
    /// Nothing beyond ASCII.
    Ascii,
}

/// What was asked for, on the command line or in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphChoice {
    /// What the locale and the terminal are made for.
    #[default]
    Auto,
    /// That set, whatever they say.
    Set(GlyphSet),
}

const CHOICES: &[(&str, GlyphChoice)] = &[
    ("auto", GlyphChoice::Auto),
    ("braille", GlyphChoice::Set(GlyphSet::Braille)),
    ("block", GlyphChoice::Set(GlyphSet::Block)),
    ("ascii", GlyphChoice::Set(GlyphSet::Ascii)),
];

impl GlyphChoice {
    /// Everything that can be asked for, by name.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        CHOICES.iter().map(|(name, _)| *name)
    }

    /// The choice of that name.
    pub fn named(name: &str) -> Option<Self> {
        CHOICES.iter().find(|(other, _)| *other == name).map(|(_, choice)| *choice)
    }

    /// What it is called.
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
    /// Around a panel.
    pub border: border::Set<'static>,
    /// Around the panel that keys go to.
    pub border_focus: border::Set<'static>,
    /// A fader's way, below the gain in force and beyond it.
    pub fader_filled: &'static str,
    /// The rest of the way.
    pub fader_empty: &'static str,
    /// The way of a fader that stands, below the gain in force.
    pub upright_filled: &'static str,
    /// The rest of that way.
    pub upright_empty: &'static str,
    /// The gain in force.
    pub fader_handle: &'static str,
    /// The gain that was wished for and is not in force yet: hollow.
    pub fader_pending: &'static str,
    /// The gain that the recipe gave.
    pub fader_configured: &'static str,
    /// A cell of a bar that grows to the right, in eighths; see [`eighths`].
    pub bar: [&'static str; 9],
    /// A cell of a bar that grows upwards, in eighths.
    pub column: [&'static str; 9],
    /// A sparkline's levels, the lowest of which is still a mark: there is a value.
    pub spark: [&'static str; 8],
    /// Went up.
    pub up: &'static str,
    /// Went down.
    pub down: &'static str,
    /// Stayed.
    pub level: &'static str,
    /// Before what is selected in a list or among strips.
    pub selected: &'static str,
    /// Something was cut off here.
    pub ellipsis: &'static str,
    /// Between things on one line.
    pub dot: &'static str,
    /// Going: a live run, or a replay that plays.
    pub playing: &'static str,
    /// Standing: a paused run or replay.
    pub paused: &'static str,
    /// The key, as a footer names it.
    pub key_left: &'static str,
    /// The key, as a footer names it.
    pub key_right: &'static str,
    /// The key, as a footer names it.
    pub key_up: &'static str,
    /// The key, as a footer names it.
    pub key_down: &'static str,
    /// An objective's digit by its place: its key, and its mark in the chart and in the legend. The
    /// tenth is 0, and what comes after has none and shares the last.
    pub digits: [&'static str; 11],
}

impl Glyphs {
    /// The mark of the objective in that place, counted from 0.
    pub fn digit(&self, strip_idx: usize) -> &'static str {
        self.digits[strip_idx.min(self.digits.len() - 1)]
    }
}

/// How many eighths of one cell are filled, for a part between 0 and 1: 0 only where there is
/// nothing, 8 only where it is full. What is no number is nothing.
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

    /// Beyond ASCII, the characters of the font that PCs start with, which is what the Linux
    /// console has until it is given another.
    const CONSOLE: &str = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐\
                           ¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤\
                           ⌠⌡÷≈°∙·√ⁿ²■";

    /// Everything but the names of keys, which are words.
    fn cells(glyphs: &Glyphs) -> Vec<&'static str> {
        let mut cells = vec![
            glyphs.fader_filled,
            glyphs.fader_empty,
            glyphs.upright_filled,
            glyphs.upright_empty,
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
    fn each_set_has_no_more_than_its_terminals_show() {
        for cell in cells(&ASCII) {
            assert!(cell.is_ascii(), "{cell}");
        }
        assert!(ASCII.key_left.is_ascii() && ASCII.key_up.is_ascii());
        for cell in cells(&BLOCK) {
            assert!(cell.is_ascii() || CONSOLE.contains(cell), "{cell}");
        }
    }

    #[test]
    fn what_has_a_meaning_has_a_shape() {
        for glyphs in ALL {
            assert!(differ(&[glyphs.up, glyphs.down, glyphs.level]));
            let marks = [glyphs.fader_handle, glyphs.fader_pending, glyphs.fader_configured];
            for way in [
                [glyphs.fader_filled, glyphs.fader_empty],
                [glyphs.upright_filled, glyphs.upright_empty],
            ] {
                assert!(differ(&[&way[..], &marks].concat()), "{:?}", glyphs.set);
            }
            assert!(differ(&glyphs.digits));
            assert_ne!(glyphs.border, glyphs.border_focus);
            assert_ne!(glyphs.playing, glyphs.paused);
        }
    }

    #[test]
    fn a_cell_is_empty_or_full_only_where_it_is() {
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
    fn the_locale_and_the_terminal_choose_where_nobody_does() {
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
