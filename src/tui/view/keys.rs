//! Dispatches a key press: to the topmost window, or to an action.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Effect, Message, Overlay, Palette, Prompt, View};
use crate::{
    state::Run,
    tui::{
        key::KeyPress,
        line::Line,
        view::{
            action::{Action, Spec},
            keymap::Keymap,
        },
    },
};

impl View {
    /// Handles a key press.
    pub fn press(&mut self, event: KeyEvent, keymap: &Keymap, run: &Run) -> Vec<Effect> {
        self.dismiss_finished_tour();
        let meaning = keymap.meaning(KeyPress::from(event), self);
        // These two work whatever is open.
        let anyway = meaning.filter(|spec| {
            matches!(spec.action, Action::Interrupt | Action::Suspend)
                && event.modifiers.contains(KeyModifiers::CONTROL)
        });
        match (self.overlay.take(), anyway, meaning) {
            (overlay, Some(spec), _) => {
                self.overlay = overlay;
                self.act(spec, run)
            }
            (Some(overlay), None, _) => self.press_in(overlay, event, run),
            (None, None, Some(spec)) => self.act(spec, run),
            (None, None, None) => {
                let text =
                    format!("{} is not bound here; ? lists every key", KeyPress::from(event));
                self.message = Some(Message::Refused(text));
                Vec::new()
            }
        }
    }

    /// Handles a pasted text: inserts it into an open text input, never as keys.
    pub fn paste(&mut self, text: &str) {
        match &mut self.overlay {
            Some(Overlay::Prompt(Prompt { line, .. }) | Overlay::Palette(Palette { line, .. })) => {
                line.insert(text);
            }
            Some(Overlay::Help { search, searching: true, .. }) => search.insert(text),
            Some(
                Overlay::Help { .. }
                | Overlay::Settings { .. }
                | Overlay::Weightings { .. }
                | Overlay::ConfirmStop,
            )
            | None => {
                let text = "pasted text was ignored: no prompt is open";
                self.message = Some(Message::Refused(text.to_owned()));
            }
        }
    }

    /// The window was taken off and is put back unless the key closes it.
    fn press_in(&mut self, overlay: Overlay, event: KeyEvent, run: &Run) -> Vec<Effect> {
        match overlay {
            // With Ctrl or Alt, a letter is another key.
            Overlay::ConfirmStop
                if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
            {
                self.overlay = Some(Overlay::ConfirmStop);
            }
            Overlay::ConfirmStop => match event.code {
                KeyCode::Char('y' | 'Y') => return self.stop(),
                KeyCode::Char('n' | 'N') | KeyCode::Esc => {}
                _ => self.overlay = Some(Overlay::ConfirmStop),
            },
            Overlay::Prompt(prompt) => return self.press_in_prompt(prompt, event, run),
            Overlay::Palette(palette) => return self.press_in_palette(palette, event, run),
            Overlay::Settings { selected } => self.press_in_settings(selected, event, run),
            Overlay::Weightings { selected } => {
                return self.press_in_weightings(selected, event, run);
            }
            Overlay::Help { search, searching, scroll } => {
                self.overlay = help(search, searching, scroll, event);
            }
        }
        Vec::new()
    }

    fn press_in_prompt(&mut self, mut prompt: Prompt, event: KeyEvent, run: &Run) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Enter => match prompt.entry(run.plan.steps) {
                Ok(entry) => return self.entered(entry, run),
                Err(fault) => prompt.fault = Some(fault),
            },
            _ => {
                if prompt.line.edit(event) {
                    prompt.fault = None;
                }
            }
        }
        self.overlay = Some(Overlay::Prompt(prompt));
        Vec::new()
    }

    fn press_in_palette(
        &mut self,
        mut palette: Palette,
        event: KeyEvent,
        run: &Run,
    ) -> Vec<Effect> {
        let n_matches = palette.matches().len();
        match event.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Enter => {
                if let Some((spec, text)) = palette.with_text() {
                    self.remember(&palette.line.text());
                    return self.act_with(spec, &text, run);
                }
                let Some(spec) = palette.matches().get(palette.selected).copied() else {
                    let text = format!("no action named `{}`", palette.line.text());
                    self.message = Some(Message::Refused(text));
                    return Vec::new();
                };
                self.remember(spec.name);
                return self.act(spec, run);
            }
            KeyCode::Tab => palette.complete(),
            // In an empty line, Up goes back in the history; otherwise through the matches.
            KeyCode::Up if palette.line.is_empty() || palette.back > 0 => {
                palette.back = (palette.back + 1).min(self.history.len());
                palette.line = self.line_back(palette.back);
            }
            KeyCode::Down if palette.back > 0 => {
                palette.back -= 1;
                palette.line = self.line_back(palette.back);
            }
            KeyCode::Up => palette.selected = palette.selected.saturating_sub(1),
            KeyCode::Down => {
                palette.selected = (palette.selected + 1).min(n_matches.saturating_sub(1));
            }
            _ => {
                if palette.line.edit(event) {
                    (palette.selected, palette.back) = (0, 0);
                }
            }
        }
        self.overlay = Some(Overlay::Palette(palette));
        Vec::new()
    }

    /// Carries out an action that prompts, with what its prompt asks for. The prompt stays open if it is
    /// not valid.
    fn act_with(&mut self, spec: &Spec, text: &str, run: &Run) -> Vec<Effect> {
        let effects = self.act(spec, run);
        let Some(Overlay::Prompt(mut prompt)) =
            self.overlay.take_if(|it| matches!(it, Overlay::Prompt(_)))
        else {
            return effects;
        };
        prompt.line = Line::new(text);
        self.press_in_prompt(prompt, KeyEvent::from(KeyCode::Enter), run)
    }

    fn remember(&mut self, line: &str) {
        self.history.retain(|other| other != line);
        self.history.push(line.to_owned());
    }

    fn line_back(&self, back: usize) -> Line {
        let place = self.history.len().checked_sub(back);
        let line = place.and_then(|place| self.history.get(place));
        Line::new(line.map(String::as_str).unwrap_or_default())
    }
}

/// The help after a key; `None` if it is closed.
fn help(mut search: Line, searching: bool, scroll: usize, event: KeyEvent) -> Option<Overlay> {
    let (searching, scroll) = match event.code {
        KeyCode::Esc if searching || !search.is_empty() => {
            search = Line::default();
            (false, 0)
        }
        KeyCode::Enter if searching => (false, scroll),
        _ if searching => {
            let typed = search.edit(event);
            (true, if typed { 0 } else { scroll })
        }
        KeyCode::Esc | KeyCode::Char('q' | '?') | KeyCode::F(1) => return None,
        KeyCode::Char('/') => (true, 0),
        KeyCode::Down | KeyCode::Char('j') => (false, scroll + 1),
        KeyCode::Up | KeyCode::Char('k') => (false, scroll.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => (false, scroll + 10),
        KeyCode::PageUp => (false, scroll.saturating_sub(10)),
        KeyCode::Home => (false, 0),
        _ => (false, scroll),
    };
    Some(Overlay::Help { search, searching, scroll })
}
