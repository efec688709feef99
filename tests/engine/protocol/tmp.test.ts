import { test } from 'vitest';
import { parseDocument } from '/work/main/engine/protocol/parse.ts';
import { checkStructure } from '/work/main/engine/protocol/structure.ts';
import { checkWiring, checkStackPorts } from '/work/main/engine/protocol/structure/wiring.ts';
import { checkReferences } from '/work/main/engine/protocol/structure/references.ts';
import { findCycles } from '/work/main/engine/protocol/structure/cycles.ts';
import { checkLayers } from '/work/main/engine/protocol/structure/layers.ts';
import { modelGraphs } from '/work/main/engine/protocol/walk.ts';
test('perf', () => {
  const n = 10000;
  const nodes: Record<string, unknown> = {}; const edges = [];
  for (let i = 0; i < n; i++) { nodes['n' + i] = { type: 'linear', version: 1, params: { r: 8, alpha: 16.5, targets: ['a', 'b'] }, title: 'node ' + i };
    for (const k of [1, 7]) if (i >= k) edges.push({ from: { node: 'n' + (i - k), port: 'out' }, to: { node: 'n' + i, port: 'in' + k } }); }
  const text = JSON.stringify({ format: 'espalier', version: 1, title: 't', models: { m: { nodes, edges } } });
  const d = parseDocument(text, 'f').document!;
  const at = modelGraphs(d)[0]!;
  const ctx = { place: () => ({}), isBody: false };
  const time = (name: string, f: () => unknown) => { const t = performance.now(); f(); console.log('T', name, (performance.now() - t) | 0); };
  for (let k = 0; k < 3; k++) {
    time('wiring', () => checkWiring(at.graph, ctx));
    time('ports', () => checkStackPorts(at.graph, ctx));
    time('layers', () => checkLayers(at));
    time('refs', () => checkReferences(d));
    time('cycles', () => { const m = new Map<string, string[]>(); for (const e of at.graph.edges) { const l = m.get(e.from.node); if (l) l.push(e.to.node); else m.set(e.from.node, [e.to.node]); } findCycles(Object.keys(at.graph.nodes), (x) => m.get(x) ?? []); });
    time('all', () => checkStructure(d));
  }
});
