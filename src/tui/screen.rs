//! One frame of the desk: a function of the run, the view, and the terminal's capabilities. It
//! changes nothing; the position of each panel is decided in [`layout`](super::layout).

mod classes;
mod corpora;
mod desk;
mod dev;
mod events;
mod fader;
mod footer;
mod gradients;
mod header;
mod health;
mod help;
mod numbers;
mod objective;
mod paint;
mod palette;
mod phases;
mod process;
mod prompt;
mod samples;
mod scores;
mod scrub;
mod settings;
mod shares;
mod strips;
mod throughput;
mod tour;
mod trace;
mod weightings;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::UnicodeWidthStr;

use self::paint::Paint;
use super::{
    Look,
    chart::{Chart, ChartStyle, ChartView},
    layout::{Layout, SMALLEST},
    view::{Focus, Overlay, Page, View, keymap::Keymap},
};
use crate::state::Run;

/// The inputs of a frame.
#[derive(Clone, Copy)]
pub struct FrameData<'a> {
    /// The state to show.
    pub run: &'a Run,
    /// The desk's own state.
    pub view: &'a View,
    /// Styles and characters.
    pub look: &'a Look,
    /// The key bindings to name.
    pub keymap: &'a Keymap,
}

/// Draws a frame into the whole of `area`.
pub fn render(frame: FrameData, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let mut paint = Paint::new(buffer, frame.look);
    paint.clear(area);
    if area.width < SMALLEST.width || area.height < SMALLEST.height {
        too_small(&mut paint, area);
        return;
    }
    let FrameData { run, view, look, .. } = frame;
    let layout = Layout::new(area, view.page, run.strips.len(), view.bar());
    header::draw(frame, layout.header, &mut paint);
    if let Some(area) = layout.chart {
        let only = view.chart_of(run);
        let chart = chart(frame, &only);
        let title = format!("loss  {}", chart.title());
        let inner = paint.panel(area, &title, view.focus == Focus::Chart);
        chart.render(inner, paint.buffer());
    }
    if let Some(area) = layout.rows {
        desk::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.strips {
        strips::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.dev {
        dev::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.gradients {
        gradients::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.shares {
        shares::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.scores {
        scores::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.objective {
        objective::draw(frame, area, layout.metrics.is_none(), &mut paint);
    }
    if let Some(area) = layout.metrics {
        objective::metrics(frame, area, &mut paint);
    }
    if let Some(area) = layout.samples {
        samples::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.corpora {
        corpora::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.phases {
        phases::draw(frame, area, layout.process.is_none(), &mut paint);
    }
    if let Some(area) = layout.throughput {
        throughput::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.process {
        process::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.health {
        health::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.events {
        events::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.scrub {
        scrub::draw(frame, area, &mut paint);
    }
    if let Some(area) = layout.tour {
        tour::draw(frame, area, &mut paint);
    }
    // Without a row of its own the tour has that of the keys, while there is no message.
    let has_room = layout.tour.is_some() || view.message.is_some() || view.overlay.is_some();
    if view.tour.is_some() && !has_room {
        tour::draw(frame, layout.footer, &mut paint);
    } else {
        footer::draw(frame, layout.footer, &mut paint);
    }
    match &view.overlay {
        Some(Overlay::Help { search, searching, scroll }) => {
            help::draw(frame, search, *searching, *scroll, area, &mut paint);
        }
        Some(Overlay::Palette(palette)) => palette::draw(frame, palette, area, &mut paint),
        Some(Overlay::Settings { selected }) => settings::draw(frame, *selected, area, &mut paint),
        Some(Overlay::Weightings { selected }) => {
            weightings::draw(frame, *selected, area, &mut paint);
        }
        Some(Overlay::Prompt(prompt)) => prompt::draw(prompt, area, &mut paint),
        Some(Overlay::ConfirmStop) => prompt::confirm_stop(look, area, &mut paint),
        None => {}
    }
}

/// A buffer as lines of text, without trailing spaces.
pub fn lines(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let mut text = String::new();
    for row in buffer.content.chunks(width) {
        let start = text.len();
        // A wide character also covers the next cell.
        let mut skipped = 0;
        for cell in row {
            if skipped == 0 {
                text.push_str(cell.symbol());
            }
            skipped = skipped.max(cell.symbol().width()).saturating_sub(1);
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

/// The chart of a frame.
fn chart<'a>(frame: FrameData<'a>, chart_view: &'a ChartView) -> Chart<'a> {
    let FrameData { run, view, look, .. } = frame;
    let theme = &look.theme;
    let style = ChartStyle {
        markers: look.glyphs.set,
        series: &theme.series,
        dev: theme.text,
        selected: theme.curve,
        // The selected curve may be bold; its band is behind it.
        band: Style::new().remove_modifier(Modifier::BOLD).patch(theme.band),
        axis: theme.dim,
        moved: theme.mark,
        mark: theme.mark,
        broken: theme.bad,
        cursor: theme.cursor,
        readout: theme.text,
    };
    let selected = view.strip(run).map(|strip| &strip.name);
    Chart { run, view: chart_view, selected, shows_dev: view.page == Page::Objective, style }
}

fn too_small(paint: &mut Paint, area: Rect) {
    let text = format!("needs {}x{}", SMALLEST.width, SMALLEST.height);
    let style = paint.theme().text;
    paint.put(area.x, area.y + area.height / 2, area.width, &text, style);
}

#[cfg(test)]
mod tests;
