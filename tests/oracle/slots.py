"""Slots: canonical names over the parameters of a library's model, which store the same numbers in other shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from backbones import Config, site_module


@dataclass(frozen=True)
class Slot:
    """A canonical tensor inside a library's parameter: `view` takes the parameter (or its gradient) to our shape."""

    parameter: nn.Parameter
    view: Callable[[Tensor], Tensor] = lambda t: t


@dataclass
class LibraryModel:
    model: Any
    slots: dict[str, Slot]
    library: str
    prompt_length: int = 0
    penalty: Callable[[], Tensor] | None = None


def module_paths(config: Config, layers: list[int], sites: list[str]) -> dict[str, tuple[int, str]]:
    """Checkpoint module path -> (layer, site), usable as peft `target_modules` (matched as a suffix)."""
    found: dict[str, tuple[int, str]] = {}
    for site in sites:
        for i in [-1] if site in ("embeddings", "pooler", "norm.final") else layers:
            found[site_module(config, i, site)] = (i, site)
    return found


def scope(layer: int, site: str) -> str:
    return site if layer < 0 else f"layers/{layer}/{site}"


def flat_prefix_slots(config: Config, name: str, weight: nn.Parameter, length: int) -> dict[str, Slot]:
    """A flat prefix is stored as [P, 2L, d]; rows 2i and 2i+1 of the middle axis are K and V of layer i."""
    slots: dict[str, Slot] = {}
    for i in range(config.layers):
        for offset, part in enumerate(("K", "V")):

            def view(t: Tensor, row: int = 2 * i + offset) -> Tensor:
                return t.view(length, 2 * config.layers, config.hidden)[:, row]

            slots[f"layers/{i}/attn/{name}/{part}"] = Slot(weight, view)
    return slots


def mlp_prefix_slots(name: str, embedding: Any, transform: Any) -> dict[str, Slot]:
    return {
        f"prefix/{name}/wte": Slot(embedding.weight),
        f"prefix/{name}/down.weight": Slot(transform[0].weight),
        f"prefix/{name}/down.bias": Slot(transform[0].bias),
        f"prefix/{name}/up.weight": Slot(transform[2].weight),
        f"prefix/{name}/up.bias": Slot(transform[2].bias),
    }
