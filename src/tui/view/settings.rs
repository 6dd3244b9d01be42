//! Live settings: the list of them with their values, and the prompt for one.

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    Message, Overlay, PromptKind, View,
    action::{ACTIONS, Action, movable},
};
use crate::{
    live,
    protocol::{Control, event::Setting},
    state::Run,
};

/// A row of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingShown {
    /// Its path in the recipe.
    pub path: String,
    /// Its description.
    pub about: &'static str,
    /// Its value in the notation of the prompt.
    pub value: String,
    /// The requested value, until it is in force.
    pub pending: Option<String>,
}

impl View {
    /// The run's live settings in the table's order, except faders, which are on the strips.
    pub fn live_settings(&self, run: &Run) -> Vec<SettingShown> {
        let rows = live::SETTINGS.iter().flat_map(|row| {
            let of_row = run.plan.settings_at_start.keys().filter_map(|path| {
                let (found, _) = live::find(path)?;
                (found.setting == row.setting).then_some(path)
            });
            of_row.map(|path| SettingShown {
                path: path.clone(),
                about: row.key.about,
                value: run.setting(path).as_ref().map(typed).unwrap_or_default(),
                pending: self.pending.value(&Control::of_path(path)).as_ref().map(typed),
            })
        });
        rows.collect()
    }

    /// Prompts for a setting. The input starts with its value, or empty if a schedule changes it.
    pub(super) fn prompt_for_setting(&mut self, path: &str, run: &Run) {
        let value = run.setting(path).as_ref().map(typed).unwrap_or_default();
        let is_read = live::find(path).is_some_and(|(row, _)| row.read(path, &value).is_ok());
        let text = if is_read { value.as_str() } else { "" };
        self.open_prompt(PromptKind::Setting(path.to_owned()), text);
    }

    /// Handles a key while the list is open; the list stays open unless the key closes it.
    pub(super) fn press_in_settings(&mut self, selected: usize, event: KeyEvent, run: &Run) {
        let all = self.live_settings(run);
        let selected = match event.code {
            KeyCode::Esc | KeyCode::Char('p' | 'q') => return,
            KeyCode::Up | KeyCode::Char('k') => selected.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => (selected + 1).min(all.len().saturating_sub(1)),
            KeyCode::Enter => {
                let Some(shown) = all.get(selected) else { return };
                if movable(self, run) {
                    self.prompt_for_setting(&shown.path, run);
                } else if let Some(spec) = ACTIONS.iter().find(|it| it.action == Action::Settings) {
                    self.message = Some(Message::Refused(self.refusal(spec, run)));
                }
                return;
            }
            _ => selected,
        };
        self.overlay = Some(Overlay::Settings { selected });
    }
}

/// A value in the notation of the prompt: a text without quotes.
fn typed(value: &Setting) -> String {
    match value {
        Setting::Text(text) => text.clone(),
        value => value.to_string(),
    }
}
