//! Draws text and borders into a buffer: clipped to their columns, with an ellipsis where they are
//! too long.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::{
    printable::printable,
    tui::{Glyphs, Look, Theme},
};

/// A buffer, with the theme and glyphs to draw with.
pub(super) struct Paint<'a> {
    buffer: &'a mut Buffer,
    look: &'a Look,
}

impl<'a> Paint<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buffer, look }
    }

    pub(super) fn theme(&self) -> &'a Theme {
        &self.look.theme
    }

    pub(super) fn glyphs(&self) -> &'static Glyphs {
        self.look.glyphs
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// Clears an area, in the style of plain text.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        let text = self.look.theme.text;
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                cell.reset();
                cell.set_style(text);
            }
        }
    }

    /// Writes a text into at most `width` columns and returns the next column. A text that is too
    /// long ends with an ellipsis. Names and notes in it come from others: what could control the
    /// terminal or would not be seen is escaped.
    pub(super) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x >= area.right() {
            return x;
        }
        let width = width.min(area.right() - x);
        let text = &*printable(text);
        let is_ascii = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let n_columns = if is_ascii { text.len() } else { text.width() };
        if n_columns <= usize::from(width) {
            return self.write(x, y, width, text, style, is_ascii);
        }
        let ellipsis = self.look.glyphs.ellipsis;
        let Some(left) = width.checked_sub(ellipsis.width() as u16) else { return x };
        let end = self.write(x, y, left, text, style, is_ascii);
        self.write(end, y, x + width - end, ellipsis, style, ellipsis.is_ascii())
    }

    /// Writes a text right-aligned, so that it ends before the column `x + width`.
    pub(super) fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        let text = &*printable(text);
        let n_columns = text.width().min(usize::from(width)) as u16;
        self.put(x + width - n_columns, y, n_columns, text, style);
    }

    /// Fills a row with one character.
    pub(super) fn fill(&mut self, x: u16, y: u16, width: u16, symbol: &'static str, style: Style) {
        for x in x..x.saturating_add(width) {
            self.symbol(x, y, symbol, style);
        }
    }

    /// Draws one character in one cell.
    pub(super) fn symbol(&mut self, x: u16, y: u16, symbol: &'static str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }

    /// Draws a border with a title; returns the area inside.
    pub(super) fn panel(&mut self, area: Rect, title: &str, has_focus: bool) -> Rect {
        let (theme, glyphs) = (self.theme(), self.glyphs());
        let (set, style) = if has_focus {
            (&glyphs.border_focus, theme.border_focus)
        } else {
            (&glyphs.border, theme.border)
        };
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        self.fill(area.x, area.y, area.width, set.horizontal_top, style);
        self.fill(area.x, bottom, area.width, set.horizontal_bottom, style);
        for y in area.y..=bottom {
            self.symbol(area.x, y, set.vertical_left, style);
            self.symbol(right, y, set.vertical_right, style);
        }
        self.symbol(area.x, area.y, set.top_left, style);
        self.symbol(right, area.y, set.top_right, style);
        self.symbol(area.x, bottom, set.bottom_left, style);
        self.symbol(right, bottom, set.bottom_right, style);
        if area.width > 6 && !title.is_empty() {
            let width = (title.width() as u16).min(area.width - 6);
            // Otherwise a title would be dim where the border is.
            self.clear(Rect { x: area.x + 2, width: width + 2, height: 1, ..area });
            let style = if has_focus { style.patch(theme.title) } else { theme.title };
            self.put(area.x + 3, area.y, width, title, style);
        }
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    fn write(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style, ascii: bool) -> u16 {
        if !ascii {
            return self.buffer.set_stringn(x, y, text, usize::from(width), style).0;
        }
        // Nearly all text of a frame: no wide or combining characters to handle.
        let mut x = x;
        for c in text.bytes().take(usize::from(width)) {
            let cell = &mut self.buffer[(x, y)];
            cell.set_char(char::from(c));
            cell.set_style(style);
            x += 1;
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screen::tests::look;

    fn put(width: u16, text: &str) -> String {
        let look = look();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        Paint::new(&mut buffer, &look).put(0, 0, width, text, Style::new());
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
    }

    #[test]
    fn a_long_text_ends_with_an_ellipsis_within_its_columns() {
        assert_eq!(put(8, "chunk"), "chunk       ");
        assert_eq!(put(4, "chunk"), "chu…        ");
        assert_eq!(put(5, "漢字かな"), "漢 字 …       ");
        assert_eq!(put(0, "chunk"), " ".repeat(12));
    }

    #[test]
    fn names_contain_no_control_sequences() {
        assert_eq!(put(12, "a\u{1b}[2J"), "a\\u{1b}[2J  ");
        assert_eq!(put(12, "a\u{202e}b"), "a\\u{202e}b  ");
    }
}
