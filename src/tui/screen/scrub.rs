//! The scrub bar: the position of a replay within the whole journal, and the marks along it.

use ratatui::layout::Rect;

use super::{FrameData, paint::Paint};
use crate::tui::{chart::RunMark, layout::scrub_track};

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let track = scrub_track(area);
    let scrub = view.scrub_of(run);
    let here = scrub.cell(run.step, track.width);
    for (cell, mark) in (0..track.width).zip(scrub.marks(track.width)) {
        let x = track.x + cell;
        let track = if cell < here { glyphs.fader_filled } else { glyphs.fader_empty };
        if cell == here {
            paint.symbol(x, area.y, glyphs.fader_handle, theme.fader);
        } else if let Some(mark) = mark {
            let style = if mark == RunMark::Broken { theme.bad } else { theme.mark };
            paint.put(x, area.y, 1, mark.symbol().encode_utf8(&mut [0; 4]), style);
        } else {
            paint.symbol(x, area.y, track, theme.fader);
        }
    }
}
