"""What the peers of the step bench in PyTorch share: options, timed training and evaluation, and the line they print."""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn

WARM_UP, PASSES = 8, 5

# Tokens of a batch in an evaluation, at most, as in auxdesk.
TOKENS = 4096


def options(models):
    """The command line of the bench, and the name of a model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=models, default="plain")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(given.threads)
    return given


def measure(given, model, rates, loss, train, evaluate, dev):
    """Trains and evaluates, and prints one line of JSON.

    `rates` are the learning rate and the norm that gradients are clipped to; `loss` gives the mean loss of a batch of
    `train`; `evaluate` predicts for a batch of `dev`. Batches have the attribute `n_tokens`.
    """
    learning_rate, clip_norm = rates
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    times, n_tokens, last = [], 0, 0.0
    for step in range(WARM_UP + given.steps):
        batch = train[step % len(train)]
        began = time.perf_counter()
        optimizer.zero_grad()
        value = loss(batch)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        last = value.item()
        if step >= WARM_UP:
            times.append(time.perf_counter() - began)
            n_tokens += batch.n_tokens
    ms = sorted(1e3 * seconds for seconds in times)
    reported = {
        "impl": f"{given.model}, torch {torch.__version__}",
        "threads": given.threads,
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "last_loss": last,
        "tokens_per_s": round(n_tokens / sum(times)),
        "step_ms_median": ms[len(ms) // 2],
        "step_ms_min": ms[0],
    }
    if given.evaluate:
        model.eval()
        seconds = []
        for _ in range(1 + PASSES):
            began = time.perf_counter()
            with torch.inference_mode():
                for batch in dev:
                    evaluate(batch)
            seconds.append(time.perf_counter() - began)
        n_dev = sum(batch.n_tokens for batch in dev)
        reported["evaluate_tokens_per_s"] = round(PASSES * n_dev / sum(seconds[1:]))
    print(json.dumps(reported))
