"""The comparison scripts of tests/bench/python on a tiny model and data: they run, and measure what they say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench" / "python"))

import batching  # noqa: E402
import bench_step  # noqa: E402
import make_batches  # noqa: E402
import models  # noqa: E402
import tasks  # noqa: E402
import train_baseline  # noqa: E402

import folders  # noqa: E402

WORDS = ["good", "bad", "film", "plot", "the", "a", '"', "kano", "musa"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random BERT with a tokenizer of whole words."""
    from tokenizers import Tokenizer, pre_tokenizers, processors
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    folders.make_backbone({"arch": "bert", "seed": 1, "out": folder, "config": {"vocab_size": 20}})
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(kinds.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    generator = torch.Generator().manual_seed(0)

    def sentence(word: str) -> str:
        fill = torch.randint(2, 7, (int(torch.randint(1, 9, (1,), generator=generator)),), generator=generator)
        return " ".join([WORDS[i] for i in fill.tolist()] + [word])

    for split in ("train", "dev", "test"):
        rows = [f"{sentence(WORDS[i % 2])}\t{i % 2}" for i in range(64)]
        write(root / "sst2" / f"{split}.tsv", "sentence\tlabel\n" + "\n".join(rows) + "\n")
        pairs = [f"{sentence('film')}\t{sentence('plot')}\t{i / 12:.2f}" for i in range(40)]
        write(root / "stsb_multi" / f"en.{split}.tsv", "sentence1\tsentence2\tscore\n" + "\n".join(pairs) + "\n")
        lines = "musa B-PER\nthe O\nkano B-LOC\n\na O\nmusa B-PER\n\n" * 10
        write(root / "masakhaner2" / "hau" / f"{split}.txt", lines)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def baseline(monkeypatch: pytest.MonkeyPatch, model: str, data: Path, task: str, *more: str) -> dict[str, Any]:
    line = ["train_baseline.py", "--model", model, "--data", str(data), "--task", task, "--batch", "8", *more]
    monkeypatch.setattr(sys, "argv", line)
    return train_baseline.train(train_baseline.arguments())


@pytest.mark.parametrize("method", models.METHODS)
def test_every_method_trains(
    monkeypatch: pytest.MonkeyPatch, model: str, data: Path, tmp_path: Path, method: str
) -> None:
    out = tmp_path / "result.json"
    options = ["--method", method, "--epochs", "1", "--max-steps", "3", "--json", str(out)]
    result = baseline(monkeypatch, model, data, "sst2", *options)
    assert result["steps"] == 3
    assert result["trainable_parameters"] > 0
    assert 0 <= result["test"]["accuracy"] <= 1
    assert json.loads(out.read_text())["metric"] == "accuracy"
    predictions = json.loads((tmp_path / "result.predictions.json").read_text())
    assert len(predictions["dev"]["labels"]) == len(predictions["dev"]["predictions"]) == 64


def test_lora_learns_the_word_and_repeats(monkeypatch: pytest.MonkeyPatch, model: str, data: Path) -> None:
    options = ["--epochs", "6", "--lr", "1e-2", "--dropout", "off"]
    first = baseline(monkeypatch, model, data, "sst2", *options)
    again = baseline(monkeypatch, model, data, "sst2", *options, "--group-by-length")
    same = baseline(monkeypatch, model, data, "sst2", *options)
    assert first["dev"]["accuracy"] > 0.9
    assert first["history"] == same["history"]
    assert first["history"] != again["history"]


def test_regression_and_tokens(monkeypatch: pytest.MonkeyPatch, model: str, data: Path) -> None:
    assert "pearson" in baseline(monkeypatch, model, data, "stsb", "--epochs", "1", "--bf16")["dev"]
    found = baseline(monkeypatch, model, data, "masakhaner-hau", "--epochs", "5", "--lr", "1e-2", "--method", "full")
    assert found["dev"]["entity_f1"] == 1.0


def test_batches_are_written_and_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, data: Path, tmp_path: Path
) -> None:
    file, out = tmp_path / "batches.safetensors", tmp_path / "o.json"
    common = ["--model", model, "--data", str(data), "--task", "sst2", "--batch", "8", "--count", "3"]
    monkeypatch.setattr(sys, "argv", ["make_batches.py", *common, "--out", str(file)])
    make_batches.main()
    written = json.loads(capsys.readouterr().out)
    assert written["batches"] == 3 and written["real_tokens"] <= written["padded_tokens"]
    timed = ["bench_step.py", "--model", model, "--batches", str(file), "--layers", "1", "2", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", timed)
    bench_step.main()
    result = json.loads(out.read_text())
    assert result["steps"] == 3
    # Two layers, query and value, A and B of rank 8 at width 32, and the head.
    assert result["trainable_parameters"] == 2 * 2 * (8 * 32 + 32 * 8) + 66
    assert result["peak_above_idle_bytes"] == result["peak_rss_bytes"] - result["idle_rss_bytes"]


def test_grouped_batches_hold_similar_lengths() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 60, (640,), generator=generator).tolist()
    examples = [tasks.Example([5] * n, [0] * n, 0) for n in lengths]

    def padding(grouped: bool) -> int:
        chosen = batching.order(examples, 32, grouped, torch.Generator().manual_seed(1))
        assert sorted(i for batch in chosen for i in batch) == list(range(640))
        return sum(max(lengths[i] for i in b) * len(b) - sum(lengths[i] for i in b) for b in chosen)

    assert padding(True) < 0.25 * padding(False)
