"""Methods through `peft`: the configuration that builds a method, and where its tensors lie in the wrapped model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from backbones import Config
from names import Method, ia3_targets, layers_of, name_of, norm_targets, rank_of
from slots import LibraryModel, Slot, flat_prefix_slots, mlp_prefix_slots, module_paths, scope

TASK_TYPES = {"classification": "SEQ_CLS", "multilabel": "SEQ_CLS", "regression": "SEQ_CLS", "tokens": "TOKEN_CLS"}


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
