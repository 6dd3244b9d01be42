//! The line of the tour: what to try next, with the user's keys, and the key that ends the tour.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, paint::Paint};
use crate::tui::{
    Glyphs, KeyPress,
    view::{
        N_STOPS, TourStop,
        action::{ACTIONS, Action, Nudge, movable},
    },
};

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let Some(tour) = &frame.view.tour else { return };
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let keys = Keys { frame, glyphs };
    let (head, texts) = match tour.next() {
        Some((number, stop)) => (format!("tour {number}/{N_STOPS} "), keys.texts(stop)),
        None => ("the tour ".to_owned(), keys.last()),
    };
    let ends = tour.next().and_then(|_| keys.of(Action::EndTour));
    let ends = ends.map(|key| [format!("   {key} ends the tour"), format!("  {key} ends")]);
    let ends = ends.unwrap_or_default();
    // The longest text that fits with the key that ends the tour.
    let room = usize::from(area.width.saturating_sub(2));
    let fits =
        |end: &String| texts.iter().find(|text| head.width() + text.width() + end.width() <= room);
    let fitting = ends.iter().find_map(|end| Some((fits(end)?, end.as_str())));
    let (text, end) = fitting.unwrap_or((&texts[texts.len() - 1], ""));
    let put = |x: u16, text: &str, style, paint: &mut Paint| {
        paint.put(x, area.y, area.right().saturating_sub(x + 1), text, style)
    };
    let x = put(area.x + 1, &head, theme.key, paint);
    let x = put(x, text, theme.text, paint);
    put(x, end, theme.dim, paint);
}

/// The user's keys in this view.
struct Keys<'a> {
    frame: FrameData<'a>,
    glyphs: &'static Glyphs,
}

impl Keys<'_> {
    /// What to try, from the longest text to the shortest; there is at least one.
    fn texts(&self, stop: TourStop) -> Vec<String> {
        let FrameData { run, view, .. } = self.frame;
        let key = |action| self.of(action).unwrap_or_else(|| "an unbound key".to_owned());
        match stop {
            TourStop::Move | TourStop::TakeBack if run.ended.is_some() => {
                let train_on = key(Action::TrainOn);
                vec![
                    format!("{train_on} trains the run on, so that a fader can still be moved"),
                    format!("{train_on} trains the run on, to move a fader"),
                    format!("{train_on} trains on"),
                ]
            }
            TourStop::Select => {
                let (down, up) = (key(Action::NextStrip), key(Action::PreviousStrip));
                vec![
                    format!("{down} and {up} select an objective: try one without *, an auxiliary"),
                    format!("{down} picks an objective"),
                ]
            }
            TourStop::Move => {
                let of_nudge = |nudge| self.meant(Action::Nudge(nudge));
                let gain = key(Action::TypeGain);
                if let (Some(down), Some(up)) = (of_nudge(Nudge::FarDown), of_nudge(Nudge::FarUp)) {
                    vec![
                        format!("{down} and {up} move its fader: its loss has less or more weight"),
                        format!("{down} {up} move its fader"),
                    ]
                } else {
                    // Another panel has the focus.
                    vec![
                        format!("{gain} sets its gain: its loss has less or more weight"),
                        format!("{gain} sets its gain"),
                    ]
                }
            }
            TourStop::Look if view.layout(run).chart.is_some() => {
                let key = key(Action::PreviousEvent);
                vec![
                    format!("{key} moves the cursor back by events: see the losses at the change"),
                    format!("{key} shows the change"),
                ]
            }
            TourStop::Look => vec![format!("{} shows the curves", key(Action::NextPage))],
            TourStop::TakeBack if movable(view, run) && run.manual.history.n_done() == 0 => {
                vec!["move a fader and undo it".to_owned(), "move and undo".to_owned()]
            }
            TourStop::TakeBack => {
                let (undo, redo) = (key(Action::Undo), key(Action::Redo));
                vec![
                    format!("{undo} undoes the change, and {redo} redoes it"),
                    format!("{undo} undoes it"),
                ]
            }
            TourStop::Gradients => {
                let page = key(Action::NextPage);
                vec![
                    format!("{page} turns the pages: go on to the gradients of the objectives"),
                    format!("{page} to the gradients"),
                ]
            }
        }
    }

    /// The last line.
    fn last(&self) -> Vec<String> {
        let key = |action| self.of(action).unwrap_or_else(|| "an unbound key".to_owned());
        let (help, palette) = (key(Action::Help), key(Action::Palette));
        vec![
            format!("is over: {help} lists every key, {palette} runs any action by name"),
            format!("is over: {help} lists every key"),
        ]
    }

    /// The shortest key that means an action in this view; of an action that has none here, any.
    fn of(&self, action: Action) -> Option<String> {
        self.meant(action).or_else(|| {
            let specs = ACTIONS.iter().filter(|spec| spec.action == action);
            let mut keys = specs.filter_map(|spec| self.frame.keymap.keys(spec).first());
            Some(keys.next()?.shown(self.glyphs))
        })
    }

    /// The shortest key that means an action in this view.
    fn meant(&self, action: Action) -> Option<String> {
        let FrameData { view, keymap, .. } = self.frame;
        let means =
            |key: KeyPress| keymap.meaning(key, view).is_some_and(|meant| meant.action == action);
        let keys = ACTIONS
            .iter()
            .filter(|spec| spec.action == action)
            .flat_map(|spec| keymap.keys(spec).iter().copied())
            .filter(|key| means(*key));
        keys.map(|key| key.shown(self.glyphs)).min_by_key(|key| key.width())
    }
}
