"""The other side of the quality comparison: transformers + peft (or adapters), as a careful user would write it.

    .cache/venv/bin/python tests/bench/python/train_baseline.py --model .cache/starter --data DIR --task sst2 \
        --method lora --seed 0 --epochs 3 --json out.json

AdamW, linear schedule with 6 % warm-up, gradients clipped to 1.0, dropout as in the backbone's configuration, LoRA r=8
alpha=8 on query and value, classifier trained, lr 1e-3, batch 32, fp32, 2 threads, the default attention (sdpa),
batches padded to their longest sentence. With `--twin` first values, batches and dropout are those of an Espalier run,
and attention is `eager`, the one whose dropout can be given. A plain loop instead of Trainer: the same steps
without its bookkeeping.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from transformers import AutoTokenizer, get_linear_schedule_with_warmup  # noqa: E402

import models  # noqa: E402
import tasks  # noqa: E402
import twin  # noqa: E402
from batching import Batch, collate, order  # noqa: E402
from measure import Memory, versions  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of the backbone with its tokenizer")
    parser.add_argument("--data", required=True, type=Path, help="folder of the data sets")
    parser.add_argument("--task", required=True, choices=sorted(tasks.TASKS))
    parser.add_argument("--method", default="lora", choices=models.METHODS)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=8.0)
    parser.add_argument("--layers", type=int, nargs="*", help="layers of LoRA or DoRA, default all")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--warmup", type=float, default=0.06, help="share of all steps")
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dropout", choices=("on", "off"), default="on")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--group-by-length", action="store_true")
    parser.add_argument("--twin", type=Path, help="draws of another run (twin.py) instead of own ones")
    parser.add_argument("--max-steps", type=int, help="stop early, for tests")
    parser.add_argument(
        "--json", type=Path, help="write the result here; predictions go beside it as .predictions.json"
    )
    return parser.parse_args()


def autocast(bf16: bool) -> Any:
    return torch.autocast("cpu", dtype=torch.bfloat16) if bf16 else contextlib.nullcontext()


def predict(model: Any, examples: list[tasks.Example], pad: int, kind: str, bf16: bool) -> list[np.ndarray]:
    """Logits of every example (its real positions for tokens), in the given order, computed sorted by length."""
    model.eval()
    by_length = sorted(range(len(examples)), key=lambda i: len(examples[i].ids))
    logits: list[np.ndarray] = [np.zeros(0)] * len(examples)
    for start in range(0, len(by_length), 64):
        chosen = by_length[start : start + 64]
        batch = collate([examples[i] for i in chosen], pad, kind)
        with torch.no_grad(), autocast(bf16):
            rows = model(**{**batch.arguments(), "labels": None}).logits.float().numpy()
        for i, row in zip(chosen, rows, strict=True):
            logits[i] = row[: len(examples[i].ids)] if kind == "tokens" else row
    return logits


def train(options: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(options.threads)
    memory = Memory()
    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    shared = twin.read(options.twin) if options.twin is not None else None
    classes = None if shared is None else shared.classes
    data = tasks.load(options.task, options.data, tokenizer, options.max_length, classes)
    kind, pad = data.task.kind, int(tokenizer.pad_token_id)
    model, draws = build(options, kind, max(1, len(data.classes)), shared)
    examples = data.splits["train"]
    parameters = models.trainable(model)
    optimizer = models.optimizer_for(model, options.lr, options.weight_decay)
    total = options.epochs * -(-len(examples) // options.batch)
    schedule = get_linear_schedule_with_warmup(optimizer, math.ceil(options.warmup * total), total)
    generator = torch.Generator().manual_seed(options.seed)
    history: list[dict[str, Any]] = []
    times: list[float] = []
    seen = 0
    all_losses: list[float] = []
    for epoch in range(options.epochs):
        model.train()
        losses = []
        own = order(examples, options.batch, options.group_by_length, generator)
        for chosen in own if shared is None else shared.epochs[epoch]:
            if draws is not None:
                draws.begin(len(times), chosen)
            if options.max_steps is not None and len(times) >= options.max_steps:
                break
            began = time.perf_counter()
            losses.append(
                step(model, collate([examples[i] for i in chosen], pad, kind), options, parameters, optimizer)
            )
            schedule.step()
            times.append(time.perf_counter() - began)
            seen += len(chosen)
        all_losses += losses
        found = tasks.score(data, data.splits["dev"], predict(model, data.splits["dev"], pad, kind, options.bf16))[0]
        history.append({"epoch": epoch + 1, "loss": statistics.fmean(losses) if losses else None, "dev": found})
        print(json.dumps(history[-1]), flush=True)
    result: dict[str, Any] = {
        "settings": {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()},
        "versions": versions(),
        "metric": data.task.metric,
        "history": history,
        "trainable_parameters": models.count(parameters),
        "steps": len(times),
        **({} if shared is None else {"losses": all_losses}),
        "training_seconds": sum(times),
        "step_seconds_median": statistics.median(times),
        "examples_per_second": seen / sum(times),
        **memory.report(),
    }
    predictions: dict[str, Any] = {"classes": data.classes}
    for split in [s for s in ("dev", "test") if s in data.splits]:
        chosen_split = data.splits[split]
        found, predicted = tasks.score(data, chosen_split, predict(model, chosen_split, pad, kind, options.bf16))
        result[split] = found
        labels = [e.words if kind == "tokens" else label_of(data, e) for e in chosen_split]
        predictions[split] = {"labels": labels, "predictions": predicted}
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2), encoding="utf-8")
        options.json.with_suffix(".predictions.json").write_text(json.dumps(predictions), encoding="utf-8")
    return result


def build(
    options: argparse.Namespace, kind: str, labels: int, shared: twin.Twin | None
) -> tuple[Any, twin.Draws | None]:
    """The model to train; with `shared` it begins with another run's first values and drops what that run dropped."""
    dropout = options.dropout == "on"
    if shared is None:
        sizes = {"rank": options.rank, "alpha": options.alpha, "layers": options.layers}
        return models.build(options.model, kind, labels, options.method, dropout=dropout, **sizes), None
    from peft import PeftModel

    plain = models.build_plain(options.model, kind, labels, dropout=dropout, attention="eager")
    draws = twin.share_draws(plain, kind, shared.seed)
    return PeftModel.from_pretrained(plain, shared.adapter, is_trainable=True), draws


def label_of(data: tasks.Data, example: tasks.Example) -> Any:
    return data.classes[example.label] if data.classes else example.label


def step(
    model: Any,
    batch: Batch,
    options: argparse.Namespace,
    parameters: list[torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> float:
    with autocast(options.bf16):
        loss = model(**batch.arguments()).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, options.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


if __name__ == "__main__":
    finished = train(arguments())
    print(json.dumps({k: v for k, v in finished.items() if k not in ("history", "settings")}))
