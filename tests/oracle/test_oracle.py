"""The oracle against itself: every method that a library has, against its transcription, on small random backbones.

Also: the counts of the specification's table, gradients of what only transcriptions have against finite differences,
and round trips of the operations that read and write files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import folders  # noqa: E402
import helpers  # noqa: E402
import modules  # noqa: E402
import runs  # noqa: E402
from names import declare  # noqa: E402

torch.set_num_threads(2)
Request = dict[str, Any]


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("backbones")
    made = {}
    for arch in ("bert", "roberta", "gpt2"):
        made[arch] = str(root / arch)
        folders.make_backbone({"arch": arch, "seed": 1, "out": made[arch]})
    return made


def batch_for(task: str, pad: int) -> Request:
    generator = torch.Generator().manual_seed(3)
    mask = torch.arange(9)[None] < torch.tensor([9, 5, 7])[:, None]
    ids = torch.where(mask, torch.randint(5, 97, (3, 9), generator=generator), torch.full((3, 9), pad))
    labels: Any = {
        "classification": [0, 2, 1],
        "regression": [0.5, 1.0, -2.0],
        "multilabel": [[0, 1, 1], [1, 0, 0], [0, 0, 1]],
    }.get(task)
    if task in ("tokens", "lm"):
        classes = torch.randint(0, 3, (3, 9), generator=generator) if task == "tokens" else ids
        labels = torch.where(mask, classes, torch.full_like(ids, -100)).tolist()
    if task == "features":
        labels = (torch.randn(3, 9, 32, generator=generator) * mask[:, :, None]).tolist()
    return {"ids": ids.tolist(), "attention_mask": mask.long().tolist(), "labels": labels}


STEPS = {
    "n": 5,
    "lr": 1e-3,
    "weight_decay": 0.01,
    "clip": 1.0,
    "schedule": {"kind": "linear", "warmup": 2, "total": 10},
}


def request_for(backbones: dict[str, str], arch: str, task: str, methods: list[Request]) -> Request:
    return {
        "folder": backbones[arch],
        "task": task,
        "labels": 1 if task == "regression" else 3,
        "methods": methods,
        "seed": 5,
        "batch": batch_for(task, 1 if arch == "roberta" else 0),
    }


def gradients_of(path: Path) -> dict[str, torch.Tensor]:
    return {n: t for n, t in load_file(str(path)).items() if n.startswith("gradient/")}


def worst(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    """The project's parity measure, the largest over all tensors."""
    assert mine.keys() == theirs.keys()
    largest = max(float(t.abs().max()) for t in theirs.values())
    return max(float((mine[n] - t).abs().max()) / max(float(t.abs().max()), 1e-4 * largest) for n, t in theirs.items())


def compare(tmp_path: Path, request: Request, library: str) -> None:
    want = ["logits", "loss", "gradients", "steps"]
    mine = runs.model_run({**request, "engine": "transcription", "want": want, "steps": STEPS, "out": tmp_path / "a"})
    theirs = runs.model_run({**request, "engine": "library", "want": want, "steps": STEPS, "out": tmp_path / "b"})
    assert theirs["engine"] == library
    assert mine["trainable"] == theirs["trainable"]
    a, b = load_file(str(tmp_path / "a")), load_file(str(tmp_path / "b"))
    torch.testing.assert_close(a["logits"], b["logits"], rtol=1e-4, atol=1e-5)
    assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert worst(gradients_of(tmp_path / "a"), gradients_of(tmp_path / "b")) < 1e-3
    assert mine["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
    assert mine["gradient_norms"] == pytest.approx(theirs["gradient_norms"], rel=1e-3)


SOURCES = [{"kind": "pfeiffer", "name": n, "m": 4} for n in ("one", "two", "three")]
EVERY = ["attn.query", "attn.key", "attn.value", "attn.out", "ffn.up", "ffn.down"]
LIBRARY_METHODS: list[tuple[str, str, Request]] = [
    ("lora", "peft", {"kind": "lora", "r": 4, "alpha": 6, "targets": EVERY, "rank_at": {"1-2": 2}}),
    ("rslora", "peft", {"kind": "lora", "r": 4, "alpha": 6, "rslora": True, "layers": [2]}),
    ("dora", "peft", {"kind": "dora", "r": 4, "alpha": 6}),
    ("ia3", "peft", {"kind": "ia3"}),
    ("ia3-places", "peft", {"kind": "ia3", "targets": ["attn.query"], "input_targets": ["attn.out"], "layers": [0, 2]}),
    ("ln", "peft", {"kind": "ln"}),
    ("prompt", "peft", {"kind": "prompt", "length": 4}),
    ("bitfit", "transformers", {"kind": "bitfit"}),
    ("unfreeze", "transformers", {"kind": "unfreeze", "tensors": [r"encoder\.layer\.[12]\..*", "embeddings.*"]}),
    ("houlsby", "adapters", {"kind": "houlsby", "m": 5}),
    ("pfeiffer", "adapters", {"kind": "pfeiffer", "m": 7}),
    ("pfeiffer-one-layer", "adapters", {"kind": "pfeiffer", "m": 7, "layers": [1], "activation": "gelu"}),
    ("pfeiffer-raw", "adapters", {"kind": "pfeiffer", "m": 7, "input": "raw"}),
    ("houlsby-normed", "adapters", {"kind": "houlsby", "m": 7, "input": "normed"}),
    ("parallel", "adapters", {"kind": "parallel", "m": 6}),
    ("parallel-learned", "adapters", {"kind": "parallel", "m": 6, "scale": "learned", "places": ["attn", "ffn"]}),
    ("parallel-channel", "adapters", {"kind": "parallel", "m": 6, "scale": "channel"}),
    ("prefix", "adapters", {"kind": "prefix", "length": 4}),
    ("prefix-mlp", "adapters", {"kind": "prefix", "length": 4, "bottleneck": 9}),
    ("fusion", "adapters", {"kind": "fusion", "regularisation": 0.01, "sources": SOURCES}),
    ("fusion-static", "adapters", {"kind": "fusion", "value": False, "sources": SOURCES[:2]}),
    (
        "average",
        "adapters",
        {"kind": "average", "weights": [0.7, 0.3], "sources": [{**SOURCES[0], "trainable": True}, SOURCES[1]]},
    ),
    ("soup", "adapters", {"kind": "soup", "weights": [0.7, 0.5], "sources": SOURCES[:2]}),
]
PEFT_PREFIXES: list[Request] = [
    {"kind": "prefix", "length": 4, "position_offset": True},
    {"kind": "prefix", "length": 4, "position_offset": True, "bottleneck": 9},
]


@pytest.mark.parametrize("arch", ["bert", "roberta", "gpt2"])
@pytest.mark.parametrize("task", ["classification", "tokens"])
def test_backbones_equal_transformers(backbones: dict[str, str], tmp_path: Path, arch: str, task: str) -> None:
    compare(tmp_path, request_for(backbones, arch, task, []), "transformers")


@pytest.mark.parametrize("task", ["regression", "multilabel", "features"])
def test_tasks_equal_transformers(backbones: dict[str, str], tmp_path: Path, task: str) -> None:
    unfrozen = [{"kind": "unfreeze", "tensors": ["encoder.layer.1.output.dense.weight"]}]
    compare(tmp_path, request_for(backbones, "bert", task, unfrozen), "transformers")


@pytest.mark.parametrize("arch", ["bert", "roberta"])
@pytest.mark.parametrize(("label", "library", "method"), LIBRARY_METHODS, ids=[m[0] for m in LIBRARY_METHODS])
def test_methods_equal_libraries(
    backbones: dict[str, str], tmp_path: Path, arch: str, label: str, library: str, method: Request
) -> None:
    compare(tmp_path, request_for(backbones, arch, "classification", [method]), library)


@pytest.mark.parametrize("task", ["classification", "tokens", "regression"])
@pytest.mark.parametrize("method", PEFT_PREFIXES, ids=["flat", "mlp"])
def test_prefix_with_offset_equals_peft(backbones: dict[str, str], tmp_path: Path, task: str, method: Request) -> None:
    compare(tmp_path, request_for(backbones, "bert", task, [method]), "peft")


def test_prompt_over_tokens_equals_peft(backbones: dict[str, str], tmp_path: Path) -> None:
    compare(tmp_path, request_for(backbones, "bert", "tokens", [{"kind": "prompt", "length": 4}]), "peft")


@pytest.mark.parametrize(
    ("task", "method", "library"),
    [
        ("lm", {"kind": "unfreeze", "tensors": ["wte.weight", "h.0.attn.c_attn.weight"]}, "transformers"),
        ("lm", {"kind": "lora", "r": 3, "targets": ["attn.qkv", "ffn.down"]}, "peft"),
        ("classification", {"kind": "dora", "r": 3, "targets": ["attn.qkv"]}, "peft"),
        ("lm", {"kind": "ln"}, "peft"),
    ],
)
def test_gpt2_equals_libraries(
    backbones: dict[str, str], tmp_path: Path, task: str, method: Request, library: str
) -> None:
    compare(tmp_path, request_for(backbones, "gpt2", task, [method]), library)


NESTED = {
    "kind": "scalearn",
    "sources": [
        {"kind": "fusion", "name": "fused", "trainable": True, "sources": SOURCES[:2]},
        {"kind": "lora", "name": "delta", "r": 2, "trainable": True},
        SOURCES[2],
    ],
}
OWN_METHODS: list[tuple[str, str, list[Request]]] = [
    *[(f"scalearn-{v}", "bert", [{"kind": "scalearn", "variant": v, "sources": SOURCES}]) for v in ("scalearn", "++")],
    *[
        (f"scalearn-{v}", "bert", [{"kind": "scalearn", "variant": v, "sources": SOURCES}])
        for v in ("uniform", "uniform++")
    ],
    ("nested", "bert", [NESTED]),
    ("gate-position", "bert", [{"kind": "gate", "of": {"kind": "lora", "r": 3}}]),
    ("gate-mean", "roberta", [{"kind": "gate", "pool": "mean", "of": {"kind": "lora", "r": 3}}]),
    ("meft-1", "bert", [{"kind": "meft", "variant": 1, "lambda": 0.1, "beta": 1, "m": 4}]),
    ("meft-2", "bert", [{"kind": "meft", "variant": 2, "lambda": 1, "beta": 0.1, "m": 4}]),
    ("value-slice", "gpt2", [{"kind": "lora", "r": 3, "targets": ["attn.value"]}]),
    ("prompt-after-first", "bert", [{"kind": "prompt", "length": 3, "place": "after_first"}]),
    ("mixture", "bert", [{"kind": "lora", "r": 2}, {"kind": "pfeiffer", "m": 3}, {"kind": "prefix", "length": 2}]),
]


@pytest.mark.parametrize(("label", "arch", "methods"), OWN_METHODS, ids=[m[0] for m in OWN_METHODS])
def test_transcriptions_have_right_gradients(
    backbones: dict[str, str], tmp_path: Path, label: str, arch: str, methods: list[Request]
) -> None:
    """A directional finite difference in float64 over all trainable tensors at once."""
    request = {**request_for(backbones, arch, "classification", methods), "dtype": "float64", "engine": "transcription"}
    request["want"] = ["loss", "gradients", "initial"]
    result = runs.model_run({**request, "out": tmp_path / "a"})
    files = load_file(str(tmp_path / "a"))
    values = {n.removeprefix("initial/"): t for n, t in files.items() if n.startswith("initial/")}
    generator = torch.Generator().manual_seed(9)
    direction = {n: torch.randn(values[n].shape, generator=generator, dtype=torch.float64) for n in result["trainable"]}
    expected = sum(float((files[f"gradient/{n}"] * d).sum()) for n, d in direction.items())
    losses = []
    for sign in (1, -1):
        moved = {n: t + sign * 1e-5 * direction[n] if n in direction else t for n, t in values.items()}
        save_file(moved, str(tmp_path / "moved"))
        losses.append(runs.model_run({**request, "want": ["loss"], "tensors": tmp_path / "moved"})["loss"])
    assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(expected, rel=1e-5, abs=1e-8)
    assert all(float(files[f"gradient/{n}"].abs().max()) > 0 for n in result["trainable"] if "key.bias" not in n)


def logits_with(request: Request, tmp_path: Path, change: dict[str, torch.Tensor | float]) -> torch.Tensor:
    """Logits of a transcription after some of its drawn values were replaced (a number fills the tensor)."""
    problem = runs.read_problem(request)
    values = runs.initial(problem, 5)
    for name, value in change.items():
        values[name] = torch.full_like(values[name], value) if isinstance(value, (int, float)) else value
    save_file(values, str(tmp_path / "changed"))
    result = runs.model_run({**request, "engine": "transcription", "tensors": tmp_path / "changed", "want": ["logits"]})
    return torch.tensor(result["logits"])


def test_scalearn_one_hot_is_the_single_adapter(backbones: dict[str, str], tmp_path: Path) -> None:
    mixed = request_for(
        backbones, "bert", "classification", [{"kind": "scalearn", "variant": "++", "sources": SOURCES}]
    )
    one_hot = torch.zeros(3, 32)
    one_hot[1] = 1.0
    chosen = logits_with(mixed, tmp_path, {"shared/ffn/scalearn/omega": one_hot})
    values = runs.initial(runs.read_problem(mixed), 5)
    single = {**mixed, "methods": [SOURCES[1]]}
    kept = {n: values[n] for n in runs.read_problem(single).declared}
    torch.testing.assert_close(chosen, logits_with(single, tmp_path, dict(kept)))
    bare = {**mixed, "methods": []}
    head = {n: values[n] for n in ("head/weight", "head/bias")}
    muted = logits_with(mixed, tmp_path, {"shared/ffn/scalearn/omega": 0.0})
    torch.testing.assert_close(muted, logits_with(bare, tmp_path, dict(head)), rtol=0, atol=0)


def test_pfeiffer_and_houlsby_read_different_inputs(backbones: dict[str, str], tmp_path: Path) -> None:
    normed = request_for(backbones, "bert", "classification", [{"kind": "pfeiffer", "name": "x", "m": 4}])
    raw = request_for(backbones, "bert", "classification", [{"kind": "pfeiffer", "name": "x", "m": 4, "input": "raw"}])
    assert float((logits_with(normed, tmp_path, {}) - logits_with(raw, tmp_path, {})).abs().max()) > 1e-4


BERT_BASE = runs.Config("bert", 12, 768, 12, 3072, 1e-12, "gelu", 0, {})
EIGHT = [{"kind": "pfeiffer", "name": f"s{i}", "m": 48} for i in range(8)]


@pytest.mark.parametrize(
    ("count", "method"),
    [
        (1_789_056, {"kind": "houlsby", "m": 48}),
        (894_528, {"kind": "pfeiffer", "m": 48}),
        (7_091_712, {"kind": "parallel", "m": 384}),
        (294_912, {"kind": "lora", "r": 8}),
        (313_344, {"kind": "dora", "r": 8}),
        (55_296, {"kind": "ia3"}),
        (102_912, {"kind": "bitfit"}),
        (38_400, {"kind": "ln"}),
        (21_252_096, {"kind": "fusion", "sources": EIGHT}),
        (14_174_208, {"kind": "fusion", "value": False, "sources": EIGHT}),
        (552_960, {"kind": "prefix", "length": 30}),
        (9_872_384, {"kind": "prefix", "length": 30, "bottleneck": 512}),
        (7_680, {"kind": "prompt", "length": 10}),
        (73_728, {"kind": "scalearn", "sources": EIGHT}),
        (96, {"kind": "scalearn", "variant": "uniform", "sources": EIGHT}),
        (6_144, {"kind": "scalearn", "variant": "++", "sources": EIGHT}),
        (8, {"kind": "scalearn", "variant": "uniform++", "sources": EIGHT}),
        (313_536, {"kind": "meft", "m": 8}),
    ],
)
def test_counts_of_the_specification(count: int, method: Request) -> None:
    declared = declare(BERT_BASE, "features", 0, [method], {}, {})
    assert sum(runs.count(e.shape) for e in declared.values() if e.trainable) == count


def test_accumulated_micro_batches_equal_the_whole_batch(backbones: dict[str, str]) -> None:
    request = request_for(backbones, "bert", "tokens", [{"kind": "lora", "r": 2}])
    whole = request["batch"]
    micro = [{k: v[:1] for k, v in whole.items()}, {k: v[1:] for k, v in whole.items()}]
    steps = {"n": 4, "lr": 1e-2}
    run = {**request, "want": ["steps"], "engine": "transcription"}
    once = runs.model_run({**run, "steps": steps})["losses"]
    parts = runs.model_run({**run, "steps": {**steps, "batches": [micro]}})["losses"]
    assert parts == pytest.approx(once, rel=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        {"type": "lora", "r": 4, "target_modules": ["query", "value"]},
        {"type": "lora", "r": 4, "use_dora": True, "target_modules": ["query"]},
        {"type": "ia3"},
        {"type": "prefix", "num_virtual_tokens": 3},
        {"type": "prompt", "num_virtual_tokens": 3},
        {"type": "ln_tuning", "target_modules": ["LayerNorm"]},
    ],
    ids=["lora", "dora", "ia3", "prefix", "prompt", "ln"],
)
def test_peft_folders_round_trip(backbones: dict[str, str], tmp_path: Path, config: Request) -> None:
    batch = batch_for("classification", 0)
    common = {"backbone": backbones["bert"], "labels": 3, "batch": batch}
    saved = folders.peft_save({**common, "config": config, "out_folder": tmp_path / "adapter"})
    loaded = folders.peft_load({**common, "adapter_folder": tmp_path / "adapter"})
    assert loaded["missing"] == [] and loaded["unexpected"] == []
    torch.testing.assert_close(torch.tensor(loaded["logits"]), torch.tensor(saved["logits"]))


def test_peft_load_names_what_is_wrong(backbones: dict[str, str], tmp_path: Path) -> None:
    common = {"backbone": backbones["bert"], "labels": 3, "batch": batch_for("classification", 0)}
    config = {"type": "lora", "r": 4, "target_modules": ["query"]}
    folders.peft_save({**common, "config": config, "out_folder": tmp_path / "adapter"})
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    tensors = load_file(str(path))
    first = sorted(n for n in tensors if "lora_A" in n)[0]
    tensors[first.replace("lora_A", "lora_a")] = tensors.pop(first)
    save_file(tensors, str(path))
    loaded = folders.peft_load({**common, "adapter_folder": tmp_path / "adapter"})
    assert loaded["missing"] == [first]
    assert loaded["unexpected"] == [first.replace("lora_A", "lora_a")]


MODULE = """
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(97, width)
        self.out = nn.Linear(width, 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        real = attention_mask.unsqueeze(-1).float()
        return self.out((self.table(input_ids) * real).sum(1))
"""


def test_run_module(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(MODULE, encoding="utf-8")
    torch.manual_seed(0)
    weights = {"table.weight": torch.randn(97, 4), "out.weight": torch.randn(2, 4), "out.bias": torch.randn(2)}
    save_file(weights, str(tmp_path / "w"))
    batch = {**batch_for("classification", 0), "labels": [0, 1, 1]}
    result = modules.run_module(
        {
            "file": file,
            "class": "Small",
            "arguments": {"width": 4},
            "weights": tmp_path / "w",
            "batch": batch,
            "trainable": ["out."],
            "want": ["gradients"],
            "out": tmp_path / "o",
        }
    )
    assert result["trainable"] == ["out.weight", "out.bias"]
    pooled = (
        weights["table.weight"][torch.tensor(batch["ids"])] * torch.tensor(batch["attention_mask"])[..., None]
    ).sum(1)
    logits = pooled @ weights["out.weight"].T + weights["out.bias"]
    torch.testing.assert_close(torch.tensor(result["logits"]), logits)
    error = (torch.softmax(logits, -1) - torch.eye(2)[batch["labels"]]) / 3
    torch.testing.assert_close(load_file(str(tmp_path / "o"))["gradient/out.bias"], error.sum(0))


def test_lint(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("def one() -> int:\n    return 1\n", encoding="utf-8")
    bad.write_text("import os\n\n\ndef one() -> int:\n    return 'x'\n", encoding="utf-8")
    assert {t: r["code"] for t, r in modules.lint({"files": [good]}).items()} == {"ruff": 0, "mypy": 0}
    found = modules.lint({"files": [bad]})
    assert found["ruff"]["code"] == 1 and "F401" in found["ruff"]["output"]
    assert found["mypy"]["code"] == 1 and "Incompatible return value" in found["mypy"]["output"]


def test_helpers(tmp_path: Path) -> None:
    assert helpers.metrics({"name": "matthews", "predictions": [0, 1, 1], "labels": [0, 1, 0]})["matthews"] == 0.5
    entity = {"name": "entity_f1", "predictions": [["B-PER", "O"]], "labels": [["B-PER", "B-LOC"]]}
    assert helpers.metrics(entity)["f1"] == pytest.approx(2 / 3)
    shown = helpers.evaluate(
        {"expression": "F.relu(x) * y", "inputs": {"x": [-1.0, 2.0], "y": 3.0}, "cotangents": "ones"}
    )
    assert shown["outputs"] == [[0.0, 6.0]]
    assert shown["gradients"] == {"x": [0.0, 3.0], "y": 2.0}
    assert helpers.schedule({"schedule": {"kind": "cosine", "warmup": 2, "total": 6}, "lr": 1.0, "n": 3}) == [
        0.0,
        0.5,
        1.0,
    ]
    save_file({"w": torch.ones(2, dtype=torch.float64)}, str(tmp_path / "p"))
    save_file({"w": torch.tensor([1.0, -2.0], dtype=torch.float64)}, str(tmp_path / "g"))
    helpers.adamw({"parameters": tmp_path / "p", "gradients": [tmp_path / "g"], "lr": 0.1, "out": tmp_path / "o"})
    # The first AdamW step has length lr in every entry, whatever the gradient's size.
    torch.testing.assert_close(load_file(str(tmp_path / "o"))["w"], torch.tensor([0.9, 1.1], dtype=torch.float64))
