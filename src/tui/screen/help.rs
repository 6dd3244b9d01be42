//! Every key in every scope, searchable; generated from the table of actions.

use ratatui::layout::Rect;

use super::{FrameData, paint::Paint, prompt};
use crate::tui::{
    line::Line,
    view::action::{ACTIONS, Action, Spec},
};

/// The width of the keys, in columns.
const KEYS: u16 = 18;

pub(super) fn draw(
    frame: FrameData,
    search: &Line,
    searching: bool,
    scroll: usize,
    area: Rect,
    paint: &mut Paint,
) {
    let theme = paint.theme();
    let (width, height) = (prompt::window(area, 0).width, area.height.saturating_sub(2));
    let window = Rect { x: area.x + (area.width - width) / 2, y: area.y + 1, width, height };
    paint.clear(window);
    let inner = paint.panel(window, "keys   / search   Esc closes", true);
    let mut y = inner.y;
    if searching || !search.is_empty() {
        let [before, under, after] = search.parts();
        let text = format!("/{before}{}{after}", if under.is_empty() { "_" } else { &under });
        paint.put(inner.x + 1, y, inner.width - 2, &text, theme.pending);
        y += 1;
    }
    let found = found(&frame, &search.text());
    let n_rows = usize::from(inner.bottom().saturating_sub(y));
    let scroll = scroll.min(found.len().saturating_sub(n_rows));
    if found.is_empty() {
        paint.put(inner.x + 1, y, inner.width - 2, "no matching key", theme.dim);
    }
    for (y, (keys, spec)) in (y..inner.bottom()).zip(found.iter().skip(scroll)) {
        let valid = (spec.valid)(frame.view, frame.run);
        let text = if valid { theme.text } else { theme.dim };
        paint.put(inner.x + 1, y, KEYS - 1, keys, if valid { theme.key } else { theme.dim });
        let x = inner.x + KEYS + 1;
        let about_width = inner.width.saturating_sub(KEYS + 11);
        paint.put(x, y, about_width, spec.about, text);
        paint.put_right(inner.right().saturating_sub(9), y, 8, spec.scope.name(), theme.dim);
    }
}

/// The rows of the help that match the search, with their keys.
fn found(frame: &FrameData, search: &str) -> Vec<(String, &'static Spec)> {
    let search = search.to_lowercase();
    let row = |spec: &'static Spec| {
        if spec.about.is_empty() {
            return None;
        }
        let keys = frame.keymap.keys(spec).iter();
        let keys: Vec<String> = keys.map(|key| key.shown(frame.look.glyphs)).collect();
        let keys = match spec.action {
            Action::Strip(_) => "1 .. 9".to_owned(),
            _ => keys.join("  "),
        };
        let text = format!("{keys} {} {} {}", spec.name, spec.about, spec.scope.name());
        let text = text.to_lowercase();
        search.split_whitespace().all(|word| text.contains(word)).then_some((keys, spec))
    };
    ACTIONS.iter().filter_map(row).collect()
}
