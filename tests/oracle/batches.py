"""Batches of token ids as requests give them: nested lists, or tensors of a safetensors file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    ids: Tensor  # [B,T] int64
    mask: Tensor  # [B,T] int64, 1 = real token
    types: Tensor | None  # [B,T] int64
    labels: Tensor | None


def read_batch(raw: dict[str, Any], task: str) -> Batch:
    """`{ids, attention_mask | lengths, type_ids?, labels?}` or `{file}` with tensors of these names."""
    fields: dict[str, Any] = (
        {**load_file(raw["file"]), **{k: v for k, v in raw.items() if k != "file"}} if ("file" in raw) else raw
    )
    ids = integers(fields["ids"])
    if fields.get("attention_mask") is not None:
        mask = integers(fields["attention_mask"])
    elif fields.get("lengths") is not None:
        mask = (torch.arange(ids.shape[1])[None] < integers(fields["lengths"])[:, None]).long()
    else:
        mask = torch.ones_like(ids)
    types = fields.get("type_ids")
    labels = fields.get("labels")
    if ids.shape != mask.shape:
        raise ValueError(f"batch: ids are {tuple(ids.shape)}, attention_mask is {tuple(mask.shape)}")
    return Batch(
        ids=ids,
        mask=mask,
        types=None if types is None else integers(types),
        labels=None if labels is None else read_labels(labels, task),
    )


def integers(value: Any) -> Tensor:
    return torch.as_tensor(value).to(torch.int64)


def read_labels(value: Any, task: str) -> Tensor:
    floating = task in ("regression", "multilabel", "features")
    return torch.as_tensor(value).to(torch.float64 if floating else torch.int64)
