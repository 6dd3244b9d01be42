//! The classes of the selected strip: scores per class and the confusion matrix.
//!
//! The classes that are most frequent in gold come first. A row of the table continues as the
//! class's row of the matrix, and its number is the heading of its column. Correct predictions are
//! in brackets; the largest errors and the lowest F1 (of equal ones, that of the most frequent
//! class) have an exclamation mark.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    protocol::event::{ClassCounts, ClassesScored, Split},
    state::{Run, Strip},
};

/// The number of errors that are marked, and listed where there is room.
const LARGEST: usize = 3;

/// The widths of precision, recall and F1, and of the number of occurrences in gold, in columns.
const FIGURE: u16 = 5;
const GOLD: u16 = 6;

/// The minimum and maximum width of a class's name, in columns; on a narrow screen the matrix takes
/// the rest.
const NAME: (u16, u16) = (5, 24);
const NARROW_NAME: u16 = 14;

/// The maximum width of a cell of the matrix, in columns.
const WIDEST_CELL: u16 = 14;

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let strip = view.strip(run);
    let Some(page) = strip.and_then(scored).and_then(|scored| Page::new(scored, area)) else {
        let inner = paint.panel(area, "classes", false);
        let (x, width, dim) = (inner.x + 1, inner.width.saturating_sub(2), paint.theme().dim);
        paint.put(x, inner.y, width, &why_none(run, strip), dim);
        return;
    };
    let inner = paint.panel(area, &page.title(area.width), false);
    page.draw_head(inner, paint);
    for (at, y) in (inner.y + 1..inner.bottom()).enumerate().take(page.n_rows) {
        page.draw_row(at, inner.x, y, paint);
    }
    page.draw_below(inner, paint);
}

/// The split that is shown: dev, or any other without it.
fn scored(strip: &Strip) -> Option<&ClassesScored> {
    [Split::Dev, Split::Test, Split::Train].iter().find_map(|split| strip.classes.get(split))
}

/// Why a strip has no classes to show.
fn why_none(run: &Run, strip: Option<&Strip>) -> String {
    match strip {
        None => "waiting for the run to start".to_owned(),
        Some(strip) if strip.evaluations.is_empty() && run.ended.is_none() => {
            format!("{}: not scored yet", strip.name)
        }
        Some(strip) if strip.evaluations.is_empty() => format!("{}: never scored", strip.name),
        Some(strip) => format!("{}: not scored by class", strip.name),
    }
}

/// How the classes of one strip fit into a panel.
struct Page<'a> {
    scored: &'a ClassesScored,
    /// The display names of the classes.
    names: Vec<String>,
    /// The largest errors as indices of gold and predicted class, the largest first.
    errors: Vec<(usize, usize)>,
    /// The class with the lowest F1, if it is not the same for all.
    worst: Option<usize>,
    /// The widths of a class's number and of its name, in columns.
    number: u16,
    name: u16,
    /// The width of a cell, whether a name fits above it, and how many cells fit.
    cell: u16,
    has_names: bool,
    n_cells: usize,
    /// The number of classes that have a row.
    n_rows: usize,
}

impl<'a> Page<'a> {
    /// `None` without classes.
    fn new(scored: &'a ClassesScored, area: Rect) -> Option<Self> {
        let n_classes = scored.classes.len();
        let width = area.width.saturating_sub(2);
        // The first row has the headings.
        let height = usize::from(area.height.saturating_sub(3));
        let names: Vec<String> = scored.classes.iter().map(ClassCounts::display_name).collect();
        let longest = names.iter().map(|name| name.width()).max()?.min(999) as u16;
        let number = n_classes.to_string().len() as u16;
        let figures = number + 1 + 3 * (FIGURE + 1) + GOLD + 1;
        let most = (width / 6).clamp(NARROW_NAME, NAME.1);
        let name = longest.clamp(NAME.0, most).min(width.saturating_sub(figures));
        let room = width.saturating_sub(name + figures + 2);
        let digits = cells(scored).map(|(_, _, n)| numbers::whole(n).len()).max().unwrap_or(1);
        let least = number.max(digits as u16) + 2;
        let even = room / u16::try_from(n_classes).unwrap_or(u16::MAX);
        // As wide as the names above the columns, or as the counts, with a margin.
        let named = (least + 1).max(longest + 2);
        let has_names = named <= even.min(WIDEST_CELL);
        let cell = if has_names { named } else { even.clamp(least, least + 1) };
        let n_cells = match scored.confusion {
            // One column of several is useless.
            Some(_) => {
                Some(usize::from(room / cell).min(n_classes)).filter(|n| *n > 1).unwrap_or(0)
            }
            None => 0,
        };
        let are_left_out =
            n_classes > height || (scored.confusion.is_some() && n_cells < n_classes);
        let n_rows = n_classes.min(height.saturating_sub(usize::from(are_left_out)));
        let mut errors: Vec<_> = cells(scored).filter(|(i, j, n)| i != j && *n > 0).collect();
        errors.sort_by_key(|&(i, j, n)| (std::cmp::Reverse(n), i, j));
        let errors = errors.iter().take(LARGEST).map(|&(i, j, _)| (i, j)).collect();
        Some(Self {
            scored,
            names,
            errors,
            worst: worst(scored),
            number,
            name,
            cell,
            has_names,
            n_cells,
            n_rows,
        })
    }

    /// What is shown, and how to read the matrix if there is room.
    fn title(&self, width: u16) -> String {
        let ClassesScored { objective, split, step, .. } = self.scored;
        let step = numbers::grouped(step.0);
        let title = format!("{objective} classes  {} at step {step}", split.name());
        let with_hint = format!("{title}  rows gold, columns predicted");
        let has_room = with_hint.width() + 6 <= usize::from(width);
        if self.n_cells > 0 && has_room { with_hint } else { title }
    }

    /// The first column of the matrix, in a panel that begins at `x`.
    fn matrix_x(&self, x: u16) -> u16 {
        x + self.number + 1 + self.name + 3 * (FIGURE + 1) + GOLD + 3
    }

    fn draw_head(&self, inner: Rect, paint: &mut Paint) {
        let dim = paint.theme().dim;
        let y = inner.y;
        let mut x = inner.x + self.number + 1;
        paint.put(x, y, self.name, "class", dim);
        x += self.name + 1;
        for head in ["P", "R", "F1"] {
            paint.put_right(x, y, FIGURE, head, dim);
            x += FIGURE + 1;
        }
        paint.put_right(x, y, GOLD, "gold", dim);
        let x = self.matrix_x(inner.x);
        for at in 0..self.n_cells {
            let number = (at + 1).to_string();
            // A truncated name is less useful than its number, which is also in front of the row.
            let head = if self.has_names { &self.names[at] } else { &number };
            paint.put_right(x + self.cell * at as u16, y, self.cell - 1, head, dim);
        }
        if self.scored.confusion.is_none() {
            let text = "no matrix: a span is found or not";
            let room = inner.right().saturating_sub(x);
            if usize::from(room) >= text.len() {
                paint.put(x, y, room, text, dim);
            }
        }
    }

    fn draw_row(&self, at: usize, x: u16, y: u16, paint: &mut Paint) {
        let theme = paint.theme();
        let (class, counts) = (&self.scored.classes[at], self.scored.classes[at].counts());
        paint.put_right(x, y, self.number, &(at + 1).to_string(), theme.dim);
        let mut x_now = x + self.number + 1;
        paint.put(x_now, y, self.name, &self.names[at], theme.text);
        x_now += self.name + 1;
        let figures = [counts.precision(), counts.recall(), counts.f1()];
        for (column, figure) in figures.into_iter().enumerate() {
            let marked = column == 2 && self.worst == Some(at);
            let style = if marked { theme.bad } else { theme.text };
            paint.put_right(x_now, y, FIGURE, &numbers::tenths(figure), style);
            if marked {
                paint.put(x_now + FIGURE, y, 1, "!", style);
            }
            x_now += FIGURE + 1;
        }
        paint.put_right(x_now, y, GOLD, &numbers::whole(class.gold), theme.dim);
        let x = self.matrix_x(x);
        for other in 0..self.n_cells {
            self.draw_cell((at, other), x + self.cell * other as u16, y, paint);
        }
    }

    fn draw_cell(&self, (gold, predicted): (usize, usize), x: u16, y: u16, paint: &mut Paint) {
        let (theme, glyphs) = (paint.theme(), paint.glyphs());
        let row = self.scored.confusion.as_ref().and_then(|rows| rows.get(gold));
        let Some(&n) = row.and_then(|row| row.get(predicted)) else { return };
        let text = numbers::whole(n);
        let (digits_x, width) = (x + 1, self.cell - 2);
        let end = x + self.cell - 1;
        if gold == predicted {
            let open = end.saturating_sub(1 + text.len() as u16).max(x);
            paint.put(open, y, 1, "[", theme.good);
            paint.put_right(digits_x, y, width, &text, theme.good);
            paint.put(end, y, 1, "]", theme.good);
        } else if self.errors.contains(&(gold, predicted)) {
            paint.put_right(digits_x, y, width, &text, theme.bad);
            paint.put(end, y, 1, "!", theme.bad);
        } else if n == 0 {
            paint.put_right(digits_x, y, width, glyphs.dot, theme.dim);
        } else {
            paint.put_right(digits_x, y, width, &text, theme.text);
        }
    }

    /// What is not shown, and the largest errors as text where there is room.
    fn draw_below(&self, inner: Rect, paint: &mut Paint) {
        let theme = paint.theme();
        let mut y = inner.y + 1 + self.n_rows as u16;
        let left_out = self.left_out();
        if !left_out.is_empty() && y < inner.bottom() {
            paint.put(inner.x, y, inner.width, &left_out, theme.dim);
            y += 1;
        }
        if self.errors.is_empty() || y + 2 + self.errors.len() as u16 > inner.bottom() {
            return;
        }
        paint.put(inner.x, y + 1, inner.width, "largest errors", theme.dim);
        for (y, &(gold, predicted)) in (y + 2..inner.bottom()).zip(&self.errors) {
            let n = cells(self.scored).find(|&(i, j, _)| (i, j) == (gold, predicted));
            let n = n.map_or(0, |(_, _, n)| n);
            let part = n as f32 / self.scored.classes[gold].gold.max(1) as f32;
            let text = format!(
                "{} predicted as {}: {} of {}",
                self.names[gold],
                self.names[predicted],
                numbers::whole(n),
                numbers::whole(self.scored.classes[gold].gold),
            );
            paint.put_right(inner.x, y, 4, &numbers::percent(part), theme.bad);
            paint.put(inner.x + 5, y, inner.width.saturating_sub(5), &text, theme.text);
        }
    }

    fn left_out(&self) -> String {
        let n_classes = self.scored.classes.len();
        let mut parts = Vec::new();
        if self.n_rows < n_classes {
            let n_left = n_classes - self.n_rows;
            parts.push(format!("{n_left} rarer class{}", if n_left == 1 { "" } else { "es" }));
        }
        if self.scored.confusion.is_some() && self.n_cells == 0 {
            parts.push("the matrix".to_owned());
        } else if self.scored.confusion.is_some() && self.n_cells < n_classes {
            parts.push(numbers::counted(n_classes - self.n_cells, "column"));
        }
        if parts.is_empty() { String::new() } else { format!("not shown: {}", parts.join(", ")) }
    }
}

/// The first class with the lowest F1; none if all are equal.
fn worst(scored: &ClassesScored) -> Option<usize> {
    let f1s: Vec<f64> = scored.classes.iter().map(|class| class.counts().f1()).collect();
    let least = f1s.iter().copied().fold(f64::INFINITY, f64::min);
    let some_are_better = f1s.iter().any(|f1| *f1 > least);
    f1s.iter().position(|f1| *f1 <= least).filter(|_| some_are_better)
}

/// The cells of a matrix with their indices; cells beyond the classes, which a journal may contain,
/// are ignored.
fn cells(scored: &ClassesScored) -> impl Iterator<Item = (usize, usize, u64)> {
    let n_classes = scored.classes.len();
    let rows = scored.confusion.iter().flatten().take(n_classes).enumerate();
    rows.flat_map(move |(i, row)| {
        row.iter().take(n_classes).enumerate().map(move |(j, n)| (i, j, *n))
    })
}
