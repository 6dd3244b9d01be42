//! The list of events, the latest at the bottom.

use std::fmt::Write;

use ratatui::layout::Rect;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    state::hms,
    tui::view::{Class, Focus},
};

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let list = &view.events;
    let mut title = format!("events {}", run.log.len());
    if list.class != Class::All {
        let _ = write!(title, "  only {}s", list.class.name());
    }
    if !list.filter.is_empty() {
        let _ = write!(title, "  /{}", list.filter);
    }
    let has_focus = view.focus == Focus::Events;
    let inner = paint.panel(area, &title, has_focus);
    let height = usize::from(inner.height);
    // The selected row is in the middle, unless the latest rows fit.
    let mut rows: Vec<_> = match list.selected {
        None => list.rows(run).take(height).collect(),
        Some(selected) => {
            let n_younger = list.rows(run).take_while(|row| row.number > selected).count();
            let skipped = (n_younger + height / 2 + 1).saturating_sub(height);
            list.rows(run).skip(skipped).take(height).collect()
        }
    };
    rows.reverse();
    if rows.is_empty() {
        let text = if list.filter.is_empty() { "none yet" } else { "none contains that text" };
        paint.put(inner.x + 1, inner.y, inner.width, text, theme.dim);
    }
    let selected = list.selected(run).map(|row| row.number).filter(|_| has_focus);
    for (y, row) in (inner.y..inner.bottom()).zip(rows) {
        let class = Class::of(row.event);
        let tag = match class {
            Class::Moves => theme.mark,
            Class::Scores => theme.good,
            Class::Notes => theme.solo,
            Class::Faults => theme.bad,
            Class::Run | Class::All => theme.dim,
        };
        let is_chosen = selected == Some(row.number);
        let text = if is_chosen { theme.selected } else { theme.text };
        let step = numbers::step(row.event.step().0);
        paint.put_right(inner.x, y, 7, &step, theme.dim);
        let mut x = inner.x + 8;
        if inner.width >= 60 {
            paint.put(x, y, 8, &hms(row.event.at_ms()), theme.dim);
            x += 9;
        }
        paint.put(x, y, 5, class.name(), tag);
        x += 6;
        paint.put(x, y, inner.right().saturating_sub(x), row.text, text);
    }
}
