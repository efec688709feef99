/** A Program as text that `parse.ts` reads back to an equal Program. One instruction a line; attributes and names as JSON. */
import { printAttrs } from './attrsText.ts';
import type { Fn, Instr, Program, Region, ValueId } from './program.ts';
import { printType } from './types.ts';

export function printProgram(program: Program): string {
  const { compute, accumulate, parameters } = program.policy;
  const lines = [`program ${program.entry} policy ${compute} ${accumulate} ${parameters}`];
  for (const s of program.symbols)
    lines.push(`symbol ${s.name} ${s.min}..${s.max}${s.packs ? ` packs ${s.packs.join(' ')}` : ''}`);
  for (const fn of program.functions.values()) lines.push('', ...printFn(fn));
  return `${lines.join('\n')}\n`;
}

export function printFn(fn: Fn): string[] {
  const lines = [`fn ${fn.name}${fn.origin ? ` ${printAttrs(fn.origin)}` : ''}`];
  for (const r of fn.regions ?? []) {
    lines.push(
      `  region ${JSON.stringify(r.region)} (${printIds(r.inputs)}) -> (${printIds(r.outputs)}) ${JSON.stringify(r.path)}${r.restored ? ` restored (${printIds(r.restored)})` : ''}`,
    );
  }
  for (const p of fn.params) lines.push(`  ${p.role} ${JSON.stringify(p.name)} ${printDefinition(fn, p.id)}`);
  for (const instr of fn.body) {
    const left = instr.outputs.map((id) => printDefinition(fn, id)).join('; ');
    lines.push(`  ${left} = ${printInstr(instr)}`);
  }
  for (const r of fn.results) lines.push(`  return ${JSON.stringify(r.name)} %${r.id}`);
  return lines;
}

const printIds = (ids: readonly ValueId[]): string => ids.map((id) => `%${id}`).join(', ');

function printDefinition(fn: Fn, id: ValueId): string {
  const info = fn.values.get(id);
  if (!info) return `%${id}: ?`;
  const name = info.name === undefined ? '' : ` ${JSON.stringify(info.name)}`;
  const path = info.path === undefined ? '' : ` @${JSON.stringify(info.path)}`;
  return `%${id}: ${printType(info.type)}${name}${path}`;
}

const printRegion = (region: Region): string => (region.kind === 'plain' ? '' : ` ${JSON.stringify(region)}`);

const printTag = (region: number | undefined): string => (region === undefined ? '' : ` #${region}`);

function printInstr(instr: Instr): string {
  switch (instr.kind) {
    case 'op': {
      const attrs = Object.keys(instr.attrs).length === 0 ? '' : ` ${printAttrs(instr.attrs)}`;
      return `${instr.op}(${printIds(instr.inputs)})${attrs}${printTag(instr.region)}`;
    }
    case 'call':
      return `call ${instr.fn} ${JSON.stringify(instr.site)} (${printIds(instr.inputs)})${printRegion(instr.region)}${printTag(instr.within)}`;
    case 'repeat': {
      const layers = instr.bodies.map((b, i) => `${b}(${printIds(instr.layerInputs[i] ?? [])})`).join(' ');
      return `repeat ${JSON.stringify(instr.site)} from ${instr.first} carry (${printIds(instr.carry)}) broadcast (${printIds(instr.broadcast)}) layers ${layers}${printRegion(instr.region)}`;
    }
  }
}
