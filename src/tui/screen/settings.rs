//! The list of live settings with their values; Enter prompts for the selected one.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, paint::Paint, prompt};
use crate::tui::layout::first_visible;

/// The maximum number of visible rows.
const MOST: u16 = 12;

pub(super) fn draw(frame: FrameData, selected: usize, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let all = frame.view.live_settings(frame.run);
    let n_rows = (all.len().max(1) as u16).min(MOST).min(area.height.saturating_sub(4));
    let window = prompt::window(area, n_rows + 3);
    paint.clear(window);
    let inner = paint.panel(window, "live settings   Enter sets one   Esc closes", true);
    let widest = all.iter().map(|shown| shown.path.width()).max().unwrap_or_default() as u16;
    let path_width = widest.min(inner.width / 2);
    let first = first_visible(all.len(), usize::from(n_rows), selected);
    let rows = all.iter().enumerate().skip(first);
    for (y, (at, shown)) in (inner.y..inner.y + n_rows).zip(rows) {
        let style = if at == selected { theme.selected } else { theme.text };
        if at == selected {
            paint.symbol(inner.x, y, paint.glyphs().selected, theme.key);
        }
        paint.put(inner.x + 1, y, path_width, &shown.path, style);
        let x = inner.x + path_width + 3;
        let room = inner.right().saturating_sub(x + 1);
        match &shown.pending {
            Some(pending) => paint.put(x, y, room, pending, theme.pending),
            None => paint.put(x, y, room, &shown.value, theme.text),
        };
    }
    if let Some(shown) = all.get(selected) {
        let (y, width) = (inner.bottom() - 1, inner.width.saturating_sub(2));
        paint.put(inner.x + 1, y, width, shown.about, theme.dim);
    }
}
