//! The top line: the run, its state and its progress. The least important parts are dropped first
//! where there is no room.

use ratatui::{layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    protocol::{Command, event::Ended},
    state::{Run, hms, run_name},
    tui::{
        Glyphs, Theme,
        view::{DeskMode, Playing, View},
    },
};

/// A part of the line and its priority: the largest number is dropped first.
struct Part {
    text: String,
    style: Style,
    rank: u8,
}

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let mut parts = parts(frame);
    let width = |parts: &[Part]| -> usize { parts.iter().map(|part| part.text.width() + 2).sum() };
    while width(&parts) > usize::from(area.width) {
        let least = parts.iter().map(|part| part.rank).max().filter(|rank| *rank > 0);
        let Some(least) = least else { break };
        parts.retain(|part| part.rank != least);
    }
    let mut x = area.x + 1;
    for part in parts {
        x = paint.put(x, area.y, area.right().saturating_sub(x), &part.text, part.style) + 2;
    }
}

fn parts(FrameData { run, view, look, .. }: FrameData) -> Vec<Part> {
    let theme = &look.theme;
    let mut parts = Vec::new();
    let mut add = |rank: u8, style: Style, text: String| parts.push(Part { text, style, rank });
    add(9, theme.title, "auxdesk".to_owned());
    if let Some(header) = &run.header {
        let name = run_name(&header.name, &header.started);
        let started = name.strip_prefix(&header.name).unwrap_or_default().trim_start_matches('-');
        add(2, theme.text, header.name.clone());
        add(8, theme.dim, started.to_owned());
    }
    let (state, style) = state(run, view, theme, look.glyphs);
    add(0, style, state);
    if view.frozen {
        add(0, theme.state_paused, "FROZEN".to_owned());
    }
    if view.mode == DeskMode::Observe {
        add(3, theme.state_paused, "OBSERVE".to_owned());
    }
    let step = match run.plan.steps {
        0 => format!("step {}", numbers::grouped(run.step.0)),
        steps => {
            let percent = (run.step.0 as f64 / steps as f64 * 100.0).min(100.0);
            let (step, steps) = (numbers::grouped(run.step.0), numbers::grouped(steps));
            format!("step {step}/{steps} {percent:.0}%")
        }
    };
    add(0, theme.text, step);
    if let Some(epochs) = run.epochs() {
        add(6, theme.dim, format!("epoch {epochs:.2}"));
    }
    if run.ended.is_none() {
        if let Some(step_ms) = run.pace.step_ms().filter(|step_ms| *step_ms > 0.0) {
            add(7, theme.dim, format!("{} st/s", numbers::rate(1000.0 / step_ms)));
        }
        if let Some(pace) = run.pace.tokens_per_second() {
            add(3, theme.text, format!("{} tok/s", numbers::rate(pace)));
        }
        if let Some(left_ms) = run.left_ms() {
            add(2, theme.text, format!("ETA {}", hms(left_ms)));
        }
    } else {
        add(2, theme.text, format!("took {}", hms(run.at_ms)));
    }
    if !run.alerts.is_empty() {
        add(1, theme.bad, format!("!{}", numbers::counted(run.alerts.len(), "alert")));
    }
    if run.missed > 0 {
        add(1, theme.bad, format!("missed {}", numbers::grouped(run.missed)));
    }
    if !view.pending.is_empty() {
        add(5, theme.pending, format!("{} pending", view.pending.len()));
    }
    parts
}

/// The state of the run in one word.
fn state(run: &Run, view: &View, theme: &Theme, glyphs: &Glyphs) -> (String, Style) {
    let (playing, paused) = (glyphs.playing, glyphs.paused);
    if let DeskMode::Replay(Playing { playing: plays, speed, seeking }) = view.mode {
        let mark = if plays { playing } else { paused };
        let seeking = seeking.map(|part| format!(" seeking {}", numbers::percent(part)));
        let text = format!("{mark} REPLAY {speed}x{}", seeking.unwrap_or_default());
        return (text, theme.state_replay);
    }
    if let Some(ended) = &run.ended {
        return match ended.ended {
            Ended::Finished => ("FINISHED".to_owned(), theme.state_ended),
            Ended::Stopped => ("STOPPED".to_owned(), theme.state_ended),
            Ended::Failed => ("FAILED".to_owned(), theme.state_failed),
        };
    }
    if view.disconnected {
        ("DISCONNECTED".to_owned(), theme.state_failed)
    } else if view.stopping {
        ("STOPPING".to_owned(), theme.state_paused)
    } else if view.pending.has_any(|command| *command == Command::Pause) {
        ("PAUSING".to_owned(), theme.state_paused)
    } else if run.paused {
        (format!("{paused} PAUSED"), theme.state_paused)
    } else {
        (format!("{playing} LIVE"), theme.state_live)
    }
}
