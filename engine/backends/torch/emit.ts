/**
 * PyTorch code from a Program: one readable file `model.py` with a class per kind of function, the model, tables of names
 * and helpers that load a checkpoint and an adapter.
 *
 *   Program -> prepare -> drafts with holes -> classes -> root -> names -> text
 *
 * Gradients are PyTorch's own; noise comes from PyTorch's generator. Training scripts and the parity mode of the noise are
 * not here.
 */
import { bind } from './bindings.ts';
import { classesOf } from './classes.ts';
import { featuresOf } from './classNames.ts';
import * as library from './library.ts';
import { parameterPaths } from './paths.ts';
import { prepare } from './prepare.ts';
import { docstring } from './python/literals.ts';
import { printClass, printStatement, WIDTH } from './python/print.ts';
import { rootOf } from './root.ts';
import type { TorchOptions, TorchSource } from './source.ts';
import { tablesOf } from './tables.ts';

/** File names and their texts. Throws a `UserError` for what PyTorch code is not written for. */
export function emitTorch(source: TorchSource, options: TorchOptions = {}): Readonly<Record<'model.py', string>> {
  const prepared = prepare(source.program);
  const bindings = bind(prepared, source.parameters);
  const { classes, drafts, context } = classesOf(prepared, bindings, featuresOf(prepared));
  const root = rootOf(prepared.root, source, options, context);
  const paths = parameterPaths(prepared, root.attributes, drafts);
  const tables = tablesOf(source, prepared, paths);
  const body = [...classes, ...root.finish(paths.ties)].map(printClass);
  const names = tables.statements.map(printStatement).join('\n\n');
  const blocks = [
    ...(tables.usesExpand ? [library.EXPAND] : []),
    names,
    ...(paths.ties.length > 0 ? [library.TIE] : []),
    ...attention(body),
    ...body,
    library.COPY_TENSORS,
    library.loadPretrained([
      ...(tables.hasRowNorms ? [library.ROW_NORMS] : []),
      ...(tables.hasSampledRows ? [library.SAMPLED_ROWS] : []),
    ]),
    ...(tables.hasSources ? [library.LOAD_SOURCE] : []),
    library.LOAD_ADAPTER,
  ];
  const text = blocks.join('\n\n\n');
  return { 'model.py': `${docstring(HEADER, '', WIDTH).join('\n')}\n\n${imports(text)}\n\n\n${text}\n` };
}

const HEADER = `A model written by Espalier.

\`load_pretrained\` loads the frozen backbone and \`load_adapter\` what was trained.`;

/** The attention module, with what the constructor calls in the code ask of it. */
function attention(body: readonly string[]): readonly string[] {
  const calls = body.join('\n').match(/ Attention\([^)]*\)/g) ?? [];
  if (calls.length === 0) return [];
  const asks = (word: string): boolean => calls.some((c) => c.includes(`${word}=`));
  return [
    library.attentionClass({
      dropout: asks('dropout'),
      prefix: asks('prefix'),
      causal: asks('causal'),
      scale: asks('scale'),
    }),
  ];
}

interface Import {
  readonly line: string;
  readonly needed: RegExp;
}

const STANDARD: readonly Import[] = [
  { line: 'import math', needed: /\bmath\./ },
  { line: 'from collections.abc import Iterable', needed: /\bIterable\[/ },
  { line: 'from os import PathLike', needed: /\bPathLike\[/ },
  { line: 'from typing import NamedTuple', needed: /\bNamedTuple\b/ },
];
const PACKAGES: readonly Import[] = [
  { line: 'import torch', needed: /\btorch\./ },
  { line: 'from safetensors.torch import load_file', needed: /\bload_file\(/ },
  { line: 'from torch import Tensor, nn', needed: /\bnn\./ },
  { line: 'from torch.nn import functional', needed: /\bfunctional\./ },
  { line: 'from torch.utils.checkpoint import checkpoint', needed: /\bcheckpoint\(/ },
];

function imports(text: string): string {
  const lines = (list: readonly Import[]): string =>
    list
      .filter((i) => i.needed.test(text))
      .map((i) => i.line)
      .join('\n');
  return [lines(STANDARD), lines(PACKAGES)].filter((l) => l !== '').join('\n\n');
}
