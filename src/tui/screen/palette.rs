//! The command palette: an input line with an action's name, and the matches above it.

use ratatui::layout::Rect;

use super::{FrameData, paint::Paint, prompt};
use crate::tui::layout::first_visible;
use crate::tui::view::Palette;

/// The maximum number of visible matches.
const MOST: u16 = 10;

pub(super) fn draw(frame: FrameData, palette: &Palette, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let matches = palette.matches();
    let n_rows = (matches.len().max(1) as u16).min(MOST).min(area.height.saturating_sub(4));
    let window = prompt::window(area, n_rows + 3);
    paint.clear(window);
    let inner = paint.panel(window, "command   Tab completes   Enter runs it", true);
    if matches.is_empty() {
        paint.put(inner.x + 1, inner.y, inner.width - 2, "no matching action", theme.dim);
    }
    let first = first_visible(matches.len(), usize::from(n_rows), palette.selected);
    let shown = matches.iter().enumerate().skip(first);
    for (y, (at, spec)) in (inner.y..inner.y + n_rows).zip(shown) {
        let valid = (spec.valid)(frame.view, frame.run);
        let style = match (at == palette.selected, valid) {
            (true, _) => theme.selected,
            (false, true) => theme.text,
            (false, false) => theme.dim,
        };
        if at == palette.selected {
            paint.symbol(inner.x, y, paint.glyphs().selected, theme.key);
        }
        paint.put(inner.x + 1, y, 16, spec.name, style);
        let keys = frame.keymap.keys(spec);
        let key = keys.first().map(|key| key.shown(paint.glyphs())).unwrap_or_default();
        paint.put(inner.x + 18, y, inner.width.saturating_sub(32), spec.about, theme.dim);
        paint.put_right(inner.right().saturating_sub(13), y, 12, &key, theme.key);
    }
    prompt::line(":", &palette.line, inner.x, inner.bottom() - 1, inner.width, paint);
}
