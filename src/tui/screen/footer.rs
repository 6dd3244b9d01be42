//! The bottom line: the keys that are available now, or the last message. Generated from the table
//! of actions.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, paint::Paint};
use crate::tui::{
    key::KeyPress,
    view::{
        Message,
        action::{ACTIONS, Action, ActionScope, Nudge},
    },
};

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let (x, width) = (area.x + 1, area.width.saturating_sub(2));
    let end = match &frame.view.message {
        Some(Message::Done(text)) => paint.put(x, area.y, width, text, theme.good) + 3,
        Some(Message::Refused(text)) => {
            paint.put(x, area.y, width, &format!("! {text}"), theme.bad) + 3
        }
        None => x,
    };
    keys(frame, end, area, paint);
}

/// The keys that fit, from that column on.
fn keys(frame: FrameData, mut x: u16, area: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    // A window receives the keys and names them; the key that closes it is always the same.
    if frame.view.overlay.is_some() {
        x = paint.put(x, area.y, area.right().saturating_sub(x), "esc", theme.key);
        paint.put(x + 1, area.y, area.right().saturating_sub(x + 1), "back", theme.dim);
        return;
    }
    let FrameData { run, view, keymap, .. } = frame;
    let hint = |key: &str, short: &str| format!("{key} {short}");
    let mut hints: Vec<(ActionScope, String, &str)> = ACTIONS
        .iter()
        .filter(|spec| !spec.short.is_empty() && (spec.valid)(view, run))
        .filter_map(|spec| {
            // Of two actions with one key, the one that the key means in this view.
            let means_it = |key: &&KeyPress| {
                keymap.meaning(**key, view).is_some_and(|meant| std::ptr::eq(meant, spec))
            };
            let key = keymap.keys(spec).iter().find(means_it)?.shown(glyphs);
            // A fader and a cursor move in two directions. Named keys need a separator.
            let both = |one: &str, other: &str| {
                let between = if one.width() > 1 { "/" } else { "" };
                format!("{one}{between}{other}")
            };
            let other = || {
                let other = ACTIONS.iter().find(|other| {
                    other.scope == spec.scope && Some(other.action) == opposite(spec.action)
                });
                Some(keymap.keys(other?).first()?.shown(glyphs))
            };
            let key = match (spec.action, other()) {
                (
                    Action::PreviousStrip
                    | Action::OlderEvent(_)
                    | Action::Cursor(_)
                    | Action::PreviousSample
                    | Action::EarlierEvaluation,
                    Some(other),
                ) => both(&key, &other),
                (_, Some(other)) => both(&other, &key),
                (_, None) => key,
            };
            Some((spec.scope, key, spec.short))
        })
        .collect();
    // The actions of the focused panel come first; help and quit are always shown, and then what a run
    // that has ended is trained on by.
    hints.sort_by_key(|(scope, _, short)| {
        let is_other = |name: &str| *short != name;
        (is_other("help"), is_other("quit"), is_other("train on"), *scope == ActionScope::Anywhere)
    });
    for (_, key, short) in hints {
        let width = hint(&key, short).width() as u16;
        if x + width > area.right() {
            break;
        }
        x = paint.put(x, area.y, width, &key, theme.key);
        x = paint.put(x + 1, area.y, width, short, theme.dim) + 2;
    }
}

/// The opposite action, where the footer shows both as one hint.
fn opposite(action: Action) -> Option<Action> {
    match action {
        Action::Nudge(Nudge::Up) => Some(Action::Nudge(Nudge::Down)),
        Action::Cursor(columns) => Some(Action::Cursor(-columns)),
        Action::Seek(steps) => Some(Action::Seek(-steps)),
        Action::PreviousStrip => Some(Action::NextStrip),
        Action::OlderEvent(rows) => Some(Action::NewerEvent(rows)),
        Action::PreviousSample => Some(Action::NextSample),
        Action::EarlierEvaluation => Some(Action::LaterEvaluation),
        _ => None,
    }
}
