"""The same methods through `transformers`, `peft` and `adapters`: the library that has a method builds its model.

`build` returns the model and a slot for every canonical name, so that values and gradients can be read under one name
whatever the library calls its tensors. Leaves out every combination of methods, which only transcriptions have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from backbones import Config, short_name, site_module
from batches import Batch
from names import (
    Declared,
    Method,
    checkpoint_name,
    ia3_targets,
    layers_of,
    name_of,
    norm_targets,
    places_of,
    rank_of,
)

PEFT_KINDS = ("lora", "dora", "ia3", "ln", "prompt", "prefix")
PLAIN_KINDS = ("bitfit", "unfreeze")
ADAPTERS_KINDS = ("houlsby", "pfeiffer", "parallel", "fusion", "average", "soup", "prefix")
TASK_TYPES = {"classification": "SEQ_CLS", "multilabel": "SEQ_CLS", "regression": "SEQ_CLS", "tokens": "TOKEN_CLS"}
PROBLEMS = {
    "classification": "single_label_classification",
    "multilabel": "multi_label_classification",
    "regression": "regression",
}


@dataclass(frozen=True)
class Slot:
    """A canonical tensor inside a library's parameter: `view` takes the parameter (or its gradient) to our shape."""

    parameter: nn.Parameter
    view: Callable[[Tensor], Tensor] = lambda t: t


@dataclass
class LibraryModel:
    model: Any
    slots: dict[str, Slot]
    library: str
    prompt_length: int = 0
    penalty: Callable[[], Tensor] | None = None


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
    if kind in ("lora", "dora") and config.family == "gpt2" and "attn.value" in method.get("targets", ["attn.value"]):
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
        built = build_peft(model, config, task, methods[0])
    else:
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


def module_paths(config: Config, layers: list[int], sites: list[str]) -> dict[str, tuple[int, str]]:
    """Checkpoint module path -> (layer, site), usable as peft `target_modules` (matched as a suffix)."""
    found: dict[str, tuple[int, str]] = {}
    for site in sites:
        for i in [-1] if site in ("embeddings", "pooler", "norm.final") else layers:
            found[site_module(config, i, site)] = (i, site)
    return found


def scope(layer: int, site: str) -> str:
    return site if layer < 0 else f"layers/{layer}/{site}"


def build_peft(model: Any, config: Config, task: str, method: Method) -> LibraryModel:
    import peft

    kind, layers = method["kind"], layers_of(method, config)
    task_type = TASK_TYPES.get(task, "CAUSAL_LM" if task == "lm" else "FEATURE_EXTRACTION")
    if kind in ("lora", "dora"):
        paths = module_paths(config, layers, list(method.get("targets", ["attn.query", "attn.value"])))
        ranks = {path: rank_of(method, i) for path, (i, _) in paths.items()}
        adapter: Any = peft.LoraConfig(
            task_type=task_type,
            r=int(method.get("r", 8)),
            lora_alpha=float(method.get("alpha", 8)),  # type: ignore[arg-type]
            use_rslora=bool(method.get("rslora", False)),
            use_dora=kind == "dora",
            rank_pattern={p: r for p, r in ranks.items() if r != int(method.get("r", 8))},
            target_modules=list(paths),
            fan_in_fan_out=config.family == "gpt2",
        )
        wrapped = peft.get_peft_model(model, adapter)
        return LibraryModel(wrapped, peft_slots(wrapped, paths, name_of(method), LORA_PARTS), "peft")
    if kind == "ia3":
        outputs, inputs = ia3_targets(method)
        paths = module_paths(config, layers, [*outputs, *inputs])
        adapter = peft.IA3Config(
            task_type=task_type,
            target_modules=list(paths),
            feedforward_modules=list(module_paths(config, layers, inputs)),
            fan_in_fan_out=config.family == "gpt2",
        )
        wrapped = peft.get_peft_model(model, adapter)
        parts = {"ia3_l.default": ("l", lambda t: t.reshape(-1))}
        return LibraryModel(wrapped, peft_slots(wrapped, paths, name_of(method), parts), "peft")
    if kind == "ln":
        paths = module_paths(config, layers, norm_targets(method, config))
        wrapped = peft.get_peft_model(model, peft.LNTuningConfig(task_type=task_type, target_modules=list(paths)))
        parts = {
            "ln_tuning_layers.default.weight": ("gamma", lambda t: t),
            "ln_tuning_layers.default.bias": ("beta", lambda t: t),
        }
        return LibraryModel(wrapped, peft_slots(wrapped, paths, name_of(method), parts), "peft")
    length = int(method["length"])
    if kind == "prompt":
        prompt = peft.PromptTuningConfig(task_type=task_type, num_virtual_tokens=length)
        wrapped = peft.get_peft_model(model, prompt)
        prompt_encoder: Any = wrapped.prompt_encoder["default"]
        weight = prompt_encoder.embedding.weight
        return LibraryModel(wrapped, {f"prompt/{name_of(method)}/E": Slot(weight)}, "peft", prompt_length=length)
    width = method.get("bottleneck")
    prefix = peft.PrefixTuningConfig(
        task_type=task_type,
        num_virtual_tokens=length,
        prefix_projection=width is not None,
        encoder_hidden_size=None if width is None else int(width),  # type: ignore[arg-type]
    )
    wrapped = peft.get_peft_model(model, prefix)
    encoder: Any = wrapped.prompt_encoder["default"]
    name = name_of(method)
    if width is None:
        return LibraryModel(wrapped, flat_prefix_slots(config, name, encoder.embedding.weight, length), "peft")
    return LibraryModel(wrapped, mlp_prefix_slots(name, encoder.embedding, encoder.transform), "peft")


LORA_PARTS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "lora_A.default.weight": ("A", lambda t: t),
    "lora_B.default.weight": ("B", lambda t: t),
    "lora_magnitude_vector.default.weight": ("m", lambda t: t.reshape(-1)),
}


def peft_slots(
    model: nn.Module,
    paths: dict[str, tuple[int, str]],
    name: str,
    parts: dict[str, tuple[str, Callable[[Tensor], Tensor]]],
) -> dict[str, Slot]:
    slots: dict[str, Slot] = {}
    for full, parameter in model.named_parameters():
        for path, (layer, site) in paths.items():
            for suffix, (part, view) in parts.items():
                if full.endswith(f".{path}.{suffix}"):
                    slots[f"{scope(layer, site)}/{name}/{part}"] = Slot(parameter, view)
    return slots


def flat_prefix_slots(config: Config, name: str, weight: nn.Parameter, length: int) -> dict[str, Slot]:
    """A flat prefix is stored as [P, 2L, d]; rows 2i and 2i+1 of the middle axis are K and V of layer i."""
    slots: dict[str, Slot] = {}
    for i in range(config.layers):
        for offset, part in enumerate(("K", "V")):

            def view(t: Tensor, row: int = 2 * i + offset) -> Tensor:
                return t.view(length, 2 * config.layers, config.hidden)[:, row]

            slots[f"layers/{i}/attn/{name}/{part}"] = Slot(weight, view)
    return slots


def mlp_prefix_slots(name: str, embedding: Any, transform: Any) -> dict[str, Slot]:
    return {
        f"prefix/{name}/wte": Slot(embedding.weight),
        f"prefix/{name}/down.weight": Slot(transform[0].weight),
        f"prefix/{name}/down.bias": Slot(transform[0].bias),
        f"prefix/{name}/up.weight": Slot(transform[2].weight),
        f"prefix/{name}/up.bias": Slot(transform[2].bias),
    }


def bottleneck_config(config: Config, method: Method) -> Any:
    import adapters

    kinds = {
        "houlsby": adapters.DoubleSeqBnConfig,
        "pfeiffer": adapters.SeqBnConfig,
        "parallel": adapters.ParBnConfig,
    }
    places = places_of(method)
    options: dict[str, Any] = {
        # The library floors hidden / factor; half a unit more keeps the floor at m in floating point.
        "reduction_factor": config.hidden / (int(method["m"]) + 0.5),
        "leave_out": [i for i in range(config.layers) if i not in layers_of(method, config)],
        "mh_adapter": "attn" in places,
        "output_adapter": "ffn" in places,
    }
    if "activation" in method:
        options["non_linearity"] = method["activation"]
    if "scale" in method:
        scale = method["scale"]
        options["scaling"] = scale if isinstance(scale, str) else float(scale)
    return kinds[method["kind"]](**options)


def build_adapters(model: Any, config: Config, method: Method) -> LibraryModel:
    import adapters
    import adapters.composition as compose

    adapters.init(model)
    kind, name = method["kind"], name_of(method)
    if kind == "prefix":
        width = method.get("bottleneck")
        flat = width is None
        options = {} if width is None else {"bottleneck_size": int(width)}
        prefix = adapters.PrefixTuningConfig(flat=flat, prefix_length=int(method["length"]), **options)
        model.add_adapter(name, config=prefix)
        model.train_adapter(name)
        found = [m for n, m in model.named_modules() if n.endswith(("self_prefix", "encoder_prefix"))]
        pool: Any = found[0]
        if flat:
            slots = flat_prefix_slots(config, name, pool.control_trans, int(method["length"]))
        else:
            slots = mlp_prefix_slots(name, pool.wte, pool.control_trans)
        return LibraryModel(model, slots, "adapters")
    if kind not in ("fusion", "average", "soup"):
        model.add_adapter(name, config=bottleneck_config(config, method))
        model.train_adapter(name)
        return LibraryModel(model, adapter_slots(model, [method]), "adapters")
    sources: list[Method] = [{**s, "places": [method.get("place", "ffn")]} for s in method["sources"]]
    for source in sources:
        model.add_adapter(name_of(source), config=bottleneck_config(config, source))
    names = [name_of(s) for s in sources]
    slots = adapter_slots(model, sources)
    weights = [float(w) for w in method.get("weights", [1.0 / len(names)] * len(names))]
    if kind == "average":
        # `adapters` 1.3.0 averages with weights that already sum to one and divides by their number once more, the
        # residual included. Weights times the number of sources undo it, as long as they sum to one.
        enlarged = [w * len(names) for w in weights]
        model.active_adapters = compose.Average(*names, weights=enlarged, normalize_weights=False)
        return LibraryModel(model, slots, "adapters")
    if kind == "soup":
        # Parameters are averaged when the adapter is made, so this is done again after the values are loaded.
        def remake() -> None:
            if "soup" in model.adapters_config:
                model.delete_adapter("soup")
            model.average_adapter("soup", names, weights=weights, normalize_weights=False, set_active=True)

        model.espalier_before_run = remake
        return LibraryModel(model, slots, "adapters")
    fuse = compose.Fuse(*names)
    model.add_adapter_fusion(fuse, "dynamic" if method.get("value", True) else "static")
    model.train_adapter_fusion(fuse)
    place = method.get("place", "ffn")
    for full, parameter in model.named_parameters():
        if ".adapter_fusion_layer." in full:
            layer = full.split(".layer.")[1].split(".")[0]
            part = full.split(f".adapter_fusion_layer.{','.join(names)}.")[1]
            slots[f"layers/{layer}/{place}/{name}/{part}"] = Slot(parameter)
    coefficient = float(method.get("regularisation", 0.0))
    if coefficient not in (0.0, 0.01):
        raise ValueError("adapters hard-codes the fusion regulariser at 0.01")
    penalty = model.base_model.get_fusion_regularization_loss if coefficient else None
    return LibraryModel(model, slots, "adapters", penalty=penalty)


def adapter_slots(model: nn.Module, methods: list[Method]) -> dict[str, Slot]:
    """Bottleneck tensors: `...layer.3.output.adapters.NAME.adapter_down.0.weight` and the like."""
    slots: dict[str, Slot] = {}
    parts = {
        "adapter_down.0.weight": "down.weight",
        "adapter_down.0.bias": "down.bias",
        "adapter_up.weight": "up.weight",
        "adapter_up.bias": "up.bias",
        "scaling": "s",
    }
    for full, parameter in model.named_parameters():
        for method in methods:
            marker = f".adapters.{name_of(method)}."
            if marker in full:
                before, part = full.split(marker)
                layer = before.split(".layer.")[1].split(".")[0]
                place = "attn" if ".attention." in before else "ffn"
                slots[f"layers/{layer}/{place}/{name_of(method)}/{parts[part]}"] = Slot(parameter)
    return slots


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
