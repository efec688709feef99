"""The equations of the methods, one short function each, from the project's method specification.

Written from the equations, not from the product's TypeScript and not from `peft` or `adapters`: where one of these
libraries has the method, test_oracle.py compares them. Linear weights are [out, in], y = x W^T + b. Leaves out where a
method is attached (network.py) and dropout, which the oracle keeps off.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = dict[str, Tensor]


def activation(name: str, x: Tensor) -> Tensor:
    if name == "gelu":
        return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))
    if name in ("gelu_new", "gelu_pytorch_tanh"):
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    if name in ("swish", "silu"):
        return x * torch.sigmoid(x)
    if name == "relu":
        return torch.clamp(x, min=0.0)
    if name == "tanh":
        return torch.tanh(x)
    raise ValueError(f"unknown activation {name!r}")


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """(x - mean) / sqrt(var + eps) * gamma + beta over the last axis, biased variance."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * gamma + beta


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int, bias: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d_h) + bias) V. q [B,T,d]; k, v [B,S,d]; bias broadcasts to [B,heads,T,S]."""
    batch, length, width = q.shape
    size = width // heads

    def split(x: Tensor) -> Tensor:
        return x.view(batch, x.shape[1], heads, size).transpose(1, 2)

    scores = split(q) @ split(k).transpose(-1, -2) / math.sqrt(size) + bias
    mixed = torch.softmax(scores, dim=-1) @ split(v)
    return mixed.transpose(1, 2).reshape(batch, length, width)


def lora_delta(x: Tensor, a: Tensor, b: Tensor, s: float) -> Tensor:
    """C1: s B (A x). A [r,i], B [o,r]."""
    return s * ((x @ a.T) @ b.T)


def dora(x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, m: Tensor, s: float) -> Tensor:
    """C6: y = m/n * ((W0 + s B A) x) + bias, n = row norm of W0 + s B A, taken out of the gradient."""
    merged = weight + s * (b @ a)
    norm = torch.sqrt((merged**2).sum(dim=1)).detach()
    y = (x @ merged.T) * (m / norm)
    return y if bias is None else y + bias


def bottleneck(z: Tensor, p: Parameters, path: str, nonlinearity: str) -> Tensor:
    """A1-A3: u = f(z W_down^T + b_down) W_up^T + b_up, without any residual."""
    hidden = activation(nonlinearity, z @ p[f"{path}/down.weight"].T + p[f"{path}/down.bias"])
    return hidden @ p[f"{path}/up.weight"].T + p[f"{path}/up.bias"]


def fusion(z: Tensor, sources: list[Tensor], p: Parameters, path: str) -> Tensor:
    """A6: o = sum_i softmax_i(q . k_i) v_i; scores are not divided by sqrt(d); v_i = u_i W_V^T, or u_i without W_V."""
    u = torch.stack(sources, dim=2)  # [B,T,N,d]
    q = z @ p[f"{path}/query.weight"].T + p[f"{path}/query.bias"]
    k = u @ p[f"{path}/key.weight"].T + p[f"{path}/key.bias"]
    v = u @ p[f"{path}/value.weight"].T if f"{path}/value.weight" in p else u
    scores = torch.einsum("btd,btnd->btn", q, k)
    return torch.einsum("btn,btnd->btd", torch.softmax(scores, dim=-1), v)


def fusion_penalty(value: Tensor) -> Tensor:
    """A6: ||I - W_V||_F^2, to be multiplied by the coefficient (0.01 in the library)."""
    return ((torch.eye(value.shape[0], dtype=value.dtype) - value) ** 2).sum()


def scalearn(sources: list[Tensor], omega: Tensor) -> Tensor:
    """E4: o = sum_s omega_s * u_s, omega [T,d] or [T,1]; no softmax, no normalisation."""
    total = torch.zeros_like(sources[0])
    for s, u in enumerate(sources):
        total = total + omega[s] * u
    return total


def average(sources: list[Tensor], weights: list[float]) -> Tensor:
    """sum_s lambda_s u_s over outputs."""
    total = torch.zeros_like(sources[0])
    for weight, u in zip(weights, sources, strict=True):
        total = total + weight * u
    return total


def gate_value(x: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, pool: str) -> Tensor:
    """g = sigmoid(x w^T + b) for every position [B,T,1], or of the mean over the real tokens [B,1,1]."""
    if pool == "mean":
        real = mask.to(x.dtype).unsqueeze(-1)
        x = (x * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)
    elif pool != "position":
        raise ValueError(f"unknown gate pool {pool!r}")
    return torch.sigmoid(x @ weight.T + bias)


def prefix_from_mlp(p: Parameters, path: str, layers: int, hidden: int) -> list[tuple[Tensor, Tensor]]:
    """A11: wte -> linear -> tanh -> linear -> [P, 2L, d]; layer i takes rows 2i (keys) and 2i+1 (values)."""
    inner = torch.tanh(p[f"{path}/wte"] @ p[f"{path}/down.weight"].T + p[f"{path}/down.bias"])
    flat = inner @ p[f"{path}/up.weight"].T + p[f"{path}/up.bias"]
    parts = flat.view(flat.shape[0], 2 * layers, hidden)
    return [(parts[:, 2 * i], parts[:, 2 * i + 1]) for i in range(layers)]


def task_loss(task: str, logits: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """(mean loss, number of terms in the mean). Class labels are integers, -100 is left out for tokens and lm."""
    if task == "classification":
        return F.cross_entropy(logits, labels), float(labels.numel())
    if task == "multilabel":
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype)), float(labels.numel())
    if task == "regression":
        difference = logits.reshape(-1) - labels.reshape(-1).to(logits.dtype)
        return (difference**2).mean(), float(labels.numel())
    if task == "tokens":
        flat = labels.reshape(-1)
        return F.cross_entropy(logits.reshape(flat.numel(), -1), flat), float((flat != -100).sum())
    if task == "lm":
        target = labels[:, 1:].reshape(-1)
        scores = logits[:, :-1].reshape(target.numel(), -1)
        return F.cross_entropy(scores, target), float((target != -100).sum())
    if task == "features":
        # `labels` is a cotangent: the loss is <features, cotangent>, so that gradients of a bare encoder can be asked.
        return (logits * labels.to(logits.dtype)).sum(), 1.0
    raise ValueError(f"unknown task {task!r}")
