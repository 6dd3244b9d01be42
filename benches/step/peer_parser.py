"""The dependency parser of the step bench in PyTorch: that of supar 1.1.4, or a plain one.

    AUXDESK_PEER='python benches/step/peer_parser.py --model supar' \
        cargo bench --bench step -- --rounds 7 --system parser --evaluate 1

`--model supar` has the model, the loss and the trees of supar's biaffine parser. It computes the scores of all labels for
all pairs of words, encodes the root as a word, and has dropout in more places. `--model plain` has the layers of auxdesk's
system as `nn.LSTM` and batched products: it spells each distinct word of a batch once, has a trained row for the root above
the encoder, computes the scores of labels for the gold arcs, or the predicted ones, alone, and decodes trees with a compiled
Chu-Liu-Edmonds. Both have the sizes, the dropout rates, the clipping and the optimizer of `benches/step/systems.rs`, and
read the trees that it writes. Batches are made before the time is taken; those of an evaluation have up to 4,096 tokens, as
in auxdesk.

    python -m pip install torch ufal.chu_liu_edmonds                # plain
    python -m pip install torch==2.5.1 "numpy<2" supar==1.1.4
"""

import peer
import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PAD, ROOT = 0, 1
WIDTH, CHARACTER, HIDDEN, SCORED, DROPOUT, BATCH = 100, 50, 400, 100, 0.33, 32


class Plain(nn.Module):
    """Words and their characters, a BiLSTM of three layers, biaffine scores of arcs and labels."""

    def __init__(self, n_words, n_characters, n_labels):
        super().__init__()
        self.words = nn.Embedding(n_words, WIDTH, padding_idx=PAD)
        self.characters = nn.Embedding(n_characters, CHARACTER, padding_idx=PAD)
        self.spellers = nn.ModuleList(nn.LSTM(CHARACTER, WIDTH // 2, batch_first=True) for _ in range(2))
        self.trunk = nn.LSTM(2 * WIDTH, HIDDEN, 3, batch_first=True, bidirectional=True, dropout=DROPOUT)
        self.root = nn.Parameter(torch.randn(2 * HIDDEN) / HIDDEN)
        self.dependents = nn.ModuleList(nn.Linear(2 * HIDDEN, SCORED) for _ in range(2))
        self.heads = nn.ModuleList(nn.Linear(2 * HIDDEN, SCORED) for _ in range(2))
        self.arcs = nn.Parameter(torch.randn(SCORED + 1, SCORED) / SCORED)
        self.labels = nn.Parameter(torch.randn(n_labels, SCORED + 1, SCORED + 1) / SCORED)
        self.dropout = nn.Dropout(DROPOUT)

    def spelled(self, batch):
        """The last state of each direction, for each distinct word: the states behind the last character are not read."""
        last = torch.arange(len(batch.spelt[0])), batch.n_characters - 1
        pairs = zip(self.spellers, batch.spelt)
        return torch.cat([speller(self.characters(spelt))[0][last] for speller, spelt in pairs], dim=1)

    def rows(self, batch):
        spelled = embedding(batch.where, self.spelled(batch))
        x = self.dropout(torch.cat([self.words(batch.words), spelled], dim=2))
        if batch.is_full:
            rows = self.trunk(x)[0]
        else:
            packed = pack_padded_sequence(x, batch.lengths, batch_first=True)
            rows = pad_packed_sequence(self.trunk(packed)[0], batch_first=True)[0]
        return self.dropout(rows)

    def label_scores(self, dependents, heads):
        """For pairs of rows (pairs, elements): (pairs, labels)."""
        ones = torch.ones_like(dependents[:, :1])
        dependents, heads = torch.cat([dependents, ones], dim=1), torch.cat([heads, ones], dim=1)
        n_labels, inner, _ = self.labels.shape
        weights = self.labels.permute(1, 0, 2).reshape(inner, -1)
        products = (dependents @ weights).view(-1, n_labels, inner)
        return torch.bmm(products, heads[:, :, None]).squeeze(2)

    def run(self, batch, predict):
        rows = self.rows(batch)
        with_root = torch.cat([self.root.expand(len(rows), 1, -1), rows], dim=1)
        arc_d, label_d = (torch.tanh(layer(rows)) for layer in self.dependents)
        arc_h, label_h = (torch.tanh(layer(with_root)) for layer in self.heads)
        ones = torch.ones_like(arc_d[..., :1])
        scores = torch.cat([arc_d, ones], dim=2) @ self.arcs @ arc_h.transpose(1, 2)
        if not batch.is_full:
            scores = scores.masked_fill(batch.is_no_head[:, None], -torch.inf)
        # The rows of words, and those of heads, without padding.
        of_words = scores.flatten(0, 1).index_select(0, batch.places)
        label_d = label_d.flatten(0, 1).index_select(0, batch.places)
        label_h = label_h.flatten(0, 1)
        of_gold = self.label_scores(label_d, label_h.index_select(0, batch.first_head + batch.heads))
        loss = cross_entropy(of_words, batch.heads) + cross_entropy(of_gold, batch.labels)
        if predict:
            heads = batch.first_head + trees(scores, batch.lengths)
            self.label_scores(label_d, label_h.index_select(0, heads)).argmax(1)
        return loss


def trees(scores, lengths):
    """The heads of the best tree of each sentence, one after the other."""
    import numpy
    from ufal.chu_liu_edmonds import chu_liu_edmonds

    heads = []
    for of_sentence, length in zip(scores.double().numpy(), lengths.tolist()):
        square = numpy.full((length + 1, length + 1), numpy.nan)
        square[1:] = of_sentence[:length, : length + 1]
        heads += chu_liu_edmonds(square)[0][1:]
    return torch.tensor(heads)


class Supar(nn.Module):
    """The biaffine parser of supar."""

    def __init__(self, n_words, n_characters, n_labels):
        super().__init__()
        from supar.models.dep import BiaffineDependencyModel

        self.model = BiaffineDependencyModel(
            n_words, n_labels, n_chars=n_characters, n_embed=WIDTH, n_feat_embed=WIDTH, n_pretrained=WIDTH,
            n_char_embed=CHARACTER, n_char_hidden=WIDTH, n_lstm_hidden=HIDDEN, n_arc_mlp=SCORED, n_rel_mlp=SCORED,
            pad_index=PAD,
        )

    def run(self, batch, predict):
        scores = self.model(batch.words, [batch.characters])
        loss = self.model.loss(*scores, batch.heads, batch.labels, batch.mask)
        if predict:
            self.model.decode(*scores, batch.mask, tree=True)
        return loss


def read(path, words, characters, labels):
    """The words, their characters, heads and labels of each sentence."""
    for block in path.read_text().strip().split("\n\n"):
        sentence = []
        for line in block.splitlines():
            _, form, *_, head, label, _, _ = line.split("\t")
            word = words.setdefault(form, len(words))
            spelt = tuple(characters.setdefault(character, len(characters)) for character in form)
            sentence.append((word, spelt, int(head), labels.setdefault(label, len(labels))))
        yield list(zip(*sentence))


def padded(rows):
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


class Trees:
    """A batch for the plain parser, sorted by length."""

    def __init__(self, sentences):
        sentences = sorted(sentences, key=lambda sentence: -len(sentence[0]))
        self.lengths = torch.tensor([len(sentence[0]) for sentence in sentences])
        self.words = padded([sentence[0] for sentence in sentences])
        is_word = self.words.ne(PAD)
        self.is_full = bool(is_word.all())
        self.is_no_head = torch.cat([torch.zeros_like(is_word[:, :1]), ~is_word], dim=1)
        self.places = is_word.flatten().nonzero().squeeze(1)
        n = self.words.shape[1]
        self.first_head = self.places // n * (n + 1)
        self.heads, self.labels = (
            torch.tensor([value for sentence in sentences for value in sentence[column]]) for column in (2, 3)
        )
        known = {}
        where = [[known.setdefault(word, len(known)) for word in sentence[1]] for sentence in sentences]
        # Padding stands for the first word.
        self.where = padded(where)
        self.spelt = padded(list(known)), padded([word[::-1] for word in known])
        self.n_characters = torch.tensor([len(word) for word in known])
        self.n_tokens = len(self.places)


class TreesWithRoot:
    """A batch for supar, whose first word is the root."""

    def __init__(self, sentences):
        sentences = sorted(sentences, key=lambda sentence: -len(sentence[0]))
        self.words = padded([(ROOT, *sentence[0]) for sentence in sentences])
        self.heads = padded([(0, *sentence[2]) for sentence in sentences])
        self.labels = padded([(0, *sentence[3]) for sentence in sentences])
        spelt = [[(ROOT,), *sentence[1]] for sentence in sentences]
        longest = max(len(word) for sentence in spelt for word in sentence)
        self.characters = torch.zeros(*self.words.shape, longest, dtype=torch.long)
        for at, sentence in enumerate(spelt):
            for position, word in enumerate(sentence):
                self.characters[at, position, : len(word)] = torch.tensor(word)
        self.mask = self.words.ne(PAD)
        self.mask[:, 0] = False
        self.n_tokens = int(self.mask.sum())


def main():
    given = peer.options(["supar", "plain"])
    words, characters = ({"<pad>": PAD, "<root>": ROOT} for _ in range(2))
    labels = {}
    data = {
        split: list(read(given.data / f"{split}.conllu", words, characters, labels))
        for split in ("train", "dev")
    }
    model, batch_of = {"supar": (Supar, TreesWithRoot), "plain": (Plain, Trees)}[given.model]
    model = model(len(words), len(characters), len(labels))

    def batches(sentences, n):
        return [batch_of(sentences[first : first + n]) for first in range(0, len(sentences), n)]

    def loss(batch):
        return model.run(batch, False)

    def evaluate(batch):
        model.run(batch, True).item()

    longest = max(len(sentence[0]) for sentence in data["dev"])
    dev = batches(data["dev"], peer.TOKENS // longest)
    peer.measure(given, model, (2e-3, 5.0), loss, batches(data["train"], BATCH), evaluate, dev)


main()
