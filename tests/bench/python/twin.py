"""Random numbers of an Espalier run in a PyTorch model: its first values, its batches and its dropout.

What differs afterwards is the arithmetic alone, so two runs are compared without averaging over seeds. The hash is the
published one of engine/base/counterHash.ts; all arithmetic is modulo 2^32.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

WORD = np.uint32
Words = Any  # arrays of uint32, of any shape


def mix(h: Words) -> Words:
    """The 32-bit finaliser of MurmurHash3."""
    h = (h ^ (h >> WORD(16))) * WORD(0x85EBCA6B)
    h = (h ^ (h >> WORD(13))) * WORD(0xC2B2AE35)
    return h ^ (h >> WORD(16))


def fold(h: Words, word: Words) -> Words:
    return mix(h ^ word) * WORD(5) + WORD(0xE6546B64)


def words(*values: int) -> Words:
    return np.array([v & 0xFFFFFFFF for v in values], dtype=WORD)


def site_hash(site: str) -> Words:
    h = 0x811C9DC5
    for letter in site:
        h = (h ^ ord(letter)) * 0x01000193 & 0xFFFFFFFF
    return words(h)


def step_key(seed: int, step: int, micro_batch: int = 0) -> tuple[Words, Words]:
    a = fold(fold(words(0x13198A2E), words(seed)), words(seed >> 32))
    return fold(a, words(step)), fold(fold(a, words(0x03707344 ^ step)), words(micro_batch))


def row_keys(examples: Words, positions: Words) -> Words:
    """Coordinates of tokens, or of whole examples (position -1)."""
    return fold(fold(words(0x243F6A88), examples), positions)


def keep(key: tuple[Words, Words], site: str, rows: Words, rest: tuple[int, ...], p: float) -> np.ndarray:
    """Which entries of `[*rows.shape, *rest]` dropout keeps."""
    state = fold(fold(fold(*key), site_hash(site)), rows)
    for size in rest[:-1]:
        state = fold(state[..., None], np.arange(size, dtype=WORD))
    pairs = np.arange((rest[-1] + 1) // 2, dtype=WORD) * WORD(0x9E3779B9)
    bits = mix(state[..., None] + pairs)
    halves = np.stack([bits & WORD(0xFFFF), bits >> WORD(16)], axis=-1)
    kept: np.ndarray = halves.reshape(*bits.shape[:-1], -1)[..., : rest[-1]] >= WORD(round(p * 65536))
    return kept


class Draws:
    """The draws of the step that runs now."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.key = step_key(seed, 0)
        self.examples = words()

    def begin(self, step: int, examples: list[int]) -> None:
        self.key = step_key(self.seed, step)
        self.examples = words(*examples)


class SameDropout(nn.Module):
    """Dropout with the draws of another program. Attention draws once an example, everything else once a token."""

    def __init__(self, draws: Draws, site: str, p: float, *, per_token: bool) -> None:
        super().__init__()
        self.draws, self.site, self.p, self.per_token = draws, site, p, per_token

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        rows = row_keys(self.draws.examples, words(-1))
        if self.per_token:
            rows = row_keys(self.draws.examples[:, None], np.arange(x.shape[1], dtype=WORD))
        kept = keep(self.draws.key, self.site, rows, tuple(x.shape[rows.ndim :]), self.p)
        return x * (torch.from_numpy(kept).to(x.dtype) / (1 - self.p))


@dataclass(frozen=True)
class Twin:
    """What the other program wrote down: a folder in the format of `peft`, its classes, the batches of every epoch."""

    adapter: str
    classes: list[str]
    seed: int
    epochs: list[list[list[int]]]


def read(path: Path) -> Twin:
    return Twin(**json.loads(path.read_text(encoding="utf-8")))


def share_draws(model: nn.Module, kind: str, seed: int) -> Draws:
    """Gives every dropout of a BERT with a head (attention `eager`) the sites of Espalier's graph of the same model."""
    draws = Draws(seed)
    sites = {"embeddings.dropout": "embeddings_drop/dropout"}
    for name, _ in model.named_modules():
        if name.endswith(".attention.self"):
            i = name.split(".")[-3]
            layer = name.removeprefix("bert.").removesuffix(".attention.self")
            sites[f"{layer}.attention.self.dropout"] = f"layers/{i}/attention/probabilities"
            sites[f"{layer}.attention.output.dropout"] = f"layers/{i}/attn_drop/dropout"
            sites[f"{layer}.output.dropout"] = f"layers/{i}/ffn_drop/dropout"
    found = {name for name, module in model.named_modules() if isinstance(module, nn.Dropout)}
    wanted = {f"bert.{name}": site for name, site in sites.items()} | {"dropout": "head/dropout"}
    if found != set(wanted):
        raise ValueError(f"the model's dropouts are {sorted(found)}, known are {sorted(wanted)}")
    for name, site in wanted.items():
        parent, _, last = name.rpartition(".")
        p = model.get_submodule(name).p
        per_token = not site.endswith("probabilities") and (site != "head/dropout" or kind == "tokens")
        setattr(model.get_submodule(parent), last, SameDropout(draws, site, float(p), per_token=per_token))  # type: ignore[arg-type]
    return draws
