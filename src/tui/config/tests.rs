use std::fs;

use super::*;
use crate::tui::{GlyphSet, glyphs};

const ACTIONS: &[ActionName] = &[
    ActionName { name: "gain-up", keys: &["l", "right"], groups: &["live"] },
    ActionName { name: "gain-down", keys: &["h", "left"], groups: &["live"] },
    ActionName { name: "mute", keys: &["m"], groups: &["live"] },
    ActionName { name: "play", keys: &["space"], groups: &["replay"] },
    ActionName { name: "pause", keys: &["space"], groups: &["live"] },
    ActionName { name: "help", keys: &["?"], groups: &["live", "replay"] },
];

const EXAMPLE: &str = include_str!("../../../assets/desk.toml");

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, "desk.toml", ACTIONS)
}

fn fault(text: &str) -> String {
    parse(text).unwrap_err()
}

fn keys(config: &Config, action: &str) -> Vec<String> {
    config.keys[action].iter().map(ToString::to_string).collect()
}

#[test]
fn without_a_file_the_defaults_apply() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::read(&folder.path().join("desk.toml"), ACTIONS).unwrap();
    assert_eq!(config, Config::defaults(ACTIONS));
    assert_eq!(config, parse("").unwrap());
    assert_eq!(keys(&config, "gain-up"), ["l", "right"]);
    assert_eq!((config.theme, config.mouse, config.smoothing), (None, false, None));
}

#[test]
fn an_unreadable_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::read(folder.path(), ACTIONS).unwrap_err();
    assert!(error.starts_with(&format!("{}: ", folder.path().display())), "{error}");
    let path = folder.path().join("desk.toml");
    fs::write(&path, b"mouse = \xff").unwrap();
    assert!(Config::read(&path, ACTIONS).is_err());
}

#[test]
fn keys_that_a_file_omits_keep_their_defaults() {
    let config = parse(
        "theme = \"mine\"\nglyphs = \"block\"\nmouse = true\nsmoothing = 0.9\n\
         [keys]\ngain-up = \"ctrl-up\"\nmute = []\nplay = [\"p\", \"P\", \"shift-p\"]\n\
         [themes.mine]\nbased-on = \"light\"\ngood = \"bold\"\n",
    );
    let config = config.unwrap();
    assert_eq!(config.glyphs, GlyphChoice::Set(GlyphSet::Block));
    assert_eq!((config.mouse, config.smoothing), (true, Some(0.9)));
    assert_eq!(keys(&config, "gain-up"), ["ctrl-up"]);
    assert_eq!(keys(&config, "gain-down"), ["h", "left"]);
    assert_eq!(keys(&config, "mute"), [""; 0]);
    assert_eq!(keys(&config, "play"), ["p", "P"]);
    let names: Vec<_> = config.themes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["dark", "light", "safe", "plain", "mine"]);
    let theme = config.theme(ColorDepth::None, &Environment::default());
    assert_eq!(theme.border, Theme::shipped("light").unwrap().border);
    assert_ne!(theme.good, Theme::shipped("light").unwrap().good);
}

#[test]
fn the_default_theme_depends_on_the_terminal() {
    let config = parse("theme = \"auto\"").unwrap();
    let light: Environment = [("COLORFGBG", "0;15")].into_iter().collect();
    let shipped = |name| Theme::shipped(name).unwrap();
    let dark = Environment::default();
    assert_eq!(*config.theme(ColorDepth::True, &dark), shipped("dark"));
    assert_eq!(*config.theme(ColorDepth::True, &light), shipped("light"));
    assert_eq!(*config.theme(ColorDepth::None, &light), shipped("plain"));
}

#[test]
fn all_faults_are_reported_at_once() {
    let text = "\
them = \"dark\"
theme = \"drak\"
glyphs = \"brail\"
mouse = \"yes\"
smoothing = 1
[keys]
gain_up = \"x\"
gain-up = \"ctlr-r\"
gain-down = 3
mute = [
  \"entr\",
  true,
]
[themes.dark]
[themes]
mine = \"red\"
[themes.yours]
goood = \"red\"
[kyes]
x = 1";
    let wanted = "\
desk.toml:1: no key named \"them\"; did you mean \"theme\"?
desk.toml:2: no theme named \"drak\"; did you mean \"dark\"?
desk.toml:3: no glyphs named \"brail\"; did you mean \"braille\"?
desk.toml:4: `mouse`: expected true or false, found \"yes\"
desk.toml:5: `smoothing`: expected a number of at least 0 and below 1, found 1
desk.toml:7: no action named \"gain_up\"; did you mean \"gain-up\"?
desk.toml:8: `keys.gain-up`: no modifier named \"ctlr\" in \"ctlr-r\"; did you mean \"ctrl\"?
desk.toml:9: `keys.gain-down`: expected a key such as \"ctrl-r\", or an array of keys, found 3
desk.toml:11: `keys.mute`: no key named \"entr\"; did you mean \"enter\"?
desk.toml:12: `keys.mute`: expected a key such as \"ctrl-r\", or an array of keys, found true
desk.toml:14: `themes.dark`: a shipped theme has that name; choose another
desk.toml:16: `themes.mine`: expected a table of styles, found \"red\"
desk.toml:18: `themes.yours.goood`: unknown key; did you mean \"good\"?
desk.toml:19: no key named \"kyes\"; did you mean \"keys\"?";
    assert_eq!(fault(text), wanted);
}

#[test]
fn tables_and_values_of_the_wrong_type_are_faults() {
    for (text, message) in [
        ("keys = 1", "`keys`: expected a table of actions and their keys, found 1"),
        ("themes = []", "`themes`: expected a table of themes, found an array"),
        ("theme = 1", "`theme`: expected the name of a theme, found 1"),
        ("glyphs = {}", "`glyphs`: expected the name of a set of glyphs, found a table"),
        ("smoothing = nan", "`smoothing`: expected a number of at least 0 and below 1, found nan"),
        (
            "smoothing = -0.1",
            "`smoothing`: expected a number of at least 0 and below 1, found -0.1",
        ),
    ] {
        assert_eq!(fault(text), format!("desk.toml:1: {message}"));
    }
    let syntax = fault("mouse = \n");
    assert!(syntax.starts_with("desk.toml:1: not TOML: "), "{syntax}");
}

#[test]
fn one_key_bound_to_two_actions_of_one_scope_is_a_fault() {
    assert_eq!(
        fault("[keys]\ngain-up = \"x\"\nmute = [\"y\", \"x\"]"),
        "desk.toml:3: \"x\" is bound to mute here and to gain-up at desk.toml:2; keep one"
    );
    assert_eq!(
        fault("[keys]\nmute = \"x\"\ngain-up = \"x\""),
        "desk.toml:3: \"x\" is bound to gain-up here and to mute at desk.toml:2; keep one"
    );
    assert_eq!(
        fault("[keys]\ngain-up = \"m\""),
        "desk.toml:2: \"m\" is bound to gain-up here and to mute by default; give mute another \
         key, or none: mute = []"
    );
    assert_eq!(
        fault("[keys]\nplay = \"?\""),
        "desk.toml:2: \"?\" is bound to play here and to help by default; give help another key, \
         or none: help = []"
    );
    // A live run and a replay are never on the screen together.
    assert_eq!(keys(&parse("[keys]\nplay = \"m\"").unwrap(), "play"), ["m"]);
    assert_eq!(keys(&parse("[keys]\ngain-up = \"m\"\nmute = []").unwrap(), "gain-up"), ["m"]);
}

/// The example with its commented-out settings in force: those after a `#` without a space.
fn settings() -> String {
    let setting = |line: &'static str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
    EXAMPLE.lines().map(|line| setting(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_file_lists_the_defaults() {
    let nothing = Config::parse(EXAMPLE, "desk.toml", &[]).unwrap();
    assert_eq!(nothing, Config::defaults(&[]));
    let actions = crate::tui::actions();
    let all = Config::parse(&settings(), "desk.toml", actions).unwrap();
    let defaults = Config::defaults(actions);
    assert_eq!((&all.theme, all.glyphs), (&defaults.theme, defaults.glyphs));
    assert_eq!((all.mouse, &all.keys), (defaults.mouse, &defaults.keys));
    let mine = &all.themes.last().unwrap().1;
    assert_eq!(*mine, Theme::shipped("dark").unwrap(), "the example theme says what dark says");
    for key in KEYS.iter().copied().chain(actions.iter().map(|action| action.name)) {
        assert!(settings().contains(key), "the example has {key}");
    }
}

#[test]
fn glyphs_are_chosen_by_the_names_of_their_sets() {
    let ascii = parse("glyphs = \"ascii\"").unwrap().glyphs;
    assert_eq!(*ascii.glyphs(&Environment::default()), glyphs::ASCII);
}
