import { test } from 'vitest';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { parseJsonText } from '../../../engine/protocol/jsonText.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { splitStack, inModel, connect } from '../../../engine/protocol/edit.ts';
import { modelId, nodeId, portId } from '../../../engine/protocol/ids.ts';
test('perf', () => {
  const n = 10000;
  const nodes: Record<string, unknown> = {}; const edges = [];
  for (let i = 0; i < n; i++) { nodes['n' + i] = { type: 'linear', version: 1, params: { r: 8, alpha: 16.5, targets: ['a', 'b'] }, title: 'node ' + i };
    for (const k of [1, 7]) if (i >= k) edges.push({ from: { node: 'n' + (i - k), port: 'out' }, to: { node: 'n' + i, port: 'in' + k } }); }
  const text = JSON.stringify({ format: 'espalier', version: 1, title: 't', models: { m: { nodes, edges } } });
  const d = parseDocument(text, 'f').document!;
  const time = (name: string, f: () => unknown) => { let best = 1e9; for (let i = 0; i < 6; i++) { const t = process.cpuUsage(); f(); const u = process.cpuUsage(t); best = Math.min(best, (u.user + u.system) / 1000); } console.log('T', name, best | 0); };
  time('JSON.parse', () => JSON.parse(text)); time('scan', () => parseJsonText(text)); time('parse', () => parseDocument(text, 'f')); time('structure', () => checkStructure(d)); time('print', () => printDocument(d));
  time('connect', () => connect(d, inModel(modelId('m')), { from: { node: nodeId('n3'), port: portId('out') }, to: { node: nodeId('n9000'), port: portId('zz') } }));
  console.log('T', text.length);
});
