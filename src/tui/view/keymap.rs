//! Maps keys to actions in a view, and actions to their keys.

use std::collections::BTreeMap;

use super::{
    DeskMode, Focus, View,
    action::{ACTIONS, ActionScope, Spec},
};
use crate::tui::key::KeyPress;

/// The keys of every action.
#[derive(Debug)]
pub struct Keymap {
    meanings: BTreeMap<(ActionScope, KeyPress), &'static Spec>,
    keys: BTreeMap<&'static str, Vec<KeyPress>>,
}

impl Keymap {
    /// The default keys, or the user's where configured, by the action's name.
    pub fn new(users: &BTreeMap<String, Vec<KeyPress>>) -> Self {
        let (mut meanings, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for spec in ACTIONS {
            let of_table =
                || spec.keys.iter().map(|key| key.parse().expect("the table's keys are keys"));
            let own: Vec<KeyPress> =
                users.get(spec.name).cloned().unwrap_or_else(|| of_table().collect());
            meanings.extend(own.iter().map(|key| ((spec.scope, *key), spec)));
            keys.insert(spec.name, own);
        }
        Self { meanings, keys }
    }

    /// The action of a key in a view: in the focused panel first, then anywhere.
    pub fn meaning(&self, key: KeyPress, view: &View) -> Option<&'static Spec> {
        let replay = matches!(view.mode, DeskMode::Replay(_)).then_some(ActionScope::Replay);
        let focus = match view.focus {
            Focus::Desk => ActionScope::Desk,
            Focus::Chart => ActionScope::Chart,
            Focus::Events => ActionScope::Events,
            Focus::Samples => ActionScope::Samples,
        };
        let scopes = match view.focus {
            Focus::Desk => [replay, Some(focus), Some(ActionScope::Anywhere)],
            Focus::Chart | Focus::Events | Focus::Samples => {
                [Some(focus), replay, Some(ActionScope::Anywhere)]
            }
        };
        let mut scopes = scopes.into_iter().flatten();
        scopes.find_map(|scope| self.meanings.get(&(scope, key)).copied())
    }

    /// The keys of an action.
    pub fn keys(&self, spec: &Spec) -> &[KeyPress] {
        self.keys.get(spec.name).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::view::{Playing, action::Action};

    fn means(keymap: &Keymap, key: &str, view: &View) -> Option<&'static str> {
        keymap.meaning(key.parse().unwrap(), view).map(|spec| spec.name)
    }

    #[test]
    fn the_focused_panel_determines_the_action_of_a_key() {
        let keymap = Keymap::new(&BTreeMap::new());
        let mut view = View::new(DeskMode::Live);
        assert_eq!(means(&keymap, "left", &view), Some("gain-down"));
        assert_eq!(means(&keymap, "space", &view), Some("pause"));
        view.focus = Focus::Chart;
        assert_eq!(means(&keymap, "left", &view), Some("cursor-left"));
        assert_eq!(means(&keymap, "m", &view), Some("mute"));
        view = View::new(DeskMode::Replay(Playing { playing: false, speed: 1.0, seeking: None }));
        assert_eq!(means(&keymap, "left", &view), Some("back"));
        assert_eq!(means(&keymap, "space", &view), Some("play"));
        assert_eq!(means(&keymap, "down", &view), Some("strip-down"));
        view.focus = Focus::Events;
        assert_eq!(means(&keymap, "up", &view), Some("event-up"));
        assert_eq!(means(&keymap, ">", &view), Some("faster"));
    }

    #[test]
    fn a_user_can_rebind_an_action() {
        let users = [("mute".to_owned(), vec!["M".parse().unwrap()])].into();
        let keymap = Keymap::new(&users);
        let view = View::new(DeskMode::Live);
        assert_eq!(means(&keymap, "M", &view), Some("mute"));
        assert_eq!(means(&keymap, "m", &view), None);
        let mute = ACTIONS.iter().find(|spec| spec.action == Action::Mute).unwrap();
        assert_eq!(keymap.keys(mute).len(), 1);
    }
}
