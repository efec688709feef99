"""BERT, RoBERTa and GPT-2 as transcriptions (section 11 of the method specification), over network.py."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import transcriptions as eq
from backbones import Config
from batches import Batch
from names import Method, layers_of, name_of
from network import Linear, Network, SubLayer


class Bert(Network):
    """Post-LN encoder: a = LN1(x + Attn(x)), y = LN2(a + FFN(a)); also RoBERTa, with its positions and its head."""

    def forward(self, batch: Batch) -> Tensor:
        x, mask, offset = self.embed(batch)
        self.mask = mask
        prefixes = self.prefixes(x.shape[0])
        x = self.stack(x, mask, prefixes)
        return self.heads(x, offset)

    def embed(self, batch: Batch) -> tuple[Tensor, Tensor, int]:
        """LN(word + position + type), the mask, and how many positions a prompt put before the text."""
        ids, mask = batch.ids, batch.mask
        types = torch.zeros_like(ids) if batch.types is None else batch.types
        words = self.tensor("embeddings.word_embeddings.weight")[ids]
        prompt = self.method_of_kind("prompt")
        before = 0
        if prompt is not None:
            rows = self.p[f"prompt/{name_of(prompt)}/E"]
            length = rows.shape[0]
            block = rows.expand(ids.shape[0], -1, -1)
            at = 1 if prompt.get("place", "start") == "after_first" else 0
            words = torch.cat([words[:, :at], block, words[:, at:]], dim=1)
            ones = torch.ones(ids.shape[0], length, dtype=mask.dtype)
            mask = torch.cat([mask[:, :at], ones, mask[:, at:]], dim=1)
            types = torch.cat([types[:, :at], torch.zeros_like(ones), types[:, at:]], dim=1)
            before = length
        positions = self.positions(ids, batch.mask, words.shape[1], prompt is not None)
        prefix = self.method_of_kind("prefix")
        if prefix is not None and prefix.get("position_offset"):
            positions = positions + int(prefix["length"])
        total = (
            words
            + self.tensor("embeddings.position_embeddings.weight")[positions]
            + self.tensor("embeddings.token_type_embeddings.weight")[types]
        )
        return self.norm(-1, "embeddings")(total), mask, before

    def positions(self, ids: Tensor, mask: Tensor, length: int, prompted: bool) -> Tensor:
        """BERT counts from 0. RoBERTa counts real tokens from pad_id + 1, or plainly when a prompt is there."""
        if self.config.family == "bert":
            return torch.arange(length).expand(ids.shape[0], -1)
        first = self.config.pad_id + 1
        if prompted:
            return torch.arange(first, first + length).expand(ids.shape[0], -1)
        return torch.cumsum(mask, dim=1) * mask + self.config.pad_id

    def stack(self, x: Tensor, mask: Tensor, prefixes: list[list[tuple[Tensor, Tensor]]]) -> Tensor:
        meft = self.method_of_kind("meft")
        if meft is None:
            for i in range(self.config.layers):
                x = self.layer(i, x, mask, prefixes[i])
            return x
        return self.two_streams(meft, x, mask)

    def layer(self, i: int, x: Tensor, mask: Tensor, prefixes: list[tuple[Tensor, Tensor]], extra: str = "") -> Tensor:
        a = self.attention_block(i, x, mask, prefixes)
        return self.ffn_block(i, a, extra)

    def attention_block(self, i: int, x: Tensor, mask: Tensor, prefixes: list[tuple[Tensor, Tensor]]) -> Tensor:
        q = self.linear(i, "attn.query", x)
        k = self.linear(i, "attn.key", x)
        v = self.linear(i, "attn.value", x)
        visible = mask
        for pk, pv in prefixes:
            k, v = torch.cat([pk, k], dim=1), torch.cat([pv, v], dim=1)
            visible = torch.cat([torch.ones(x.shape[0], pk.shape[1], dtype=mask.dtype), visible], dim=1)
        bias = torch.zeros(visible.shape, dtype=x.dtype).masked_fill(visible == 0, -torch.inf)
        context = eq.attention(q, k, v, self.config.heads, bias[:, None, None, :])
        o = self.linear(i, "attn.out", context)
        norm = self.norm(i, "norm.attn")
        return norm(self.adapted(i, "attn", SubLayer(o, x, context, norm)) + x)

    def ffn_block(self, i: int, a: Tensor, extra: str = "") -> Tensor:
        """y = LN2(a + FFN(a)); `extra` names the parallel adapter that MEFT puts inside a layer."""
        inner = eq.activation(self.config.activation, self.linear(i, "ffn.up", a))
        h = self.linear(i, "ffn.down", inner)
        norm = self.norm(i, "norm.ffn")
        h = self.adapted(i, "ffn", SubLayer(h, a, inner, norm))
        if extra:
            h = h + eq.bottleneck(a, self.p, extra, self.config.activation)
        return norm(h + a)

    def two_streams(self, method: Method, x: Tensor, mask: Tensor) -> Tensor:
        """E1: y1 = lambda x1 + F(x2), y2 = beta x2 + G(y1), streams swapped after every layer (not in variant 3)."""
        lam, beta = float(method["lambda"]), float(method["beta"])
        variant, name = int(method.get("variant", 1)), name_of(method)
        x1 = x2 = x
        for i in layers_of(method, self.config):
            stream, inside = f"layers/{i}/{name}/stream", f"layers/{i}/{name}/layer"
            act = self.config.activation
            if variant == 1:
                y1 = lam * x1 + self.layer(i, x2, mask, [], inside)
                y2 = beta * x2 + eq.bottleneck(y1, self.p, stream, act)
            elif variant == 2:
                y1 = lam * x1 + eq.bottleneck(x2, self.p, stream, act)
                y2 = beta * x2 + self.layer(i, y1, mask, [], inside)
            else:
                raise ValueError("meft: variants 1 and 2 are transcribed")
            x1, x2 = y2, y1
        return (x1 + x2) / 2

    def heads(self, x: Tensor, offset: int) -> Tensor:
        prompt = self.method_of_kind("prompt")
        after_first = prompt is not None and prompt.get("place", "start") == "after_first"
        if self.task in ("tokens", "features"):
            text = torch.cat([x[:, :1], x[:, 1 + offset :]], dim=1) if after_first else x[:, offset:]
            if self.task == "features":
                return text
            return text @ self.p["head/weight"].T + self.p["head/bias"]
        pooling = self.head.get("pooling", "pooler")
        index = offset if prompt is not None and not after_first and prompt.get("pool_index") == "cls" else 0
        pooled = x[:, index]
        if pooling == "mean":
            real = self.mask.to(x.dtype).unsqueeze(-1)
            pooled = (x * real).sum(1) / real.sum(1)
        elif pooling == "pooler" and self.config.family == "bert":
            weight, bias = self.weight_of(-1, "pooler")
            pooled = torch.tanh(pooled @ weight.T + bias)
        elif pooling == "pooler":
            pooled = torch.tanh(pooled @ self.p["head/dense.weight"].T + self.p["head/dense.bias"])
        return pooled @ self.p["head/weight"].T + self.p["head/bias"]


class Gpt2(Network):
    """Pre-LN decoder with fused q|k|v as one Conv1D: a = x + Attn(LN1 x), y = a + FFN(LN2 a)."""

    def forward(self, batch: Batch) -> Tensor:
        absent = [m["kind"] for m in self.methods if m["kind"] in ("prompt", "prefix", "parallel", "meft")]
        if absent:
            raise ValueError(f"{absent[0]} is not transcribed for GPT-2")
        self.mask = mask = batch.mask
        length = batch.ids.shape[1]
        x = self.tensor("wte.weight")[batch.ids] + self.tensor("wpe.weight")[torch.arange(length)]
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        visible = causal[None] & (mask[:, None, :] == 1)
        # A padding row sees nothing real on its left only when padding comes first, which requests may not do.
        bias = torch.zeros(visible.shape, dtype=x.dtype).masked_fill(~visible, -torch.inf)[:, None]
        for i in range(self.config.layers):
            x = self.layer(i, x, bias)
        x = self.norm(-1, "norm.final")(x)
        if self.task == "features":
            return x
        if self.task == "lm":
            return x @ self.tensor("wte.weight").T
        if self.task == "tokens":
            return x @ self.p["head/weight"].T + self.p["head/bias"]
        last = mask.sum(1) - 1
        return x[torch.arange(x.shape[0]), last] @ self.p["head/weight"].T

    def layer(self, i: int, x: Tensor, bias: Tensor) -> Tensor:
        d = self.config.hidden
        q, k, v = self.qkv(i, self.norm(i, "norm.attn")(x)).split(d, dim=-1)
        context = eq.attention(q, k, v, self.config.heads, bias)
        o = self.linear(i, "attn.out", context)
        a = x + self.adapted(i, "attn", SubLayer(o, x, context, lambda t: t))
        inner = eq.activation(self.config.activation, self.linear(i, "ffn.up", self.norm(i, "norm.ffn")(a)))
        h = self.linear(i, "ffn.down", inner)
        return a + self.adapted(i, "ffn", SubLayer(h, a, inner, lambda t: t))

    def qkv(self, i: int, x: Tensor) -> Tensor:
        """The fused projection; a LoRA on attn.query, attn.key or attn.value touches its third only."""
        y = self.linear(i, "attn.qkv", x)
        parts = list(y.split(self.config.hidden, dim=-1))
        weight, bias = self.weight_of(i, "attn.qkv")
        d = self.config.hidden
        for index, site in enumerate(("attn.query", "attn.key", "attn.value")):
            rows = slice(index * d, (index + 1) * d)
            third = parts[index]
            apply: Linear = lambda _, third=third: third  # type: ignore[misc]  # noqa: E731
            for method in self.methods:
                apply = self.transformed(i, site, method, apply, weight[rows], bias[rows])
            parts[index] = apply(x)
        return torch.cat(parts, dim=-1)


def build(
    config: Config, backbone: dict[str, Tensor], methods: list[Method], task: str, head: dict[str, Any]
) -> Network:
    family = Gpt2 if config.family == "gpt2" else Bert
    return family(config, backbone, methods, task, head)
