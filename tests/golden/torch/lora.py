"""A model written by Espalier.

`load_pretrained` loads the frozen backbone and `load_adapter` what was trained.
"""

import math
from collections.abc import Iterable
from os import PathLike
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional


def expand(rows: dict[str, str], layers: Iterable[int] = (0,)) -> dict[str, str]:
    """Rows for the number of every layer (`*`), for weight and bias after a dot."""
    return {
        attribute.replace("*", str(i)) + part: name.replace("*", str(i)) + part
        for i in layers
        for attribute, name in rows.items()
        for part in (("weight", "bias") if attribute.endswith(".") else ("",))
    }


PRETRAINED: dict[str, str] = {
    **expand(
        {
            "embeddings.word_embeddings.weight": "embeddings.word_embeddings.weight",
            "embeddings.position_embeddings.weight": (
                "embeddings.position_embeddings.weight"
            ),
            "embeddings.token_type_embeddings.weight": (
                "embeddings.token_type_embeddings.weight"
            ),
            "embeddings_norm.": "embeddings.LayerNorm.",
            "pooler.": "pooler.dense.",
        }
    ),
    **expand(
        {
            "layers.*.key.": "encoder.layer.*.attention.self.key.",
            "layers.*.query.": "encoder.layer.*.attention.self.query.",
            "layers.*.value.": "encoder.layer.*.attention.self.value.",
            "layers.*.attn_out.": "encoder.layer.*.attention.output.dense.",
            "layers.*.attn_norm.": "encoder.layer.*.attention.output.LayerNorm.",
            "layers.*.ffn_up.": "encoder.layer.*.intermediate.dense.",
            "layers.*.ffn_down.": "encoder.layer.*.output.dense.",
            "layers.*.ffn_norm.": "encoder.layer.*.output.LayerNorm.",
        },
        range(3),
    ),
}

TRAINABLE: dict[str, str] = {
    **expand({"head.out.": "head/out."}),
    **expand(
        {
            "layers.*.lora_attn_query.A": "layers/*/query/lora_attn_query/A",
            "layers.*.lora_attn_query.B": "layers/*/query/lora_attn_query/B",
            "layers.*.lora_attn_value.A": "layers/*/value/lora_attn_value/A",
            "layers.*.lora_attn_value.B": "layers/*/value/lora_attn_value/B",
        },
        range(3),
    ),
}


class Attention(nn.Module):
    """Multi-head attention over the first `lengths` keys of every example."""

    def __init__(self, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, lengths: Tensor
    ) -> Tensor:
        q, k, v = self.split(query), self.split(key), self.split(value)
        position = torch.arange(key.shape[1], device=key.device)
        visible = (position < lengths[:, None])[:, None, None]
        context = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=visible, dropout_p=self.dropout if self.training else 0.0
        )
        return context.transpose(1, 2).flatten(2)


class Embeddings(nn.Module):
    """Word, position and type embeddings. A soft prompt goes before the words.

    e = E_{w} + E_{p} + E_{t}
    Devlin et al. 2019
    """

    def __init__(self, vocabulary: int, positions: int, types: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, width)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(types, width)

    def forward(self, ids: Tensor, type_ids: Tensor, positions: Tensor) -> Tensor:
        return (
            self.word_embeddings(ids)
            + self.position_embeddings(positions)
            + self.token_type_embeddings(type_ids)
        )


class Lora(nn.Module):
    """Adds a low-rank update to a frozen linear layer.

    W' = W + s B A, s = alpha / r
    Hu et al. 2021
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int,
        dropout: float,
        scale: float,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.dropout = nn.Dropout(dropout)
        self.A = nn.Parameter(torch.empty(rank, in_features))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.B = nn.Parameter(torch.zeros(out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        down = functional.linear(self.dropout(x), self.A)
        return functional.linear(down, self.B) * self.scale


class LinearHead(nn.Module):
    r"""Dropout and a trainable linear layer: classes of a sequence or of every token,
    or one number.

    z = W\,\mathrm{drop}(h) + b
    """

    def __init__(self, in_features: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(in_features, outputs)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.dropout(x))


class Layer(nn.Module):
    """One layer of the stack."""

    def __init__(
        self, width: int, ffn_up_width: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.lora_attn_query = Lora(
            in_features=width, out_features=width, rank=4, dropout=0.05, scale=2.0
        )
        self.value = nn.Linear(width, width)
        self.lora_attn_value = Lora(
            in_features=width, out_features=width, rank=4, dropout=0.05, scale=2.0
        )
        self.attention = Attention(heads=heads, dropout=dropout)
        self.attn_out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.attn_norm = nn.LayerNorm(width, eps=1e-5)
        self.ffn_up = nn.Linear(width, ffn_up_width)
        self.ffn_down = nn.Linear(ffn_up_width, width)
        self.ffn_norm = nn.LayerNorm(width, eps=1e-5)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        query = self.query(hidden) + self.lora_attn_query(hidden)
        value = self.value(hidden) + self.lora_attn_value(hidden)
        context = self.attention(query, self.key(hidden), value, lengths)
        attn_norm = self.attn_norm(self.dropout(self.attn_out(context)) + hidden)
        ffn_down = self.ffn_down(functional.gelu(self.ffn_up(attn_norm)))
        return self.ffn_norm(self.dropout(ffn_down) + attn_norm)


class ModelOutput(NamedTuple):
    """What the model gives."""

    logits: Tensor
    loss: Tensor | None = None


class Model(nn.Module):
    """The model "a small model"."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = Embeddings(vocabulary=97, positions=40, types=2, width=32)
        self.embeddings_norm = nn.LayerNorm(32, eps=1e-5)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.ModuleList(
            Layer(width=32, ffn_up_width=72, heads=4, dropout=0.1) for _ in range(3)
        )
        self.pooler = nn.Linear(32, 32)
        self.head = LinearHead(in_features=32, outputs=3, dropout=0.1)
        self.requires_grad_(False)
        for name in TRAINABLE:
            self.get_parameter(name).requires_grad_()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> ModelOutput:
        """Token ids and mask are `[batch, length]`, padded on the right."""
        lengths = attention_mask.sum(dim=-1)
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        if position_ids is None:
            position_ids = torch.arange(
                input_ids.shape[1], device=input_ids.device
            ).expand_as(input_ids)
        hidden = self.embeddings_norm(
            self.embeddings(input_ids, token_type_ids, position_ids)
        )
        hidden = self.dropout(hidden)
        for layer in self.layers:
            hidden = layer(hidden, lengths)
        logits = self.head(torch.tanh(self.pooler(hidden[:, 0])))
        if labels is None:
            return ModelOutput(logits)
        loss = functional.cross_entropy(logits, labels)
        return ModelOutput(logits, loss)


def copy_tensors(
    model: nn.Module, names: dict[str, str], file: str | PathLike[str]
) -> None:
    """Copies tensors of a safetensors file; `names` says which go where."""
    tensors = load_file(file)
    for attribute, name in names.items():
        shape = model.get_parameter(attribute).shape
        if name not in tensors or tensors[name].shape != shape:
            raise ValueError(f"{file} has no tensor {name!r} of shape {tuple(shape)}")
    with torch.no_grad():
        for attribute, name in names.items():
            model.get_parameter(attribute).copy_(tensors[name])


def load_pretrained(model: Model, file: str | PathLike[str]) -> None:
    """Loads the checkpoint of the backbone; call it before `load_adapter`."""
    copy_tensors(model, PRETRAINED, file)


def load_adapter(model: Model, file: str | PathLike[str]) -> None:
    """Loads the trained parameters."""
    copy_tensors(model, TRAINABLE, file)
