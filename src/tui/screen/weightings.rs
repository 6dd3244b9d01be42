//! The list of weighting rules; Enter sets one, Space shows its shares beside those in force.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, paint::Paint, prompt};
use crate::tui::layout::first_visible;

/// The maximum number of visible rows.
const MOST: u16 = 14;

/// The maximum width of a rule with its options, in columns.
const NOTATION: u16 = 34;

/// What the letters are.
const NOTE: &str = "letters: shadow rules, whose shares are marked on the faders, not applied";

pub(super) fn draw(frame: FrameData, selected: usize, area: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let all = frame.view.weightings(frame.run);
    let n_rows = (all.len() as u16).min(MOST).min(area.height.saturating_sub(4));
    let window = prompt::window(area, n_rows + 3);
    paint.clear(window);
    let inner = paint.panel(window, "weighting   Enter sets   Space compares   e edits", true);
    let longest = all.iter().map(|shown| shown.notation.width()).max().unwrap_or_default() as u16;
    let width = longest.min(NOTATION).min(inner.width / 2);
    let first = first_visible(all.len(), usize::from(n_rows), selected);
    for (y, (at, shown)) in (inner.y..inner.y + n_rows).zip(all.iter().enumerate().skip(first)) {
        let style = if at == selected { theme.selected } else { theme.text };
        if at == selected {
            paint.symbol(inner.x, y, glyphs.selected, theme.key);
        }
        match (shown.is_in_force, shown.is_pending) {
            (_, true) => paint.symbol(inner.x + 1, y, glyphs.fader_pending, theme.pending),
            (true, false) => paint.symbol(inner.x + 1, y, glyphs.fader_handle, theme.fader),
            (false, false) => {}
        }
        let mark = shown.letter.map(String::from);
        let mark = mark.as_deref().unwrap_or(if shown.is_shadow { "?" } else { " " });
        paint.put(inner.x + 3, y, 1, mark, theme.mark);
        paint.put(inner.x + 5, y, width, &shown.notation, style);
        let x = inner.x + 5 + width + 2;
        paint.put(x, y, inner.right().saturating_sub(x + 1), shown.about, theme.dim);
    }
    let (y, width) = (inner.bottom() - 1, inner.width.saturating_sub(2));
    paint.put(inner.x + 1, y, width, NOTE, theme.dim);
}
