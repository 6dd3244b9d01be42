//! Groups of objectives that a step draws.

use super::{ObjectiveSpec, Recipe};

/// Objectives that are drawn together, over the corpora that they read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name: the value of `group`, or the name of the corpus.
    pub name: String,
    /// Its objectives, by index; without those that read several corpora.
    pub objectives: Vec<usize>,
    /// The corpora that one batch each is drawn from, by index.
    pub corpora: Vec<usize>,
}

impl Recipe {
    /// The groups, in the order of their first objectives. A corpus that only objectives over
    /// several corpora read (a domain without labels) is a group of its own, after the others.
    pub fn groups(&self) -> Vec<Group> {
        self.groups_of(|_| true)
    }

    /// The groups of the recipe as if it had only the active objectives, by index: inactive ones do
    /// not affect a group's order, size or corpora.
    pub fn groups_of(&self, is_active: impl Fn(usize) -> bool) -> Vec<Group> {
        let corpora = self.corpora.iter().map(|corpus| corpus.name.as_str());
        let objectives = self.objectives.iter().enumerate().filter(|(at, _)| is_active(*at));
        groups(objectives, &corpora.collect::<Vec<_>>())
    }

    /// Whether a group has the main objective; or its first corpus, where the main objective reads several.
    pub(crate) fn is_main_group(&self, group: &Group) -> bool {
        let (at, main) = (self.main(), &self.objectives[self.main()]);
        let is_read = main.group.is_none() && group.corpora.contains(&main.corpora[0]);
        is_read || group.objectives.contains(&at)
    }
}

pub(super) fn groups<'a>(
    objectives: impl Iterator<Item = (usize, &'a ObjectiveSpec)> + Clone,
    corpora: &[&str],
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, objective) in objectives.clone() {
        let Some(name) = &objective.group else { continue };
        let group = find_or_add(&mut groups, name);
        group.objectives.push(at);
        add(&mut group.corpora, &objective.corpora);
    }
    for (_, objective) in objectives.filter(|(_, objective)| objective.group.is_none()) {
        for &corpus in &objective.corpora {
            if !groups.iter().any(|group| group.corpora.contains(&corpus)) {
                add(&mut find_or_add(&mut groups, corpora[corpus]).corpora, &[corpus]);
            }
        }
    }
    groups
}

fn find_or_add<'a>(groups: &'a mut Vec<Group>, name: &str) -> &'a mut Group {
    let at = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
        groups.push(Group { name: name.to_owned(), objectives: Vec::new(), corpora: Vec::new() });
        groups.len() - 1
    });
    &mut groups[at]
}

fn add(corpora: &mut Vec<usize>, others: &[usize]) {
    for other in others {
        if !corpora.contains(other) {
            corpora.push(*other);
        }
    }
}
