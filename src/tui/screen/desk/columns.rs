//! Which columns a row has: those that fit, by how much they matter.

use unicode_width::UnicodeWidthStr;

use crate::state::Run;

/// Columns of a row, from the left. Of each kind there is one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Name(u16),
    Flag,
    Loss,
    Spark(u16),
    Gain,
    Share,
    Weight,
    Fader(u16),
    Gradient,
    Cosine,
    Dev,
    Best,
}

impl Column {
    pub(super) fn width(self) -> u16 {
        match self {
            Self::Name(width) | Self::Fader(width) | Self::Spark(width) => width,
            Self::Loss => 9,
            Self::Gain | Self::Weight => 6,
            Self::Flag | Self::Gradient => 4,
            Self::Share | Self::Cosine => 5,
            Self::Dev => 15,
            Self::Best => 14,
        }
    }

    pub(super) fn head(self) -> &'static str {
        match self {
            Self::Name(width) if width < 9 => "name",
            Self::Name(_) => "objective",
            Self::Flag => "",
            Self::Loss => "loss",
            Self::Gain => "gain",
            Self::Share => "share",
            Self::Weight => "weight",
            Self::Fader(_) => "fader",
            Self::Gradient => "grad",
            Self::Cosine => "cos",
            Self::Dev => "dev",
            Self::Best => "best",
            Self::Spark(_) => "trend",
        }
    }
}

/// The columns that fit, those that matter most first; what is left goes to the fader.
pub(super) fn columns(run: &Run, width: u16) -> Vec<Column> {
    let longest = run.strips.iter().map(|strip| strip.name.as_str().width()).max().unwrap_or(0);
    let name = Column::Name((longest as u16).clamp(5, if width < 60 { 9 } else { 16 }));
    let measured = run.gradients.is_some();
    let mut left = width.saturating_sub(4 + name.width() + 1);
    let mut taken = vec![name];
    let mut take = |column: Column| {
        if column.width() < left {
            left -= column.width() + 1;
            taken.push(column);
        }
    };
    take(Column::Loss);
    take(Column::Weight);
    if width >= 60 {
        take(Column::Fader(10));
    } else {
        take(Column::Spark(5));
    }
    take(Column::Flag);
    take(Column::Dev);
    take(Column::Gain);
    if measured {
        take(Column::Gradient);
    }
    take(Column::Share);
    if measured {
        take(Column::Cosine);
    }
    take(Column::Best);
    take(Column::Spark(8));
    taken.sort_unstable();
    taken.dedup_by_key(|column| std::mem::discriminant(column));
    for column in &mut taken {
        match column {
            Column::Fader(width) => *width += std::mem::take(&mut left).min(30),
            Column::Spark(width) if left > 0 && *width == 5 => *width += std::mem::take(&mut left),
            _ => {}
        }
    }
    taken
}
