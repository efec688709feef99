/** The wires of a node's ports as `build` reads them. */
import { must } from '../base/errors.ts';
import type { BuildInputs } from '../nodekit/node.ts';
import type { TransformWire, Wire } from '../nodekit/wires.ts';

export function readInputs(inputs: ReadonlyMap<string, readonly Wire[]>): BuildInputs {
  const first = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> | undefined => {
    const wire = inputs.get(port)?.[0];
    return wire?.kind === kind ? (wire as Extract<Wire, { kind: K }>) : undefined;
  };
  const need = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> =>
    must(first(port, kind), `port "${port}" carries ${kind}`);
  return {
    tensor: (port) => need(port, 'tensor').value,
    optionalTensor: (port) => first(port, 'tensor')?.value,
    tensors: (port) =>
      (inputs.get(port) ?? []).flatMap((w) => (w.kind === 'tensor' ? [w.value] : w.kind === 'sources' ? w.values : [])),
    tokens: (port) => need(port, 'tokens'),
    affine: (port) => need(port, 'affine'),
    optionalAffine: (port) => first(port, 'affine'),
    optionalKv: (port) => first(port, 'kv'),
    losses: (port) => (inputs.get(port) ?? []).filter((w) => w.kind === 'loss'),
    transforms: (port) => (inputs.get(port) ?? []).filter((w): w is TransformWire => w.kind === 'transform'),
  };
}
