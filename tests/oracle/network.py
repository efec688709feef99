"""Transcription of whole networks: the backbones' forward with every attachment site written out.

One class per family; the methods of a request are looked up at each site. Equations of the methods: transcriptions.py.
Leaves out dropout, caches and everything that the requests of PROTOCOL.md cannot ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import transcriptions as eq
from backbones import Config, site_module
from batches import Batch
from names import (
    BOTTLENECKS,
    MIXERS,
    Method,
    ia3_targets,
    layers_of,
    name_of,
    places_of,
    scale_of,
    source_method,
    variant_of,
)

Linear = Callable[[Tensor], Tensor]
NORMED_INPUT = ("pfeiffer", *MIXERS)


@dataclass(frozen=True)
class SubLayer:
    """What an adapter at a place may read: the raw output h, the residual, the input x of its last linear."""

    h: Tensor
    residual: Tensor
    x: Tensor
    norm: Callable[[Tensor], Tensor]


class Network:
    """Shared by the families: tensors, linears with their transforms, bottlenecks and mixers at the places."""

    def __init__(
        self,
        config: Config,
        backbone: dict[str, Tensor],
        methods: list[Method],
        task: str,
        head: dict[str, Any],
    ) -> None:
        self.config, self.backbone, self.methods, self.task, self.head = config, backbone, methods, task, head
        self.p: eq.Parameters = {}
        self.mask = torch.empty(0)

    # --- tensors --------------------

    def tensor(self, name: str) -> Tensor:
        """A backbone tensor, or the unfrozen copy of it."""
        return self.p.get(f"backbone/{name}", self.backbone[name])

    def replaced(self, layer: int, site: str, part: str) -> Tensor | None:
        """The BitFit or LN-tuning parameter that stands in for a bias, gamma or beta of a site."""
        scope = site if layer < 0 else f"layers/{layer}/{site}"
        for method in self.methods:
            if method["kind"] in ("bitfit", "ln"):
                value = self.p.get(f"{scope}/{name_of(method)}/{part}")
                if value is not None:
                    return value
        return None

    def norm(self, layer: int, site: str) -> Callable[[Tensor], Tensor]:
        module = site_module(self.config, layer, site)
        gamma = self.replaced(layer, site, "gamma")
        beta = self.replaced(layer, site, "beta")
        if beta is None:
            beta = self.replaced(layer, site, "bias")
        gamma = self.tensor(f"{module}.weight") if gamma is None else gamma
        final_beta = self.tensor(f"{module}.bias") if beta is None else beta
        final_gamma, eps = gamma, self.config.eps
        return lambda x: eq.layer_norm(x, final_gamma, final_beta, eps)

    def weight_of(self, layer: int, site: str) -> tuple[Tensor, Tensor]:
        """Weight [out, in] and bias of the linear at a site, BitFit applied."""
        module = site_module(self.config, layer, site)
        weight = self.tensor(f"{module}.weight")
        bias = self.replaced(layer, site, "bias")
        if self.config.family == "gpt2":
            weight = weight.T  # Conv1D stores [in, out].
        return weight, self.tensor(f"{module}.bias") if bias is None else bias

    # --- operators: a frozen linear with its transforms --------------------

    def linear(self, layer: int, site: str, x: Tensor) -> Tensor:
        weight, bias = self.weight_of(layer, site)
        apply: Linear = lambda t: t @ weight.T + bias  # noqa: E731
        for method in self.methods:
            apply = self.transformed(layer, site, method, apply, weight, bias)
        return apply(x)

    def transformed(self, layer: int, site: str, method: Method, base: Linear, weight: Tensor, bias: Tensor) -> Linear:
        """T(op): the linear after one method, or the linear itself when the method is not at this site."""
        kind, path = method["kind"], f"layers/{layer}/{site}/{name_of(method)}"
        p = self.p
        if kind == "lora" and f"{path}/A" in p:
            s = scale_of(method, layer)
            return lambda x: base(x) + eq.lora_delta(x, p[f"{path}/A"], p[f"{path}/B"], s)
        if kind == "dora" and f"{path}/A" in p:
            s = scale_of(method, layer)
            return lambda x: eq.dora(x, weight, bias, p[f"{path}/A"], p[f"{path}/B"], p[f"{path}/m"], s)
        if kind == "ia3" and f"{path}/l" in p:
            if site in ia3_targets(method)[1]:
                return lambda x: base(x * p[f"{path}/l"])
            return lambda x: base(x) * p[f"{path}/l"]
        if kind == "gate" and f"{path}/weight" in p:
            inner = method["of"]
            lora, s = f"layers/{layer}/{site}/{name_of(inner)}", scale_of(inner, layer)
            pool = str(method.get("pool", "position"))

            def gated(x: Tensor) -> Tensor:
                g = eq.gate_value(x, self.mask, p[f"{path}/weight"], p[f"{path}/bias"], pool)
                return base(x) + g * eq.lora_delta(x, p[f"{lora}/A"], p[f"{lora}/B"], s)

            return gated
        return base

    # --- adapters and mixers at a sub-layer's output ---------------------------------------------------------------

    def adapted(self, layer: int, place: str, sub: SubLayer) -> Tensor:
        """h' of a sub-layer: its output after every adapter of the request at this place."""
        h = sub.h
        for method in self.methods:
            kind = method["kind"]
            here = layer in layers_of(method, self.config)
            if kind in BOTTLENECKS and here and place in places_of(method):
                if kind == "parallel":
                    h = h + self.source(layer, place, method, sub.residual, sub)
                else:
                    h = h + self.source(layer, place, method, self.adapter_input(method, h, sub), sub)
            elif kind in MIXERS and here and place == method.get("place", "ffn"):
                h = h + self.source(layer, place, method, self.adapter_input(method, h, sub), sub)
        return h

    def adapter_input(self, method: Method, h: Tensor, sub: SubLayer) -> Tensor:
        """z = LN(h + residual) for Pfeiffer-type adapters, z = h for Houlsby-type ones."""
        normed = method.get("input", "normed" if method["kind"] in NORMED_INPUT else "raw") == "normed"
        return sub.norm(h + sub.residual) if normed else h

    def source(self, layer: int, place: str, method: Method, z: Tensor, sub: SubLayer) -> Tensor:
        """u: what a method adds at a place, without any residual. Mixers call it for their sources."""
        kind, name = str(method["kind"]), name_of(method)
        path = f"layers/{layer}/{place}/{name}"
        if kind in BOTTLENECKS:
            defaults = {"houlsby": "swish", "pfeiffer": "relu", "parallel": "relu"}
            u = eq.bottleneck(z, self.p, path, str(method.get("activation", defaults[kind])))
            scale = method.get("scale", 4.0 if kind == "parallel" else 1.0)
            return u * (self.p[f"{path}/s"] if isinstance(scale, str) else float(scale))
        if kind == "lora":
            site = source_method(method, place)["targets"][0]
            lora = f"layers/{layer}/{site}/{name}"
            return eq.lora_delta(sub.x, self.p[f"{lora}/A"], self.p[f"{lora}/B"], scale_of(method, layer))
        sources: list[Method] = list(method["sources"])
        if kind == "soup":
            return self.soup(layer, place, sources, self.weights_of(method), z)
        outputs = [self.source(layer, place, s, z, sub) for s in sources]
        if kind == "fusion":
            return eq.fusion(z, outputs, self.p, path)
        if kind == "average":
            return eq.average(outputs, self.weights_of(method))
        if kind == "scalearn":
            scope = "shared" if variant_of(method).endswith("++") else f"layers/{layer}"
            return eq.scalearn(outputs, self.p[f"{scope}/{place}/{name}/omega"])
        raise ValueError(f"{kind!r} cannot be a source")

    def weights_of(self, method: Method) -> list[float]:
        count = len(method["sources"])
        return [float(w) for w in method.get("weights", [1.0 / count] * count)]

    def soup(self, layer: int, place: str, sources: list[Method], weights: list[float], z: Tensor) -> Tensor:
        """A7: one adapter whose parameters are the linear combination of the sources' parameters."""
        mixed: eq.Parameters = {}
        for part in ("down.weight", "down.bias", "up.weight", "up.bias"):
            parts = [self.p[f"layers/{layer}/{place}/{name_of(s)}/{part}"] for s in sources]
            mixed[f"soup/{part}"] = sum(
                (w * t for w, t in zip(weights, parts, strict=True)), torch.zeros_like(parts[0])
            )
        return eq.bottleneck(z, mixed, "soup", str(sources[0].get("activation", "relu")))

    def penalty(self) -> Tensor:
        """Losses beside the task's: the AdapterFusion regulariser."""
        total = torch.zeros((), dtype=next(iter(self.backbone.values())).dtype)
        for method in self.methods:
            coefficient = float(method.get("regularisation", 0.0)) if method["kind"] == "fusion" else 0.0
            if coefficient:
                place = method.get("place", "ffn")
                for i in layers_of(method, self.config):
                    value = self.p[f"layers/{i}/{place}/{name_of(method)}/value.weight"]
                    total = total + coefficient * eq.fusion_penalty(value)
        return total

    # --- prompts --------------------

    def prefixes(self, batch_size: int) -> list[list[tuple[Tensor, Tensor]]]:
        """Per layer the (K, V) pairs [B,P,d] that stand before the keys and values."""
        pairs: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(self.config.layers)]
        for method in self.methods:
            if method["kind"] != "prefix":
                continue
            name, chosen = name_of(method), layers_of(method, self.config)
            if method.get("bottleneck") is None:
                found = {i: (self.p[f"layers/{i}/attn/{name}/K"], self.p[f"layers/{i}/attn/{name}/V"]) for i in chosen}
            else:
                every = eq.prefix_from_mlp(self.p, f"prefix/{name}", self.config.layers, self.config.hidden)
                found = {i: every[i] for i in chosen}
            for i, (k, v) in found.items():
                pairs[i].append((k.expand(batch_size, -1, -1), v.expand(batch_size, -1, -1)))
        return pairs

    def method_of_kind(self, kind: str) -> Method | None:
        found = [m for m in self.methods if m["kind"] == kind]
        if len(found) > 1:
            raise ValueError(f"more than one {kind} method")
        return found[0] if found else None

    def forward(self, batch: Batch) -> Tensor:
        raise NotImplementedError
