/** The letters that stand for modules in the matrix, and the one number beside each. */
import type { Catalog, NodeTypeInfo } from '../../../engine/protocol/api/catalog.ts';

const LETTERS: ReadonlyMap<string, string> = new Map([
  ['peft.lora', 'L'],
  ['peft.dora', 'D'],
  ['peft.bottleneck', 'A'],
  ['peft.ia3', 'I'],
  ['peft.prefix', 'P'],
  ['peft.prefixMlp', 'Q'],
  ['peft.prompt', 'V'],
  ['peft.lnTuning', 'N'],
  ['peft.bitfit', 'B'],
  ['peft.unfreeze', 'U'],
  ['peft.fusion', 'F'],
  ['peft.scalearn', 'S'],
  ['compose.average', 'M'],
  ['peft.gate', 'G'],
  ['source.bank', 'K'],
  ['head.linear', 'H'],
  ['head.roberta', 'H'],
]);

/** A letter for every module type; custom types take a free letter of their title. */
export function lettersOf(catalog: Catalog): ReadonlyMap<string, string> {
  const letters = new Map(LETTERS);
  const taken = new Set(LETTERS.values());
  for (const { type, title, peft, family } of catalog.nodes) {
    if (letters.has(type) || (peft === undefined && family !== 'custom')) continue;
    const free = [...title.toUpperCase(), ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find(
      (c) => /[A-Z]/.test(c) && !taken.has(c),
    );
    letters.set(type, free ?? 'X');
    taken.add(free ?? 'X');
  }
  return letters;
}

/** The parameter that tells modules of one type apart at a glance: the rank, else the size. */
export const mainParam = (info: NodeTypeInfo | undefined): string | undefined =>
  ['rank', 'size'].find((name) => info !== undefined && name in info.params);
