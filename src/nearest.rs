//! Suggestions for an unknown name: the nearest one, or all of them.

/// The nearest name, if it is near enough.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&wrong.to_lowercase(), name);
    let (distance, name) = names.map(|name| (distance(name), name)).min()?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(name)
}

/// The end of a message about an unknown name: the nearest one, or all of them.
pub fn hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(nearest) = nearest(wrong, names.clone()) {
        return format!("; did you mean {nearest:?}?");
    }
    let all: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    match all.as_slice() {
        [] => "; there is none".to_owned(),
        [only] => format!("; there is {only}"),
        all => format!("; expected one of {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_or_all_are_listed() {
        let names = ["next-word", "tag", "frequency"];
        assert_eq!(hint("next_word", names.into_iter()), "; did you mean \"next-word\"?");
        assert_eq!(hint("Tag", names.into_iter()), "; did you mean \"tag\"?");
        assert_eq!(
            hint("speech", names.into_iter()),
            "; expected one of \"next-word\", \"tag\", \"frequency\""
        );
        assert_eq!(hint("sing", ["mute"].into_iter()), "; there is \"mute\"");
        assert_eq!(hint("sing", std::iter::empty()), "; there is none");
    }
}
