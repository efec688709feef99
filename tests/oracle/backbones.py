"""A backbone read straight from its folder: the numbers of config.json and the tensors of model.safetensors.

Nothing of `transformers` is used here, so that the transcriptions stay independent of it. Leaves out: tokenizers,
sharded checkpoints, every family but BERT, RoBERTa and GPT-2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

PREFIXES = {"bert": "bert.", "roberta": "roberta.", "gpt2": "transformer."}
# Buffers that old checkpoints carry beside their weights.
BUFFERS = (".position_ids", ".token_type_ids", ".attn.bias", ".attn.masked_bias")


@dataclass(frozen=True)
class Config:
    """What the equations need, under one name for all families."""

    family: str
    layers: int
    hidden: int
    heads: int
    inner: int
    eps: float
    activation: str
    pad_id: int
    raw: dict[str, Any]

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads


def read_config(folder: str) -> Config:
    raw = json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))
    family = str(raw["model_type"])
    if family == "gpt2":
        hidden = int(raw["n_embd"])
        return Config(
            family=family,
            layers=int(raw["n_layer"]),
            hidden=hidden,
            heads=int(raw["n_head"]),
            inner=int(raw.get("n_inner") or 4 * hidden),
            eps=float(raw.get("layer_norm_epsilon", 1e-5)),
            activation=str(raw.get("activation_function", "gelu_new")),
            pad_id=int(raw.get("pad_token_id") or 0),
            raw=raw,
        )
    if family not in ("bert", "roberta"):
        raise ValueError(f"{folder}: model_type {family!r} is not transcribed (bert, roberta, gpt2)")
    return Config(
        family=family,
        layers=int(raw["num_hidden_layers"]),
        hidden=int(raw["hidden_size"]),
        heads=int(raw["num_attention_heads"]),
        inner=int(raw["intermediate_size"]),
        eps=float(raw.get("layer_norm_eps", 1e-12)),
        activation=str(raw.get("hidden_act", "gelu")),
        pad_id=int(raw.get("pad_token_id", 1 if family == "roberta" else 0)),
        raw=raw,
    )


def read_weights(folder: str, config: Config, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """All tensors of the checkpoint, without the family prefix and without buffers."""
    prefix = PREFIXES[config.family]
    weights: dict[str, Tensor] = {}
    for name, tensor in load_file(str(Path(folder, "model.safetensors"))).items():
        short = name.removeprefix(prefix)
        if not short.endswith(BUFFERS):
            weights[short] = tensor.to(dtype) if tensor.is_floating_point() else tensor
    return weights


def short_name(name: str) -> str:
    """A parameter name of a `transformers` model, without the family prefix."""
    for prefix in PREFIXES.values():
        name = name.removeprefix(prefix)
    return name


# The checkpoint name of every site of one layer, without `.weight` / `.bias`.
BERT_SITES = {
    "attn.query": "attention.self.query",
    "attn.key": "attention.self.key",
    "attn.value": "attention.self.value",
    "attn.out": "attention.output.dense",
    "ffn.up": "intermediate.dense",
    "ffn.down": "output.dense",
    "norm.attn": "attention.output.LayerNorm",
    "norm.ffn": "output.LayerNorm",
}
GPT2_SITES = {
    "attn.qkv": "attn.c_attn",
    "attn.out": "attn.c_proj",
    "ffn.up": "mlp.c_fc",
    "ffn.down": "mlp.c_proj",
    "norm.attn": "ln_1",
    "norm.ffn": "ln_2",
}


def site_module(config: Config, layer: int, site: str) -> str:
    """Checkpoint path of a site, e.g. (0, 'attn.query') -> 'encoder.layer.0.attention.self.query'."""
    if site == "embeddings":
        if config.family == "gpt2":
            raise ValueError("GPT-2 has no normalisation after its embeddings")
        return "embeddings.LayerNorm"
    if site == "pooler":
        return "pooler.dense"
    if site == "norm.final":
        return "ln_f"
    if config.family == "gpt2":
        return f"h.{layer}.{GPT2_SITES[site]}"
    return f"encoder.layer.{layer}.{BERT_SITES[site]}"


def linear_shape(config: Config, site: str) -> tuple[int, int]:
    """(outputs, inputs) of the linear at a site."""
    d, inner = config.hidden, config.inner
    shapes = {
        "attn.query": (d, d),
        "attn.key": (d, d),
        "attn.value": (d, d),
        "attn.out": (d, d),
        "attn.qkv": (3 * d, d),
        "ffn.up": (inner, d),
        "ffn.down": (d, inner),
        "pooler": (d, d),
    }
    return shapes[site]
