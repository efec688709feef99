"""Runs exported `model.py` files as a user would: import, load checkpoint and adapter, predict, differentiate.

Reads a JSON list of cases from stdin: `{file, checkpoint?, sources?, adapter?, inputs, out, dtype, total?}`. Writes to
`out` a safetensors file with every output, `gradient/NAME` and `value/NAME` for every trainable NAME, and to stdout one
JSON object a case. The gradients are those of the loss, or of the output that `total` names.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def import_file(path: Path, number: int) -> Any:
    spec = importlib.util.spec_from_file_location(f"exported_{number}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run(case: dict[str, Any], number: int) -> dict[str, Any]:
    module = import_file(Path(case["file"]), number)
    torch.manual_seed(number)
    model = module.Model()
    if "checkpoint" in case:
        module.load_pretrained(model, case["checkpoint"])
    for name, file in case.get("sources", {}).items():
        module.load_source(model, name, file)
    if "adapter" in case:
        module.load_adapter(model, case["adapter"])
    inputs = load_file(case["inputs"])
    if case.get("dtype") == "float64":
        model.double()
        inputs = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    # What no output depends on is no parameter of `forward`.
    accepted = inspect.signature(model.forward).parameters
    inputs = {name: value for name, value in inputs.items() if name in accepted}
    model.eval()
    output = model(**inputs)
    values = {case.get("total", "output"): output} if torch.is_tensor(output) else output._asdict()
    result = {name: value.detach().double() for name, value in values.items()}
    total = values[case.get("total", "loss")]
    if total is not None and total.requires_grad:
        total.backward()
    for attribute, name in module.TRAINABLE.items():
        parameter = model.get_parameter(attribute)
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        result[f"gradient/{name}"] = gradient
        result[f"value/{name}"] = parameter.detach()
    save_file({name: value.clone().contiguous() for name, value in result.items()}, case["out"])
    trainable = {id(model.get_parameter(attribute)) for attribute in module.TRAINABLE}
    return {
        "out": case["out"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "wrong": [n for n, p in model.named_parameters() if p.requires_grad != (id(p) in trainable)],
        "unlabelled": unlabelled(model, inputs, output),
        "drops": drops(model, inputs, output),
    }


def drops(model: torch.nn.Module, inputs: dict[str, torch.Tensor], output: Any) -> bool:
    """Whether training gives finite numbers that differ from those of evaluation: dropout is on."""
    model.train()
    first = [o if torch.is_tensor(o) else o[0] for o in (output, model(**inputs), model(**inputs))]
    assert all(bool(torch.isfinite(o).all()) for o in first)
    return not torch.equal(first[0], first[1]) and not torch.equal(first[1], first[2])


def unlabelled(model: torch.nn.Module, inputs: dict[str, torch.Tensor], output: Any) -> bool:
    """Whether the model gives the same logits, and no loss, where it is given no labels."""
    if "labels" not in inputs:
        return True
    with torch.no_grad():
        alone = model(**{name: value for name, value in inputs.items() if name != "labels"})
    return alone.loss is None and torch.equal(alone.logits, output.logits)


def main() -> None:
    torch.set_num_threads(2)
    print(json.dumps([run(case, number) for number, case in enumerate(json.load(sys.stdin))]))


if __name__ == "__main__":
    main()
