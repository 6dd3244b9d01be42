//! The event loop of a desk session: keys become actions, and a frame is drawn when something has
//! changed, at most twenty times a second, and at once after a key press.

mod live;
mod replay;

use std::time::Duration;

pub use live::{Live, LiveRun, NextSession, watch};
pub use replay::replay;

use super::{
    Config, Look,
    screen::{self, FrameData},
    terminal::{Suspended, Terminal, TerminalInput},
    view::{DeskMode, Effect, Message, View, keymap::Keymap},
};
use crate::state::{ALPHAS, Run};

/// Milliseconds between two frames, unless a key was pressed.
const FRAME_MS: u64 = 50;

/// What a session at the desk needs, live or replayed.
pub struct Session<'a> {
    /// The user's keys and themes.
    pub config: &'a Config,
    /// Styles and characters.
    pub look: Look,
    /// Milliseconds since a fixed moment: the desk reads no clock of its own.
    pub now_ms: &'a dyn Fn() -> u64,
    /// The frame at which to panic: for the test of a run whose desk panics.
    pub panic_at: Option<u64>,
}

/// Why a session at the desk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskExit {
    /// The user quit, or the session reached its end.
    Finished,
    /// The terminal is gone. The run may continue.
    TerminalGone,
}

/// The state that every session has.
struct Desk<'a> {
    view: View,
    look: Look,
    keymap: Keymap,
    config: &'a Config,
    theme_idx: usize,
    /// The run at the moment the screen was frozen.
    frozen_run: Option<Run>,
    now_ms: &'a dyn Fn() -> u64,
    panic_at: Option<u64>,
    n_frames: u64,
    /// Frames that were due while another one was drawn.
    n_missed: u64,
    drawn_ms: u64,
    /// Something has changed since the last frame.
    changed: bool,
}

impl<'a> Desk<'a> {
    fn new(session: Session<'a>, mode: DeskMode, terminal: &Terminal) -> Self {
        let Session { config, look, now_ms, panic_at } = session;
        let mut view = View::new(mode);
        view.size = terminal.size();
        if let Some(kept) = config.smoothing {
            let far = |alpha: &f64| (1.0 - alpha - f64::from(kept)).abs();
            let nearest = ALPHAS.iter().enumerate().min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
            view.chart.smoothing = nearest.map_or(0, |(place, _)| place);
        }
        let is_it = |theme: &super::Theme| theme.reduced(look.depth) == look.theme;
        let theme_idx = config.themes.iter().position(|(_, theme)| is_it(theme)).unwrap_or(0);
        let keymap = Keymap::new(&config.keys);
        Self {
            view,
            look,
            keymap,
            config,
            theme_idx,
            frozen_run: None,
            now_ms,
            panic_at,
            n_frames: 0,
            n_missed: 0,
            drawn_ms: 0,
            changed: true,
        }
    }

    /// Waits for input, at most until the next frame is due, and handles it up to the first input
    /// that has an effect outside: the meaning of the next key depends on its result.
    fn listen(
        &mut self,
        terminal: &mut Terminal,
        run: &Run,
        most: Duration,
    ) -> Result<Vec<Effect>, DeskExit> {
        let since_ms = (self.now_ms)().saturating_sub(self.drawn_ms);
        let until_frame = Duration::from_millis(FRAME_MS.saturating_sub(since_ms));
        let mut wait = if self.changed { until_frame.min(most) } else { most };
        while let Some(input) = terminal.poll(wait) {
            wait = Duration::ZERO;
            (self.changed, self.drawn_ms) = (true, 0);
            match input {
                TerminalInput::Key(key) => {
                    let effects = self.view.press(key, &self.keymap, run);
                    if !effects.is_empty() {
                        return Ok(effects);
                    }
                }
                TerminalInput::Paste(text) => self.view.paste(&text),
                TerminalInput::Mouse(mouse) => {
                    let effects = self.view.mouse(mouse, run);
                    if !effects.is_empty() {
                        return Ok(effects);
                    }
                }
                TerminalInput::Resize(size) => self.view.size = size,
                TerminalInput::Gone => return Err(DeskExit::TerminalGone),
            }
        }
        Ok(Vec::new())
    }

    /// Draws a frame if something has changed and a frame is due.
    fn draw(&mut self, terminal: &mut Terminal, run: &Run) {
        let now_ms = (self.now_ms)();
        if !self.changed || now_ms < self.drawn_ms + FRAME_MS {
            return;
        }
        match (self.view.frozen, &self.frozen_run) {
            (true, None) => self.frozen_run = Some(run.clone()),
            (false, Some(_)) => self.frozen_run = None,
            _ => {}
        }
        let run = self.frozen_run.as_ref().unwrap_or(run);
        let data = FrameData { run, view: &self.view, look: &self.look, keymap: &self.keymap };
        self.n_frames += 1;
        let number = self.n_frames;
        assert!(self.panic_at != Some(number), "panic requested at frame {number}");
        terminal.draw(|frame| screen::render(data, frame.area(), frame.buffer_mut()));
        self.n_missed += (self.now_ms)().saturating_sub(now_ms) / FRAME_MS;
        (self.drawn_ms, self.changed) = (now_ms, false);
    }

    /// Carries out effects that all sessions share; returns any other.
    fn perform(&mut self, effect: Effect, terminal: &mut Terminal) -> Option<Effect> {
        match effect {
            Effect::NextTheme => {
                self.theme_idx = (self.theme_idx + 1) % self.config.themes.len();
                let (name, theme) = &self.config.themes[self.theme_idx];
                self.look.theme = theme.reduced(self.look.depth);
                self.view.message = Some(Message::Done(format!("theme {name}")));
            }
            Effect::Suspend => {
                if terminal.suspend() == Suspended::NoJobControl {
                    let text = "cannot suspend: no shell with job control";
                    self.view.message = Some(Message::Refused(text.to_owned()));
                }
            }
            other => return Some(other),
        }
        None
    }
}
