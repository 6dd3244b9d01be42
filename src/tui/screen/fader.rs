//! A fader on a logarithmic scale from 0.01 to 4, with the recipe's gain as a tick; a requested
//! gain is hollow until the trainer has answered. Letters are the shares that shadow rules would set.

use ratatui::style::Style;

use super::{FrameData, paint::Paint};
use crate::{
    state::{Measured, Strip},
    tui::{
        Theme,
        view::{LEAST, Pending},
    },
};

/// The upper end of the scale; a larger gain is drawn at the end.
const MOST: f32 = 4.0;

/// The position of a gain on the track, from 0 to 1.
pub(super) fn place(gain: f32) -> f32 {
    if gain < LEAST { 0.0 } else { ((gain / LEAST).ln() / (MOST / LEAST).ln()).clamp(0.0, 1.0) }
}

/// The labeled gains of the scale.
pub(super) const SCALE: [(f32, &str); 9] = [
    (0.0, "0"),
    (4.0, "4"),
    (1.0, "1"),
    (0.1, "0.1"),
    (0.2, "0.2"),
    (0.5, "0.5"),
    (2.0, "2"),
    (0.05, "0.05"),
    (0.02, "0.02"),
];

/// The cell of a gain on a track of that length, from its lower end.
pub(super) fn cell(gain: f32, length: u16) -> u16 {
    (place(gain) * f32::from(length.saturating_sub(1))).round() as u16
}

/// What is drawn in one cell of a fader's track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Filled,
    Empty,
    Handle,
    Pending,
    Configured,
}

/// The cells of a fader of that length, from its lower end.
pub(super) fn parts(strip: &Strip, pending: &Pending, length: u16) -> impl Iterator<Item = Part> {
    let cell = |gain| cell(gain, length);
    let handle = cell(strip.gain);
    let requested = pending.gain(&strip.name).or(strip.fade.map(|fade| fade.to)).map(cell);
    let configured = cell(strip.recipe_gain);
    (0..length).map(move |at| {
        if at == handle && requested != Some(at) {
            Part::Handle
        } else if requested == Some(at) {
            Part::Pending
        } else if at == configured {
            Part::Configured
        } else if at < handle {
            Part::Filled
        } else {
            Part::Empty
        }
    })
}

/// The shares that shadow rules would set, as cells of a fader of that length with the rules' letters.
pub(super) fn shadows(
    measured: &Measured,
    strip: &Strip,
    length: u16,
) -> impl Iterator<Item = (u16, char)> {
    let shares = measured.shadows_of(&strip.name);
    shares.map(move |(letter, share)| (cell(share, length), letter))
}

/// A horizontal fader, with its lower end at the left. Handles hide letters, and letters the rest of the track.
pub(super) fn horizontal(
    strip: &Strip,
    FrameData { run, view, .. }: FrameData,
    (x, y): (u16, u16),
    width: u16,
    paint: &mut Paint,
) {
    let mark = paint.theme().mark;
    let marks: Vec<(u16, char)> = shadows(&run.measured, strip, width).collect();
    let parts = parts(strip, &view.pending, width);
    for (at, part) in (0..).zip(parts) {
        let is_handle = matches!(part, Part::Handle | Part::Pending);
        let letter = marks.iter().find(|(cell, _)| *cell == at && !is_handle);
        if let Some((_, letter)) = letter {
            paint.put(x + at, y, 1, letter.encode_utf8(&mut [0; 4]), mark);
        } else {
            let (symbol, style) = drawn(part, !run.is_active(strip), paint);
            paint.symbol(x + at, y, symbol, style);
        }
    }
}

/// The symbol and style of a part.
pub(super) fn drawn(part: Part, inactive: bool, paint: &Paint) -> (&'static str, Style) {
    let (theme, glyphs): (&Theme, _) = (paint.theme(), paint.glyphs());
    let way = if inactive { theme.muted } else { theme.fader };
    match part {
        Part::Filled => (glyphs.fader_filled, way),
        Part::Empty => (glyphs.fader_empty, theme.dim),
        Part::Handle => (glyphs.fader_handle, way),
        Part::Pending => (glyphs.fader_pending, theme.pending),
        Part::Configured => (glyphs.fader_configured, theme.dim),
    }
}

/// The symbols of a part of a vertical fader: on its track, and beside it.
pub(super) fn vertical(
    part: Part,
    inactive: bool,
    paint: &Paint,
) -> (&'static str, Option<&'static str>, Style) {
    let glyphs = paint.glyphs();
    let (symbol, style) = drawn(part, inactive, paint);
    match part {
        Part::Filled => (glyphs.vertical_filled, None, style),
        Part::Empty => (glyphs.vertical_empty, None, style),
        Part::Handle => (symbol, Some(glyphs.fader_filled), style),
        Part::Pending => (symbol, Some(glyphs.fader_empty), style),
        Part::Configured => (symbol, None, style),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, state::Run, tui::view::Pending};

    #[test]
    fn the_scale_is_logarithmic_from_a_hundredth_to_four() {
        assert_eq!([0.0, 0.005, 0.01, 4.0, 99.0].map(place), [0.0, 0.0, 0.0, 1.0, 1.0]);
        assert!((place(0.2) - 0.5).abs() < 1e-6);
        assert_eq!(SCALE.map(|(gain, _)| cell(gain, 10)), [0, 9, 7, 3, 5, 6, 8, 2, 1]);
    }

    #[test]
    fn a_requested_gain_is_hollow_until_it_is_in_force() {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        let strip = &run.strips[0];
        let cells = |pending: &Pending| parts(strip, pending, 11).collect::<Vec<_>>();
        let still = cells(&Pending::default());
        assert_eq!(still.iter().position(|part| *part == Part::Handle), Some(8));
        let pending = Pending::with_gain(&strip.name, 0.2);
        let requested = cells(&pending);
        assert_eq!(requested[5], Part::Pending);
        assert_eq!(requested[8], Part::Handle, "the gain in force stays until it is answered");
    }
}
