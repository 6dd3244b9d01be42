//! A picture of the arms of a corpus: a panel for each metric, a row for each arm, a point for each seed and a line at their
//! mean; the spread of one arm as a band, and the mean of another as a dashed line.

use std::{fmt::Write as _, path::Path};

use crate::{
    plan::{Arm, Corpus, Metric, Picture},
    run::Kept,
};

/// The width of the arms' names, of a panel and of the space between two; the height of a row and of a heading.
const NAMES: f64 = 130.0;
const PANEL: f64 = 190.0;
const BETWEEN: f64 = 26.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 34.0;

/// The scores of an arm by seed.
struct Row<'a> {
    arm: &'a Arm,
    scores: Vec<f64>,
}

impl Row<'_> {
    fn mean(&self) -> Option<f64> {
        let n = self.scores.len() as f64;
        (n > 0.0).then(|| self.scores.iter().sum::<f64>() / n)
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean().unwrap_or(0.0);
        let squares: f64 = self.scores.iter().map(|score| (score - mean).powi(2)).sum();
        (squares / (self.scores.len() as f64 - 1.0).max(1.0)).sqrt()
    }
}

/// The picture as SVG; `None` if no arm has been trained.
pub(crate) fn svg(corpus: &Corpus, picture: &Picture, folder: &Path) -> Option<String> {
    let (n_rows, n_panels) = (corpus.arm.len() as f64, corpus.metrics.len() as f64);
    let (width, height) = (NAMES + n_panels * (PANEL + BETWEEN), HEAD + n_rows * ROW + 26.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (at, arm) in corpus.arm.iter().enumerate() {
        let (x, y) = (NAMES - 10.0, HEAD + (at as f64 + 0.7) * ROW);
        writeln!(svg, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", arm.name)
            .ok()?;
    }
    let mut is_empty = true;
    for (at, metric) in corpus.metrics.iter().enumerate() {
        let rows: Vec<Row<'_>> =
            corpus.arm.iter().map(|arm| row(corpus, arm, metric, folder)).collect();
        let left = NAMES + at as f64 * (PANEL + BETWEEN);
        is_empty &= panel(&mut svg, metric, &rows, picture, (left, height)).is_none();
    }
    svg.push_str("</svg>\n");
    (!is_empty).then_some(svg)
}

fn row<'a>(corpus: &Corpus, arm: &'a Arm, metric: &Metric, folder: &Path) -> Row<'a> {
    let kept = (1..).map_while(|seed| Kept::read(folder, corpus, arm, seed));
    Row { arm, scores: kept.filter_map(|kept| kept.score(&metric.of)).collect() }
}

fn panel(
    svg: &mut String,
    metric: &Metric,
    rows: &[Row<'_>],
    picture: &Picture,
    (left, height): (f64, f64),
) -> Option<()> {
    let all = || rows.iter().flat_map(|row| row.scores.iter().copied());
    let (least, most) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    let span = (most - least).max(1e-9);
    let place = |score: f64| left + (score - least) / span * PANEL;
    let of = |name: &str| rows.iter().find(|row| row.arm.name == name);
    writeln!(svg, "<text x=\"{left}\" y=\"16\" font-weight=\"bold\">{}</text>", metric.name)
        .ok()?;
    let (top, bottom) = (HEAD, height - 22.0);
    if let Some((row, mean)) = of(&picture.band).and_then(|row| Some((row, row.mean()?))) {
        let from = place((mean - row.deviation()).max(least));
        let to = place((mean + row.deviation()).min(most));
        writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#d6e4f5\"/>",
            to - from,
            bottom - top
        )
        .ok()?;
    }
    if let Some(mean) = of(&picture.line).and_then(Row::mean) {
        let x = place(mean);
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom:.1}\" stroke=\"#888888\" \
             stroke-dasharray=\"4 3\"/>"
        )
        .ok()?;
    }
    for (at, row) in rows.iter().enumerate() {
        let y = HEAD + (at as f64 + 0.5) * ROW;
        for score in &row.scores {
            let x = place(*score);
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#2f6fb3\" fill-opacity=\"0.6\"/>").ok()?;
        }
        if let Some(mean) = row.mean() {
            let (x, from, to) = (place(mean), y - 7.0, y + 7.0);
            writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.1}\" y2=\"{to:.1}\" stroke=\"#12395f\" stroke-width=\"2\"/>"
            )
            .ok()?;
        }
    }
    let digits = metric.decimals;
    for (score, anchor) in [(least, "start"), (most, "end")] {
        let (x, y) = (place(score), height - 8.0);
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{score:.digits$}</text>"
        )
        .ok()?;
    }
    Some(())
}
