//! Objectives that read the head of another one, over the rows of that objective's tap.

use super::{Fault, GradientFlow, ObjectiveSpec, Recipe, fault::Diagnostics};
use crate::{
    data::{Corpus, Fitted},
    objective::{self, ConfigFault, HeadRead, ReadSetup, ReadView},
};

/// Checks the objectives that others read, and adds their taps to those of the readers.
pub(super) fn resolve(specs: &mut [Option<ObjectiveSpec>], diagnostics: &mut Diagnostics) {
    let known: Vec<ObjectiveSpec> = specs.iter().flatten().cloned().collect();
    for spec in specs.iter_mut().flatten() {
        // Unknown names are reported with the other faults of the table.
        let find =
            |read: &HeadRead| known.iter().find(|other| other.name.as_str() == read.objective);
        let Some(found) = spec.reads.iter().map(find).collect::<Option<Vec<_>>>() else { continue };
        let views = found.iter().map(|read| ReadView {
            config: read.config.as_ref(),
            head: read.head,
            on: read.layers.first().map(|layer| layer.on),
        });
        match spec.config.check_reads(&views.collect::<Vec<_>>()) {
            Ok(()) => {
                spec.taps.extend(found.iter().filter_map(|read| read.taps.first().cloned()));
                spec.layers.extend(found.iter().filter_map(|read| read.layers.first().copied()));
            }
            Err(ConfigFault::Key(key, what)) => diagnostics.fault(&spec.values.place(key), what),
            Err(ConfigFault::Tap(what)) => diagnostics.fault(&spec.place, what),
        }
    }
}

impl ObjectiveSpec {
    /// The key of each of its taps: those of its own, then those that name the objectives it reads.
    pub(super) fn tap_keys(&self) -> impl Iterator<Item = &'static str> {
        let own = self.kind.taps().iter().map(|tap| tap.name);
        own.chain(self.reads.iter().map(|read| read.key))
    }

    /// What happens to its gradient at each of its taps.
    pub(super) fn gradients(&self) -> Vec<GradientFlow> {
        let own = self.kind.taps().iter().map(|_| self.gradient);
        let flow = |requires_grad| if requires_grad { self.gradient } else { GradientFlow::Stop };
        let read = self.reads.iter().map(|read| flow(read.requires_grad));
        own.chain(read).collect()
    }
}

impl Recipe {
    /// The objective whose parameters and labels this one uses; itself if they are its own.
    pub(super) fn donor<'a>(&'a self, spec: &'a ObjectiveSpec) -> &'a ObjectiveSpec {
        let donates = |other: &&ObjectiveSpec| spec.share.as_ref() == Some(&other.name);
        self.objectives.iter().find(donates).unwrap_or(spec)
    }

    /// A fault if an objective reads others whose labels in these corpora it does not support.
    pub(super) fn other_labels(&self, spec: &ObjectiveSpec, corpora: &[Corpus]) -> Option<Fault> {
        let fitted = |at: usize| {
            let read = spec.reads.get(at).and_then(|read| self.find_read(read));
            let donor = read.map(|read| self.donor(read));
            donor.map_or_else(Fitted::default, |donor| {
                let reads: Vec<&Corpus> = donor.corpora.iter().map(|&at| &corpora[at]).collect();
                donor.config.fit(&reads)
            })
        };
        match spec.config.check_read_labels(&fitted) {
            Ok(()) => None,
            Err(ConfigFault::Key(key, what)) => Some(Fault { place: spec.values.place(key), what }),
            Err(ConfigFault::Tap(what)) => Some(Fault { place: spec.place.clone(), what }),
        }
    }

    fn find_read(&self, read: &HeadRead) -> Option<&ObjectiveSpec> {
        self.objectives.iter().find(|spec| spec.name.as_str() == read.objective)
    }

    /// What an objective that another one reads is built from.
    pub(super) fn read_setup<'a>(
        &'a self,
        read: &HeadRead,
        fitted: impl Fn(String) -> &'a Fitted,
    ) -> Option<ReadSetup<'a>> {
        let spec = self.find_read(read)?;
        let donor = self.donor(spec);
        let owner = objective::owner(donor.name.as_str());
        Some(ReadSetup {
            name: spec.name.as_str(),
            config: spec.config.as_ref(),
            head: donor.head_config.as_deref(),
            taps: &spec.layers,
            fitted: fitted(owner.clone()),
            owner,
        })
    }
}
