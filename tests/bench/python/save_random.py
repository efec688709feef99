"""Saves a BERT with random weights and the widths of BERT-base, for memory and speed only.

    save_random.py --out .cache/bert-base-random
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import BertConfig, BertModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    BertModel(BertConfig()).save_pretrained(options.out)


if __name__ == "__main__":
    main()
