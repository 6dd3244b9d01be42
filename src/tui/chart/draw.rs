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

/// The minimum and maximum of what will be drawn.
pub(super) fn range(columns: &[Column], is_log: bool) -> Option<(f32, f32)> {
    let drawn = columns.iter().filter_map(|column| {
        let (least, largest) = column.range?;
        if !is_log || least > 0.0 {
            return Some((least, largest));
        }
        // Values without a logarithm are drawn at the edge of the plot.
        let point = column.point.filter(|&x| x > 0.0)?;
        Some((point, largest.max(point)))
    });
    drawn.reduce(|a, b| (if b.0 < a.0 { b.0 } else { a.0 }, if b.1 > a.1 { b.1 } else { a.1 }))
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
