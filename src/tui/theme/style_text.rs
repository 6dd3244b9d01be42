//! The notation of styles: `bold light-red`, `dim`, `#56B4E9 on 235`, `reversed`, `default`.

use ratatui::style::{Color, Modifier, Style};

use crate::nearest::nearest;

/// The sixteen colors, in the order of their indices.
pub(super) const ANSI: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

/// Keeps the color below, which is finally the terminal's own.
const DEFAULT: &str = "default";

const WANTED: &str = "expected bold, dim, italic, underlined, reversed, crossed-out, default, the name \
                      of a color, 0 to 255 or #rrggbb";

/// Parses a style. The error lists all faults.
pub(super) fn style(text: &str) -> Result<Style, Vec<String>> {
    let mut style = Style::new();
    let mut wrong = Vec::new();
    let (mut foreground, mut background) = (None, None);
    let mut words = text.split_whitespace().peekable();
    if words.peek().is_none() {
        wrong.push(format!("empty style; {WANTED}"));
    }
    while let Some(word) = words.next() {
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*modifier);
            continue;
        }
        let (said, what, word) = if word == "on" {
            let Some(word) = words.next() else {
                wrong.push("no color after \"on\"".to_owned());
                break;
            };
            (&mut background, "background", word)
        } else {
            (&mut foreground, "text", word)
        };
        match color(word) {
            Err(why) => wrong.push(why),
            Ok(color) => {
                if let Some((first, _)) = said.replace((word, color)) {
                    wrong.push(format!("{first:?} and {word:?} both set the {what}; keep one"));
                }
            }
        }
    }
    style.fg = foreground.and_then(|(_, color)| color);
    style.bg = background.and_then(|(_, color)| color);
    if wrong.is_empty() { Ok(style) } else { Err(wrong) }
}

/// One color; `None` for `default`.
fn color(word: &str) -> Result<Option<Color>, String> {
    if word == DEFAULT {
        return Ok(None);
    }
    if let Some((_, color)) = ANSI.iter().find(|(name, _)| *name == word) {
        return Ok(Some(*color));
    }
    if let Some(digits) = word.strip_prefix('#') {
        let rgb = Some(digits).filter(|digits| digits.len() == 6 && digits.is_ascii());
        let rgb = rgb.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let wrong = || format!("invalid color {word:?}: expected # and six hexadecimal digits");
        return rgb.map(|rgb| Some(Color::from_u32(rgb))).ok_or_else(wrong);
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: Result<u8, _> = word.parse();
        let wrong = |_| format!("invalid color {word:?}: expected a number from 0 to 255");
        return number.map(|number| Some(indexed(number))).map_err(wrong);
    }
    let names = ANSI.iter().map(|(name, _)| *name);
    let names = names.chain(MODIFIERS.iter().map(|(name, _)| *name)).chain([DEFAULT, "on"]);
    Err(match nearest(word, names) {
        Some(name) => format!("no style or color named {word:?}; did you mean {name:?}?"),
        None => format!("no style or color named {word:?}; {WANTED}"),
    })
}

/// A color by its index. The first sixteen also have names, which give the same colors.
fn indexed(number: u8) -> Color {
    ANSI.get(usize::from(number)).map_or(Color::Indexed(number), |(_, color)| *color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_words_combine() {
        let new = Style::new;
        for (text, wanted) in [
            ("default", new()),
            ("default on default", new()),
            ("dim", new().add_modifier(Modifier::DIM)),
            ("bold light-red", new().fg(Color::LightRed).add_modifier(Modifier::BOLD)),
            ("light-red  bold", new().fg(Color::LightRed).add_modifier(Modifier::BOLD)),
            ("#56B4E9 on 235", new().fg(Color::Rgb(0x56, 0xb4, 0xe9)).bg(Color::Indexed(235))),
            ("black on yellow", new().fg(Color::Black).bg(Color::Yellow)),
            ("9", new().fg(Color::LightRed)),
            ("on blue", new().bg(Color::Blue)),
        ] {
            assert_eq!(style(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn all_faults_of_a_style_are_reported() {
        for (text, wanted) in [
            ("bald", &["no style or color named \"bald\"; did you mean \"bold\"?"][..]),
            ("grey", &["no style or color named \"grey\"; did you mean \"gray\"?"]),
            ("#12345", &["invalid color \"#12345\": expected # and six hexadecimal digits"]),
            ("#12345ä", &["invalid color \"#12345ä\": expected # and six hexadecimal digits"]),
            ("256", &["invalid color \"256\": expected a number from 0 to 255"]),
            ("red green", &["\"red\" and \"green\" both set the text; keep one"]),
            ("on red on blue", &["\"red\" and \"blue\" both set the background; keep one"]),
            ("red on", &["no color after \"on\""]),
            (
                "",
                &[
                    "empty style; expected bold, dim, italic, underlined, reversed, crossed-out, default, \
                  the name of a color, 0 to 255 or #rrggbb",
                ],
            ),
            (
                "bald #1 on loud",
                &[
                    "no style or color named \"bald\"; did you mean \"bold\"?",
                    "invalid color \"#1\": expected # and six hexadecimal digits",
                    "no style or color named \"loud\"; expected bold, dim, italic, underlined, \
                     reversed, crossed-out, default, the name of a color, 0 to 255 or #rrggbb",
                ],
            ),
        ] {
            assert_eq!(style(text).unwrap_err(), wanted, "{text}");
        }
    }
}
