"""Runs exported `model.py` files as a user would: import, load checkpoint and adapter, predict, differentiate.

Reads a JSON list of cases from stdin: `{file, checkpoint, sources, adapter, inputs, out, dtype}`. Writes to `out` a
safetensors file with `logits`, `loss` and `gradient/NAME` for every name of the adapter, and to stdout one JSON object a
case: `{out, trainable, frozen_trainable, tied}`.
"""

from __future__ import annotations

import importlib.util
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
    model = module.Model()
    module.load_pretrained(model, case["checkpoint"])
    for name, file in case.get("sources", {}).items():
        module.load_source(model, name, file)
    if "adapter" in case:
        module.load_adapter(model, case["adapter"])
    if case.get("dtype") == "float64":
        model.double()
    model.eval()
    inputs = load_file(case["inputs"])
    if case.get("dtype") == "float64" and inputs["labels"].is_floating_point():
        inputs["labels"] = inputs["labels"].double()
    output = model(**inputs)
    result = {"logits": output.logits.detach().contiguous(), "loss": output.loss.detach().reshape(1)}
    output.loss.backward()
    for attribute, name in module.TRAINABLE.items():
        parameter = model.get_parameter(attribute)
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        result[f"gradient/{name}"] = gradient.contiguous()
        result[f"start/{name}"] = parameter.detach().contiguous()
    save_file({name: value.clone() for name, value in result.items()}, case["out"])
    with torch.no_grad():
        unlabelled = model(**{name: value for name, value in inputs.items() if name != "labels"})
    assert unlabelled.loss is None
    assert torch.equal(unlabelled.logits, output.logits)
    trainable = {id(model.get_parameter(attribute)) for attribute in module.TRAINABLE}
    return {
        "out": case["out"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "wrong": [n for n, p in model.named_parameters() if p.requires_grad != (id(p) in trainable)],
    }


def main() -> None:
    torch.set_num_threads(2)
    print(json.dumps([run(case, number) for number, case in enumerate(json.load(sys.stdin))]))


if __name__ == "__main__":
    main()
