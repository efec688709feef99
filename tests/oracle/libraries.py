"""The same methods through `transformers`, `peft` and `adapters`: the library that has a method builds its model.

`build` returns the model and a slot for every canonical name, so that values and gradients can be read under one name
whatever the library calls its tensors. Leaves out every combination of methods, which only transcriptions have.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor, nn

from backbones import Config, short_name
from batches import Batch
from names import (
    Declared,
    Method,
    checkpoint_name,
    layers_of,
)
from slots import LibraryModel, Slot

PEFT_KINDS = ("lora", "dora", "ia3", "ln", "prompt", "prefix")
PLAIN_KINDS = ("bitfit", "unfreeze")
ADAPTERS_KINDS = ("houlsby", "pfeiffer", "parallel", "fusion", "average", "soup", "prefix")
PROBLEMS = {
    "classification": "single_label_classification",
    "multilabel": "multi_label_classification",
    "regression": "regression",
}


def library_for(config: Config, task: str, methods: list[Method], head: dict[str, Any]) -> str | None:
    """Which library has this request: transformers, peft, adapters, or None."""
    if "pooling" in head and head["pooling"] != "pooler":
        return None
    if all(m["kind"] in PLAIN_KINDS for m in methods):
        return "transformers"
    if len(methods) != 1:
        return None
    method = methods[0]
    kind = method["kind"]
    if kind == "prompt":
        plain = method.get("place", "start") == "start" and method.get("pool_index", "first") == "first"
        return "peft" if plain else None
    if kind == "prefix":
        if layers_of(method, config) != list(range(config.layers)):
            return None
        if method.get("position_offset"):
            # peft 0.21.2 takes RoBERTa's cache for its pooled output and fails in sequence classification.
            return None if config.family == "roberta" and task not in ("tokens", "features") else "peft"
        return "adapters"
    thirds = {"attn.query", "attn.key", "attn.value"}
    if config.family == "gpt2" and thirds & set(
        method.get("targets", thirds if kind in ("lora", "dora", "ia3") else ())
    ):
        return None
    if kind in PEFT_KINDS:
        return "peft"
    if kind in ("fusion", "average", "soup"):
        plain = all(s["kind"] == "pfeiffer" and "scale" not in s for s in method["sources"])
        if kind == "average" and "weights" in method and abs(sum(method["weights"]) - 1) > 1e-9:
            return None
        return "adapters" if plain and method.get("input", "normed") == "normed" else None
    return "adapters" if kind in ADAPTERS_KINDS and config.family != "gpt2" else None


def load_transformers(folder: str, config: Config, task: str, labels: int, dtype: torch.dtype, attention: str) -> Any:
    common: dict[str, Any] = {"dtype": dtype, "attn_implementation": attention}
    if task == "features":
        return transformers.AutoModel.from_pretrained(folder, **common)
    if task == "lm":
        return transformers.AutoModelForCausalLM.from_pretrained(folder, **common)
    if task == "tokens":
        return transformers.AutoModelForTokenClassification.from_pretrained(folder, num_labels=labels, **common)
    return transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=labels, problem_type=PROBLEMS[task], **common
    )


def build(
    folder: str,
    config: Config,
    task: str,
    labels: int,
    methods: list[Method],
    declared: dict[str, Declared],
    library: str,
    dtype: torch.dtype,
    attention: str,
) -> LibraryModel:
    model = load_transformers(folder, config, task, labels, dtype, attention)
    model.eval()
    plain = dict(model.named_parameters())
    if library == "transformers":
        slots = {name: Slot(plain_parameter(config, plain, name)) for name in declared if not name.startswith("head/")}
        built = LibraryModel(model, slots, library)
    elif library == "peft":
        from peft_models import build_peft

        built = build_peft(model, config, task, methods[0])
    else:
        from adapters_models import build_adapters

        built = build_adapters(model, config, methods[0])
    add_head_slots(built, config, declared)
    missing = [n for n in declared if n not in built.slots]
    extra = [n for n in built.slots if n not in declared]
    if missing or extra:
        raise ValueError(f"{library}: names do not agree; missing {missing[:4]}, extra {extra[:4]}")
    for parameter in built.model.parameters():
        parameter.requires_grad_(False)
    for name, slot in built.slots.items():
        if declared[name].trainable:
            slot.parameter.requires_grad_(True)
    built.model.to(dtype).eval()
    return built


def plain_parameter(config: Config, parameters: dict[str, nn.Parameter], name: str) -> nn.Parameter:
    wanted = name.removeprefix("backbone/") if name.startswith("backbone/") else checkpoint_name(config, name)
    for full, parameter in parameters.items():
        if short_name(full) == wanted:
            return parameter
    raise ValueError(f"{name}: the model has no {wanted}")


HEAD_NAMES = {
    "head/weight": ("classifier.weight", "classifier.out_proj.weight", "score.weight"),
    "head/bias": ("classifier.bias", "classifier.out_proj.bias"),
    "head/dense.weight": ("classifier.dense.weight",),
    "head/dense.bias": ("classifier.dense.bias",),
}


def add_head_slots(built: LibraryModel, config: Config, declared: dict[str, Declared]) -> None:
    """The head's parameters: where peft wraps the head in a copy, the copy is the one that is used."""
    parameters = dict(built.model.named_parameters())
    for name in [n for n in declared if n.startswith("head/")]:
        for full, parameter in parameters.items():
            parts = full.replace("modules_to_save.default.", "").removeprefix("base_model.").removeprefix("model.")
            if "original_module" not in full and parts in HEAD_NAMES[name]:
                built.slots[name] = Slot(parameter)


def unused_id(batch: Batch) -> int:
    """An id that no real token has, to mark padding for models that look for the last non-padding token."""
    real = set(batch.ids[batch.mask == 1].tolist())
    return next(i for i in range(len(real) + 1) if i not in real)


def call(built: LibraryModel, config: Config, batch: Batch, task: str, labels: Tensor | None) -> tuple[Tensor, Any]:
    """(logits of the text's own positions, the library's loss or None)."""
    arguments: dict[str, Any] = {"input_ids": batch.ids, "attention_mask": batch.mask, "return_dict": True}
    if config.family == "gpt2":
        pad = unused_id(batch)
        built.model.config.pad_token_id = pad
        arguments["input_ids"] = torch.where(batch.mask == 1, batch.ids, torch.full_like(batch.ids, pad))
    elif batch.types is not None:
        arguments["token_type_ids"] = batch.types
    if labels is not None and task != "features":
        if task == "tokens" and built.prompt_length:
            unseen = torch.full((labels.shape[0], built.prompt_length), -100, dtype=labels.dtype)
            labels = torch.cat([unseen, labels], dim=1)
        arguments["labels"] = labels
    output = built.model(**arguments)
    if task == "features":
        return output.last_hidden_state[:, built.prompt_length :], None
    logits = output.logits
    if task == "tokens" and built.prompt_length:
        logits = logits[:, built.prompt_length :]
    return logits, output.loss
