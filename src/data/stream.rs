//! The order of a corpus's training examples.
//!
//! An epoch is a function of (seed, corpus, epoch): the examples are shuffled and divided into
//! pools of 32 batches, each pool is sorted by length so that the sentences of a batch have similar
//! lengths and is divided into batches, and the batches are shuffled. A position in it is two
//! integers, which a checkpoint stores.

use serde::{Deserialize, Serialize};

use super::{Corpus, Purpose, SplitData, draw, draw::shuffle};

/// The number of batches that are sorted by length together: enough for similar lengths, but few
/// enough that the composition of batches differs between epochs.
const POOL: usize = 32;

/// A position in the order of a corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Complete epochs.
    pub epoch: u64,
    /// The index of the next batch of this epoch.
    pub next: u64,
}

/// The batches of one corpus, epoch after epoch.
#[derive(Clone, Debug)]
pub struct BatchStream {
    seed: u64,
    position: Position,
    order: Option<Order>,
}

/// The batches of one epoch, kept until the next one begins.
#[derive(Clone, Debug)]
struct Order {
    epoch: u64,
    batch: usize,
    batches: Vec<Vec<usize>>,
}

impl BatchStream {
    /// A corpus from this position on; `Position::default()` is the start.
    pub fn new(seed: u64, position: Position) -> Self {
        Self { seed, position, order: None }
    }

    /// The position of the next batch.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The examples of the next batch, by index in the training split; empty if all of its examples
    /// are empty.
    pub fn next(&mut self, corpus: &Corpus, batch: usize) -> Vec<usize> {
        let Position { epoch, next } = self.position;
        let known = |order: &Order| order.epoch == epoch && order.batch == batch;
        let order = match self.order.take().filter(known) {
            Some(order) => order,
            None => Order { epoch, batch, batches: epoch_batches(self.seed, corpus, epoch, batch) },
        };
        let n_batches = order.batches.len() as u64;
        // After a change of the batch size, the epoch may have fewer batches than are done.
        let Some(examples) = order.batches.get(next.min(n_batches.saturating_sub(1)) as usize)
        else {
            return Vec::new();
        };
        let examples = examples.clone();
        self.position = if next + 1 < n_batches {
            Position { epoch, next: next + 1 }
        } else {
            Position { epoch: epoch + 1, next: 0 }
        };
        self.order = Some(order);
        examples
    }
}

/// The number of batches in an epoch of the training split.
pub fn steps_per_epoch(corpus: &Corpus, batch: usize) -> u64 {
    non_empty(&corpus.train).count().div_ceil(batch) as u64
}

/// The maximum number of tokens of an evaluation batch: there are no gradients, and larger products
/// are faster.
const SCORED_TOKENS: usize = 4096;

/// The batches of an evaluation: every non-empty example once, the longest first, so that the
/// examples of a batch have similar lengths. A batch has at least `batch` examples (except the
/// last), and more if they fit into 4,096 tokens.
pub fn eval_batches(split: &SplitData, batch: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = non_empty(split).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(split.examples[at].len()));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut n_tokens = 0;
    for at in order {
        let length = split.examples[at].len();
        match batches.last_mut() {
            Some(last) if last.len() < batch || n_tokens + length <= SCORED_TOKENS => {
                last.push(at);
                n_tokens += length;
            }
            _ => {
                batches.push(vec![at]);
                n_tokens = length;
            }
        }
    }
    batches
}

fn non_empty(split: &SplitData) -> impl Iterator<Item = usize> + '_ {
    (0..split.examples.len()).filter(|&at| !split.examples[at].is_empty())
}

/// The batches of an epoch of the training split, in their order.
pub fn epoch_batches(seed: u64, corpus: &Corpus, epoch: u64, batch: usize) -> Vec<Vec<usize>> {
    let mut rng = draw(seed, Purpose::Shuffle, &corpus.name, epoch);
    let mut order: Vec<usize> = non_empty(&corpus.train).collect();
    shuffle(&mut order, &mut rng);
    // Examples that do not fill a batch are set aside before sorting: taken from a sorted pool, the
    // short batch would have its longest sentences in every epoch.
    let n_full = order.len() / batch * batch;
    let (full, short) = order.split_at_mut(n_full);
    for pool in full.chunks_mut(POOL.saturating_mul(batch)) {
        pool.sort_by_key(|&at| corpus.train.examples[at].len());
    }
    let mut batches: Vec<Vec<usize>> = full.chunks(batch).map(<[usize]>::to_vec).collect();
    if !short.is_empty() {
        batches.push(short.to_vec());
    }
    shuffle(&mut batches, &mut rng);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Example;

    /// A corpus whose examples have these numbers of tokens.
    fn corpus(name: &str, lengths: impl IntoIterator<Item = usize>) -> Corpus {
        let example = |n_tokens| Example::of_tokens(vec![1; n_tokens], Vec::new());
        let examples = lengths.into_iter().map(example).collect();
        let train = SplitData { examples, file: "train".into(), ..SplitData::default() };
        Corpus { name: name.into(), train, ..Corpus::default() }
    }

    fn take(stream: &mut BatchStream, corpus: &Corpus, n: usize) -> Vec<Vec<usize>> {
        (0..n).map(|_| stream.next(corpus, 4)).collect()
    }

    #[test]
    fn each_non_empty_example_occurs_once_per_epoch() {
        let news = corpus("news", (0..203).map(|at| at % 7));
        assert_eq!(steps_per_epoch(&news, 4), 44);
        let mut stream = BatchStream::new(1, Position::default());
        for epoch in 0..3 {
            assert_eq!(stream.position(), Position { epoch, next: 0 });
            let batches = take(&mut stream, &news, 44);
            let n_short = batches.iter().filter(|batch| batch.len() < 4).count();
            assert_eq!(n_short, 1, "174 examples are 43 batches of 4 and one of 2");
            let mut met = batches.concat();
            met.sort_unstable();
            assert_eq!(met, (0..203).filter(|at| at % 7 != 0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_seed_determines_the_order_of_each_epoch() {
        let news = corpus("news", 1..101);
        let epoch =
            |seed, epoch| take(&mut BatchStream::new(seed, Position { epoch, next: 0 }), &news, 25);
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
        let web = corpus("web", 1..101);
        assert_ne!(epoch(1, 0), take(&mut BatchStream::new(1, Position::default()), &web, 25));
    }

    #[test]
    fn a_stream_restored_within_an_epoch_continues_unchanged() {
        let news = corpus("news", 1..50);
        let mut stream = BatchStream::new(3, Position::default());
        take(&mut stream, &news, 17);
        let saved = serde_json::to_string(&stream.position()).unwrap();
        let mut restored = BatchStream::new(3, serde_json::from_str(&saved).unwrap());
        assert_eq!(take(&mut restored, &news, 40), take(&mut stream, &news, 40));
    }

    #[test]
    fn other_corpora_do_not_change_the_order() {
        let (news, web) = (corpus("news", 1..50), corpus("web", 1..90));
        let alone = take(&mut BatchStream::new(1, Position::default()), &news, 30);
        let mut streams = [0, 1].map(|_| BatchStream::new(1, Position::default()));
        let together: Vec<_> = (0..30)
            .map(|step| {
                take(&mut streams[1], &web, step % 3);
                streams[0].next(&news, 4)
            })
            .collect();
        assert_eq!(alone, together);
    }

    #[test]
    fn a_batch_has_sentences_of_similar_length() {
        let news = corpus("news", (0..128).map(|at| 1 + at * 37 % 128));
        let batches = take(&mut BatchStream::new(1, Position::default()), &news, 32);
        // A single pool, sorted: four consecutive lengths.
        let spread = |batch: &Vec<usize>| {
            let lengths = batch.iter().map(|&at| news.train.examples[at].len());
            lengths.clone().max().unwrap() - lengths.min().unwrap()
        };
        assert!(batches.iter().all(|batch| spread(batch) == 3));
        assert_eq!(news.train.examples[eval_batches(&news.train, 50)[0][0]].len(), 128);
    }

    #[test]
    fn evaluation_batches_have_the_batch_size_or_more_short_examples() {
        let sizes = |lengths: Vec<usize>, batch| -> Vec<usize> {
            eval_batches(&corpus("news", lengths).train, batch).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(vec![1000; 10], 2), [4, 4, 2]);
        assert_eq!(sizes(vec![1000; 10], 7), [7, 3]);
        assert_eq!(sizes(vec![5000, 10, 0, 20], 1), [1, 2]);
        assert_eq!(sizes(vec![0, 0], 3), [0; 0]);
    }

    #[test]
    fn an_empty_corpus_has_no_batches() {
        let mut stream = BatchStream::new(1, Position::default());
        assert_eq!(stream.next(&corpus("none", [0, 0]), 4), [0; 0]);
        assert_eq!(stream.position(), Position::default());
    }
}
