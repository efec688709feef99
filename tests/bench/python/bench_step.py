"""Times training steps of transformers + peft on given batches, so that another program can run the same ones.

    bench_step.py --model .cache/starter --batches FILE [--method lora] [--layers 4 5] [--bf16] --json OUT
    bench_step.py --random bert-base --synthetic 32x128 --steps 10

`--batches` is a safetensors file of make_batches.py, or JSON `{"batches": [{"ids", "labels", "lengths" |
"attention_mask", "type_ids"?}]}`. `--synthetic BxT` makes one batch of B full-length sentences. A step is forward,
backward, clipping, AdamW and schedule, on a batch that is a tensor already. `--interactive` waits for lines
`{"steps": n}` and answers each with the seconds of the next n steps, so that two programs can take turns on a machine
whose speed changes; `{"report": true}` answers the summary, the end of input ends it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from transformers import get_linear_schedule_with_warmup  # noqa: E402

import models  # noqa: E402
from batching import Batch, batch_from  # noqa: E402
from measure import Memory, versions  # noqa: E402
from train_baseline import step  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="folder of the backbone")
    source.add_argument("--random", choices=("bert-base", "minilm-l6"), help="random weights of this size")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--batches", type=Path)
    given.add_argument("--synthetic", help="BxT, e.g. 32x64")
    parser.add_argument("--kind", default="classification", choices=("classification", "regression", "tokens"))
    parser.add_argument("--labels", type=int, default=2)
    parser.add_argument("--method", default="lora", choices=models.METHODS)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=8.0)
    parser.add_argument("--layers", type=int, nargs="*")
    parser.add_argument("--dropout", choices=("on", "off"), default="on")
    parser.add_argument("--attention", choices=("sdpa", "eager"), help="default: what transformers chooses")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--steps", type=int, help="default: every batch once")
    parser.add_argument("--warmup-steps", type=int, default=3, help="steps that are run but not counted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--interactive", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def read_batches(options: argparse.Namespace) -> list[Batch]:
    if options.synthetic is not None:
        rows, length = (int(n) for n in options.synthetic.split("x"))
        generator = torch.Generator().manual_seed(options.seed)
        ids = torch.randint(1000, 30000, (rows, length), generator=generator)
        return [batch_from(ids, torch.randint(0, options.labels, (rows,), generator=generator))]
    if options.batches.suffix == ".json":
        raw = json.loads(options.batches.read_text(encoding="utf-8"))["batches"]
        return [
            batch_from(b["ids"], b["labels"], b.get("lengths"), b.get("attention_mask"), b.get("type_ids")) for b in raw
        ]
    with safe_open(str(options.batches), "pt") as file:
        count = 1 + max(int(name.split("/")[0]) for name in file.keys())  # noqa: SIM118
        names = set(file.keys())

        def get(i: int, name: str) -> Any:
            return file.get_tensor(f"{i}/{name}") if f"{i}/{name}" in names else None

        return [
            batch_from(get(i, "ids"), get(i, "labels"), get(i, "lengths"), get(i, "attention_mask"), get(i, "type_ids"))
            for i in range(count)
        ]


def timed_steps(model: Any, batches: list[Batch], options: argparse.Namespace) -> Iterator[tuple[float, Batch, float]]:
    """(seconds, batch, loss) of one step after another, round and round the batches."""
    parameters = models.trainable(model)
    optimizer = models.optimizer_for(model, options.lr, 0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 100, 1_000_000)
    model.train()
    for batch in itertools.cycle(batches):
        began = time.perf_counter()
        loss = step(model, batch, options, parameters, optimizer)
        schedule.step()
        yield time.perf_counter() - began, batch, loss


def summary(records: list[tuple[float, Batch, float]], memory: Memory) -> dict[str, Any]:
    times = [seconds for seconds, _, _ in records]
    total = sum(times)
    return {
        "steps": len(times),
        "step_seconds_median": statistics.median(times),
        "step_seconds_mean": total / len(times),
        "step_seconds_min": min(times),
        "examples_per_second": sum(b.ids.shape[0] for _, b, _ in records) / total,
        "real_tokens_per_second": sum(int(b.mask.sum()) for _, b, _ in records) / total,
        "last_loss": records[-1][2],
        **memory.report(),
    }


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    import peft  # noqa: F401 - part of the idle process

    memory = Memory()
    batches = read_batches(options)
    common: dict[str, Any] = {"rank": options.rank, "alpha": options.alpha, "dropout": options.dropout == "on"}
    if options.random is not None:
        model = models.build_random(options.random, options.labels, options.method, **common)
    else:
        model = models.build(
            options.model,
            options.kind,
            options.labels,
            options.method,
            layers=options.layers,
            attention=options.attention,
            **common,
        )
    steps = timed_steps(model, batches, options)
    for _ in range(options.warmup_steps):
        next(steps)
    records: list[tuple[float, Batch, float]] = []
    if options.interactive:
        print(json.dumps({"ready": True, "batches": len(batches)}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            if request.get("report"):
                print(json.dumps(summary(records, memory)), flush=True)
                continue
            fresh = list(itertools.islice(steps, int(request["steps"])))
            records += fresh
            print(json.dumps({"seconds": [seconds for seconds, _, _ in fresh]}), flush=True)
        return
    records = list(itertools.islice(steps, options.steps or len(batches)))
    result = {
        "settings": {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()},
        "versions": versions(),
        "trainable_parameters": models.count(models.trainable(model)),
        **summary(records, memory),
    }
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2), encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "settings"}))


if __name__ == "__main__":
    main()
