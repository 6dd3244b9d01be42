//! What the desk looks like on this terminal: one decision from what was typed, what the user's file
//! says and what the terminal says of itself, in that order.

use super::{ColorDepth, ColorWhen, Config, Environment, GlyphChoice, Glyphs, Theme};

/// Styles and characters to draw with.
#[derive(Clone, Debug)]
pub struct Look {
    /// Styles, in colours that the terminal has.
    pub theme: Theme,
    /// Characters, from a set that the terminal has.
    pub glyphs: &'static Glyphs,
    /// How many colours there are, for who changes the theme later.
    pub depth: ColorDepth,
}

impl Look {
    /// Decides. An option stands over the file, if it says anything but `auto`.
    pub fn choose(
        color: ColorWhen,
        glyphs: GlyphChoice,
        config: &Config,
        environment: &Environment,
    ) -> Self {
        let depth = ColorDepth::of(color, environment);
        let glyphs = if glyphs == GlyphChoice::Auto { config.glyphs } else { glyphs };
        Self {
            theme: config.theme(depth, environment).reduced(depth),
            glyphs: glyphs.glyphs(environment),
            depth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::GlyphSet;

    #[test]
    fn an_option_stands_over_the_file_and_the_file_over_the_terminal() {
        let environment = [("LANG", "C.UTF-8"), ("TERM", "xterm-256color")].into_iter().collect();
        let config = Config::parse("glyphs = \"block\"\ntheme = \"safe\"", "desk.toml", &[]);
        let (config, silent) = (config.unwrap(), Config::defaults(&[]));
        let set = |glyphs, config| {
            let look = Look::choose(ColorWhen::Auto, glyphs, config, &environment);
            look.glyphs.set
        };
        assert_eq!(set(GlyphChoice::Auto, &silent), GlyphSet::Braille);
        assert_eq!(set(GlyphChoice::Auto, &config), GlyphSet::Block);
        assert_eq!(set(GlyphChoice::Set(GlyphSet::Ascii), &config), GlyphSet::Ascii);

        let theme = |color| Look::choose(color, GlyphChoice::Auto, &config, &environment).theme;
        let safe = Theme::shipped("safe").unwrap();
        assert_eq!(theme(ColorWhen::Auto), safe.reduced(ColorDepth::Ansi256));
        assert_eq!(theme(ColorWhen::Ansi16), safe.reduced(ColorDepth::Ansi16));
        assert_eq!(theme(ColorWhen::Never), safe.reduced(ColorDepth::None));
    }
}
