//! The state of training: speed, learning rate, gradient norm, manual changes, non-finite losses.

use ratatui::layout::Rect;

use super::{FrameData, numbers, paint::Paint};
use crate::{protocol::Scene, state::hms, tui::view::DeskMode};

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let inner = paint.panel(area, "run", false);
    let mut rows: Vec<(&str, String)> = Vec::new();
    let or_none = |text: Option<String>| text.unwrap_or_else(numbers::none);
    if let Some(header) = &run.header {
        rows.push(("recipe", format!("{}  seed {}", header.name, header.seed)));
        let (device, kernel) = (&header.device, &header.kernel);
        rows.push(("device", format!("{device} {kernel}  {} threads", header.threads)));
    }
    rows.push(("parameters", numbers::grouped(run.plan.parameters)));
    rows.push(("time", hms(run.at_ms)));
    rows.push(("step time", or_none(run.pace.step_ms().map(|ms| format!("{ms:.1} ms")))));
    rows.push(("tokens", numbers::grouped(run.usage.tokens)));
    rows.push((
        "learning rate",
        or_none(run.latest.learning_rate.map(|rate| numbers::short(f64::from(rate)))),
    ));
    let norm = run.latest.gradient_norm.map(|norm| numbers::short(f64::from(norm)));
    rows.push(("gradient norm", or_none(norm)));
    for (corpus, drawn) in &run.usage.draws {
        rows.push(("drawn", format!("{} of {corpus}", numbers::grouped(*drawn))));
    }
    rows.push(("manual changes", run.manual.interventions.to_string()));
    for scene in [Scene::A, Scene::B] {
        let kept = run.manual.scenes.get(&scene);
        let text = kept.map(|kept| format!("{} saved at step {}", scene.letter(), kept.step));
        rows.push(("scene", text.unwrap_or_else(|| format!("{} empty", scene.letter()))));
    }
    let saved = run.checkpoints.last();
    rows.push(("saved", or_none(saved.map(|saved| format!("{} at {}", saved.name, saved.step)))));
    rows.push(("alerts", run.alerts.len().to_string()));
    if matches!(view.mode, DeskMode::Live | DeskMode::Observe) {
        rows.push(("events missed", numbers::grouped(run.missed)));
    }
    for (y, (head, text)) in (inner.y..inner.bottom()).zip(rows) {
        paint.put(inner.x + 1, y, 14, head, theme.dim);
        paint.put(inner.x + 16, y, inner.width.saturating_sub(17), &text, theme.text);
    }
}
