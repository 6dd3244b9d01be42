//! The pairs of objectives, those in conflict most often first: the cosine of their gradients now, its mean, how often it
//! was below 0, in how many measurements, their affinities in both directions, the cosine in each layer, and its history.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{CONFLICT, FrameData, numbers};
use crate::{
    protocol::{ObjectiveId, event::LayerCosines},
    state::{PairTrace, Run},
    tui::screen::{paint::Paint, trace},
};

/// A pair with its traces.
type Pair<'a> = (&'a (ObjectiveId, ObjectiveId), &'a PairTrace);

/// The columns of numbers, with their widths.
const NUMBERS: [(&str, u16); 4] = [("cos", 6), ("mean", 6), ("< 0", 5), ("steps", 7)];

/// The heads of the affinities, in percent of a loss, and their width: what steps for the first objective take off the
/// loss of the second, and the other way round.
const AFFINITIES: [(&str, u16); 2] = [("1 on 2", 8), ("2 on 1", 8)];

/// The minimum width of a layer's column.
const LAYER: u16 = 6;

/// The minimum and maximum width of a history.
const HISTORY: (u16, u16) = (8, 60);

/// The rows that all pairs need, with a heading and an empty row above it.
pub(super) fn height(run: &Run) -> u16 {
    match run.measured.pairs.len() {
        0 => 0,
        n_pairs => n_pairs.min(100) as u16 + 2,
    }
}

pub(super) fn draw(FrameData { run, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let mut pairs: Vec<Pair<'_>> = run.measured.pairs.iter().collect();
    let conflicts = |pair: &Pair<'_>| pair.1.conflicts.mean().unwrap_or(0.0);
    pairs.sort_by(|one, other| conflicts(other).total_cmp(&conflicts(one)));
    let title = |(one, other): &(ObjectiveId, ObjectiveId)| format!("{one}, {other}");
    let longest = pairs.iter().map(|(names, _)| title(names).width().min(100)).max();
    let longest = longest.unwrap_or(0) as u16;
    let affinities = if run.measured.affinities.is_empty() { &[][..] } else { &AFFINITIES };
    let heads = || NUMBERS.iter().chain(affinities).copied();
    let of_numbers: u16 = heads().map(|(_, width)| width + 1).sum();
    let name = longest.min(area.width.saturating_sub(of_numbers));
    let layers = run.gradients.as_ref().map_or(&[][..], |measured| &measured.layers);
    // The layers from the input on, as far as there is room beside a history.
    let mut room = area.width.saturating_sub(name + 1 + of_numbers + HISTORY.0 + 1);
    let mut shown: Vec<(&LayerCosines, u16)> = Vec::new();
    for layer in layers {
        let width = (layer.layer.width().min(100) as u16).max(LAYER);
        if width + 1 > room {
            break;
        }
        room -= width + 1;
        shown.push((layer, width));
    }
    let history = (HISTORY.0 + room).min(HISTORY.1);
    let has_history = area.width >= name + 1 + of_numbers + HISTORY.0;
    paint.put(area.x, area.y, name, "pair", theme.dim);
    let mut x = area.x + name + 1;
    let of_layers = shown.iter().map(|(layer, width)| (layer.layer.as_str(), *width));
    for (head, width) in heads().chain(of_layers) {
        paint.put_right(x, area.y, width, head, theme.dim);
        x += width + 1;
    }
    if has_history {
        paint.put(x, area.y, history, "cosine, -1 to 1", theme.dim);
    }
    for (y, (names, pair)) in (area.y + 1..area.bottom()).zip(pairs) {
        paint.put(area.x, y, name, &title(names), theme.text);
        let of_layer = |layer: &LayerCosines| layer.cosines.get(&names.0)?.get(&names.1).copied();
        let cosine = |cosine: Option<f32>| {
            let style =
                if cosine.is_some_and(|cosine| cosine < CONFLICT) { theme.bad } else { theme.text };
            (cosine.map_or_else(numbers::none, numbers::cosine), style)
        };
        let part = pair.conflicts.mean().map_or_else(numbers::none, numbers::percent);
        let affinity = |one: &ObjectiveId, other: &ObjectiveId| {
            let part = run.measured.affinities.get(&(one.clone(), other.clone()))?.mean()?;
            let style = if part < 0.0 { theme.bad } else { theme.text };
            Some((format!("{:+.3}%", 100.0 * part), style))
        };
        let none = || (numbers::none(), theme.dim);
        let values = [
            cosine(pair.cosines.last()),
            cosine(pair.cosines.mean()),
            (part, theme.text),
            (numbers::whole(pair.cosines.count()), theme.dim),
            affinity(&names.0, &names.1).unwrap_or_else(none),
            affinity(&names.1, &names.0).unwrap_or_else(none),
        ];
        let widths = heads().map(|(_, width)| width);
        let of_layers = shown.iter().map(|(layer, width)| (*width, cosine(of_layer(layer))));
        let mut x = area.x + name + 1;
        for (width, (text, style)) in widths.zip(values).chain(of_layers) {
            paint.put_right(x, y, width, &text, style);
            x += width + 1;
        }
        if has_history {
            let area = Rect { x, y, width: history - 1, height: 1 };
            let height = |cosine: f32| f32::midpoint(cosine, 1.0);
            trace::draw(&pair.cosines, run.step, height, area, theme.share, paint);
        }
    }
}
