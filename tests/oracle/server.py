"""The oracle process: one JSON request a line on stdin, one JSON answer a line on stdout (PROTOCOL.md).

It lives as long as its stdin, so that a test file pays the import of torch once. Libraries are imported by the first
operation that needs them. Everything that they print goes to stderr. Leaves out any state between requests.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Tests must not reach a network, whatever the libraries would like to look up.
for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
    os.environ[variable] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
sys.path.insert(0, str(Path(__file__).resolve().parent))

Operation = Callable[[dict[str, Any]], Any]


def ping(request: dict[str, Any]) -> dict[str, Any]:
    """Versions of what is installed, and of torch's threads."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    found: dict[str, str | None] = {}
    for package in ("torch", "transformers", "peft", "adapters", "safetensors", "tokenizers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    del request
    return {"versions": found, "threads": torch.get_num_threads()}


def bert_logits(request: dict[str, Any]) -> Any:
    """Plain logits of a backbone with a given or random head: `model_run` of `transformers`, flat fields."""
    import runs

    fields = ("ids", "attention_mask", "lengths", "type_ids")
    batch = {f: request[f] for f in fields if request.get(f) is not None}
    plain = {k: v for k, v in request.items() if k not in fields}
    return runs.model_run({"engine": "transformers", "want": ["logits"], **plain, "batch": batch})


def operation(name: str) -> Operation:
    """Imports happen here, on first use."""
    if name in ("model_run", "names", "initial"):
        import runs

        return {"model_run": runs.model_run, "names": runs.names, "initial": runs.write_initial}[name]
    if name in ("make_backbone", "peft_load", "peft_save"):
        import folders

        return {
            "make_backbone": folders.make_backbone,
            "peft_load": folders.peft_load,
            "peft_save": folders.peft_save,
        }[name]
    if name in ("run_module", "lint"):
        import modules

        return {"run_module": modules.run_module, "lint": modules.lint}[name]
    if name in ("tokenize", "metrics", "evaluate", "adamw", "schedule"):
        import helpers

        return {
            "tokenize": helpers.tokenize,
            "metrics": helpers.metrics,
            "evaluate": helpers.evaluate,
            "adamw": helpers.adamw,
            "schedule": helpers.schedule,
        }[name]
    if name in ("ping", "bert_logits"):
        return {"ping": ping, "bert_logits": bert_logits}[name]
    raise ValueError(f"unknown op {name!r}")


def handle(line: str) -> dict[str, Any]:
    request: dict[str, Any] = {}
    try:
        request = json.loads(line)
        result = operation(str(request["op"]))(request)
        return {"id": request.get("id"), "ok": True, "result": result}
    except Exception as error:  # noqa: BLE001 - every failure of a request is an answer, the process goes on
        return {
            "id": request.get("id"),
            "ok": False,
            "error": f"{type(error).__name__}: {error}",
            "traceback": traceback.format_exc(),
        }


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Whatever prints, prints to stderr: stdout carries answers only.
    import torch

    torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "2")))
    torch.use_deterministic_algorithms(True)
    for line in sys.stdin:
        if line.strip():
            answers.write(json.dumps(handle(line), allow_nan=True) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
