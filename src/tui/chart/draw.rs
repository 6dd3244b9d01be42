//! Draws curves onto the canvas: the smoothed line, the range of the raw losses behind it, and
//! outliers.

use super::{
    canvas::{Canvas, Layer},
    curve::Column,
    scale::Scale,
};

/// A column's values as rows of dots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// The rows of the maximum and minimum loss.
    span: Option<(usize, usize)>,
    /// The row of the smoothed line.
    point: Option<usize>,
    starts: bool,
    is_broken: bool,
}

/// The rows of all columns of all curves; each value's logarithm is computed once.
pub(super) fn placed(columns: &[Column], scale: &Scale) -> Vec<Placed> {
    let place = |column: &Column| Placed {
        span: column.range.map(|(least, largest)| (scale.row(largest), scale.row(least))),
        point: column.point.map(|point| scale.row(point)),
        starts: column.starts,
        is_broken: column.is_broken,
    };
    columns.iter().map(place).collect()
}

/// The part of the columns, at each end, whose raw losses the scale may leave out.
const OUTLYING: f64 = 0.1;

/// How far the scale extends beyond the curves for other raw losses, as a part of their range.
const MARGIN: f64 = 0.25;

/// The range of the scale, for the columns of each curve and whether its band is drawn: the curves
/// and the bulk of the band, and of all other raw losses those that leave the curves most of the
/// plot. Values beyond it are drawn at the edge. Without smoothing it is that of all losses.
pub(super) fn range<'a>(
    curves: impl Iterator<Item = (&'a [Column], bool)> + Clone,
    (is_log, is_smoothed): (bool, bool),
) -> Option<(f32, f32)> {
    // Values without a logarithm are drawn at the edge too.
    let is_shown = |value: &f32| !is_log || *value > 0.0;
    let points = curves.clone().flat_map(|(columns, _)| columns.iter().filter_map(|it| it.point));
    let bulk = curves.clone().filter(|(_, has_band)| *has_band).flat_map(|(columns, _)| {
        let sorted = |end: fn((f32, f32)) -> f32| {
            let values = columns.iter().filter_map(|it| it.range.map(end)).filter(is_shown);
            let mut values: Vec<f32> = values.collect();
            values.sort_unstable_by(f32::total_cmp);
            values
        };
        let (least, largest) = (sorted(|range| range.0), sorted(|range| range.1));
        let n_outlying = (least.len() as f64 * OUTLYING) as usize;
        let largest = largest.into_iter().rev().nth(n_outlying);
        least.get(n_outlying).copied().into_iter().chain(largest)
    });
    let raw = curves
        .flat_map(|(columns, _)| columns.iter().filter_map(|it| it.range))
        .flat_map(|(least, largest)| [least, largest]);
    let ends = |values: &mut dyn Iterator<Item = f32>| {
        let both = values.filter(is_shown).map(|value| (value, value));
        both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    };
    let whole = ends(&mut raw.clone())?;
    let core = ends(&mut points.chain(bulk)).filter(|_| is_smoothed);
    let Some(core) = core else { return Some(whole) };
    let at = |value: f32| if is_log { f64::from(value).log10() } else { f64::from(value) };
    let value = |at: f64| (if is_log { 10f64.powf(at) } else { at }) as f32;
    let (lo, hi) = (at(core.0), at(core.1));
    // Around curves of one value, raw losses of about the same magnitude are shown.
    let least = if is_log { 0.15 } else { 0.4 * lo.abs().max(hi.abs()) };
    let margin = (MARGIN * (hi - lo)).max(least);
    let least = if at(whole.0) >= lo - margin { whole.0.min(core.0) } else { value(lo - margin) };
    let most = if at(whole.1) <= hi + margin { whole.1.max(core.1) } else { value(hi + margin) };
    Some((least, most))
}

/// The cells at the upper and the lower edge of the plot that stand for raw losses beyond it.
pub(super) fn outliers(canvas: &Canvas, columns: &[Column], scale: &Scale) -> Vec<(usize, Edge)> {
    let mut cells = Vec::new();
    for (x, column) in columns.iter().enumerate() {
        let Some((least, largest)) = column.range.filter(|_| !column.is_broken) else { continue };
        let (cell, _) = canvas.cell((x, 0));
        let beyond = [(scale.is_above(largest), Edge::Upper), (scale.is_below(least), Edge::Lower)];
        let new = beyond.into_iter().filter(|(is_beyond, _)| *is_beyond);
        cells.extend(new.map(|(_, edge)| (cell, edge)));
    }
    cells
}

/// An edge of the plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Upper,
    Lower,
}

/// Draws the line and returns the dot at its end.
pub(super) fn line(canvas: &mut Canvas, columns: &[Placed], owner: u8) -> Option<(usize, usize)> {
    let (mut before, mut end) = (None, None);
    for (x, column) in columns.iter().enumerate() {
        if column.is_broken || column.starts {
            before = None;
        }
        let Some(y) = column.point.filter(|_| !column.is_broken) else { continue };
        match before {
            Some(before) => canvas.line(owner, before, (x, y)),
            None => canvas.dot(Layer::Line, owner, (x, y)),
        }
        before = Some((x, y));
        end = before;
    }
    end
}

/// Draws the range of the raw losses: its edges in full, and a quarter of the dots between them.
/// Where the line has a gap, the band has one too.
pub(super) fn band(canvas: &mut Canvas, columns: &[Placed], owner: u8) {
    let whole = columns.iter().enumerate().filter(|(_, column)| !column.is_broken);
    for (x, (top, bottom)) in whole.filter_map(|(x, column)| Some((x, column.span?))) {
        canvas.dot(Layer::Band, owner, (x, top));
        canvas.dot(Layer::Band, owner, (x, bottom));
        if canvas.is_shaded(x) {
            let first = top + top % 2;
            (first..bottom).step_by(2).for_each(|y| canvas.dot(Layer::Band, owner, (x, y)));
        }
    }
}

/// Draws raw losses that are far from the line, where no band shows them: further than twice the
/// usual distance, as otherwise every column would have one.
pub(super) fn whiskers(canvas: &mut Canvas, columns: &[Placed], owner: u8) {
    let reaches = || {
        columns.iter().enumerate().filter_map(|(x, column)| {
            let (middle, (top, bottom)) = (column.point?, column.span?);
            Some((x, top.min(middle), middle, bottom.max(middle)))
        })
    };
    let usual = |mut all: Vec<usize>| {
        let middle = all.len() / 2;
        if all.is_empty() { 0 } else { *all.select_nth_unstable(middle).1 }
    };
    let up = usual(reaches().map(|(_, top, middle, _)| middle - top).collect());
    let down = usual(reaches().map(|(_, _, middle, bottom)| bottom - middle).collect());
    let [far_up, far_down] = [up, down].map(|usual| (2 * usual).max(3));
    for (x, top, middle, bottom) in reaches() {
        if middle - top > far_up {
            (top..middle).step_by(2).for_each(|y| canvas.dot(Layer::Band, owner, (x, y)));
        }
        if bottom - middle > far_down {
            let from_below = (middle + 1..=bottom).rev().step_by(2);
            from_below.for_each(|y| canvas.dot(Layer::Band, owner, (x, y)));
        }
    }
}
