//! The position of each panel by screen size. Any screen with room for a strip is accepted: as it
//! gets smaller, panels are dropped one after the other, the strips and the footer last.

use ratatui::layout::{Margin, Position, Rect, Size};

use crate::tui::chart::plot_area;

/// Which panels fill the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// All panels that fit.
    #[default]
    Overview,
    /// The chart, with one line per strip.
    Chart,
    /// The selected objective: its losses on train and dev, its metrics, its data and its state.
    Objective,
    /// The cosines between the objectives' gradients.
    Gradients,
    /// The shares in force, and those of the shadow rules.
    Shares,
    /// All scores of the selected strip: its metrics, its classes and their confusion matrix.
    Scores,
    /// Samples of the selected strip: examples of dev with gold and prediction.
    Samples,
    /// The corpora: how much of each has been used.
    Corpora,
    /// The time of each phase of a step, the throughput, and the state of the process.
    Health,
    /// The list of events.
    Events,
}

/// The panel that receives the keys whose meaning depends on the panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The strips.
    #[default]
    Desk,
    /// The chart.
    Chart,
    /// The list of events.
    Events,
    /// The samples.
    Samples,
}

/// The smallest screen that the desk is drawn on.
pub const SMALLEST: Size = Size { width: 40, height: 10 };

/// The smallest height with a scrub bar, in rows.
const SCRUB: u16 = 14;

/// The smallest height at which the tour has a row of its own; below it is in the footer.
const TOUR: u16 = 20;

/// What is shown in a row above the footer, where there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Nothing.
    None,
    /// The scrub bar of a replay.
    Scrub,
    /// The tour.
    Tour,
}

/// The smallest screen with a chart.
const CHART: Size = Size { width: 80, height: 20 };

/// The smallest screen with panels beside the chart.
const WIDE: Size = Size { width: 100, height: 30 };

/// The smallest screen with vertical strips.
const VERTICAL: Size = Size { width: 160, height: 45 };

/// The minimum width of a vertical strip, in columns.
const STRIP: u16 = 18;

/// The width of a vertical strip where there is room, in columns.
const WIDE_STRIP: u16 = 26;

/// The width of the scale beside the strips, in columns.
pub const SCALE: u16 = 5;

/// The width of the panels beside the chart, in columns.
const ASIDE: u16 = 40;

/// The width of the selected objective's values beside its chart, in columns.
const VALUES: u16 = 46;

/// The minimum height of the scores, in rows; on smaller screens they take the strips' rows.
const SCORES: u16 = 10;

/// The position of every visible panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Run, state and progress.
    pub header: Rect,
    /// The curves.
    pub chart: Option<Rect>,
    /// One row per objective.
    pub rows: Option<Rect>,
    /// One vertical strip per objective.
    pub strips: Option<Rect>,
    /// Dev scores.
    pub dev: Option<Rect>,
    /// The cosines between gradients.
    pub gradients: Option<Rect>,
    /// The shares of every rule.
    pub shares: Option<Rect>,
    /// The scores of the selected strip.
    pub scores: Option<Rect>,
    /// The values of the selected objective.
    pub objective: Option<Rect>,
    /// Its metrics; on small screens they are among the values.
    pub metrics: Option<Rect>,
    /// The samples of the selected strip.
    pub samples: Option<Rect>,
    /// The corpora.
    pub corpora: Option<Rect>,
    /// The time of each phase of a step.
    pub phases: Option<Rect>,
    /// The throughput over the steps.
    pub throughput: Option<Rect>,
    /// The state of the process.
    pub process: Option<Rect>,
    /// Speed, learning rate and gradient norm.
    pub health: Option<Rect>,
    /// The list of events.
    pub events: Option<Rect>,
    /// The scrub bar of a replay.
    pub scrub: Option<Rect>,
    /// The line of the tour; without it the tour is in the footer.
    pub tour: Option<Rect>,
    /// Keys, or the last message.
    pub footer: Rect,
}

impl Layout {
    /// The layout of a screen of that size, for a page, a number of strips, and a bar where there is
    /// room for it.
    pub fn new(area: Rect, page: Page, n_strips: usize, bar: Bar) -> Self {
        let [header, body] = from_top(area, 1);
        let [body, footer] = from_bottom(body, 1);
        let (has_scrub, has_tour) =
            (bar == Bar::Scrub && area.height >= SCRUB, bar == Bar::Tour && area.height >= TOUR);
        let [body, row] = from_bottom(body, u16::from(has_scrub || has_tour));
        let (scrub, tour) = (has_scrub.then_some(row), has_tour.then_some(row));
        let frame = Self { header, scrub, tour, footer, ..Self::default() };
        let size = Size::new(area.width, area.height);
        match page {
            Page::Overview if fits(size, VERTICAL) => frame.vertical(body, n_strips),
            Page::Overview if fits(size, WIDE) => frame.wide(body, n_strips),
            Page::Overview if fits(size, CHART) => frame.charted(body, n_strips),
            Page::Overview => Self { rows: Some(body), ..frame },
            Page::Chart => {
                let (chart, rows) = above_rows(body, rows_height(n_strips).min(body.height / 3));
                Self { chart: Some(chart), rows, ..frame }
            }
            Page::Objective => frame.of_objective(body, size, n_strips),
            Page::Gradients => {
                let (gradients, rows) =
                    above_rows(body, rows_height(n_strips).min(body.height / 2));
                Self { gradients: Some(gradients), rows, ..frame }
            }
            Page::Shares => {
                let (shares, rows) = above_rows(body, rows_height(n_strips).min(body.height / 2));
                Self { shares: Some(shares), rows, ..frame }
            }
            Page::Scores => {
                let height = rows_height(n_strips).min(body.height / 2);
                // A confusion matrix needs the rows more than the strips do, and its title names
                // its strip.
                let (scores, rows) = if body.height >= height + SCORES {
                    above_rows(body, height)
                } else {
                    (body, None)
                };
                Self { scores: Some(scores), rows, ..frame }
            }
            Page::Samples => {
                let (samples, rows) = above_rows(body, rows_height(n_strips).min(body.height / 3));
                Self { samples: Some(samples), rows, ..frame }
            }
            Page::Corpora => {
                let (corpora, rows) = above_rows(body, rows_height(n_strips).min(body.height / 3));
                Self { corpora: Some(corpora), rows, ..frame }
            }
            Page::Health => frame.of_health(body, size),
            Page::Events => Self { events: Some(body), ..frame },
        }
    }

    /// The position of a focused panel, if it is visible.
    pub fn place(&self, focus: Focus) -> Option<Rect> {
        match focus {
            Focus::Desk => self.rows.or(self.strips).or(self.objective),
            Focus::Chart => self.chart,
            Focus::Events => self.events,
            Focus::Samples => self.samples,
        }
    }

    /// The index of the strip at a screen position, given the number of strips and the selected
    /// one.
    pub fn strip_at(&self, place: Position, n_strips: usize, selected: usize) -> Option<usize> {
        let (first, offset) = if let Some(area) = self.rows {
            let rows = StripRows::new(area);
            let first = first_visible(n_strips, usize::from(rows.inner.height), selected);
            (first, place.y.checked_sub(rows.inner.y)?)
        } else {
            let strips = strips_inside(self.strips?);
            let width = strip_width(strips.width, n_strips);
            let first = first_visible(n_strips, usize::from(strips.width / width), selected);
            (first, place.x.checked_sub(strips.x)? / width)
        };
        Some(first + usize::from(offset)).filter(|idx| *idx < n_strips)
    }

    /// The plot area of the chart, inside border, labels and axis; empty without a chart.
    pub fn plot(&self) -> Rect {
        self.chart.map_or(Rect::ZERO, |chart| plot_area(chart.inner(Margin::new(1, 1))))
    }

    /// The chart with the values beside it, and the metrics below; on small screens only values.
    fn of_objective(self, body: Rect, size: Size, n_strips: usize) -> Self {
        if !fits(size, CHART) {
            return Self { objective: Some(body), ..self };
        }
        let (top, rows) = if fits(size, WIDE) {
            above_rows(body, rows_height(n_strips).min(body.height / 4))
        } else {
            (body, None)
        };
        let [top, metrics] = from_bottom(top, (top.height / 3).min(16));
        let [chart, values] = from_right(top, VALUES.min(top.width / 2));
        let (chart, metrics, objective) = (Some(chart), Some(metrics), Some(values));
        Self { chart, rows, objective, metrics, ..self }
    }

    /// The phases with the process beside them, and the throughput below; on small screens only the
    /// phases.
    fn of_health(self, body: Rect, size: Size) -> Self {
        if !fits(size, CHART) {
            return Self { phases: Some(body), ..self };
        }
        let [top, throughput] = from_bottom(body, body.height * 2 / 5);
        let [phases, process] = from_right(top, ASIDE.min(top.width / 2));
        let (phases, throughput, process) = (Some(phases), Some(throughput), Some(process));
        Self { phases, throughput, process, ..self }
    }

    fn charted(self, body: Rect, n_strips: usize) -> Self {
        let [rest, rows] = from_bottom(body, rows_height(n_strips).min(body.height / 2));
        let n_events = if rest.height >= 13 { 5 } else { 0 };
        let [rest, events] = from_bottom(rest, n_events);
        // The strips are between the chart and the events.
        let [chart, rows] = [rest, Rect { y: rest.bottom(), ..rows }];
        let events = Rect { y: rows.bottom(), ..events };
        let events = (events.height > 0).then_some(events);
        Self { chart: Some(chart), rows: Some(rows), events, ..self }
    }

    fn wide(self, body: Rect, n_strips: usize) -> Self {
        let [top, rows] = from_bottom(body, rows_height(n_strips).min(body.height / 3));
        let [top, events] = from_bottom(top, (body.height / 5).max(5));
        let rows = Rect { y: top.bottom(), ..rows };
        let events = Rect { y: rows.bottom(), ..events };
        let [chart, aside] = from_right(top, ASIDE);
        let [dev, gradients] = halves(aside, n_strips);
        let (chart, rows, dev, events) = (Some(chart), Some(rows), Some(dev), Some(events));
        Self { chart, rows, dev, gradients: Some(gradients), events, ..self }
    }

    fn vertical(self, body: Rect, n_strips: usize) -> Self {
        let [top, events] = from_bottom(body, (body.height / 6).max(6));
        let [top, bottom] = from_bottom(top, (top.height * 9 / 20).clamp(16, 26));
        let [chart, aside] = from_right(top, ASIDE + 10);
        let [strips, health] = from_right(bottom, ASIDE + 10);
        let [dev, gradients] = halves(aside, n_strips);
        Self {
            chart: Some(chart),
            strips: Some(strips),
            dev: Some(dev),
            gradients: Some(gradients),
            health: Some(health),
            events: Some(events),
            ..self
        }
    }
}

/// The panel of strips as rows.
#[derive(Clone, Copy, Debug)]
pub struct StripRows {
    /// Whether there is room for a border and column headings.
    pub bordered: bool,
    /// The area of the rows.
    pub inner: Rect,
}

impl StripRows {
    /// The rows within a panel.
    pub fn new(area: Rect) -> Self {
        let bordered = area.height > 4 && area.width >= 60;
        let inner = if bordered {
            let inner = area.inner(Margin::new(1, 1));
            Rect { y: inner.y + 1, height: inner.height - 1, ..inner }
        } else {
            area
        };
        Self { bordered, inner }
    }
}

/// The track of the scrub bar within its row.
pub fn scrub_track(area: Rect) -> Rect {
    area.inner(Margin::new(1, 0))
}

/// The area of vertical strips within their panel, beside the scale.
pub fn strips_inside(area: Rect) -> Rect {
    let inner = area.inner(Margin::new(1, 1));
    let scale = SCALE.min(inner.width);
    Rect { x: inner.x + scale, width: inner.width - scale, ..inner }
}

/// The width of each vertical strip, for a panel of that width and that many strips.
pub fn strip_width(width: u16, n_strips: usize) -> u16 {
    (width / n_strips.clamp(1, 99) as u16).clamp(STRIP, WIDE_STRIP)
}

/// The index of the first visible strip, such that the selected one is visible.
pub fn first_visible(n_all: usize, n_shown: usize, selected: usize) -> usize {
    if n_all <= n_shown {
        return 0;
    }
    (selected + 1).saturating_sub(n_shown).min(n_all - n_shown)
}

fn fits(size: Size, least: Size) -> bool {
    size.width >= least.width && size.height >= least.height
}

/// The height of the panel of strips: border, column headings, and one row per strip.
fn rows_height(n_strips: usize) -> u16 {
    n_strips.clamp(1, 12) as u16 + 3
}

/// Scores above, gradients below: as many rows as they need, if available.
fn halves(aside: Rect, n_strips: usize) -> [Rect; 2] {
    let wanted = n_strips.min(20) as u16 + 3;
    from_top(aside, wanted.min(aside.height.div_ceil(2)))
}

/// One panel above the strips, or alone where the strips would have no room.
fn above_rows(body: Rect, height: u16) -> (Rect, Option<Rect>) {
    let [above, rows] = from_bottom(body, height);
    if height > 2 { (above, Some(rows)) } else { (body, None) }
}

fn from_top(area: Rect, height: u16) -> [Rect; 2] {
    let height = height.min(area.height);
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    [Rect { height, ..area }, below]
}

fn from_bottom(area: Rect, height: u16) -> [Rect; 2] {
    from_top(area, area.height.saturating_sub(height))
}

fn from_right(area: Rect, width: u16) -> [Rect; 2] {
    let width = width.min(area.width);
    let left = Rect { width: area.width - width, ..area };
    [left, Rect { x: left.right(), width, ..area }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn panels(layout: &Layout) -> Vec<Rect> {
        let Layout { header, chart, rows, strips, dev, footer, .. } = *layout;
        let Layout { gradients, shares, scores, samples, corpora, health, events, scrub, .. } =
            *layout;
        let Layout { objective, metrics, phases, throughput, process, tour, .. } = *layout;
        let some = [
            chart, rows, strips, dev, gradients, shares, scores, samples, corpora, health, events,
            scrub, objective, metrics, phases, throughput, process, tour,
        ];
        some.into_iter().flatten().chain([header, footer]).collect()
    }

    proptest! {
        #[test]
        fn panels_fill_the_screen_and_never_overlap(
            width in SMALLEST.width..300, height in SMALLEST.height..120, n_strips in 0usize..30,
            bar in prop::sample::select(vec![Bar::None, Bar::Scrub, Bar::Tour]),
            page in prop::sample::select(vec![
                Page::Overview, Page::Chart, Page::Objective, Page::Gradients, Page::Shares,
                Page::Scores, Page::Samples, Page::Corpora, Page::Health, Page::Events,
            ]),
        ) {
            let area = Rect::new(0, 0, width, height);
            let panels = panels(&Layout::new(area, page, n_strips, bar));
            let cells: u32 = panels.iter().map(|panel| panel.area()).sum();
            prop_assert_eq!(cells, area.area());
            for (at, panel) in panels.iter().enumerate() {
                prop_assert!(area.intersection(*panel) == *panel);
                for other in &panels[at + 1..] {
                    prop_assert!(panel.intersection(*other).is_empty(), "{panel:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn panels_are_dropped_one_after_the_other() {
        let shown = |width, height| {
            let area = Rect::new(0, 0, width, height);
            let layout = Layout::new(area, Page::Overview, 4, Bar::None);
            let panels = [layout.strips, layout.rows, layout.chart, layout.dev, layout.events];
            panels.map(|panel| panel.is_some())
        };
        assert_eq!(shown(200, 60), [true, false, true, true, true]);
        assert_eq!(shown(120, 40), [false, true, true, true, true]);
        assert_eq!(shown(80, 24), [false, true, true, false, true]);
        assert_eq!(shown(80, 20), [false, true, true, false, false]);
        assert_eq!(shown(40, 10), [false, true, false, false, false]);
    }
}
