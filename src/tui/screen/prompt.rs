//! Draws prompts, and the confirmation of a stop.

use ratatui::{layout::Rect, style::Modifier};
use unicode_width::UnicodeWidthStr;

use super::paint::Paint;
use crate::tui::{Look, line::Line, view::Prompt};

/// A window of that height above the footer. If it is nearly as wide as the screen, it is made as
/// wide, as only slivers of what is under it would be visible.
pub(super) fn window(area: Rect, height: u16) -> Rect {
    let width = if area.width < 90 { area.width } else { 78 };
    let height = height.min(area.height.saturating_sub(1));
    let (x, y) = (area.x + (area.width - width) / 2, area.bottom() - 1 - height);
    Rect { x, y, width, height }
}

pub(super) fn draw(prompt: &Prompt, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let window = window(area, 4);
    paint.clear(window);
    let inner = paint.panel(window, &prompt.label(), true);
    line("", &prompt.line, inner.x, inner.y, inner.width, paint);
    let (text, style) = match &prompt.fault {
        Some(fault) => (fault.as_str(), theme.bad),
        None => (prompt.hint(), theme.dim),
    };
    paint.put(inner.x + 1, inner.bottom() - 1, inner.width.saturating_sub(2), text, style);
}

/// A text input that scrolls to its cursor. A text that typing replaces is shown as selected.
pub(super) fn line(mark: &str, line: &Line, x: u16, y: u16, width: u16, paint: &mut Paint) {
    let theme = paint.theme();
    let [before, under, after] = line.parts();
    let cursor = theme.text.add_modifier(Modifier::REVERSED);
    let room = usize::from(width.saturating_sub(4 + mark.len() as u16));
    // What does not fit is clipped at the left.
    let mut start = 0;
    while before[start..].width() > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    let end = paint.put(x + 1, y, width.saturating_sub(2), mark, theme.key);
    let style = if line.is_suggestion() { cursor } else { theme.text };
    let end = paint.put(end, y, (x + width).saturating_sub(end), &before[start..], style);
    let under = if under.is_empty() { " " } else { &under };
    let end = paint.put(end, y, (x + width).saturating_sub(end), under, cursor);
    paint.put(end, y, (x + width - 1).saturating_sub(end), &after, theme.text);
}

/// The confirmation of a stop, which takes another key than the one that asked.
pub(super) fn confirm_stop(look: &Look, area: Rect, paint: &mut Paint) {
    let theme = &look.theme;
    let window = window(area, 4);
    paint.clear(window);
    let inner = paint.panel(window, "stop this run?", true);
    let answers = [("y", "stop, evaluate, save and quit"), ("n", "continue training")];
    for (y, (key, text)) in (inner.y..inner.bottom()).zip(answers) {
        paint.put(inner.x + 1, y, 1, key, theme.key);
        paint.put(inner.x + 4, y, inner.width.saturating_sub(5), text, theme.text);
    }
}
