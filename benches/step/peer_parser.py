"""The dependency parser of the step bench in PyTorch: that of supar 1.1.4, or a plain one.

    AUXDESK_PEER='python benches/step/peer_parser.py --model supar' \
        cargo bench --bench step -- --rounds 7 --system parser

`--model supar` has the model, the loss and the trees of supar's biaffine parser. It computes the scores of all labels for
all pairs of words. `--model plain` has the same layers as `nn.LSTM` and batched products, and computes the scores of
labels for the gold arcs, or the predicted ones, alone, as auxdesk does; its trees are those of supar. Both have the sizes,
the dropout rates, the clipping and the optimizer of `benches/step/systems.rs`, and read the trees that it writes.

    python -m pip install torch==2.5.1 "numpy<2" supar==1.1.4
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PAD, ROOT = 0, 1
WIDTH, CHARACTER, HIDDEN, SCORED, DROPOUT, BATCH, WARM_UP = 100, 50, 400, 100, 0.33, 32, 8


class Plain(nn.Module):
    """Words and their characters, a BiLSTM of three layers, biaffine scores of arcs and labels."""

    def __init__(self, n_words, n_characters, n_labels):
        super().__init__()
        self.words = nn.Embedding(n_words, WIDTH, padding_idx=PAD)
        self.characters = nn.Embedding(n_characters, CHARACTER, padding_idx=PAD)
        self.speller = nn.LSTM(CHARACTER, WIDTH // 2, batch_first=True, bidirectional=True)
        self.trunk = nn.LSTM(2 * WIDTH, HIDDEN, 3, batch_first=True, bidirectional=True, dropout=DROPOUT)
        self.layers = nn.ModuleList(nn.Linear(2 * HIDDEN, SCORED) for _ in range(4))
        self.arcs = nn.Parameter(torch.randn(SCORED + 1, SCORED) / SCORED)
        self.labels = nn.Parameter(torch.randn(n_labels, SCORED + 1, SCORED + 1) / SCORED)
        self.dropout = nn.Dropout(DROPOUT)

    def rows(self, words, characters):
        """The four rows of each word: a dependent's and a head's, for arcs and for labels."""
        # Each distinct word is spelled once.
        spelt, where = torch.unique(characters.view(-1, characters.shape[2]), dim=0, return_inverse=True)
        lengths = spelt.ne(PAD).sum(1).clamp(min=1)  # Padding has no characters.
        packed = pack_padded_sequence(
            self.characters(spelt), lengths, batch_first=True, enforce_sorted=False
        )
        last = torch.cat(tuple(self.speller(packed)[1][0]), dim=1)
        x = torch.cat([self.words(words), last[where].view(*words.shape, -1)], dim=2)
        packed = pack_padded_sequence(self.dropout(x), words.ne(PAD).sum(1), batch_first=True)
        rows = self.dropout(pad_packed_sequence(self.trunk(packed)[0], batch_first=True)[0])
        return [torch.tanh(layer(rows)) for layer in self.layers]

    def arc_scores(self, dependents, heads, words):
        ones = torch.ones_like(dependents[..., :1])
        scores = torch.cat([dependents, ones], dim=2) @ self.arcs @ heads.transpose(1, 2)
        return scores.masked_fill(words.eq(PAD)[:, None], -torch.inf)

    def label_scores(self, dependents, heads):
        """For pairs of rows (pairs, elements): (pairs, labels)."""
        ones = torch.ones_like(dependents[:, :1])
        dependents, heads = torch.cat([dependents, ones], dim=1), torch.cat([heads, ones], dim=1)
        n_labels, inner, _ = self.labels.shape
        products = (dependents @ self.labels.permute(1, 0, 2).reshape(inner, -1)).view(-1, n_labels, inner)
        return torch.bmm(products, heads[:, :, None]).squeeze(2)

    def run(self, batch, predict):
        words, characters, arcs, labels, mask = batch
        arc_d, arc_h, label_d, label_h = self.rows(words, characters)
        scores = self.arc_scores(arc_d, arc_h, words)
        index = torch.arange(len(words))[:, None].expand_as(words)[mask]
        of_gold = self.label_scores(label_d[mask], label_h[index, arcs[mask]])
        loss = cross_entropy(scores[mask], arcs[mask]) + cross_entropy(of_gold, labels[mask])
        if predict:
            heads = trees(scores, mask)
            self.label_scores(label_d[mask], label_h[index, heads[mask]]).argmax(1)
        return loss


def trees(scores, mask):
    """The heads with the largest scores; where they are no tree, the best tree, as supar finds it."""
    from supar.structs import MatrixTree
    from supar.utils.transform import CoNLL

    heads, lengths = scores.argmax(-1), mask.sum(1)
    pairs = zip(lengths.tolist(), heads.tolist())
    bad = [not CoNLL.istree(row[1 : length + 1], False) for length, row in pairs]
    if any(bad):
        heads[bad] = MatrixTree(scores[bad], lengths[bad]).argmax
    return heads


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
        words, characters, arcs, labels, mask = batch
        scores = self.model(words, [characters])
        loss = self.model.loss(*scores, arcs, labels, mask)
        if predict:
            self.model.decode(*scores, mask, tree=True)
        return loss


def read(path, words, characters, labels):
    """The words, their characters, heads and labels of each sentence; the root is its first word."""
    for block in path.read_text().strip().split("\n\n"):
        sentence = [(ROOT, [ROOT], 0, 0)]
        for line in block.splitlines():
            _, form, *_, head, label, _, _ = line.split("\t")
            word = words.setdefault(form, len(words))
            spelt = [characters.setdefault(character, len(characters)) for character in form]
            sentence.append((word, spelt, int(head), labels.setdefault(label, len(labels))))
        yield list(zip(*sentence))


def batches(sentences):
    """Batches sorted by length, as the packing of the encoder wants them."""
    for first in range(0, len(sentences), BATCH):
        some = sorted(sentences[first : first + BATCH], key=lambda sentence: -len(sentence[0]))
        longest = len(some[0][0])
        spelt = max(len(word) for sentence in some for word in sentence[1])

        def padded(column):
            return torch.tensor([[*row[column], *[0] * (longest - len(row[column]))] for row in some])

        words = padded(0)
        characters = torch.zeros(*words.shape, spelt, dtype=torch.long)
        for at, sentence in enumerate(some):
            for position, word in enumerate(sentence[1]):
                characters[at, position, : len(word)] = torch.tensor(word)
        mask = words.ne(PAD)
        mask[:, 0] = False
        yield words, characters, padded(2), padded(3), mask


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=["supar", "plain"], default="plain")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lengths", choices=["fixed", "real"], default="fixed")
    parser.add_argument("--evaluate", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(options.threads)
    words, characters = ({"<pad>": PAD, "<root>": ROOT} for _ in range(2))
    labels = {}
    data = {
        split: list(read(options.data / f"{split}.conllu", words, characters, labels))
        for split in ("train", "dev")
    }
    model = {"supar": Supar, "plain": Plain}[options.model](len(words), len(characters), len(labels))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    times, n_tokens, last = [], 0, 0.0
    all_batches = list(batches(data["train"]))
    for step in range(WARM_UP + options.steps):
        batch = all_batches[step % len(all_batches)]
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = model.run(batch, False)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        last = loss.item()
        if step >= WARM_UP:
            times.append(time.perf_counter() - began)
            n_tokens += int(batch[4].sum())
    ms = sorted(1e3 * seconds for seconds in times)
    reported = {
        "impl": f"{options.model}, torch {torch.__version__}",
        "threads": options.threads,
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "last_loss": last,
        "tokens_per_s": round(n_tokens / sum(times)),
        "step_ms_median": ms[len(ms) // 2],
        "step_ms_min": ms[0],
    }
    if options.evaluate:
        model.eval()
        dev, seconds = list(batches(data["dev"])), []
        for _ in range(4):
            began = time.perf_counter()
            with torch.inference_mode():
                for batch in dev:
                    model.run(batch, True).item()
            seconds.append(time.perf_counter() - began)
        n_dev = sum(int(batch[4].sum()) for batch in dev)
        reported["evaluate_tokens_per_s"] = round(3 * n_dev / sum(seconds[1:]))
    print(json.dumps(reported))


main()
