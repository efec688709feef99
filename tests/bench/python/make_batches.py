"""Writes one epoch of tokenised batches to a safetensors file, so that two programs can be timed on the same batches.

    make_batches.py --model .cache/starter --data DIR --task sst2 --batch 32 --seed 0 [--group-by-length] --out FILE

Tensors: `{i}/ids` [B,T] int64, `{i}/attention_mask` [B,T] int64, `{i}/type_ids` [B,T] int64, `{i}/labels` [B] (int64;
float32 for regression; [B,T] for tokens). Metadata: task, kind, classes, batches.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

import tasks  # noqa: E402
from batching import collate, order  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--task", required=True, choices=sorted(tasks.TASKS))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, help="only the first so many batches")
    parser.add_argument("--group-by-length", action="store_true")
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    data = tasks.load(options.task, options.data, tokenizer, options.max_length)
    examples = data.splits["train"]
    generator = torch.Generator().manual_seed(options.seed)
    chosen = order(examples, options.batch, options.group_by_length, generator)[: options.count]
    tensors = {}
    for i, indices in enumerate(chosen):
        batch = collate([examples[j] for j in indices], int(tokenizer.pad_token_id), data.task.kind)
        tensors[f"{i}/ids"] = batch.ids
        tensors[f"{i}/attention_mask"] = batch.mask
        tensors[f"{i}/type_ids"] = batch.types
        tensors[f"{i}/labels"] = batch.labels
    metadata = {
        "task": options.task,
        "kind": data.task.kind,
        "classes": json.dumps(data.classes),
        "batches": str(len(chosen)),
    }
    save_file(tensors, str(options.out), metadata=metadata)
    real = sum(int(tensors[f"{i}/attention_mask"].sum()) for i in range(len(chosen)))
    padded = sum(tensors[f"{i}/ids"].numel() for i in range(len(chosen)))
    print(json.dumps({"batches": len(chosen), "real_tokens": real, "padded_tokens": padded}))


if __name__ == "__main__":
    main()
