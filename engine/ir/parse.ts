/** Reads the text that `print.ts` writes: `parseProgram(printProgram(p))` equals p. */
import { BugError } from '../base/errors.ts';
import { parseAttrs } from './attrsText.ts';
import type { SymbolDecl } from './dim.ts';
import type { OpName } from './opAttrs.ts';
import type {
  Fn,
  FnOrigin,
  FnParam,
  FnResult,
  Instr,
  NumericPolicy,
  ParamRole,
  Program,
  Region,
  RegionInstance,
  ValueId,
  ValueInfo,
} from './program.ts';
import { parseType } from './types.ts';

interface OpenFn {
  readonly name: string;
  readonly origin: FnOrigin | undefined;
  readonly params: FnParam[];
  readonly body: Instr[];
  readonly results: FnResult[];
  readonly values: Map<ValueId, ValueInfo>;
  readonly regions: RegionInstance[];
}

const DEFINITION = /^%(\d+): (\w+\[[^\]]*\])(?: ("(?:[^"\\]|\\.)*"))?(?: @("(?:[^"\\]|\\.)*"))?/;
const STRING = '"(?:[^"\\\\]|\\\\.)*"';
const OP = /^(\w+)\(([^)]*)\)(?: (\{.*\}))?(?: #(\d+))?$/;
const CALL = new RegExp(`^call (\\S+) (${STRING}) \\(([^)]*)\\)(?: (\\{.*\\}))?(?: #(\\d+))?$`);
const REPEAT = new RegExp(
  `^repeat (${STRING}) from (\\d+) carry \\(([^)]*)\\) broadcast \\(([^)]*)\\) layers ((?:\\S+\\([^)]*\\) ?)+)(\\{.*\\})?$`,
);
const REGION = new RegExp(`^region (\\{.*\\}) \\(([^)]*)\\) -> \\(([^)]*)\\) (${STRING})(?: restored \\(([^)]*)\\))?$`);
const PARAM = new RegExp(`^(input|weight|trainable|state) (${STRING}) (.*)$`);
const RETURN = new RegExp(`^return (${STRING}) %(\\d+)$`);

const json = parseAttrs;
const ids = (text: string): ValueId[] => [...text.matchAll(/%(\d+)/g)].map((m) => Number(m[1]) as ValueId);
const region = (text: string | undefined): Region => (text === undefined ? { kind: 'plain' } : (json(text) as Region));

export function parseProgram(text: string): Program {
  const lines = text.split('\n');
  const head = /^program (\S+) policy (\S+) (\S+) (\S+)$/.exec(lines[0] ?? '');
  if (!head) throw new BugError(`a program begins with "program", got "${lines[0] ?? ''}"`);
  const policy = { compute: head[2], accumulate: head[3], parameters: head[4] } as NumericPolicy;
  const symbols: SymbolDecl[] = [];
  const functions = new Map<string, Fn>();
  let open: OpenFn | undefined;
  const close = (): void => {
    if (!open) return;
    const { origin, regions, ...rest } = open;
    functions.set(open.name, { ...rest, ...(origin ? { origin } : {}), ...(regions.length > 0 ? { regions } : {}) });
  };
  for (const line of lines.slice(1)) {
    if (line === '') continue;
    const decl = /^symbol (\S+) (-?\d+)\.\.(\d+)(?: packs (\S+) (\S+))?$/.exec(line);
    const start = /^fn (\S+)(?: (\{.*\}))?$/.exec(line);
    if (decl) {
      const packs = decl[4] === undefined ? {} : { packs: [decl[4], decl[5] as string] as [string, string] };
      symbols.push({ name: decl[1] as string, min: Number(decl[2]), max: Number(decl[3]), ...packs });
    } else if (start) {
      close();
      const origin = start[2] === undefined ? undefined : (json(start[2]) as FnOrigin);
      open = { name: start[1] as string, origin, params: [], body: [], results: [], values: new Map(), regions: [] };
    } else if (open) parseLine(open, line.trim());
    else throw new BugError(`"${line}" stands outside of a function`);
  }
  close();
  return { symbols, functions, entry: head[1] as string, policy };
}

function define(fn: OpenFn, text: string): { id: ValueId; rest: string } {
  const match = DEFINITION.exec(text);
  if (!match) throw new BugError(`"${text}" does not define a value`);
  const id = Number(match[1]) as ValueId;
  const name = match[3] === undefined ? {} : { name: json(match[3]) as string };
  const path = match[4] === undefined ? {} : { path: json(match[4]) as string };
  fn.values.set(id, { type: parseType(match[2] as string), ...name, ...path });
  return { id, rest: text.slice(match[0].length) };
}

function parseLine(fn: OpenFn, line: string): void {
  const back = RETURN.exec(line);
  if (back) {
    fn.results.push({ name: json(back[1] as string) as string, id: Number(back[2]) as ValueId });
    return;
  }
  const marked = REGION.exec(line);
  if (marked) {
    const [, kind, inputs, outputs, path] = marked as unknown as [string, string, string, string, string];
    fn.regions.push({
      region: region(kind),
      inputs: ids(inputs),
      outputs: ids(outputs),
      path: json(path) as string,
      ...(marked[5] === undefined ? {} : { restored: ids(marked[5]) }),
    });
    return;
  }
  const param = PARAM.exec(line);
  if (param) {
    const { id } = define(fn, param[3] as string);
    fn.params.push({ id, name: json(param[2] as string) as string, role: param[1] as ParamRole });
    return;
  }
  const outputs: ValueId[] = [];
  let rest = line;
  while (rest.startsWith('%')) {
    const defined = define(fn, rest);
    outputs.push(defined.id);
    rest = defined.rest.replace(/^; /, '');
  }
  fn.body.push(parseInstr(rest.replace(/^ ?= /, ''), outputs));
}

function parseInstr(text: string, outputs: ValueId[]): Instr {
  const call = CALL.exec(text);
  if (call) {
    return {
      kind: 'call',
      fn: call[1] as string,
      site: json(call[2] as string) as string,
      region: region(call[4]),
      inputs: ids(call[3] as string),
      outputs,
      ...(call[5] === undefined ? {} : { within: Number(call[5]) }),
    };
  }
  const repeat = REPEAT.exec(text);
  if (repeat) {
    const layers = [...(repeat[5] as string).matchAll(/(\S+?)\(([^)]*)\)/g)];
    return {
      kind: 'repeat',
      site: json(repeat[1] as string) as string,
      first: Number(repeat[2]),
      bodies: layers.map((m) => m[1] as string),
      region: region(repeat[6]),
      carry: ids(repeat[3] as string),
      broadcast: ids(repeat[4] as string),
      layerInputs: layers.map((m) => ids(m[2] as string)),
      outputs,
    };
  }
  const op = OP.exec(text);
  if (!op) throw new BugError(`"${text}" is not an instruction`);
  const attrs = (op[3] === undefined ? {} : json(op[3])) as never;
  const tag = op[4] === undefined ? {} : { region: Number(op[4]) };
  return { kind: 'op', op: op[1] as OpName, attrs, inputs: ids(op[2] as string), outputs, ...tag };
}
