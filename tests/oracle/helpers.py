"""Small things that tests compare with: tokenizers, metrics, single ops, the optimizer, schedules."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from schedules import learning_rates


def tokenize(request: dict[str, Any]) -> dict[str, Any]:
    """`{folder, texts, pairs?, max_length?, padding?, is_split?}` by AutoTokenizer (fast). Nested lists come back."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(request["folder"]), use_fast=True)
    is_split = bool(request.get("is_split", False))
    encoded = tokenizer(
        request["texts"],
        request.get("pairs"),
        truncation=request.get("max_length") is not None,
        max_length=request.get("max_length"),
        padding=request.get("padding", False),
        is_split_into_words=is_split,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    result: dict[str, Any] = {
        "ids": encoded["input_ids"],
        "attention_mask": encoded["attention_mask"],
        "type_ids": encoded["token_type_ids"],
        "offsets": encoded["offset_mapping"],
    }
    if is_split:
        result["word_ids"] = [encoded.word_ids(i) for i in range(len(encoded["input_ids"]))]
    return result


def metrics(request: dict[str, Any]) -> dict[str, float]:
    """`{name, predictions, labels, ...}`: accuracy, f1 (average), matthews, pearson, spearman, entity_f1 (tags)."""
    import warnings

    from scipy import stats
    from sklearn import metrics as sk

    name, predicted, labels = request["name"], request["predictions"], request["labels"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "accuracy":
            return {"accuracy": float(sk.accuracy_score(labels, predicted))}
        if name == "f1":
            average = request.get("average", "binary")
            zero = {"average": average, "zero_division": 0}
            return {
                "f1": float(sk.f1_score(labels, predicted, **zero)),
                "precision": float(sk.precision_score(labels, predicted, **zero)),
                "recall": float(sk.recall_score(labels, predicted, **zero)),
            }
        if name == "matthews":
            return {"matthews": float(sk.matthews_corrcoef(labels, predicted))}
        if name == "pearson":
            return {"pearson": float(stats.pearsonr(predicted, labels)[0])}
        if name == "spearman":
            return {"spearman": float(stats.spearmanr(predicted, labels)[0])}
        if name == "entity_f1":
            from seqeval.metrics import f1_score, precision_score, recall_score
            from seqeval.scheme import IOB2

            strict: dict[str, Any] = {"mode": "strict", "scheme": IOB2} if request.get("strict") else {}
            return {
                "f1": float(f1_score(labels, predicted, **strict)),
                "precision": float(precision_score(labels, predicted, **strict)),
                "recall": float(recall_score(labels, predicted, **strict)),
            }
    raise ValueError(f"metrics: unknown name {name!r}")


def evaluate(request: dict[str, Any]) -> dict[str, Any]:
    """One expression of torch: `{expression, inputs, dtype?, cotangents?, integer?}` -> outputs and gradients.

    `expression` sees the inputs by name, `torch` and `F`; it gives a tensor or a tuple of them. Inputs are nested
    lists; names in `integer` become int64, in `boolean` bool. With `cotangents` (a list, one per output, null to
    leave one out, or `"ones"`), gradients of the sum of output * cotangent come back for every floating input.
    """
    dtype = torch.float32 if request.get("dtype") == "float32" else torch.float64
    inputs: dict[str, Tensor] = {}
    for name, value in request.get("inputs", {}).items():
        if name in request.get("integer", []):
            inputs[name] = torch.as_tensor(value, dtype=torch.int64)
        elif name in request.get("boolean", []):
            inputs[name] = torch.as_tensor(value, dtype=torch.bool)
        else:
            inputs[name] = torch.as_tensor(value, dtype=dtype).requires_grad_(True)
    output = eval(request["expression"], {"torch": torch, "F": F, "np": np, **inputs})  # noqa: S307
    outputs = list(output) if isinstance(output, (tuple, list)) else [output]
    result: dict[str, Any] = {"outputs": [o.detach().tolist() for o in outputs]}
    result["shapes"] = [list(o.shape) for o in outputs]
    if "cotangents" in request:
        given = request["cotangents"]
        chosen = [torch.ones_like(o).tolist() for o in outputs] if given == "ones" else given
        loss = torch.zeros((), dtype=dtype)
        for o, c in zip(outputs, chosen, strict=True):
            if c is not None:
                loss = loss + (o * torch.as_tensor(c, dtype=o.dtype)).sum()
        wanted = [n for n, t in inputs.items() if t.requires_grad]
        found = torch.autograd.grad(loss, [inputs[n] for n in wanted], allow_unused=True)
        result["gradients"] = {
            n: torch.zeros_like(inputs[n]).tolist() if g is None else g.tolist()
            for n, g in zip(wanted, found, strict=True)
        }
    return result


def adamw(request: dict[str, Any]) -> dict[str, Any]:
    """torch.optim.AdamW over given gradients: `{parameters: FILE, gradients: [FILE, ...], lr, betas, eps, weight_decay,
    decay_exclude?, clip?, schedule?, out}`; writes parameters and states (`exp_avg/`, `exp_avg_sq/`)."""
    import re

    dtype = torch.float32 if request.get("dtype") == "float32" else torch.float64
    leaves = {n: t.to(dtype).requires_grad_(True) for n, t in load_file(str(request["parameters"])).items()}
    excluded = [re.compile(p) for p in request.get("decay_exclude", [])]
    bare = {n for n in leaves if any(p.search(n) for p in excluded)}
    decay = float(request.get("weight_decay", 0.0))
    optimizer = torch.optim.AdamW(
        [
            {"params": [t for n, t in leaves.items() if n not in bare], "weight_decay": decay},
            {"params": [t for n, t in leaves.items() if n in bare], "weight_decay": 0.0},
        ],
        betas=tuple(request.get("betas", (0.9, 0.999))),
        eps=float(request.get("eps", 1e-8)),
    )
    files = list(request["gradients"])
    rates = learning_rates(request.get("schedule", {"kind": "constant"}), float(request["lr"]), len(files))
    norms = []
    for file, rate in zip(files, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, gradient in load_file(str(file)).items():
            leaves[name].grad = gradient.to(dtype)
        if request.get("clip") is not None:
            norms.append(float(torch.nn.utils.clip_grad_norm_(list(leaves.values()), float(request["clip"]))))
        optimizer.step()
    out: dict[str, Tensor] = {}
    for name, leaf in leaves.items():
        out[name] = leaf.detach()
        out[f"exp_avg/{name}"] = optimizer.state[leaf]["exp_avg"]
        out[f"exp_avg_sq/{name}"] = optimizer.state[leaf]["exp_avg_sq"]
    save_file({n: t.contiguous() for n, t in out.items()}, str(request["out"]))
    return {"out": str(request["out"]), "learning_rates": rates, "gradient_norms": norms}


def schedule(request: dict[str, Any]) -> list[float]:
    return learning_rates(request["schedule"], float(request["lr"]), int(request["n"]))
