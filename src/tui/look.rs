//! The desk's theme and glyphs for this terminal: chosen from the command line, the user's file and
//! the terminal's environment, in that order.

use super::{ColorDepth, ColorWhen, Config, Environment, GlyphChoice, Glyphs, Theme};

/// Styles and characters to draw with.
#[derive(Clone, Debug)]
pub struct Look {
    /// Styles, in colors that the terminal supports.
    pub theme: Theme,
    /// Characters, from a set that the terminal supports.
    pub glyphs: &'static Glyphs,
    /// The color depth, for a later change of theme.
    pub depth: ColorDepth,
}

impl Look {
    /// Chooses. An option overrides the file, unless it is `auto`.
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
    fn options_override_the_file_and_the_file_overrides_the_terminal() {
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
