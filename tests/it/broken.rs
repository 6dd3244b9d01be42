//! Invalid recipes and corpora: each file of `tests/broken` has its complete expected message
//! beside it.
//!
//! Lines `# --set KEY=VALUE` at the top of a file are passed as options. With `UPDATE_EXPECTED=1`
//! the messages are written instead of compared; review them.

use std::{fs, path::Path};

use auxdesk::recipe::{Overrides, RecipeSource, load};

use crate::recipes::tomls;

#[test]
fn every_invalid_recipe_gives_its_expected_message() {
    let mut wrong = Vec::new();
    for path in tomls("tests/broken").into_iter().chain(tomls("tests/broken/corpora")) {
        let text = fs::read_to_string(&path).unwrap();
        let sets = text.lines().map_while(|line| line.strip_prefix("# --set "));
        let sets = sets.map(str::to_owned).collect();
        let source = RecipeSource::File(path.clone().into());
        let recipe = load(&source, &Overrides { sets, ..Overrides::default() });
        let found = match recipe.and_then(|recipe| recipe.open_all(None, &mut |_| {})) {
            Ok(_) => "no fault\n".to_owned(),
            Err(faults) => format!("{faults}\n"),
        };
        let expected_path = Path::new(&path).with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected_path, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{path}\n  found\n{found}  wanted\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
