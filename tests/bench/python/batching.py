"""Batches as `transformers` makes them: a random order, or `group_by_length`, padded to the longest of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tasks import Example


@dataclass(frozen=True)
class Batch:
    ids: Tensor
    mask: Tensor
    types: Tensor
    labels: Tensor

    def arguments(self) -> dict[str, Tensor]:
        return {
            "input_ids": self.ids,
            "attention_mask": self.mask,
            "token_type_ids": self.types,
            "labels": self.labels,
        }


def order(examples: list[Example], batch: int, grouped: bool, generator: torch.Generator) -> list[list[int]]:
    """Indices of an epoch's batches. `grouped` is the sampler behind Trainer's `group_by_length`."""
    if grouped:
        from transformers.trainer_pt_utils import LengthGroupedSampler

        lengths = [len(e.ids) for e in examples]
        indices = list(LengthGroupedSampler(batch, lengths=lengths, generator=generator))
    else:
        indices = torch.randperm(len(examples), generator=generator).tolist()
    return [indices[i : i + batch] for i in range(0, len(indices), batch)]


def collate(examples: list[Example], pad: int, kind: str) -> Batch:
    longest = max(len(e.ids) for e in examples)

    def padded(rows: list[list[int]], value: int) -> Tensor:
        return torch.tensor([row + [value] * (longest - len(row)) for row in rows])

    if kind == "tokens":
        labels = padded([e.label for e in examples], -100)
    else:
        labels = torch.tensor([e.label for e in examples], dtype=torch.float32 if kind == "regression" else torch.long)
    return Batch(
        ids=padded([e.ids for e in examples], pad),
        mask=padded([[1] * len(e.ids) for e in examples], 0),
        types=padded([e.types for e in examples], 0),
        labels=labels,
    )


def batch_from(ids: Any, labels: Any, lengths: Any = None, mask: Any = None, types: Any = None) -> Batch:
    """A batch of arrays or nested lists; without mask and lengths every position is real."""
    tokens = torch.as_tensor(ids).long()
    if mask is None:
        ends = torch.full((tokens.shape[0],), tokens.shape[1]) if lengths is None else torch.as_tensor(lengths)
        mask = torch.arange(tokens.shape[1])[None] < ends[:, None]
    return Batch(
        ids=tokens,
        mask=torch.as_tensor(mask).long(),
        types=torch.zeros_like(tokens) if types is None else torch.as_tensor(types).long(),
        labels=torch.as_tensor(labels),
    )
