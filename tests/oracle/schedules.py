"""Learning rates of the first n steps, by the schedulers of `transformers` (constant, linear, cosine, with warm-up)."""

from __future__ import annotations

from typing import Any

import torch


def learning_rates(schedule: dict[str, Any], rate: float, n: int) -> list[float]:
    """`{kind: constant|linear|cosine, warmup?: steps, total?: steps}`: the rate used in step 0, 1, ... n-1."""
    kind, warmup = str(schedule.get("kind", "constant")), int(schedule.get("warmup", 0))
    if kind == "constant" and warmup == 0:
        return [rate] * n
    from transformers import get_scheduler

    name = {"constant": "constant_with_warmup"}.get(kind, kind)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = get_scheduler(
        name, optimizer, num_warmup_steps=warmup, num_training_steps=int(schedule.get("total", n))
    )
    rates = []
    for _ in range(n):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates
