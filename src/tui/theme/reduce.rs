//! Colours for terminals that have fewer of them.
//!
//! The nearest colour of the 256 is found by distance. Of the sixteen there is no nearest, since what
//! they look like is up to the terminal: the hue is kept, and bright stays bright. Either would show
//! two of Okabe and Ito's eight (2008) as one, so theirs are in a table.

use ratatui::style::{Color, Style};

use super::{ColorDepth, style_text::ANSI};

/// Okabe and Ito's colours but black, which is the terminal's own text here: the colour, the one of
/// the 256 with its hue, and one of the sixteen. Their orange and their yellow would both be the
/// sixteen's light yellow, and their two blues light blue.
const OKABE_ITO: [(Color, u8, Color); 7] = [
    (Color::Rgb(0xe6, 0x9f, 0x00), 214, Color::Yellow),
    (Color::Rgb(0x56, 0xb4, 0xe9), 74, Color::Cyan),
    (Color::Rgb(0x00, 0x9e, 0x73), 36, Color::Green),
    (Color::Rgb(0xf0, 0xe4, 0x42), 227, Color::LightYellow),
    (Color::Rgb(0x00, 0x72, 0xb2), 25, Color::LightBlue),
    (Color::Rgb(0xd5, 0x5e, 0x00), 166, Color::LightRed),
    (Color::Rgb(0xcc, 0x79, 0xa7), 175, Color::Magenta),
];

/// A style in the colours that there are.
pub(super) fn style(style: Style, depth: ColorDepth) -> Style {
    let mut reduced = style;
    reduced.fg = style.fg.and_then(|colour| reduce(colour, depth));
    reduced.bg = style.bg.and_then(|colour| reduce(colour, depth));
    reduced
}

/// A colour of those that there are; `None` where there is none.
fn reduce(colour: Color, depth: ColorDepth) -> Option<Color> {
    let by_hand = OKABE_ITO.iter().find(|(other, ..)| *other == colour);
    match (depth, colour) {
        (ColorDepth::None, _) => None,
        (ColorDepth::Ansi256, Color::Rgb(r, g, b)) => {
            let number = by_hand.map_or_else(|| nearest([r, g, b]), |(_, number, _)| *number);
            Some(Color::Indexed(number))
        }
        (ColorDepth::Ansi16, Color::Rgb(r, g, b)) => {
            Some(by_hand.map_or_else(|| ansi([r, g, b]), |(.., colour)| *colour))
        }
        (ColorDepth::Ansi16, Color::Indexed(number)) => Some(ansi(rgb(number))),
        (_, colour) => Some(colour),
    }
}

/// The steps of the 256 colours' cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// What a number of the 256 looks like. The first sixteen have no look of their own, and never get
/// here: they go by name.
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
    (16..=255).min_by_key(distance).expect("there are colours")
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
    fn colours_beyond_the_table_keep_their_hue() {
        for (colour, number, name) in [
            (Color::Rgb(255, 0, 0), 196, Color::LightRed),
            (Color::Rgb(128, 0, 0), 88, Color::Red),
            (Color::Rgb(0, 120, 130), 30, Color::Cyan),
            (Color::Rgb(255, 250, 240), 231, Color::White),
            (Color::Rgb(120, 120, 120), 243, Color::DarkGray),
            (Color::Rgb(0, 0, 0), 16, Color::Black),
        ] {
            assert_eq!(reduce(colour, ColorDepth::True), Some(colour));
            assert_eq!(reduce(colour, ColorDepth::Ansi256), Some(Color::Indexed(number)));
            assert_eq!(reduce(colour, ColorDepth::Ansi16), Some(name));
            assert_eq!(reduce(colour, ColorDepth::None), None);
        }
    }

    #[test]
    fn a_number_of_the_palette_is_itself_or_one_of_the_sixteen() {
        for number in 16..=255 {
            assert_eq!(nearest(rgb(number)), lowest_alike(number), "{number}");
            let colour = Color::Indexed(number);
            assert_eq!(reduce(colour, ColorDepth::Ansi256), Some(colour));
            let sixteen = reduce(colour, ColorDepth::Ansi16).unwrap();
            assert!(ANSI.iter().any(|(_, colour)| *colour == sixteen));
        }
        assert_eq!(reduce(Color::Indexed(208), ColorDepth::Ansi16), Some(Color::LightYellow));
    }

    /// Some greys are in the palette twice.
    fn lowest_alike(number: u8) -> u8 {
        (16..=number).find(|other| rgb(*other) == rgb(number)).unwrap()
    }

    #[test]
    fn what_the_table_says_has_the_hue_that_it_stands_for() {
        for (colour, number, _) in OKABE_ITO {
            let Color::Rgb(r, g, b) = colour else { panic!("{colour} is in red, green and blue") };
            let turned = (hue([r, g, b]) - hue(rgb(number))).abs();
            assert!(turned < 7.0, "{colour} and {number} are {turned} degrees apart");
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
