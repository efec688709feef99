"""Folders made or read by the libraries: random backbones, adapters saved by peft, our adapters loaded by peft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from backbones import read_config
from batches import read_batch
from libraries import call, load_transformers
from peft_models import TASK_TYPES
from slots import LibraryModel


def make_backbone(request: dict[str, Any]) -> dict[str, Any]:
    """A small random model saved by `transformers`: config.json and model.safetensors, no tokenizer.

    `with_head` (with `labels`) saves the sequence-classification model instead of the bare one.
    """
    import transformers

    arch, options = str(request["arch"]), dict(request.get("config", {}))
    small: dict[str, Any] = {
        "vocab_size": 97,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
    }
    gpt2 = {"vocab_size": 97, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64, "bos_token_id": 0}
    classes: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
        "bert": (
            transformers.BertConfig,
            transformers.BertModel,
            transformers.BertForSequenceClassification,
            small,
        ),
        "roberta": (
            transformers.RobertaConfig,
            transformers.RobertaModel,
            transformers.RobertaForSequenceClassification,
            {**small, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "max_position_embeddings": 66},
        ),
        "gpt2": (
            transformers.GPT2Config,
            transformers.GPT2Model,
            transformers.GPT2ForSequenceClassification,
            {**gpt2, "eos_token_id": 0},
        ),
    }
    if arch not in classes:
        raise ValueError(f"make_backbone: arch must be one of {sorted(classes)}, got {arch!r}")
    config_class, bare, with_head, defaults = classes[arch]
    config = config_class(**{**defaults, **options})
    torch.manual_seed(int(request.get("seed", 0)))
    if request.get("with_head"):
        config.num_labels = int(request.get("labels", 2))
        model = with_head(config)
    elif arch == "roberta":
        model = bare(config, add_pooling_layer=False)
    else:
        model = bare(config)
    with torch.no_grad():
        # Initial biases are all zero and norms all one, which would hide mistakes with them.
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif "embedding" in name or name.endswith(("wte.weight", "wpe.weight")):
                parameter.mul_(5.0)
            else:
                parameter.mul_(float(request.get("gain", 3.0)))
    out = Path(str(request["out"]))
    model.save_pretrained(out, safe_serialization=True)
    return {"folder": str(out), "parameters": {n: list(p.shape) for n, p in model.named_parameters()}}


def peft_save(request: dict[str, Any]) -> dict[str, Any]:
    """An adapter folder written by peft with random values everywhere, and its logits on a batch.

    `config`: `{type: lora|ia3|prefix|prompt|ln_tuning, ...keywords of the peft config}`.
    """
    import peft

    folder, task = str(request["backbone"]), str(request.get("task", "classification"))
    config, labels = read_config(folder), int(request.get("labels", 1 if task == "regression" else 2))
    model = load_transformers(folder, config, task, labels, torch.float32, "sdpa")
    options = dict(request["config"])
    classes: dict[str, Any] = {
        "lora": peft.LoraConfig,
        "ia3": peft.IA3Config,
        "prefix": peft.PrefixTuningConfig,
        "prompt": peft.PromptTuningConfig,
        "ln_tuning": peft.LNTuningConfig,
    }
    task_type = TASK_TYPES.get(task, "CAUSAL_LM" if task == "lm" else "FEATURE_EXTRACTION")
    wrapped: Any = peft.get_peft_model(model, classes[options.pop("type")](task_type=task_type, **options))
    torch.manual_seed(int(request.get("seed", 0)))
    with torch.no_grad():
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    wrapped.eval()
    wrapped.save_pretrained(str(request["out_folder"]))
    result: dict[str, Any] = {"folder": str(request["out_folder"]), "keys": saved_keys(str(request["out_folder"]))}
    if "batch" in request:
        result.update(run_wrapped(wrapped, request, task))
    return result


def saved_keys(folder: str) -> dict[str, list[int]]:
    return {n: list(t.shape) for n, t in load_file(str(Path(folder, "adapter_model.safetensors"))).items()}


def peft_load(request: dict[str, Any]) -> dict[str, Any]:
    """Logits of a backbone with an adapter folder (written by us) that peft loads.

    `missing` are tensors that peft expects and the folder lacks, `unexpected` those that it does not know; both must
    be empty for a faithful export (peft itself only warns about them).
    """
    import peft

    folder, task = str(request["backbone"]), str(request.get("task", "classification"))
    config, labels = read_config(folder), int(request.get("labels", 1 if task == "regression" else 2))
    model = load_transformers(folder, config, task, labels, torch.float32, "sdpa")
    wrapped: Any = peft.PeftModel.from_pretrained(model, str(request["adapter_folder"]))
    wrapped.eval()
    expected = {n: tuple(t.shape) for n, t in peft.get_peft_model_state_dict(wrapped).items()}
    given = saved_keys(str(request["adapter_folder"]))
    result: dict[str, Any] = {
        "missing": sorted(n for n in expected if n not in given),
        "unexpected": sorted(n for n in given if n not in expected),
        "peft_type": str(wrapped.active_peft_config.peft_type.value),
    }
    result.update(run_wrapped(wrapped, request, task))
    return result


def run_wrapped(wrapped: Any, request: dict[str, Any], task: str) -> dict[str, Any]:
    batch = read_batch(request["batch"], task)
    config = read_config(str(request["backbone"]))
    prompt = wrapped.active_peft_config
    length = int(prompt.num_virtual_tokens) if str(prompt.peft_type.value) == "PROMPT_TUNING" else 0
    with torch.no_grad():
        logits, _ = call(LibraryModel(wrapped, {}, "peft", length), config, batch, task, None)
    if "out" in request:
        save_file({"logits": logits.contiguous()}, str(request["out"]))
    return {"logits": logits.tolist()}
