use std::collections::BTreeSet;

use ratatui::style::{Color, Modifier};

use super::*;

const COLOURED: [&str; 3] = ["dark", "light", "safe"];

fn shipped(name: &str) -> Theme {
    Theme::shipped(name).unwrap()
}

fn colors(theme: &Theme) -> Vec<(String, Color)> {
    let styles = theme.styles().into_iter();
    styles
        .flat_map(|(key, style)| [style.fg, style.bg].map(|c| (key.clone(), c)))
        .filter_map(|(key, color)| Some((key, color?)))
        .collect()
}

fn based(text: &str) -> Result<Theme, String> {
    let (table, mut faults) = Faults::read("desk.toml", text);
    let theme = Theme::based("themes.mine", table.get_ref(), &mut faults);
    faults.finish().map(|()| theme)
}

#[test]
fn every_shipped_theme_defines_every_style() {
    for (name, text) in SHIPPED {
        let (table, faults) = Faults::read(name, text);
        let entries = faults.entries(table.get_ref());
        let said: BTreeSet<&str> = entries.iter().map(|entry| entry.key).collect();
        let wanted: BTreeSet<&str> = KEYS.iter().copied().chain(["series"]).collect();
        assert_eq!(said, wanted, "{name}");
        let series = entries.iter().find(|entry| entry.key == "series").unwrap().value;
        assert_eq!(series.as_array().unwrap().len(), N_SERIES, "{name}");
        Theme::shipped(name).unwrap();
    }
    assert_eq!(Theme::shipped("mine"), None);
}

#[test]
fn dark_and_light_use_only_the_sixteen_colors() {
    for name in ["dark", "light"] {
        for (key, color) in colors(&shipped(name)) {
            let is_of_sixteen = style_text::ANSI.iter().any(|(_, other)| *other == color);
            assert!(is_of_sixteen, "{name}: {key} is {color}");
        }
    }
}

#[test]
fn no_text_is_black_or_white_on_an_unknown_background() {
    for name in Theme::shipped_names() {
        for (key, style) in shipped(name).styles() {
            let is_extreme = matches!(style.fg, Some(Color::Black | Color::White | Color::Gray));
            assert!(!is_extreme || style.bg.is_some(), "{name}: {key}");
        }
    }
}

#[test]
fn series_are_distinct_at_every_color_depth() {
    for name in COLOURED {
        for depth in [ColorDepth::True, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            let series = shipped(name).reduced(depth).series;
            for (at, style) in series.iter().enumerate() {
                assert!(!series[..at].contains(style), "{name}: {depth:?}: series[{at}]");
            }
        }
    }
}

/// Digits identify objectives: in the chart, in the legend, on the strips.
#[test]
fn without_color_only_series_look_the_same() {
    for name in Theme::shipped_names() {
        let theme = shipped(name).reduced(ColorDepth::None);
        assert_eq!(colors(&theme), []);
        assert_ne!(theme.selected, theme.text, "{name}");
        assert_ne!(theme.title, theme.text, "{name}");
        assert_ne!(theme.state_failed, theme.state_live, "{name}");
    }
    let plain = shipped("plain");
    assert!(plain.series.iter().all(|style| *style == plain.text));
    for key in ["bad", "solo", "pending", "muted"] {
        let (_, style) = plain.styles().into_iter().find(|(other, _)| other == key).unwrap();
        assert_ne!(style, plain.text, "{key}");
    }
    assert_ne!(plain.border_focus, plain.border);
}

#[test]
fn plain_has_no_color_and_only_common_modifiers() {
    let plain = shipped("plain");
    assert_eq!(plain.reduced(ColorDepth::None), plain);
    let common = Modifier::BOLD | Modifier::DIM | Modifier::UNDERLINED | Modifier::REVERSED;
    for (key, style) in plain.styles() {
        assert!(common.contains(style.add_modifier), "{key}");
    }
}

#[test]
fn good_and_bad_are_distinct_in_red_green_color_blindness() {
    let safe = shipped("safe");
    let (good, bad) = (safe.good.fg, safe.bad.fg);
    assert_eq!((good, bad), (Some(Color::Rgb(0, 0x72, 0xb2)), Some(Color::Rgb(0xd5, 0x5e, 0))));
    for name in COLOURED {
        assert_ne!(shipped(name).good, shipped(name).bad);
    }
}

#[test]
fn styles_of_series_repeat() {
    let dark = shipped("dark");
    assert_eq!(dark.series(9), dark.series[1]);
    assert_ne!(dark.series(8), dark.series(9));
}

#[test]
fn a_users_theme_overrides_the_shipped_one() {
    let mine = based("based-on = \"light\"\ngood = \"bold green\"\nseries = [\"202\"]").unwrap();
    let mut wanted = shipped("light");
    wanted.good = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
    wanted.series[0] = Style::new().fg(Color::Indexed(202));
    assert_eq!(mine, wanted);
    assert_eq!(based("").unwrap(), shipped("dark"));
}

#[test]
fn all_faults_of_a_theme_are_reported() {
    let text = "based-on = \"drak\"
good = \"bald red\"
goood = \"red\"
sparkle = \"red\"
bad = 3
series = [
  \"red\",
  \"rad\",
]
share = [\"red\"]
state-live = \"on\"";
    let wanted = "\
desk.toml:1: `themes.mine.based-on`: no theme named \"drak\"; did you mean \"dark\"?
desk.toml:2: `themes.mine.good`: no style or color named \"bald\"; did you mean \"bold\"?
desk.toml:3: `themes.mine.goood`: unknown key; did you mean \"good\"?
desk.toml:4: `themes.mine.sparkle`: unknown key
desk.toml:5: `themes.mine.bad`: expected a style such as \"bold light-red\", found 3
desk.toml:8: `themes.mine.series[1]`: no style or color named \"rad\"; did you mean \"red\"?
desk.toml:10: `themes.mine.share`: expected a style such as \"bold light-red\", found an array
desk.toml:11: `themes.mine.state-live`: no color after \"on\"";
    assert_eq!(based(text).unwrap_err(), wanted);
    let nine = format!("series = [{}]", ["\"red\""; 9].join(", "));
    let wanted = "desk.toml:1: `themes.mine.series`: expected 1 to 8 styles, found 9";
    assert_eq!(based(&nine).unwrap_err(), wanted);
    assert_eq!(
        based("series = \"red\"").unwrap_err(),
        "desk.toml:1: `themes.mine.series`: expected an array of styles, found \"red\""
    );
    assert_eq!(
        based("based-on = 1").unwrap_err(),
        "desk.toml:1: `themes.mine.based-on`: expected the name of a shipped theme, found 1"
    );
}
