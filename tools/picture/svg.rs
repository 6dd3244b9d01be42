//! A terminal's screen as SVG: shapes where a character is one, text where it is not.
//!
//! What has one colour is one path, and lines that go on are one rectangle: small files, and no seams
//! where cells meet. No style sheet and no class: a page that shows the picture may forbid both.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use vt100::{Cell, Screen};

use crate::{
    palette::{BACKGROUND, Rgb, background, foreground},
    shapes::{HEIGHT, Shape, WIDTH, shapes},
};

/// Around the screen.
const MARGIN: f32 = 14.0;

/// The width of a monospaced letter is 0.6 of its font's size, nearly everywhere.
const FONT_SIZE: f32 = 16.5;

/// From the top of a cell to the line that letters stand on.
const BASELINE: f32 = 15.0;

/// The first that there is; text keeps its columns in any of them.
const FONTS: &str =
    "ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',Consolas,'Liberation Mono',monospace";

/// How much of the background is in what is dim.
const DIM: f32 = 0.45;

/// How a dot's diameter compares with the way from one to the next, which is 5.
const DOT: f32 = 3.7;

/// The screen as an SVG document.
pub(crate) fn draw(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let mut layers = Layers::default();
    for y in 0..rows.get() {
        layers.row(screen, y, columns.get());
    }
    let width = f32::from(columns.get()) * WIDTH + 2.0 * MARGIN;
    let height = f32::from(rows.get()) * HEIGHT + 2.0 * MARGIN;
    let (width, height) = (Number(width), Number(height));
    let fill = BACKGROUND.hex();
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" font-family=\"{FONTS}\" \
         font-size=\"{FONT_SIZE}\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{fill}\"/>\n\
         <g transform=\"translate({0} {0})\">\n{layers}</g>\n</svg>\n",
        Number(MARGIN),
    )
}

/// What is drawn over what: backgrounds, then shapes, then text.
#[derive(Default)]
struct Layers {
    backgrounds: BTreeMap<Rgb, Outline>,
    shapes: BTreeMap<Rgb, Outline>,
    dots: BTreeMap<Rgb, String>,
    texts: BTreeMap<Ink, String>,
}

/// What one text element looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ink {
    color: Rgb,
    is_bold: bool,
    is_italic: bool,
}

/// A text that goes on from cell to cell.
struct Word {
    x: u16,
    text: String,
    n_columns: u16,
    ink: Ink,
}

impl Layers {
    fn row(&mut self, screen: &Screen, y: u16, columns: u16) {
        let mut word: Option<Word> = None;
        for x in 0..columns {
            let Some(cell) = screen.cell(y, x).filter(|cell| !cell.is_wide_continuation()) else {
                continue;
            };
            let width = if cell.is_wide() { 2 } else { 1 };
            let (color, behind) = colors(cell);
            let [left, top] = [f32::from(x) * WIDTH, f32::from(y) * HEIGHT];
            let right = left + f32::from(width) * WIDTH;
            if behind != BACKGROUND {
                self.backgrounds.entry(behind).or_default().rect([left, top, right, top + HEIGHT]);
            }
            if cell.underline() {
                let line = [left, top + BASELINE + 1.6, right, top + BASELINE + 2.8];
                self.shapes.entry(color).or_default().rect(line);
            }
            let text = cell.contents();
            let drawn = text.chars().next().and_then(shapes);
            if drawn.is_some() || text.trim().is_empty() {
                self.word(word.take(), y);
                for shape in drawn.unwrap_or_default() {
                    self.shape(&shape, color, [left, top]);
                }
                continue;
            }
            let ink = Ink { color, is_bold: cell.bold(), is_italic: cell.italic() };
            match &mut word {
                Some(word) if word.ink == ink => {
                    word.text.push_str(text);
                    word.n_columns += width;
                }
                _ => {
                    let next = Word { x, text: text.to_owned(), n_columns: width, ink };
                    self.word(word.replace(next), y);
                }
            }
        }
        self.word(word, y);
    }

    fn shape(&mut self, shape: &Shape, color: Rgb, [x, y]: [f32; 2]) {
        if let Shape::Dot([across, down]) = shape {
            let dots = self.dots.entry(color).or_default();
            // Writing into a string can't fail. A line of no length has round ends: a dot.
            let _ = write!(dots, "M{} {}h0", Number(x + across), Number(y + down));
            return;
        }
        let outline = self.shapes.entry(color).or_default();
        match shape {
            Shape::Rect([left, top, right, bottom]) => {
                outline.rect([x + left, y + top, x + right, y + bottom]);
            }
            Shape::Polygon(corners) => {
                for (at, [across, down]) in corners.iter().enumerate() {
                    let letter = if at == 0 { 'M' } else { 'L' };
                    let (x, y) = (Number(x + across), Number(y + down));
                    let _ = write!(outline.rest, "{letter}{x} {y}");
                }
                outline.rest.push('z');
            }
            Shape::Disc => outline.circle([x, y], 3.9, true),
            Shape::Ring => {
                outline.circle([x, y], 3.9, true);
                // The other way round, a hole.
                outline.circle([x, y], 2.5, false);
            }
            Shape::Dot(_) => {}
        }
    }

    fn word(&mut self, word: Option<Word>, y: u16) {
        let Some(Word { x, text, n_columns, ink }) = word else { return };
        let texts = self.texts.entry(ink).or_default();
        let [x, y] = [f32::from(x) * WIDTH, f32::from(y) * HEIGHT + BASELINE];
        let _ = write!(texts, "<text x=\"{}\" y=\"{}\"", Number(x), Number(y));
        if n_columns > 1 {
            let length = Number(f32::from(n_columns) * WIDTH);
            let _ = write!(texts, " textLength=\"{length}\"");
        }
        let _ = writeln!(texts, ">{}</text>", escaped(&text));
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (color, outline) in self.backgrounds.iter().chain(&self.shapes) {
            writeln!(f, "<path fill=\"{}\" d=\"{outline}\"/>", color.hex())?;
        }
        for (color, dots) in &self.dots {
            let color = color.hex();
            writeln!(
                f,
                "<path stroke=\"{color}\" stroke-width=\"{DOT}\" stroke-linecap=\"round\" d=\"{dots}\"/>"
            )?;
        }
        for (ink, texts) in &self.texts {
            write!(f, "<g fill=\"{}\"", ink.color.hex())?;
            if ink.is_bold {
                write!(f, " font-weight=\"700\"")?;
            }
            if ink.is_italic {
                write!(f, " font-style=\"italic\"")?;
            }
            write!(f, ">\n{texts}</g>\n")?;
        }
        Ok(())
    }
}

/// The filled shapes of one colour.
#[derive(Default)]
struct Outline {
    /// Left, top, right, bottom; each goes as far as its neighbours of the same height do.
    rects: Vec<[f32; 4]>,
    /// All else, as path data.
    rest: String,
}

impl Outline {
    fn rect(&mut self, rect: [f32; 4]) {
        let [left, top, right, bottom] = rect;
        let is_before =
            |other: &&mut [f32; 4]| (other[1], other[2], other[3]) == (top, left, bottom);
        // A cell may have more than one line, so the one that goes on is not always the last.
        match self.rects.iter_mut().rev().take(3).find(is_before) {
            Some(before) => before[2] = right,
            None => self.rects.push(rect),
        }
    }

    fn circle(&mut self, [x, y]: [f32; 2], radius: f32, clockwise: bool) {
        let sweep = u8::from(clockwise);
        let (left, y) = (Number(x + WIDTH / 2.0 - radius), Number(y + HEIGHT / 2.0));
        let (r, width) = (Number(radius), Number(2.0 * radius));
        let _ = write!(
            self.rest,
            "M{left} {y}a{r} {r} 0 1 {sweep} {width} 0a{r} {r} 0 1 {sweep} -{width} 0z"
        );
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for [left, top, right, bottom] in &self.rects {
            let (across, down) = (Number(right - left), Number(bottom - top));
            write!(f, "M{} {}h{across}v{down}h-{across}z", Number(*left), Number(*top))?;
        }
        f.write_str(&self.rest)
    }
}

/// The colours of a cell's text and behind it.
fn colors(cell: &Cell) -> (Rgb, Rgb) {
    let (mut color, mut behind) = (foreground(cell.fgcolor()), background(cell.bgcolor()));
    if cell.inverse() {
        std::mem::swap(&mut color, &mut behind);
    }
    if cell.dim() {
        color = color.towards(behind, DIM);
    }
    (color, behind)
}

/// A number as short as it can be told: two digits behind the point at most.
struct Number(f32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use vt100::Parser;

    use super::*;

    /// What is between the frame of a screen of six columns and one row, and its end.
    fn drawn(written: &str) -> String {
        let size = |n| NonZeroU16::new(n).unwrap();
        let mut parser = Parser::new(size(1), size(6), 0);
        parser.process(written.as_bytes());
        let svg = draw(parser.screen(), "a desk");
        let (_, rest) = svg.split_once("translate(14 14)\">\n").unwrap();
        rest.strip_suffix("</g>\n</svg>\n").unwrap().to_owned()
    }

    #[test]
    fn text_is_words_that_keep_their_columns() {
        assert_eq!(
            drawn("ab <c"),
            "<g fill=\"#d7dce6\">\n\
             <text x=\"0\" y=\"15\" textLength=\"20\">ab</text>\n\
             <text x=\"30\" y=\"15\" textLength=\"20\">&lt;c</text>\n</g>\n"
        );
    }

    #[test]
    fn a_border_that_goes_on_is_one_shape() {
        assert_eq!(
            drawn("\x1b[36m┌───"),
            "<path fill=\"#4fb3bf\" d=\"M4.4 9.4h35.6v1.2h-35.6zM4.4 9.4h1.2v10.6h-1.2z\"/>\n"
        );
    }

    #[test]
    fn braille_is_dots_of_its_colour() {
        assert_eq!(
            drawn(" \x1b[93m⠉"),
            "<path stroke=\"#f2cb6d\" stroke-width=\"3.7\" stroke-linecap=\"round\" \
             d=\"M12.5 2.5h0M17.5 2.5h0\"/>\n"
        );
    }

    #[test]
    fn bold_dim_and_reversed_are_seen() {
        assert_eq!(
            drawn("\x1b[1ma\x1b[0;7mb"),
            "<path fill=\"#d7dce6\" d=\"M10 0h10v20h-10z\"/>\n\
             <g fill=\"#141821\">\n<text x=\"10\" y=\"15\">b</text>\n</g>\n\
             <g fill=\"#d7dce6\" font-weight=\"700\">\n<text x=\"0\" y=\"15\">a</text>\n</g>\n"
        );
        assert!(drawn("\x1b[2ma").starts_with("<g fill=\"#7f848d\">"));
    }

    #[test]
    fn a_wide_character_has_two_columns() {
        assert_eq!(
            drawn("漢!"),
            "<g fill=\"#d7dce6\">\n<text x=\"0\" y=\"15\" textLength=\"30\">漢!</text>\n</g>\n"
        );
    }

    #[test]
    fn a_circle_is_drawn_and_a_ring_has_a_hole() {
        assert_eq!(drawn("●").matches('M').count(), 1);
        assert_eq!(drawn("○").matches('M').count(), 2);
    }
}
