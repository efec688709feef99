"""Canonical names, shapes and trainability of every parameter that a request declares (NAMES.md is the text of it).

Both engines (libraries and transcriptions) fill exactly this list, so a difference between them is never a
difference of what is counted. Leaves out: the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backbones import Config, linear_shape, site_module

Method = dict[str, Any]

BOTTLENECKS = ("houlsby", "pfeiffer", "parallel")
MIXERS = ("fusion", "scalearn", "average", "soup")
LINEARS = ("attn.query", "attn.key", "attn.value", "attn.out", "ffn.up", "ffn.down")


@dataclass(frozen=True)
class Declared:
    shape: tuple[int, ...]
    trainable: bool


def name_of(method: Method) -> str:
    """The path segment of a method: its own `name`, else its kind."""
    return str(method.get("name", method["kind"]))


def layers_of(method: Method, config: Config) -> list[int]:
    chosen = method.get("layers")
    return list(range(config.layers)) if chosen is None else [int(i) for i in chosen]


def rank_of(method: Method, layer: int) -> int:
    """LoRA rank of a layer: `rank_at` maps one layer ("4") or a closed range ("4-5") to a rank of its own."""
    for key, rank in method.get("rank_at", {}).items():
        first, _, last = str(key).partition("-")
        if int(first) <= layer <= int(last or first):
            return int(rank)
    return int(method.get("r", 8))


def scale_of(method: Method, layer: int) -> float:
    """s = alpha / r, with rsLoRA s = alpha / sqrt(r)."""
    rank = rank_of(method, layer)
    alpha = float(method.get("alpha", 8))
    return alpha / rank**0.5 if method.get("rslora") else alpha / rank


def places_of(method: Method) -> list[str]:
    default = ["attn", "ffn"] if method["kind"] == "houlsby" else ["ffn"]
    return list(method.get("places", default))


def ia3_targets(method: Method) -> tuple[list[str], list[str]]:
    """(sites whose output is scaled, sites whose input is scaled)."""
    return list(method.get("targets", ["attn.key", "attn.value"])), list(method.get("input_targets", ["ffn.down"]))


def bias_targets(method: Method, config: Config) -> list[str]:
    """Sites whose bias BitFit trains: all of them by default, `embeddings` and `pooler` included."""
    default = [*LINEARS, "norm.attn", "norm.ffn", "embeddings"] + (["pooler"] if config.family == "bert" else [])
    return list(method.get("targets", default))


def norm_targets(method: Method, config: Config) -> list[str]:
    last = "norm.final" if config.family == "gpt2" else "embeddings"
    return list(method.get("targets", ["norm.attn", "norm.ffn", last]))


def site_paths(config: Config, layers: Iterable[int], site: str) -> list[tuple[str, int]]:
    """Canonical prefixes of a site with their layers; model-level sites occur once (layer -1)."""
    if site in ("embeddings", "pooler", "norm.final"):
        return [(site, -1)]
    return [(f"layers/{i}/{site}", i) for i in layers]


def declare(
    config: Config, task: str, labels: int, methods: list[Method], head: dict[str, Any], backbone: dict[str, Any]
) -> dict[str, Declared]:
    """Every parameter of the request, in a fixed order. `backbone` maps checkpoint names to shapes (for unfreeze)."""
    found: dict[str, Declared] = {}

    def put(name: str, shape: tuple[int, ...], trainable: bool) -> None:
        if name in found:
            raise ValueError(f"{name} is declared twice; give the methods different `name`s")
        found[name] = Declared(shape, trainable)

    for method in methods:
        for name, shape, trainable in declare_method(config, method, backbone, bool(method.get("trainable", True))):
            put(name, shape, trainable)
    for name, shape in declare_head(config, task, labels, head):
        put(name, shape, bool(head.get("trainable", True)))
    return found


def declare_head(config: Config, task: str, labels: int, head: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    d = config.hidden
    if task in ("features", "lm"):
        return []
    if config.family == "gpt2":
        return [("head/weight", (labels, d))] + ([("head/bias", (labels,))] if task == "tokens" else [])
    out: list[tuple[str, tuple[int, ...]]] = []
    if config.family == "roberta" and task != "tokens" and head.get("pooling", "pooler") == "pooler":
        out += [("head/dense.weight", (d, d)), ("head/dense.bias", (d,))]
    return [*out, ("head/weight", (labels, d)), ("head/bias", (labels,))]


Entry = tuple[str, tuple[int, ...], bool]


def declare_method(config: Config, method: Method, backbone: dict[str, Any], trainable: bool) -> list[Entry]:
    kind, name, d = str(method["kind"]), name_of(method), config.hidden
    layers = layers_of(method, config)
    out: list[Entry] = []
    if kind in ("lora", "dora"):
        for site in method.get("targets", ["attn.query", "attn.value"]):
            outputs, inputs = linear_shape(config, site)
            for i in layers:
                r = rank_of(method, i)
                out.append((f"layers/{i}/{site}/{name}/A", (r, inputs), trainable))
                out.append((f"layers/{i}/{site}/{name}/B", (outputs, r), trainable))
                if kind == "dora":
                    out.append((f"layers/{i}/{site}/{name}/m", (outputs,), trainable))
    elif kind == "gate":
        inner = method["of"]
        out += declare_method(config, inner, backbone, bool(inner.get("trainable", trainable)))
        for site in inner.get("targets", ["attn.query", "attn.value"]):
            for i in layers_of(inner, config):
                out.append((f"layers/{i}/{site}/{name}/weight", (1, linear_shape(config, site)[1]), trainable))
                out.append((f"layers/{i}/{site}/{name}/bias", (1,), trainable))
    elif kind == "ia3":
        outputs_scaled, inputs_scaled = ia3_targets(method)
        for i in layers:
            out += [(f"layers/{i}/{s}/{name}/l", (linear_shape(config, s)[0],), trainable) for s in outputs_scaled]
            out += [(f"layers/{i}/{s}/{name}/l", (linear_shape(config, s)[1],), trainable) for s in inputs_scaled]
    elif kind == "bitfit":
        for site in bias_targets(method, config):
            width = d if site.startswith("norm") or site == "embeddings" else linear_shape(config, site)[0]
            out += [(f"{path}/{name}/bias", (width,), trainable) for path, _ in site_paths(config, layers, site)]
    elif kind == "ln":
        for site in norm_targets(method, config):
            for path, _ in site_paths(config, layers, site):
                out += [(f"{path}/{name}/gamma", (d,), trainable), (f"{path}/{name}/beta", (d,), trainable)]
    elif kind in BOTTLENECKS:
        for place in places_of(method):
            for i in layers:
                out += declare_bottleneck(f"layers/{i}/{place}/{name}", d, method, trainable)
    elif kind in MIXERS:
        out += declare_mixer(config, method, backbone, trainable)
    elif kind == "prompt":
        out.append((f"prompt/{name}/E", (int(method["length"]), d), trainable))
    elif kind == "prefix":
        out += declare_prefix(config, method, trainable)
    elif kind == "meft":
        for i in layers:
            out += declare_bottleneck(f"layers/{i}/{name}/stream", d, method, trainable)
            out += declare_bottleneck(f"layers/{i}/{name}/layer", d, method, trainable)
    elif kind == "unfreeze":
        for wanted in unfrozen(method, backbone):
            out.append((f"backbone/{wanted}", tuple(backbone[wanted]), trainable))
    else:
        raise ValueError(f"unknown method kind {kind!r}")
    return out


def unfrozen(method: Method, backbone: dict[str, Any]) -> list[str]:
    """Checkpoint tensors whose whole short name matches one of the patterns of an `unfreeze`."""
    found = [n for n in backbone if any(re.fullmatch(pattern, n) for pattern in method["tensors"])]
    if not found:
        raise ValueError(f"unfreeze: no tensor matches {method['tensors']}")
    return found


def declare_bottleneck(path: str, d: int, method: Method, trainable: bool) -> list[Entry]:
    m = int(method["m"])
    out: list[Entry] = [
        (f"{path}/down.weight", (m, d), trainable),
        (f"{path}/down.bias", (m,), trainable),
        (f"{path}/up.weight", (d, m), trainable),
        (f"{path}/up.bias", (d,), trainable),
    ]
    if method.get("scale") in ("learned", "channel"):
        out.append((f"{path}/s", (1,) if method["scale"] == "learned" else (d,), trainable))
    return out


def declare_prefix(config: Config, method: Method, trainable: bool) -> list[Entry]:
    length, d, name = int(method["length"]), config.hidden, name_of(method)
    width = method.get("bottleneck")
    if width is None:
        return [
            (f"layers/{i}/attn/{name}/{part}", (length, d), trainable)
            for i in layers_of(method, config)
            for part in ("K", "V")
        ]
    outputs = 2 * config.layers * d
    return [
        (f"prefix/{name}/wte", (length, d), trainable),
        (f"prefix/{name}/down.weight", (int(width), d), trainable),
        (f"prefix/{name}/down.bias", (int(width),), trainable),
        (f"prefix/{name}/up.weight", (outputs, int(width)), trainable),
        (f"prefix/{name}/up.bias", (outputs,), trainable),
    ]


def source_method(source: Method, place: str) -> Method:
    """A source as a method of its own at the mixer's place; LoRA sources sit on the sub-layer's last linear."""
    if source["kind"] == "lora":
        return {**source, "targets": ["ffn.down" if place == "ffn" else "attn.out"]}
    return {**source, "places": [place], "place": place}


def declare_mixer(config: Config, method: Method, backbone: dict[str, Any], trainable: bool) -> list[Entry]:
    """Sources are frozen unless they say otherwise; the mixer's own tensors follow `trainable`."""
    kind, name, d = str(method["kind"]), name_of(method), config.hidden
    place = str(method.get("place", "ffn"))
    layers = layers_of(method, config)
    sources: list[Method] = list(method["sources"])
    out: list[Entry] = []
    for source in sources:
        inner = source_method({"layers": layers, **source}, place)
        out += declare_method(config, inner, backbone, bool(source.get("trainable", False)))
    if kind == "fusion":
        for i in layers:
            path = f"layers/{i}/{place}/{name}"
            out += [(f"{path}/{part}.weight", (d, d), trainable) for part in ("query", "key")]
            out += [(f"{path}/{part}.bias", (d,), trainable) for part in ("query", "key")]
            if method.get("value", True):
                out.append((f"{path}/value.weight", (d, d), trainable))
    elif kind == "scalearn":
        width = 1 if "uniform" in variant_of(method) else d
        scopes = ["shared"] if variant_of(method).endswith("++") else [f"layers/{i}" for i in layers]
        out += [(f"{scope}/{place}/{name}/omega", (len(sources), width), trainable) for scope in scopes]
    return out


def variant_of(method: Method) -> str:
    """scalearn | uniform | ++ | uniform++"""
    variant = str(method.get("variant", "scalearn"))
    if variant not in ("scalearn", "uniform", "++", "uniform++"):
        raise ValueError(f"unknown ScaLearn variant {variant!r}")
    return variant


def checkpoint_name(config: Config, name: str) -> str:
    """The backbone tensor that a BitFit or LN parameter replaces, e.g. that of layers/0/norm.attn/ln/gamma."""
    pieces = name.split("/")
    layer, site = (int(pieces[1]), pieces[2]) if pieces[0] == "layers" else (-1, pieces[0])
    suffix = "weight" if pieces[-1] == "gamma" else "bias"
    return f"{site_module(config, layer, site)}.{suffix}"
