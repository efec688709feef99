"""Methods through `adapters`: bottlenecks, fusion, averages and prefixes without position offset."""

from __future__ import annotations

from typing import Any

from torch import nn

from backbones import Config
from names import Method, layers_of, name_of, places_of
from slots import LibraryModel, Slot, flat_prefix_slots, mlp_prefix_slots


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
    if "input" in method:
        options["original_ln_before"] = method["input"] == "normed"
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
