"""BERT with a Pfeiffer adapter in every layer, by hand: a measure for exported code."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

LAYERS = 3
PRETRAINED = {
    "embeddings.words.weight": "embeddings.word_embeddings.weight",
    "embeddings.positions.weight": "embeddings.position_embeddings.weight",
    "embeddings.types.weight": "embeddings.token_type_embeddings.weight",
    "embeddings.norm.weight": "embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "embeddings.LayerNorm.bias",
    "pooler.weight": "pooler.dense.weight",
    "pooler.bias": "pooler.dense.bias",
}
TRAINABLE = {"head.weight": "head/out.weight", "head.bias": "head/out.bias"}
MODULES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm": "output.LayerNorm",
}
for i in range(LAYERS):
    for ours, theirs in MODULES.items():
        for part in ("weight", "bias"):
            PRETRAINED[f"layers.{i}.{ours}.{part}"] = (
                f"encoder.layer.{i}.{theirs}.{part}"
            )
    for name in ("down.weight", "down.bias", "up.weight", "up.bias"):
        TRAINABLE[f"layers.{i}.adapter.{name}"] = f"layers/{i}/pfeiffer/{name}"


class Embeddings(nn.Module):
    """Word, position and type embeddings, normalised."""

    def __init__(
        self, vocabulary: int, positions: int, types: int, width: int, dropout: float
    ):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.types = nn.Embedding(types, width)
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, types: Tensor, positions: Tensor) -> Tensor:
        total = self.words(ids) + self.positions(positions) + self.types(types)
        return self.dropout(self.norm(total))


class Adapter(nn.Module):
    """W_up relu(W_down x + b_down) + b_up (Pfeiffer et al. 2021)."""

    def __init__(self, width: int, size: int, dropout: float):
        super().__init__()
        self.down = nn.Linear(width, size)
        self.dropout = nn.Dropout(dropout)
        self.up = nn.Linear(size, width)
        for linear in (self.down, self.up):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.dropout(F.relu(self.down(x))))


class Layer(nn.Module):
    """A post-norm transformer layer."""

    def __init__(self, width: int, inner: int, heads: int, size: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-5)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.adapter = Adapter(width, size, 0.1)
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (
            self.split(self.query(x)),
            self.split(self.key(x)),
            self.split(self.value(x)),
        )
        p = self.dropout.p if self.training else 0.0
        context = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=p
        )
        context = context.transpose(1, 2).flatten(2)
        x = self.attention_norm(x + self.dropout(self.out(context)))
        x = x + self.dropout(self.down(F.gelu(self.up(x))))
        return self.norm(x + self.adapter(self.norm(x)))


class ModelOutput(NamedTuple):
    """Logits, and the loss where labels are given."""

    logits: Tensor
    loss: Tensor | None = None


class Model(nn.Module):
    """BERT for sequence classification."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = Embeddings(
            vocabulary=97, positions=40, types=2, width=32, dropout=0.1
        )
        self.layers = nn.ModuleList(
            Layer(width=32, inner=72, heads=4, size=5, dropout=0.1)
            for _ in range(LAYERS)
        )
        self.pooler = nn.Linear(32, 32)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(32, 3)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in TRAINABLE)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> ModelOutput:
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.embeddings(input_ids, token_type_ids, position_ids)
        mask = attention_mask.bool()[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        pooled = torch.tanh(self.pooler(x[:, 0]))
        logits = self.head(self.dropout(pooled))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return ModelOutput(logits, loss)


def load(model: Model, names: dict[str, str], file: str) -> None:
    """Copies tensors of a file to the attributes that `names` gives them to."""
    tensors = load_file(file)
    for attribute, name in names.items():
        parameter = model.get_parameter(attribute)
        if name not in tensors or tensors[name].shape != parameter.shape:
            raise ValueError(f"{file} has no {name} of shape {tuple(parameter.shape)}")
        parameter.data.copy_(tensors[name])


def load_pretrained(model: Model, file: str) -> None:
    """Loads the frozen backbone."""
    load(model, PRETRAINED, file)


def load_adapter(model: Model, file: str) -> None:
    """Loads what was trained."""
    load(model, TRAINABLE, file)
