"""The translation system of the step bench in PyTorch: that of JoeyNMT 2.3, or a plain one.

    AUXDESK_PEER='python benches/step/peer_translation.py --model joeynmt' \
        cargo bench --bench step -- --rounds 7 --system translation

`--model joeynmt` has the model, the loss and the beam search of JoeyNMT (its recurrent encoder and decoder with Bahdanau's
attention and input feeding). `--model plain` has the same layers as `nn.LSTM`, `nn.LSTMCell` and batched products, with a
beam search that extends the hypotheses of all sentences at once. Both have the sizes, the dropout rates, the clipping and
the optimizer of `benches/step/systems.rs`, and read the texts that it writes. In an evaluation the end of a text is
suppressed in both programs, so that each generates texts of the same length.

    python -m pip install torch==2.5.1 "numpy<2" joeynmt==2.3.0
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

UNKNOWN, PAD, BEGIN, END = range(4)
WIDTH, DROPOUT, BATCH, BEAM, LENGTH, WARM_UP = 256, 0.4, 64, 5, 13, 8


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

    def encode(self, source, lengths):
        packed = pack_padded_sequence(self.dropout(self.source(source)), lengths, batch_first=True)
        memory = self.dropout(pad_packed_sequence(self.reader(packed)[0], batch_first=True)[0])
        hidden = source == PAD
        mean = memory.sum(1) / lengths[:, None]
        state = torch.tanh(self.bridge(mean)).chunk(2, dim=1)
        return [memory, self.keys(memory), hidden], (*state, torch.zeros_like(state[0]))

    def step(self, x, state, memory):
        values, keys, hidden = memory
        h, c = self.cell(torch.cat([x, state[2]], dim=1), state[:2])
        energies = self.energy(torch.tanh(keys + self.query(h)[:, None])).squeeze(2)
        weights = torch.softmax(energies.masked_fill(hidden, -torch.inf), dim=1)
        context = torch.bmm(weights[:, None], values).squeeze(1)
        output = torch.tanh(self.combine(torch.cat([h, context], dim=1)))
        return h, c, output

    def loss(self, source, lengths, target):
        memory, state = self.encode(source, lengths)
        inputs, outputs = self.dropout(self.target(target[:, :-1])), []
        for at in range(inputs.shape[1]):
            state = self.step(inputs[:, at], state, memory)
            outputs.append(state[2])
        rows = self.dropout(torch.stack(outputs, dim=1))
        kept = target[:, 1:] != PAD  # The output layer sees no padding.
        return cross_entropy(self.scores(rows[kept]), target[:, 1:][kept], reduction="sum")

    def generate(self, source, lengths):
        memory, state = self.encode(source, lengths)
        n = len(source)
        memory = [rows.repeat_interleave(BEAM, dim=0) for rows in memory]
        state = tuple(rows.repeat_interleave(BEAM, dim=0) for rows in state)
        words = torch.full((n * BEAM, 1), BEGIN)
        scores = torch.full((n, BEAM), -torch.inf)
        scores[:, 0] = 0.0
        first = torch.arange(n)[:, None] * BEAM
        for _ in range(LENGTH):
            state = self.step(self.target(words[:, -1]), state, memory)
            new = log_softmax(self.scores(state[2]), dim=1)
            new[:, [UNKNOWN, PAD, BEGIN, END]] = -torch.inf
            all_scores = (scores[:, :, None] + new.view(n, BEAM, -1)).view(n, -1)
            scores, best = all_scores.topk(BEAM, dim=1)
            source_of = (first + best // new.shape[1]).view(-1)
            state = tuple(rows[source_of] for rows in state)
            words = torch.cat([words[source_of], (best % new.shape[1]).view(-1, 1)], dim=1)
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

    def batch(self, source, lengths, target):
        from joeynmt.batch import Batch

        return Batch(source, lengths, None, target, None, torch.arange(len(source)), torch.device("cpu"), PAD, END)

    def loss(self, source, lengths, target):
        return self.model(return_type="loss", **vars(self.batch(source, lengths, target)))[0]

    def generate(self, source, lengths):
        from joeynmt.search import search

        batch = self.batch(source, lengths, None)
        return search(self.model, batch, LENGTH, BEAM, 0.6, min_output_length=LENGTH, generate_unk=False)[0]


def read(path, known):
    """The ids of each line."""
    return [[known.setdefault(word, len(known)) for word in line.split()] for line in path.open()]


def batches(pairs):
    """Batches sorted by length, as the packing of the encoder wants them."""
    for first in range(0, len(pairs), BATCH):
        some = sorted(pairs[first : first + BATCH], key=lambda pair: -len(pair[0]))
        lengths = torch.tensor([len(source) for source, _ in some])

        def padded(rows):
            longest = max(map(len, rows))
            return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])

        sources = padded([source for source, _ in some])
        targets = padded([[BEGIN, *target, END] for _, target in some])
        yield sources, lengths, targets


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=["joeynmt", "plain"], default="plain")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lengths", choices=["fixed", "real"], default="fixed")
    parser.add_argument("--evaluate", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(options.threads)
    specials = {f"<{at}>": at for at in range(4)}
    known = {"source": dict(specials), "target": dict(specials)}
    data = {}
    for split in ("train", "dev"):
        sides = [read(options.data / f"{split}.{side}", known[side]) for side in ("source", "target")]
        data[split] = list(zip(*sides))
    if options.model == "joeynmt":
        model = JoeyNmt(*(list(words)[4:] for words in known.values()))
    else:
        model = Plain(len(known["source"]), len(known["target"]))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    times, n_tokens, last = [], 0, 0.0
    all_batches = list(batches(data["train"]))
    for step in range(WARM_UP + options.steps):
        source, lengths, target = all_batches[step % len(all_batches)]
        began = time.perf_counter()
        n_words = int((target[:, 1:] != PAD).sum())
        optimizer.zero_grad()
        loss = model.loss(source, lengths, target) / n_words
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        last = loss.item()
        if step >= WARM_UP:
            times.append(time.perf_counter() - began)
            n_tokens += int(lengths.sum()) + n_words - len(source)
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
                for source, lengths, target in dev:
                    model.loss(source, lengths, target).item()
                    words = model.generate(source, lengths)
                    assert words.shape[1] >= LENGTH, "the end of a text is suppressed"
            seconds.append(time.perf_counter() - began)
        words = sum(len(source) + len(target) for source, target in data["dev"])
        reported["evaluate_tokens_per_s"] = round(3 * words / sum(seconds[1:]))
    print(json.dumps(reported))


main()
