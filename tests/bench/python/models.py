"""Models of the comparison: a backbone with a new head from `transformers`, a method from `peft` or `adapters`."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

PEFT = ("lora", "dora", "ia3", "ln", "prefix", "prompt")
ADAPTERS = ("seq_bn", "double_seq_bn", "par_bn")
PLAIN = ("head", "bitfit", "full")
METHODS = (*PEFT, *ADAPTERS, *PLAIN)


def build(
    folder: str,
    kind: str,
    labels: int,
    method: str,
    *,
    rank: int = 8,
    alpha: float = 8.0,
    layers: list[int] | None = None,
    dropout: bool = True,
    attention: str | None = None,
) -> Any:
    """A trainable model. `layers` restricts LoRA and DoRA to layers; `dropout=False` sets the backbone's to zero."""
    model = build_plain(folder, kind, labels, dropout=dropout, attention=attention)
    return attach(model, kind, method, rank=rank, alpha=alpha, layers=layers)


def build_plain(folder: str, kind: str, labels: int, *, dropout: bool = True, attention: str | None = None) -> Any:
    """The backbone with a new head."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, num_labels=labels)
    if kind != "tokens":
        config.problem_type = "regression" if kind == "regression" else "single_label_classification"
    if not dropout:
        config.hidden_dropout_prob = 0.0
        config.attention_probs_dropout_prob = 0.0
    classes = {"tokens": transformers.AutoModelForTokenClassification}
    maker: Any = classes.get(kind, transformers.AutoModelForSequenceClassification)
    options = {} if attention is None else {"attn_implementation": attention}
    return maker.from_pretrained(folder, config=config, **options)


def build_random(size: str, labels: int, method: str, *, rank: int, alpha: float, dropout: bool) -> Any:
    """A BERT with random weights and the widths of a known size, for memory and speed only."""
    import transformers

    sizes = {"bert-base": {}, "minilm-l6": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}}
    probability = 0.1 if dropout else 0.0
    config = transformers.BertConfig(
        **sizes[size], num_labels=labels, hidden_dropout_prob=probability, attention_probs_dropout_prob=probability
    )
    model = transformers.BertForSequenceClassification(config)
    return attach(model, "classification", method, rank=rank, alpha=alpha, layers=None)


def attach(model: Any, kind: str, method: str, *, rank: int, alpha: float, layers: list[int] | None) -> Any:
    if method in PEFT:
        import peft

        task_type = "TOKEN_CLS" if kind == "tokens" else "SEQ_CLS"
        if method in ("lora", "dora"):
            config: Any = peft.LoraConfig(
                task_type=task_type,
                r=rank,
                lora_alpha=alpha,  # type: ignore[arg-type]
                lora_dropout=0.0,
                use_dora=method == "dora",
                target_modules=["query", "value"],
                layers_to_transform=layers,
            )
        elif method == "ia3":
            targets = ["key", "value", "intermediate.dense"]
            config = peft.IA3Config(task_type=task_type, target_modules=targets, feedforward_modules=[])
        elif method == "ln":
            config = peft.LNTuningConfig(task_type=task_type, target_modules=["LayerNorm"])
        elif method == "prefix":
            config = peft.PrefixTuningConfig(task_type=task_type, num_virtual_tokens=30)
        else:
            config = peft.PromptTuningConfig(task_type=task_type, num_virtual_tokens=20)
        return peft.get_peft_model(model, config)
    if method in ADAPTERS:
        import adapters

        adapters.init(model)
        model.add_adapter("task", config=method)
        model.train_adapter("task")
        return model
    if method == "full":
        return model
    for name, parameter in model.named_parameters():
        bias = method == "bitfit" and name.endswith("bias")
        parameter.requires_grad_(name.startswith("classifier") or bias)
    return model


def trainable(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def count(parameters: list[nn.Parameter]) -> int:
    return sum(p.numel() for p in parameters)


def optimizer_for(model: nn.Module, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW; weight decay (0 unless asked, as in Trainer) leaves biases and norms alone."""
    decayed = [p for n, p in model.named_parameters() if p.requires_grad and p.ndim > 1 and "LayerNorm" not in n]
    plain = [p for n, p in model.named_parameters() if p.requires_grad and not (p.ndim > 1 and "LayerNorm" not in n)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)
