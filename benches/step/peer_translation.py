"""The translation system of the step bench in PyTorch: that of JoeyNMT 2.3, or a plain one.

    AUXDESK_PEER='python benches/step/peer_translation.py --model joeynmt' \
        cargo bench --bench step -- --rounds 7 --system translation --evaluate 1

`--model joeynmt` has the model, the loss and the beam search of JoeyNMT (its recurrent encoder and decoder with Bahdanau's
attention and input feeding), which applies dropout in other places, and encodes a source once for the loss and once for the
search. `--model plain` has the layers of auxdesk's system as `nn.LSTM`, `nn.LSTMCell` and batched products, with a beam
search that extends the hypotheses of all sentences at once. Both have the sizes, the dropout rates, the clipping and the
optimizer of `benches/step/systems.rs`, and read the texts that it writes. Batches are made before the time is taken; those
of an evaluation have up to 4,096 tokens, as in auxdesk. In an evaluation the end of a text is suppressed in both programs,
so that each generates texts of the same length.

    python -m pip install torch                                             # plain
    python -m pip install torch==2.5.1 "numpy<2" importlib_metadata joeynmt==2.3.0
"""

import peer
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

UNKNOWN, PAD, BEGIN, END = range(4)
WIDTH, DROPOUT, BATCH, BEAM, LENGTH = 256, 0.4, 64, 5, 13


class Plain(nn.Module):
    """A BiLSTM, and an LSTM decoder with additive attention and input feeding."""

    def __init__(self, n_source, n_target):
        super().__init__()
        self.source = nn.Embedding(n_source, WIDTH, padding_idx=PAD)
        self.target = nn.Embedding(n_target, WIDTH, padding_idx=PAD)
        self.reader = nn.LSTM(WIDTH, WIDTH, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * WIDTH, 2 * WIDTH)
        self.cell = nn.LSTMCell(2 * WIDTH, WIDTH)
        self.keys = nn.Linear(2 * WIDTH, WIDTH, bias=False)
        self.query = nn.Linear(WIDTH, WIDTH)
        self.energy = nn.Linear(WIDTH, 1, bias=False)
        self.combine = nn.Linear(3 * WIDTH, WIDTH)
        self.scores = nn.Linear(WIDTH, n_target)
        self.dropout = nn.Dropout(DROPOUT)

    def encode(self, batch):
        rows = self.dropout(self.source(batch.source))
        if batch.is_full:
            memory = self.reader(rows)[0]
        else:
            packed = pack_padded_sequence(rows, batch.lengths, batch_first=True)
            memory = pad_packed_sequence(self.reader(packed)[0], batch_first=True)[0]
        memory = self.dropout(memory)
        is_padding = None if batch.is_full else batch.source == PAD
        state = torch.tanh(self.bridge(memory.sum(1) / batch.lengths[:, None])).chunk(2, dim=1)
        return [memory, self.keys(memory), is_padding], (*state, torch.zeros_like(state[0]))

    def step(self, x, state, memory):
        values, keys, is_padding = memory
        h, c = self.cell(torch.cat([x, state[2]], dim=1), state[:2])
        energies = self.energy(torch.tanh(keys + self.query(h)[:, None])).squeeze(2)
        if is_padding is not None:
            energies = energies.masked_fill(is_padding, -torch.inf)
        context = torch.bmm(torch.softmax(energies, dim=1)[:, None], values).squeeze(1)
        output = torch.tanh(self.combine(torch.cat([h, context], dim=1)))
        return h, c, output

    def loss(self, batch):
        return self.loss_of(batch, *self.encode(batch))

    def loss_of(self, batch, memory, state):
        inputs, outputs = self.dropout(self.target(batch.target[:, :-1])), []
        for at in range(inputs.shape[1]):
            state = self.step(inputs[:, at], state, memory)
            outputs.append(state[2])
        # The output layer sees no padding.
        rows = torch.stack(outputs, dim=1).flatten(0, 1)
        rows = rows if batch.is_full else rows.index_select(0, batch.places)
        return cross_entropy(self.scores(self.dropout(rows)), batch.gold, reduction="sum")

    def evaluate(self, batch):
        """The loss, and the best texts."""
        memory, state = self.encode(batch)
        return self.loss_of(batch, memory, state), self.generate(memory, state)

    def generate(self, memory, state):
        n = len(memory[0])
        words, scores = torch.full((n, 1), BEGIN), torch.zeros(n, 1)
        for at in range(LENGTH):
            state = self.step(self.target(words[:, -1]), state, memory)
            logits = self.scores(state[2])
            log_sums = logits.logsumexp(dim=1, keepdim=True)
            best, classes = logits[:, END + 1 :].topk(BEAM, dim=1)
            best = (scores.view(-1, 1) + best - log_sums).view(n, -1)
            scores, places = best.topk(BEAM, dim=1)
            open_of = torch.arange(n)[:, None] * (1 if at == 0 else BEAM) + places // BEAM
            classes = classes.view(n, -1).gather(1, places) + END + 1
            state = tuple(rows[open_of.view(-1)] for rows in state)
            words = torch.cat([words[open_of.view(-1)], classes.view(-1, 1)], dim=1)
            if at == 0:
                memory = [rows if rows is None else rows.repeat_interleave(BEAM, dim=0) for rows in memory]
        return words.view(n, BEAM, -1)[:, 0, 1:]


class JoeyNmt(nn.Module):
    """The recurrent model of JoeyNMT."""

    def __init__(self, sources, targets):
        super().__init__()
        from types import SimpleNamespace

        from joeynmt.model import build_model
        from joeynmt.vocabulary import Vocabulary

        specials = SimpleNamespace(
            unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", sep_token=None,
            unk_id=UNKNOWN, pad_id=PAD, bos_id=BEGIN, eos_id=END, lang_tags=[],
        )
        part = {"rnn_type": "lstm", "hidden_size": WIDTH, "num_layers": 1, "dropout": DROPOUT}
        part["embeddings"] = {"embedding_dim": WIDTH, "dropout": DROPOUT}
        encoder = part | {"type": "recurrent", "bidirectional": True}
        decoder = part | {"type": "recurrent", "attention": "bahdanau", "init_hidden": "bridge"}
        decoder |= {"input_feeding": True, "hidden_dropout": DROPOUT}
        model = {"initializer": "xavier_uniform", "encoder": encoder, "decoder": decoder}
        vocabularies = [Vocabulary(words, specials) for words in (sources, targets)]
        self.model = build_model(model, *vocabularies)
        self.model.loss_function = ("crossentropy", 0.0)

    def batch(self, batch, target):
        from joeynmt.batch import Batch

        rows = torch.arange(len(batch.source))
        return Batch(batch.source, batch.lengths, None, target, None, rows, torch.device("cpu"), PAD, END)

    def loss(self, batch):
        return self.model(return_type="loss", **vars(self.batch(batch, batch.target)))[0]

    def evaluate(self, batch):
        from joeynmt.search import search

        loss, sources = self.loss(batch), self.batch(batch, None)
        options = {"min_output_length": LENGTH, "generate_unk": False}
        return loss, search(self.model, sources, LENGTH, BEAM, 0.6, **options)[0]


class Pairs:
    """A batch, sorted by length."""

    def __init__(self, pairs):
        pairs = sorted(pairs, key=lambda pair: -len(pair[0]))

        def padded(rows):
            longest = max(map(len, rows))
            return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])

        self.source = padded([source for source, _ in pairs])
        self.target = padded([[BEGIN, *target, END] for _, target in pairs])
        self.lengths = torch.tensor([len(source) for source, _ in pairs])
        gold = self.target[:, 1:].flatten()
        self.places = (gold != PAD).nonzero().squeeze(1)
        self.gold = gold[self.places]
        self.n_tokens = int(self.lengths.sum()) + len(self.gold) - len(pairs)
        self.is_full = bool((self.source != PAD).all() and len(self.places) == len(gold))


def read(path, known):
    """The ids of each line."""
    return [[known.setdefault(word, len(known)) for word in line.split()] for line in path.open()]


def batches(pairs, n):
    return [Pairs(pairs[first : first + n]) for first in range(0, len(pairs), n)]


def main():
    given = peer.options(["joeynmt", "plain"])
    specials = {f"<{at}>": at for at in range(4)}
    known = {"source": dict(specials), "target": dict(specials)}
    data = {}
    for split in ("train", "dev"):
        sides = [read(given.data / f"{split}.{side}", known[side]) for side in ("source", "target")]
        data[split] = list(zip(*sides))
    if given.model == "joeynmt":
        model = JoeyNmt(*(list(words)[4:] for words in known.values()))
    else:
        model = Plain(len(known["source"]), len(known["target"]))

    def loss(batch):
        return model.loss(batch) / len(batch.gold)

    def evaluate(batch):
        total, texts = model.evaluate(batch)
        assert total.item() > 0.0 and texts.shape[1] >= LENGTH

    longest = max(len(source) + len(target) for source, target in data["dev"])
    dev = batches(data["dev"], peer.TOKENS // longest)
    peer.measure(given, model, (1e-3, 1.0), loss, batches(data["train"], BATCH), evaluate, dev)


main()
