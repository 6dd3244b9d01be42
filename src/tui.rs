//! The desk: draws the state of a run and sends commands to the trainer.
//!
//! The screen is a function of a [`crate::state::Run`] and of the desk's own [`View`].
//! A command goes to the trainer, and its effect is shown once the event that answers it has been
//! applied to the state. No other module of the program knows that there is a terminal.

pub mod chart;
pub mod config;
pub mod desk;
pub mod environment;
pub mod glyphs;
pub mod key;
pub mod layout;
pub mod line;
pub mod look;
pub mod replay;
pub mod screen;
pub mod terminal;
pub mod theme;
mod toml;
mod tour_file;
pub mod view;

use std::sync::LazyLock;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::state::Run;
use screen::FrameData;
use view::{DeskMode, View, action::ACTIONS, keymap::Keymap};

pub use config::{ActionName, Config};
pub use environment::Environment;
pub use glyphs::{GlyphChoice, GlyphSet, Glyphs};
pub use key::KeyPress;
pub use look::Look;
pub use theme::{ColorDepth, ColorWhen, Theme};
pub use tour_file::TourFile;

/// A screen of `columns` × `rows` as text: what the desk shows of a run before any key is pressed.
pub fn text(run: &Run, config: &Config, look: &Look, (columns, rows): (u16, u16)) -> String {
    let area = Rect::new(0, 0, columns, rows);
    let mut view = View::new(DeskMode::Live);
    view.size = area.as_size();
    let mut buffer = Buffer::empty(area);
    let keymap = Keymap::new(&config.keys);
    screen::render(FrameData { run, view: &view, look, keymap: &keymap }, area, &mut buffer);
    screen::lines(&buffer)
}

/// All actions that a key can be bound to.
pub fn actions() -> &'static [ActionName] {
    static NAMES: LazyLock<Vec<ActionName>> = LazyLock::new(|| {
        let name = |spec: &'static view::action::Spec| ActionName {
            name: spec.name,
            keys: spec.keys,
            groups: spec.scope.alone(),
        };
        ACTIONS.iter().map(name).collect()
    });
    &NAMES
}
