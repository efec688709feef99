"""`run_module`: an exported PyTorch file as a user would use it: import, construct, load, run, differentiate."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from batches import read_batch
from transcriptions import task_loss


def import_file(path: str) -> Any:
    """A fresh module object of a file, not entered in the import cache under a name that another file may use."""
    spec = importlib.util.spec_from_file_location(f"exported_{abs(hash(path))}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run_module(request: dict[str, Any]) -> dict[str, Any]:
    """`{file, class, arguments?, weights?, strict?, trainable?, inputs | batch, call?, task?, want, out?}`.

    `weights` is a safetensors file (or a list of them) of state-dict names. Inputs are `inputs` (name -> nested list,
    or a safetensors file), or the fields of `batch` renamed by `call` (`{ids: input_ids, ...}`); only those that the
    method `forward` names are passed. `trainable`: names, prefixes or suffixes that get gradients (default: all that
    require them). The loss is the task's on `labels`, or the sum of the output times `cotangent`.
    """
    folder = str(Path(str(request["file"])).parent)
    sys.path.insert(0, folder)
    try:
        module = import_file(str(request["file"]))
    finally:
        sys.path.remove(folder)
    model: Any = getattr(module, str(request["class"]))(**request.get("arguments", {}))
    state: dict[str, Tensor] = {}
    files = request.get("weights", [])
    for file in files if isinstance(files, list) else [files]:
        state.update(load_file(str(file)))
    loaded = model.load_state_dict(state, strict=bool(request.get("strict", True)))
    if request.get("dtype") == "float64":
        model.double()
    model.train(bool(request.get("training", False)))
    choose_trainable(model, request.get("trainable"))
    task = str(request.get("task", "classification"))
    inputs, labels = read_inputs(request, task)
    accepted = inspect.signature(model.forward).parameters
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
    output = model(**{n: t for n, t in inputs.items() if open_ended or n in accepted})
    logits = first_tensor(output)
    files_out: dict[str, Tensor] = {"logits": logits.detach().clone().contiguous()}
    result: dict[str, Any] = {
        "missing": list(loaded.missing_keys),
        "unexpected": list(loaded.unexpected_keys),
        "parameters": {n: list(p.shape) for n, p in model.named_parameters()},
        "trainable": [n for n, p in model.named_parameters() if p.requires_grad],
    }
    if logits.numel() <= 4096:
        result["logits"] = logits.detach().tolist()
    want = list(request.get("want", ["logits"]))
    if "loss" in want or "gradients" in want:
        if "cotangent" in request:
            loss = (logits * torch.as_tensor(request["cotangent"], dtype=logits.dtype)).sum()
        else:
            if labels is None:
                raise ValueError("run_module: loss and gradients need labels or a cotangent")
            loss, _ = task_loss(task, logits, labels.to(logits.dtype) if labels.is_floating_point() else labels)
        result["loss"] = float(loss.detach())
        if "gradients" in want:
            loss.backward()
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                    files_out[f"gradient/{name}"] = gradient.clone().contiguous()
    if "out" in request:
        save_file(files_out, str(request["out"]))
    return result


def choose_trainable(model: torch.nn.Module, wanted: list[str] | None) -> None:
    if wanted is None:
        return
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(name == w or name.startswith(w) or name.endswith(w) for w in wanted))


def read_inputs(request: dict[str, Any], task: str) -> tuple[dict[str, Tensor], Tensor | None]:
    if "inputs" in request:
        given = request["inputs"]
        tensors = load_file(given) if isinstance(given, str) else {n: torch.as_tensor(v) for n, v in given.items()}
        labels = request.get("labels")
        return tensors, None if labels is None else torch.as_tensor(labels)
    batch = read_batch(request["batch"], task)
    fields = {"ids": batch.ids, "attention_mask": batch.mask, "type_ids": batch.types, "lengths": batch.mask.sum(1)}
    renamed = request.get("call", {"ids": "input_ids", "type_ids": "token_type_ids"})
    return {renamed.get(n, n): t for n, t in fields.items() if t is not None}, batch.labels


def first_tensor(output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, dict):
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    return output[0]


def lint(request: dict[str, Any]) -> dict[str, Any]:
    """ruff and mypy over files: `{files, ruff?: [options], mypy?: [options]}` -> exit codes and output of both."""
    files = [str(f) for f in request["files"]]
    commands = {
        "ruff": ["ruff", "check", "--no-cache", *request.get("ruff", [])],
        "ruff_format": ["ruff", "format", "--no-cache", "--diff", *request.get("ruff_format", [])],
        "mypy": ["mypy", "--cache-dir", str(request.get("mypy_cache", "/dev/null")), *request.get("mypy", [])],
    }
    result: dict[str, Any] = {}
    for name in request.get("tools", ["ruff", "mypy"]):
        done = subprocess.run(
            [sys.executable, "-m", *commands[name], *files], capture_output=True, text=True, check=False
        )
        result[name] = {"code": done.returncode, "output": (done.stdout + done.stderr)[-8000:]}
    return result
