//! The classes of an objective: scores per class and the confusion matrix.
//!
//! The classes that are most frequent in gold come first. A row of the table continues as the
//! class's row of the matrix, and its number is the heading of its column. Correct predictions are
//! in brackets; the largest errors and the lowest F1 (of equal ones, that of the most frequent
//! class) have an exclamation mark. Where items are found or not, as spans are, the last row of the
//! matrix has the predictions without a gold item at their place, and the last column the gold items
//! that were missed.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{numbers, paint::Paint};
use crate::protocol::event::{ClassCounts, ClassesScored};

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

/// The row and the column for no item, and their heading in narrow columns.
const NONE: (&str, &str) = ("none", "-");

/// Draws a panel with the classes; with a line of text above them, if there is one.
pub(super) fn draw(scored: &ClassesScored, above: &str, area: Rect, paint: &mut Paint) {
    let n_above = u16::from(!above.is_empty());
    let table = Rect { y: area.y + n_above, height: area.height.saturating_sub(n_above), ..area };
    let Some(page) = Page::new(scored, table) else { return };
    let panel = paint.panel(area, &page.title(area.width), false);
    paint.put(panel.x, panel.y, panel.width, above, paint.theme().text);
    let inner =
        Rect { y: panel.y + n_above, height: panel.height.saturating_sub(n_above), ..panel };
    page.draw_head(inner, paint);
    for (y, at) in (inner.y + 1..inner.bottom()).zip(page.rows()) {
        page.draw_row(at, inner.x, y, paint);
    }
    page.draw_below(inner, paint);
}

/// How the classes of one strip fit into a panel.
struct Page<'a> {
    scored: &'a ClassesScored,
    /// The display names of the rows: of the classes, and of no item where items are found or not.
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
    /// The number of rows that fit.
    n_rows: usize,
}

impl<'a> Page<'a> {
    /// `None` without classes.
    fn new(scored: &'a ClassesScored, area: Rect) -> Option<Self> {
        let has_none =
            scored.confusion.as_ref().is_some_and(|rows| rows.len() > scored.classes.len());
        let n_classes = scored.classes.len() + usize::from(has_none);
        let width = area.width.saturating_sub(2);
        // The first row has the headings.
        let height = usize::from(area.height.saturating_sub(3));
        let names = scored.classes.iter().map(ClassCounts::display_name);
        let mut names: Vec<String> = names.chain(has_none.then(|| NONE.0.to_owned())).collect();
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
        if n_cells == 0 {
            // The row for no item has only the matrix.
            names.truncate(scored.classes.len());
        }
        let n_classes = names.len();
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

    /// The rows that are shown, as indices of names: that for no item is among them.
    fn rows(&self) -> impl Iterator<Item = usize> {
        self.shown(self.n_rows)
    }

    /// The columns that are shown.
    fn columns(&self) -> impl Iterator<Item = usize> {
        self.shown(self.n_cells)
    }

    /// The first of the names, so many with the last if it is that for no item.
    fn shown(&self, n: usize) -> impl Iterator<Item = usize> {
        let last = self.names.len() - 1;
        let has_none = self.names.len() > self.scored.classes.len();
        (0..n).map(move |at| if has_none && at + 1 == n { last } else { at })
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
        for (place, at) in self.columns().enumerate() {
            let number = match at < self.scored.classes.len() {
                true => (at + 1).to_string(),
                false if usize::from(self.cell) > NONE.0.len() => NONE.0.to_owned(),
                false => NONE.1.to_owned(),
            };
            // A truncated name is less useful than its number, which is also in front of the row.
            let head = if self.has_names { &self.names[at] } else { &number };
            paint.put_right(x + self.cell * place as u16, y, self.cell - 1, head, dim);
        }
        if self.scored.confusion.is_none() {
            let text = "no matrix: an item may have several classes";
            let room = inner.right().saturating_sub(x);
            if usize::from(room) >= text.len() {
                paint.put(x, y, room, text, dim);
            }
        }
    }

    fn draw_row(&self, at: usize, x: u16, y: u16, paint: &mut Paint) {
        let theme = paint.theme();
        let (name_x, figures_x) = (x + self.number + 1, x + self.number + self.name + 2);
        paint.put(name_x, y, self.name, &self.names[at], theme.text);
        if let Some(class) = self.scored.classes.get(at) {
            paint.put_right(x, y, self.number, &(at + 1).to_string(), theme.dim);
            draw_figures(class, self.worst == Some(at), (figures_x, y), paint);
        }
        let x = self.matrix_x(x);
        for (place, other) in self.columns().enumerate() {
            self.draw_cell((at, other), x + self.cell * place as u16, y, paint);
        }
    }

    fn draw_cell(&self, (gold, predicted): (usize, usize), x: u16, y: u16, paint: &mut Paint) {
        let (theme, glyphs) = (paint.theme(), paint.glyphs());
        let row = self.scored.confusion.as_ref().and_then(|rows| rows.get(gold));
        let Some(&n) = row.and_then(|row| row.get(predicted)) else { return };
        // No item predicted as no item does not occur.
        if gold == predicted && gold == self.scored.classes.len() {
            return;
        }
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
            let (part, text) = self.error((gold, predicted), n);
            paint.put_right(inner.x, y, 4, &numbers::percent(part), theme.bad);
            paint.put(inner.x + 5, y, inner.width.saturating_sub(5), &text, theme.text);
        }
    }

    /// An error as text, and its part of the gold items, or of the predictions where gold has none.
    fn error(&self, (gold, predicted): (usize, usize), n: u64) -> (f32, String) {
        let of = |total: u64| {
            let text = format!("{} of {}", numbers::whole(n), numbers::whole(total));
            (n as f32 / total.max(1) as f32, text)
        };
        let classes = &self.scored.classes;
        match (classes.get(gold), classes.get(predicted)) {
            (Some(class), Some(_)) => {
                let (part, of) = of(class.gold);
                (part, format!("{} predicted as {}: {of}", self.names[gold], self.names[predicted]))
            }
            (Some(class), None) => {
                let (part, of) = of(class.gold);
                (part, format!("{} missed: {of}", self.names[gold]))
            }
            (None, other) => {
                let (part, of) = of(other.map_or(0, |class| class.predicted));
                let name = &self.names[predicted];
                (part, format!("{name} predicted where gold has none: {of} predictions"))
            }
        }
    }

    fn left_out(&self) -> String {
        let n_classes = self.names.len();
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

/// Precision, recall and F1, with a mark at the lowest F1, and the number of occurrences in gold.
fn draw_figures(class: &ClassCounts, is_worst: bool, (mut x, y): (u16, u16), paint: &mut Paint) {
    let (theme, counts) = (paint.theme(), class.counts());
    let figures = [counts.precision(), counts.recall(), counts.f1()];
    for (column, figure) in figures.into_iter().enumerate() {
        let marked = column == 2 && is_worst;
        let style = if marked { theme.bad } else { theme.text };
        paint.put_right(x, y, FIGURE, &numbers::tenths(figure), style);
        if marked {
            paint.put(x + FIGURE, y, 1, "!", style);
        }
        x += FIGURE + 1;
    }
    paint.put_right(x, y, GOLD, &numbers::whole(class.gold), theme.dim);
}

/// The first class with the lowest F1; none if all are equal.
fn worst(scored: &ClassesScored) -> Option<usize> {
    let f1s: Vec<f64> = scored.classes.iter().map(|class| class.counts().f1()).collect();
    let least = f1s.iter().copied().fold(f64::INFINITY, f64::min);
    let some_are_better = f1s.iter().any(|f1| *f1 > least);
    f1s.iter().position(|f1| *f1 <= least).filter(|_| some_are_better)
}

/// The cells of a matrix with their indices; cells beyond the classes and no item, which a journal
/// may contain, are ignored.
fn cells(scored: &ClassesScored) -> impl Iterator<Item = (usize, usize, u64)> {
    let n_classes = scored.classes.len() + 1;
    let rows = scored.confusion.iter().flatten().take(n_classes).enumerate();
    rows.flat_map(move |(i, row)| {
        row.iter().take(n_classes).enumerate().map(move |(j, n)| (i, j, *n))
    })
}
