//! Reduces colors for terminals with fewer of them.
//!
//! The nearest of the 256 colors is found by distance. The sixteen have no fixed appearance, so the
//! hue and brightness are kept instead. Either way would map two of Okabe and Ito's eight colors
//! (2008) to one, so these are in a table.

use ratatui::style::{Color, Style};

use super::{ColorDepth, style_text::ANSI};

/// Okabe and Ito's colors except black, which is the terminal's default text here: the color, the
/// one of the 256 with its hue, and one of the sixteen. By hue alone, orange and yellow would both
/// become light yellow, and both blues light blue.
const OKABE_ITO: [(Color, u8, Color); 7] = [
    (Color::Rgb(0xe6, 0x9f, 0x00), 214, Color::Yellow),
    (Color::Rgb(0x56, 0xb4, 0xe9), 74, Color::Cyan),
    (Color::Rgb(0x00, 0x9e, 0x73), 36, Color::Green),
    (Color::Rgb(0xf0, 0xe4, 0x42), 227, Color::LightYellow),
    (Color::Rgb(0x00, 0x72, 0xb2), 25, Color::LightBlue),
    (Color::Rgb(0xd5, 0x5e, 0x00), 166, Color::LightRed),
    (Color::Rgb(0xcc, 0x79, 0xa7), 175, Color::Magenta),
];

/// A style in the available colors.
pub(super) fn style(style: Style, depth: ColorDepth) -> Style {
    let mut reduced = style;
    reduced.fg = style.fg.and_then(|color| reduce(color, depth));
    reduced.bg = style.bg.and_then(|color| reduce(color, depth));
    reduced
}

/// The available color closest to a color; `None` without color.
fn reduce(color: Color, depth: ColorDepth) -> Option<Color> {
    let by_hand = OKABE_ITO.iter().find(|(other, ..)| *other == color);
    match (depth, color) {
        (ColorDepth::None, _) => None,
        (ColorDepth::Ansi256, Color::Rgb(r, g, b)) => {
            let number = by_hand.map_or_else(|| nearest([r, g, b]), |(_, number, _)| *number);
            Some(Color::Indexed(number))
        }
        (ColorDepth::Ansi16, Color::Rgb(r, g, b)) => {
            Some(by_hand.map_or_else(|| ansi([r, g, b]), |(.., color)| *color))
        }
        (ColorDepth::Ansi16, Color::Indexed(number)) => Some(ansi(rgb(number))),
        (_, color) => Some(color),
    }
}

/// The levels of the 256 colors' cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The RGB value of a palette index. The first sixteen have no fixed appearance and are handled by
/// name before.
fn rgb(number: u8) -> [u8; 3] {
    if number >= 232 {
        return [8 + 10 * (number - 232); 3];
    }
    let at = usize::from(number.saturating_sub(16));
    [STEPS[at / 36], STEPS[at / 6 % 6], STEPS[at % 6]]
}

fn nearest(wanted: [u8; 3]) -> u8 {
    let distance = |number: &u8| -> u32 {
        let parts = rgb(*number).into_iter().zip(wanted);
        parts.map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    (16..=255).min_by_key(distance).expect("there are colors")
}

/// The one of the sixteen with that hue.
fn ansi([r, g, b]: [u8; 3]) -> Color {
    let (least, most) = (r.min(g).min(b), r.max(g).max(b));
    let number = if most - least < 48 {
        match most {
            0..64 => 0,
            64..144 => 8,
            144..224 => 7,
            224.. => 15,
        }
    } else {
        let middle = least.midpoint(most);
        let hue = [r, g, b].map(|part| usize::from(part > middle));
        hue[0] + 2 * hue[1] + 4 * hue[2] + if most > 200 { 8 } else { 0 }
    };
    ANSI[number].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_outside_the_table_keep_their_hue() {
        for (color, number, name) in [
            (Color::Rgb(255, 0, 0), 196, Color::LightRed),
            (Color::Rgb(128, 0, 0), 88, Color::Red),
            (Color::Rgb(0, 120, 130), 30, Color::Cyan),
            (Color::Rgb(255, 250, 240), 231, Color::White),
            (Color::Rgb(120, 120, 120), 243, Color::DarkGray),
            (Color::Rgb(0, 0, 0), 16, Color::Black),
        ] {
            assert_eq!(reduce(color, ColorDepth::True), Some(color));
            assert_eq!(reduce(color, ColorDepth::Ansi256), Some(Color::Indexed(number)));
            assert_eq!(reduce(color, ColorDepth::Ansi16), Some(name));
            assert_eq!(reduce(color, ColorDepth::None), None);
        }
    }

    #[test]
    fn palette_indices_reduce_to_themselves_or_one_of_the_sixteen() {
        for number in 16..=255 {
            assert_eq!(nearest(rgb(number)), lowest_alike(number), "{number}");
            let color = Color::Indexed(number);
            assert_eq!(reduce(color, ColorDepth::Ansi256), Some(color));
            let sixteen = reduce(color, ColorDepth::Ansi16).unwrap();
            assert!(ANSI.iter().any(|(_, color)| *color == sixteen));
        }
        assert_eq!(reduce(Color::Indexed(208), ColorDepth::Ansi16), Some(Color::LightYellow));
    }

    /// Some grays are in the palette twice.
    fn lowest_alike(number: u8) -> u8 {
        (16..=number).find(|other| rgb(*other) == rgb(number)).unwrap()
    }

    #[test]
    fn the_table_keeps_the_hue_of_every_color() {
        for (color, number, _) in OKABE_ITO {
            let Color::Rgb(r, g, b) = color else { panic!("{color} is in red, green and blue") };
            let turned = (hue([r, g, b]) - hue(rgb(number))).abs();
            assert!(turned < 7.0, "{color} and {number} are {turned} degrees apart");
        }
    }

    /// In degrees.
    fn hue(rgb: [u8; 3]) -> f32 {
        let [r, g, b] = rgb.map(f32::from);
        let (least, most) = (r.min(g).min(b), r.max(g).max(b));
        let sixth = if most == r {
            ((g - b) / (most - least)).rem_euclid(6.0)
        } else if most == g {
            (b - r) / (most - least) + 2.0
        } else {
            (r - g) / (most - least) + 4.0
        };
        sixth * 60.0
    }
}
