//! The state of the process: time, data, memory, the journal and the screen. A replay has no process, so
//! its values are missing there.

use ratatui::layout::Rect;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    state::{Run, count, hms},
    tui::view::ProcessHealth,
};

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let inner = paint.panel(area, "process", false);
    let process = view.process.as_ref();
    let or_none = |text: Option<String>| text.unwrap_or_else(numbers::none);
    let mut rows: Vec<(&str, String)> = vec![
        ("memory", memory(process)),
        ("journal lag", or_none(process.map(|it| count(it.journal_lag, "event")))),
        ("frames missed", or_none(process.map(|it| numbers::grouped(it.frames_missed)))),
        ("events missed", numbers::grouped(run.missed)),
        ("time", hms(run.at_ms)),
        ("steps", numbers::grouped(run.step.0)),
        ("tokens", numbers::grouped(run.usage.tokens)),
        ("evaluations", evaluations(run)),
        ("alerts", run.alerts.len().to_string()),
        ("parameters", numbers::grouped(run.plan.parameters)),
    ];
    if let Some(header) = &run.header {
        rows.push(("threads", header.threads.to_string()));
        rows.push(("device", format!("{} {}", header.device, header.kernel)));
        rows.push(("auxdesk", header.auxdesk.clone()));
    }
    for (y, (head, text)) in (inner.y..inner.bottom()).zip(rows) {
        paint.put(inner.x + 1, y, 14, head, theme.dim);
        paint.put(inner.x + 16, y, inner.width.saturating_sub(17), &text, theme.text);
    }
}

/// The most important of it in one line.
pub(super) fn line(run: &Run, process: Option<&ProcessHealth>) -> String {
    let lag = process.map_or_else(numbers::none, |process| numbers::whole(process.journal_lag));
    format!("memory {}  lag {lag}  missed {}", memory(process), numbers::whole(run.missed))
}

fn memory(process: Option<&ProcessHealth>) -> String {
    let bytes = process.and_then(|process| process.resident_bytes);
    bytes.map_or_else(numbers::none, |bytes| format!("{} MiB", numbers::grouped(bytes >> 20)))
}

fn evaluations(run: &Run) -> String {
    let part = run.timing.evaluated_fraction().filter(|part| *part > 0.0);
    let part = part.map(|part| format!(", {} of the time", numbers::percent(part)));
    format!("{}{}", run.timing.evaluations.count(), part.unwrap_or_default())
}
