"""The reference step in PyTorch under a rule of TorchJD, by one of its engines.

    AUXDESK_PEER='python benches/step/peer_torchjd.py PEER_TORCH' \
        cargo bench --bench step -- --rounds 7 --weighting upgrad

PEER_TORCH is the program that `AUXDESK_PEER` names in the other comparisons; it is not part of this repository. Its
model, data, clipping and optimizer stay. Three of its lines are replaced: the heads read `features(self.encode(b))`,
`encoders(model)` comes before `ls = model(b)`, the list of losses, and `backward(model, ls, wts, shared)` is in the place
of `loss.backward()`, with their weights and the shared parameters. `--engine autojac` (the default) computes the rows of the Jacobian one by one, `--engine autogram` the Gram
matrix of all at once and then one backward pass of the weighted losses; `--chunk N` sets TorchJD's number of rows that
are differentiated together (autojac, 0 for all).

    python -m pip install torch torchjd==0.18.0 quadprog qpsolvers
"""

import argparse
import sys
from pathlib import Path

import torch
from torchjd import aggregation
from torchjd.autogram import Engine
from torchjd.autojac import jac_to_grad, mtl_backward

CLASSES = {
    "cagrad": "CAGrad",
    "dualproj": "DualProj",
    "imtl-g": "IMTLG",
    "mgda": "MGDA",
    "nash-mtl": "NashMTL",
    "pcgrad": "PCGrad",
    "upgrad": "UPGrad",
}

parser = argparse.ArgumentParser()
parser.add_argument("peer", type=Path)
parser.add_argument("--weighting", choices=sorted(CLASSES), default="upgrad")
parser.add_argument("--engine", choices=["autojac", "autogram"], default="autojac")
parser.add_argument("--chunk", type=int, default=1)
ours, sys.argv[1:] = parser.parse_known_args()
options = {"cagrad": {"c": 0.5}, "nash-mtl": {"n_tasks": 3}}.get(ours.weighting, {})
name = CLASSES[ours.weighting]
state = {}


def features(rows):
    """The rows that all heads read."""
    state["features"] = rows
    return rows


def by_autojac(model, losses, shared):
    aggregator = state.setdefault("rule", getattr(aggregation, name)(**options))
    chunk = ours.chunk or None
    mtl_backward(losses, state["features"], shared_params=shared, parallel_chunk_size=chunk)
    jac_to_grad(shared, aggregator)


def by_autogram(model, losses, shared):
    if "rule" not in state:
        state["rule"] = getattr(aggregation, f"{name}Weighting")(**options)
    gramian = state["engine"].compute_gramian(torch.stack(losses))
    torch.stack(losses).backward(state["rule"](gramian))


def backward(model, losses, weights, shared):
    weighted = [weight * loss for weight, loss in zip(weights, losses)]
    (by_autojac if ours.engine == "autojac" else by_autogram)(model, weighted, shared)


def encoders(model):
    """The engine has to see the forward pass of the encoders."""
    if ours.engine == "autogram" and "engine" not in state:
        heads = ("pos", "chk", "crf", "pf", "pb", "of", "ob", "drop")
        modules = [module for name, module in model.named_children() if name not in heads]
        state["engine"] = Engine(*modules, batch_dim=None)


source = ours.peer.read_text(encoding="utf-8")
for old, new in [
    ("self.heads(self.encode(b), b)", "self.heads(features(self.encode(b)), b)"),
    ("        ls = model(b)\n", "        encoders(model)\n        ls = model(b)\n"),
    ("        loss.backward()\n", "        backward(model, ls, wts, shared)\n"),
]:
    assert source.count(old) == 1, f"{ours.peer}: expected {old!r} once"
    source = source.replace(old, new)
known = {"features": features, "encoders": encoders, "backward": backward}
exec(compile(source, str(ours.peer), "exec"), {"__name__": "__main__", **known})
