//! Colours of a dark terminal: the sixteen, the cube and the greys of the 256, and those that a program
//! names itself.

use vt100::Color;

/// A colour as SVG writes it, and as the key that shapes are gathered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// What is behind everything.
pub(crate) const BACKGROUND: Rgb = Rgb(0x14, 0x18, 0x21);

/// Text that no colour is asked for.
const FOREGROUND: Rgb = Rgb(0xd7, 0xdc, 0xe6);

/// The sixteen colours: the light ones are what curves are drawn in, so none of them is loud, and each
/// can be told from its neighbours.
const SIXTEEN: [Rgb; 16] = [
    Rgb(0x2b, 0x31, 0x3e),
    Rgb(0xe0, 0x6c, 0x75),
    Rgb(0x8c, 0xc2, 0x6f),
    Rgb(0xd9, 0x9b, 0x55),
    Rgb(0x61, 0x9b, 0xe0),
    Rgb(0xbd, 0x7b, 0xd3),
    Rgb(0x4f, 0xb3, 0xbf),
    Rgb(0xc3, 0xc9, 0xd6),
    Rgb(0x69, 0x72, 0x86),
    Rgb(0xff, 0x7b, 0x85),
    Rgb(0xa8, 0xdb, 0x84),
    Rgb(0xf2, 0xcb, 0x6d),
    Rgb(0x86, 0xb6, 0xff),
    Rgb(0xde, 0x9a, 0xf3),
    Rgb(0x6e, 0xd9, 0xe8),
    Rgb(0xf5, 0xf7, 0xfb),
];

impl Rgb {
    /// This colour with so much of another in it.
    pub(crate) fn towards(self, other: Self, part: f32) -> Self {
        let mixed = |from: u8, to: u8| {
            let (from, to) = (f32::from(from), f32::from(to));
            (from + (to - from) * part).round() as u8
        };
        Self(mixed(self.0, other.0), mixed(self.1, other.1), mixed(self.2, other.2))
    }

    /// As SVG writes it.
    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colour of text.
pub(crate) fn foreground(color: Color) -> Rgb {
    rgb(color).unwrap_or(FOREGROUND)
}

/// The colour behind text.
pub(crate) fn background(color: Color) -> Rgb {
    rgb(color).unwrap_or(BACKGROUND)
}

fn rgb(color: Color) -> Option<Rgb> {
    Some(match color {
        Color::Default => return None,
        Color::Rgb(red, green, blue) => Rgb(red, green, blue),
        Color::Idx(idx @ 0..16) => SIXTEEN[usize::from(idx)],
        Color::Idx(idx @ 16..232) => {
            let level = |digit: u8| if digit == 0 { 0 } else { 55 + 40 * digit };
            let place = idx - 16;
            Rgb(level(place / 36), level(place / 6 % 6), level(place % 6))
        }
        Color::Idx(idx) => {
            let grey = 8 + 10 * (idx - 232);
            Rgb(grey, grey, grey)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cube_and_the_greys_are_where_every_terminal_has_them() {
        assert_eq!(foreground(Color::Idx(16)).hex(), "#000000");
        assert_eq!(foreground(Color::Idx(208)).hex(), "#ff8700");
        assert_eq!(foreground(Color::Idx(231)).hex(), "#ffffff");
        assert_eq!(foreground(Color::Idx(232)).hex(), "#080808");
        assert_eq!(foreground(Color::Idx(255)).hex(), "#eeeeee");
    }

    #[test]
    fn half_way_is_the_mean() {
        assert_eq!(Rgb(0, 10, 200).towards(Rgb(100, 20, 100), 0.5), Rgb(50, 15, 150));
    }
}
