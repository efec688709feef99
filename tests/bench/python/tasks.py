"""Data of the comparison: five real sets, read from a folder that is named on the command line, and tokenised.

Files: SST-2, TREC-6, CoLA, STS-B (tab-separated with a header, no quoting) and MasakhaNER 2 (CoNLL lines).
Nothing is shipped with the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Task:
    kind: str  # classification | regression | tokens
    metric: str  # the figure that the comparison is about
    files: dict[str, str]
    texts: tuple[str, ...] = ("sentence",)
    label: str = "label"


TASKS = {
    "sst2": Task("classification", "accuracy", {s: f"sst2/{s}.tsv" for s in ("train", "dev", "test")}),
    "trec6": Task("classification", "accuracy", {"train": "trec6/train.tsv", "dev": "trec6/test.tsv"}),
    "cola": Task("classification", "matthews", {s: f"cola/{s}.tsv" for s in ("train", "dev")}),
    "stsb": Task(
        "regression",
        "pearson",
        {s: f"stsb_multi/en.{s}.tsv" for s in ("train", "dev", "test")},
        texts=("sentence1", "sentence2"),
        label="score",
    ),
    **{
        f"masakhaner-{language}": Task(
            "tokens", "entity_f1", {s: f"masakhaner2/{language}/{s}.txt" for s in ("train", "dev", "test")}
        )
        for language in ("hau", "yor", "pcm")
    },
}


@dataclass(frozen=True)
class Example:
    ids: list[int]
    types: list[int]
    label: Any  # class number, float, or one class number a token (-100: not scored)
    words: list[str] | None = None  # tags of all words, for entity F1


@dataclass(frozen=True)
class Data:
    task: Task
    classes: list[str]
    splits: dict[str, list[Example]]


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a tab-separated file with a header. Quotes are ordinary characters."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:] if line]
    return rows


def read_conll(path: Path) -> list[tuple[list[str], list[str]]]:
    sentences: list[tuple[list[str], list[str]]] = []
    words: list[str] = []
    tags: list[str] = []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.strip():
            word, tag = line.rsplit(" ", 1)
            words.append(word)
            tags.append(tag)
        elif words:
            sentences.append((words, tags))
            words, tags = [], []
    return sentences


def load(
    name: str,
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    classes: list[str] | None = None,
) -> Data:
    """`classes` gives their order where it is not the alphabet's."""
    task = TASKS[name]
    if task.kind == "tokens":
        return load_tokens(task, folder, tokenizer, max_length, classes)
    tables = {split: read_table(folder / file) for split, file in task.files.items()}
    if classes is None:
        classes = sorted({row[task.label] for row in tables["train"]}) if task.kind == "classification" else []
    splits = {}
    for split, rows in tables.items():
        columns = [[row[column] for row in rows] for column in task.texts]
        encoded = tokenizer(*columns, truncation=True, max_length=max_length, return_token_type_ids=True)
        labels = [
            classes.index(row[task.label]) if task.kind == "classification" else float(row[task.label]) for row in rows
        ]
        parts = zip(encoded["input_ids"], encoded["token_type_ids"], labels, strict=True)
        splits[split] = [Example(ids, types, label) for ids, types, label in parts]
    return Data(task, classes, splits)


def load_tokens(
    task: Task, folder: Path, tokenizer: PreTrainedTokenizerBase, max_length: int, classes: list[str] | None
) -> Data:
    """The first sub-token of a word carries its tag, the others are left out (-100)."""
    sets = {split: read_conll(folder / file) for split, file in task.files.items()}
    if classes is None:
        classes = sorted({tag for _, tags in sets["train"] for tag in tags})
    splits = {}
    for split, sentences in sets.items():
        encoded = tokenizer(
            [words for words, _ in sentences], is_split_into_words=True, truncation=True, max_length=max_length
        )
        examples = []
        for i, (_, tags) in enumerate(sentences):
            labels, previous = [], None
            for word in encoded.word_ids(i):
                fresh = word is not None and word != previous
                labels.append(classes.index(tags[word]) if fresh and word is not None else -100)
                previous = word
            ids = encoded["input_ids"][i]
            examples.append(Example(ids, [0] * len(ids), labels, tags))
        splits[split] = examples
    return Data(task, classes, splits)


def score(data: Data, examples: list[Example], logits: list[np.ndarray]) -> tuple[dict[str, float], list[Any]]:
    """Metrics of a split and the prediction of every example (class name, number, or tags of its words)."""
    from scipy import stats
    from sklearn import metrics as sk

    labels = [e.label for e in examples]
    if data.task.kind == "regression":
        predicted = [float(x[0]) for x in logits]
        pearson, spearman = stats.pearsonr(predicted, labels)[0], stats.spearmanr(predicted, labels)[0]
        return {"pearson": float(pearson), "spearman": float(spearman)}, predicted
    if data.task.kind == "classification":
        classes = [int(x.argmax()) for x in logits]
        found = {
            "accuracy": float(sk.accuracy_score(labels, classes)),
            "f1_macro": float(sk.f1_score(labels, classes, average="macro")),
            "matthews": float(sk.matthews_corrcoef(labels, classes)),
        }
        return found, [data.classes[c] for c in classes]
    from seqeval.metrics import f1_score, precision_score, recall_score

    tags, gold = [], []
    for example, rows in zip(examples, logits, strict=True):
        chosen = [data.classes[int(r.argmax())] for r, label in zip(rows, example.label, strict=True) if label != -100]
        words = example.words or []
        # Words that truncation cut off count as predicted O.
        tags.append(chosen + ["O"] * (len(words) - len(chosen)))
        gold.append(words)
    found = {
        "entity_f1": float(f1_score(gold, tags)),
        "precision": float(precision_score(gold, tags)),
        "recall": float(recall_score(gold, tags)),
    }
    return found, tags
