"""`model_run`: one request through one engine: logits, loss, gradients, or a number of AdamW steps.

Engines differ only in `Runner`: a library's model with slots, or a transcription with leaf tensors. Leaves out data
loading and anything random but the initial values of `initial`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import encoders
from backbones import Config, read_config, read_weights
from batches import Batch, read_batch
from names import Declared, Method, checkpoint_name, declare
from schedules import learning_rates
from transcriptions import task_loss

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class Problem:
    """A request's model part, checked."""

    folder: str
    config: Config
    task: str
    labels: int
    methods: list[Method]
    head: dict[str, Any]
    dtype: torch.dtype
    backbone: dict[str, Tensor]
    declared: dict[str, Declared]


def read_problem(request: dict[str, Any]) -> Problem:
    folder = str(request["folder"])
    config = read_config(folder)
    dtype = DTYPES[request.get("dtype", "float32")]
    backbone = read_weights(folder, config, dtype)
    methods = list(request.get("methods", []))
    if "method" in request:
        methods.append(request["method"])
    methods = [m for m in methods if m["kind"] not in ("none", "head")]
    task = str(request.get("task", "classification"))
    labels = int(request.get("labels", 1 if task == "regression" else 2))
    head = dict(request.get("head", {}))
    shapes = {name: tuple(t.shape) for name, t in backbone.items()}
    declared = declare(config, task, labels, methods, head, shapes)
    return Problem(folder, config, task, labels, methods, head, dtype, backbone, declared)


# --- initial values --------------------


def initial(problem: Problem, seed: int) -> dict[str, Tensor]:
    """Random values without a zero anywhere, small enough that a network keeps its scale.

    Tensors that replace or rescale something of the backbone stay near it: DoRA's m near the row norms, (IA)3's l and
    LN's gamma near 1 or the checkpoint's value, unfrozen tensors near their value.
    """
    generator = torch.Generator().manual_seed(seed)
    values: dict[str, Tensor] = {}
    for name, entry in problem.declared.items():
        noise = torch.randn(entry.shape, generator=generator, dtype=torch.float64)
        values[name] = (centre(problem, name) + spread(name, entry.shape) * noise).to(problem.dtype).contiguous()
    return values


def spread(name: str, shape: tuple[int, ...]) -> float:
    part = name.split("/")[-1]
    if part in ("K", "V", "E", "wte"):
        return 0.3
    if part in ("A", "B", "down.weight", "up.weight", "query.weight", "key.weight"):
        return 0.7 / shape[-1] ** 0.5
    # The fusion regulariser counts d^2 entries of W_V, and should not drown the task's loss.
    return 0.005 if part == "value.weight" else 0.05


def centre(problem: Problem, name: str) -> Tensor | float:
    part = name.split("/")[-1]
    if name.startswith("backbone/"):
        return problem.backbone[name.removeprefix("backbone/")].double()
    if part in ("gamma", "beta") or (part == "bias" and name.split("/")[-2] in bitfit_names(problem)):
        return problem.backbone[checkpoint_name(problem.config, name)].double()
    if part == "m":
        module = checkpoint_name(problem.config, name.rsplit("/", 1)[0] + "/gamma")
        weight = problem.backbone[module].double()
        return (weight.T if problem.config.family == "gpt2" else weight).norm(dim=1)
    if part in ("l", "s"):
        return 1.0
    if part == "omega":
        return 2.0 / problem.declared[name].shape[0]
    if part == "value.weight":
        return torch.eye(problem.declared[name].shape[0], dtype=torch.float64)
    return 0.0


def bitfit_names(problem: Problem) -> set[str]:
    return {str(m.get("name", "bitfit")) for m in problem.methods if m["kind"] == "bitfit"}


def read_tensors(problem: Problem, request: dict[str, Any]) -> dict[str, Tensor]:
    """Values for every declared name, from the request's file or drawn with its seed; names and shapes must agree."""
    if "tensors" not in request:
        return initial(problem, int(request.get("seed", 0)))
    given = load_file(str(request["tensors"]))
    missing = [n for n in problem.declared if n not in given]
    extra = [n for n in given if n not in problem.declared]
    if missing or extra:
        raise ValueError(
            f"tensors: {len(missing)} missing, e.g. {missing[:5]}; {len(extra)} unknown, e.g. {extra[:5]}; "
            "ask op `names` for the full list"
        )
    for name, entry in problem.declared.items():
        if tuple(given[name].shape) != entry.shape:
            raise ValueError(f"tensors: {name} must be {list(entry.shape)}, got {list(given[name].shape)}")
    return {name: given[name].to(problem.dtype) for name in problem.declared}


# --- engines --------------------


Slots = dict[str, tuple[Tensor, Callable[[Tensor], Tensor]]]


@dataclass
class Runner:
    """One engine, loaded: `leaves` are what an optimizer updates, `slots` view them under the canonical names."""

    engine: str
    leaves: dict[str, Tensor]
    forward: Callable[[Batch], tuple[Tensor, Tensor, float]]
    penalty: Callable[[], Tensor | None]
    slots: Slots

    def gradients(self) -> dict[str, Tensor]:
        found = {}
        for name, (leaf, view) in self.slots.items():
            if leaf.requires_grad:
                gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                found[name] = view(gradient).detach().clone().contiguous()
        return found

    def values(self) -> dict[str, Tensor]:
        return {n: view(leaf).detach().clone().contiguous() for n, (leaf, view) in self.slots.items()}


def labels_for(problem: Problem, batch: Batch) -> Tensor | None:
    if batch.labels is None or not batch.labels.is_floating_point():
        return batch.labels
    return batch.labels.to(problem.dtype)


def transcription(problem: Problem, values: dict[str, Tensor]) -> Runner:
    network = encoders.build(problem.config, problem.backbone, problem.methods, problem.task, problem.head)
    for name, entry in problem.declared.items():
        network.p[name] = values[name].clone().requires_grad_(entry.trainable)

    def forward(batch: Batch) -> tuple[Tensor, Tensor, float]:
        logits = network.forward(batch)
        labels = labels_for(problem, batch)
        if labels is None:
            return logits, torch.zeros(()), 0.0
        loss, weight = task_loss(problem.task, logits, labels)
        return logits, loss, weight

    slots: Slots = {n: (t, lambda x: x) for n, t in network.p.items()}
    leaves = {n: t for n, t in network.p.items() if t.requires_grad}
    return Runner("transcription", leaves, forward, network.penalty, slots)


def library(problem: Problem, values: dict[str, Tensor], name: str, attention: str) -> Runner:
    import libraries

    built = libraries.build(
        problem.folder,
        problem.config,
        problem.task,
        problem.labels,
        problem.methods,
        problem.declared,
        name,
        problem.dtype,
        attention,
    )
    with torch.no_grad():
        for canonical, slot in built.slots.items():
            slot.view(slot.parameter).copy_(values[canonical].reshape(slot.view(slot.parameter).shape))
    if hasattr(built.model, "espalier_before_run"):
        built.model.espalier_before_run()
        built.model.eval()

    def forward(batch: Batch) -> tuple[Tensor, Tensor, float]:
        labels = labels_for(problem, batch)
        logits, loss = libraries.call(built, problem.config, batch, problem.task, labels)
        if labels is None:
            return logits, torch.zeros(()), 0.0
        own, weight = task_loss(problem.task, logits, labels)
        return logits, own if loss is None else loss, weight

    slots: Slots = {n: (s.parameter, s.view) for n, s in built.slots.items()}
    leaves: dict[str, Tensor] = {}
    for canonical, slot in built.slots.items():
        if slot.parameter.requires_grad and all(slot.parameter is not t for t in leaves.values()):
            leaves[canonical] = slot.parameter
    return Runner(name, leaves, forward, built.penalty or (lambda: None), slots)


def choose(problem: Problem, request: dict[str, Any], values: dict[str, Tensor]) -> Runner:
    """`engine`: auto (a library where one has the method), library, peft, adapters, transformers or transcription."""
    wanted = str(request.get("engine", "auto"))
    if wanted == "transcription":
        return transcription(problem, values)
    from libraries import library_for

    found = library_for(problem.config, problem.task, problem.methods, problem.head)
    if found is None and wanted == "auto":
        return transcription(problem, values)
    if found is None or wanted not in ("auto", "library", found):
        raise ValueError(f"no library ({found or 'none'} has it) for engine {wanted!r} and this request")
    return library(problem, values, found, str(request.get("attention", "sdpa")))


# --- the operation --------------------


def model_run(request: dict[str, Any]) -> dict[str, Any]:
    problem = read_problem(request)
    values = read_tensors(problem, request)
    runner = choose(problem, request, values)
    want = list(request.get("want", ["logits", "loss"]))
    files: dict[str, Tensor] = {f"initial/{n}": t for n, t in values.items()} if "initial" in want else {}
    result: dict[str, Any] = {
        "engine": runner.engine,
        "trainable": {n: list(e.shape) for n, e in problem.declared.items() if e.trainable},
        "trainable_count": sum(count(e.shape) for e in problem.declared.values() if e.trainable),
    }
    batch = read_batch(request["batch"], problem.task) if "batch" in request else None
    if batch is not None:
        logits, loss, _ = runner.forward(batch)
        penalty = runner.penalty()
        total = loss if penalty is None else loss + penalty
        if batch.labels is not None:
            result["loss"] = float(total.detach())
            result["task_loss"] = float(loss.detach())
        files["logits"] = logits.detach().clone().contiguous()
        if logits.numel() <= 4096:
            result["logits"] = logits.detach().tolist()
        if "gradients" in want:
            total.backward()
            files.update({f"gradient/{n}": g for n, g in runner.gradients().items()})
    if "steps" in want:
        result.update(train(problem, runner, request["steps"], batch))
        files.update({f"parameter/{n}": t for n, t in runner.values().items()})
    if "out" in request:
        save_file(files, str(request["out"]))
        result["out"] = str(request["out"])
    return result


def train(problem: Problem, runner: Runner, steps: dict[str, Any], batch: Batch | None) -> dict[str, Any]:
    """n AdamW steps. `batches` has one entry a step: a batch, or a list of micro-batches that are accumulated with
    their loss terms as weights (division once, by all terms of the step). Without `batches` every step sees `batch`."""
    n = int(steps["n"])
    rate = float(steps.get("lr", 1e-3))
    excluded = [re.compile(p) for p in steps.get("decay_exclude", [])]
    kept = [t for name, t in runner.leaves.items() if not any(p.search(name) for p in excluded)]
    bare = [t for name, t in runner.leaves.items() if any(p.search(name) for p in excluded)]
    decay = float(steps.get("weight_decay", 0.0))
    optimizer = torch.optim.AdamW(
        [{"params": kept, "weight_decay": decay}, {"params": bare, "weight_decay": 0.0}],
        lr=rate,
        betas=tuple(steps.get("betas", (0.9, 0.999))),
        eps=float(steps.get("eps", 1e-8)),
    )
    rates = learning_rates(steps.get("schedule", {"kind": "constant"}), rate, n)
    given = [read_step(b, problem.task) for b in steps["batches"]] if "batches" in steps else [[require(batch)]]
    losses, norms = [], []
    for step in range(n):
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.zero_grad()
        loss = step_loss(runner, given[step % len(given)])
        loss.backward()
        leaves = list(runner.leaves.values())
        if steps.get("clip") is not None:
            norms.append(float(torch.nn.utils.clip_grad_norm_(leaves, float(steps["clip"]))))
        optimizer.step()
        losses.append(float(loss.detach()))
    return {"losses": losses, "learning_rates": rates, "gradient_norms": norms}


def step_loss(runner: Runner, micro: list[Batch]) -> Tensor:
    parts = [runner.forward(b)[1:] for b in micro]
    total = sum(weight for _, weight in parts)
    loss = torch.stack([mean * (weight / total) for mean, weight in parts]).sum()
    penalty = runner.penalty()
    return loss if penalty is None else loss + penalty


def read_step(raw: Any, task: str) -> list[Batch]:
    return [read_batch(b, task) for b in raw] if isinstance(raw, list) else [read_batch(raw, task)]


def require(batch: Batch | None) -> Batch:
    if batch is None:
        raise ValueError("steps: give `batch` or `steps.batches`")
    return batch


def names(request: dict[str, Any]) -> dict[str, Any]:
    """Every canonical name with shape and trainability, without running anything."""
    problem = read_problem(request)
    return {n: {"shape": list(e.shape), "trainable": e.trainable} for n, e in problem.declared.items()}


def write_initial(request: dict[str, Any]) -> dict[str, Any]:
    problem = read_problem(request)
    values = initial(problem, int(request.get("seed", 0)))
    Path(request["out"]).parent.mkdir(parents=True, exist_ok=True)
    save_file(values, str(request["out"]))
    return {"out": str(request["out"]), "names": {n: list(t.shape) for n, t in values.items()}}


def count(shape: Iterable[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
