/** Custom nodes through the service: list, consent, trying, saving, and documents that used the node before it was known. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../../build/bundle.mjs';
import { makeServiceToolkit } from '../../../../engine/cli/serviceToolkit.ts';
import { customNodesOf, makeToolkit } from '../../../../engine/cli/toolkit.ts';
import { sourceHash } from '../../../../engine/sandbox/customNodes.ts';
import { TEMPLATE } from '../../../../engine/sandbox/nodeApi.ts';
import { makeFolders, runService, type Running } from '../service.ts';

const source = (name: string): string => TEMPLATE.replaceAll('NAME', name).replaceAll('TITLE', name);
let at: Running;

beforeAll(async () => {
  const folders = await makeFolders();
  mkdirSync(join(folders.workspace, 'custom-nodes'));
  writeFileSync(join(folders.workspace, 'custom-nodes', 'foreign.ts'), source('foreign'));
  const entry = await bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes']);
  const toolkit = makeToolkit(customNodesOf(() => folders.home, folders.workspace));
  at = await runService(folders, { toolkit: makeServiceToolkit(toolkit, entry) });
}, 120_000);
afterAll(() => at.close());

const types = async (): Promise<readonly string[]> => {
  const { nodes } = await at.call('app.catalog', {});
  return nodes.map((n) => n.type).filter((t) => t.startsWith('custom.'));
};
/** The code of what refused. */
const refusal = async (name: string, params: unknown): Promise<string | undefined> => {
  const answer = await at.send(name, params, at.newKey());
  return answer.ok ? undefined : answer.diagnostics[0]?.code;
};

describe('a source that lies in the folder', () => {
  it('is listed with its text and hash, and neither run nor offered', async () => {
    const [found] = await at.call('custom.list', {});
    expect(found).toMatchObject({ name: 'foreign', trusted: false, hash: sourceHash(source('foreign')) });
    expect(found?.source).toContain('gelu(add(matmul');
    expect(found?.info).toBeUndefined();
    expect(await types()).toEqual([]);
    expect(await refusal('custom.try', { name: 'foreign', source: source('foreign') })).toBe('custom-node-untrusted');
    expect(await refusal('custom.save', { name: 'other', source: source('foreign') })).toBe('custom-node-untrusted');
  });
  it('is allowed by the hash of what was read, and only by that', async () => {
    expect(await refusal('custom.trust', { name: 'foreign', hash: '0'.repeat(64) })).toBe('custom-node-changed');
    const node = await at.call('custom.trust', { name: 'foreign', hash: sourceHash(source('foreign')) });
    expect(node).toMatchObject({ trusted: true, info: { type: 'custom.foreign', family: 'additive' } });
    expect(await types()).toEqual(['custom.foreign']);
    expect((await at.call('app.settings', {})).trusted).toEqual([node.hash]);
  });
  it('is asked for again when it was changed', async () => {
    writeFileSync(join(at.folders.workspace, 'custom-nodes', 'foreign.ts'), `${source('foreign')}\n// changed`);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await at.call('custom.list', {})).toMatchObject([{ name: 'foreign', trusted: false }]);
    expect(await types()).toEqual([]);
  });
});

describe('a source that is typed and not saved', () => {
  it('is kept in the folder of the app, and forgotten when it is asked to be', async () => {
    expect(await at.call('custom.drafts', {})).toEqual({});
    await at.call('custom.draft', { name: 'half', source: 'export const node = def' });
    await at.call('custom.draft', { name: 'half', source: 'export const node = define' });
    await at.call('custom.draft', { name: 'other', source: '' });
    expect(await at.call('custom.drafts', {})).toEqual({ half: 'export const node = define', other: '' });
    expect((await at.call('custom.list', {})).map((n) => n.name)).toEqual(['foreign']);
    expect(readdirSync(join(at.folders.workspace, 'custom-nodes'))).toEqual(['foreign.ts']);
    await at.call('custom.draft', { name: 'half' });
    await at.call('custom.draft', { name: 'other' });
    expect(await at.call('custom.drafts', {})).toEqual({});
  });
  it('needs the name of a node', async () => {
    expect(await refusal('custom.draft', { name: '../up', source: '' })).toBe('custom-node-name');
    expect(await at.call('custom.drafts', {})).toEqual({});
  });
});

describe('a source from the editor', () => {
  it('is tried in a process of its own and not kept', async () => {
    const tried = await at.call('custom.try', { name: 'mine', source: source('mine') });
    expect(tried).toMatchObject({ diagnostics: [], trial: { outputs: { delta: 'f32[B,T,384]' } } });
    expect((await at.call('custom.list', {})).map((n) => n.name)).toEqual(['foreign']);
  }, 60_000);
  it('that never ends leaves the service answering', async () => {
    const endless = source('mine').replace("const x = inputs.tensor('x');", "for (;;); const x = inputs.tensor('x');");
    const trying = at.call('custom.try', { name: 'mine', source: endless });
    const first = await Promise.race([
      trying.then(() => 'the node'),
      at.call('app.info', {}).then(() => 'the service'),
    ]);
    expect(first).toBe('the service');
    expect((await trying).diagnostics).toMatchObject([{ code: 'custom-node-time' }]);
  }, 60_000);
  it('is saved, trusted and offered; a damaged one is kept with its words', async () => {
    const saved = await at.call('custom.save', { name: 'mine', source: source('mine') });
    expect(saved).toMatchObject({ trusted: true, diagnostics: [] });
    expect(await types()).toContain('custom.mine');
    const damaged = await at.call('custom.save', { name: 'damaged', source: 'export const node = defineNode({' });
    expect(damaged.diagnostics[0]).toMatchObject({ code: 'custom-node-syntax', where: { row: 1 } });
    expect(await types()).not.toContain('custom.damaged');
    await at.call('custom.remove', { name: 'damaged' });
    expect((await at.call('custom.list', {})).map((n) => n.name)).toEqual(['foreign', 'mine']);
  }, 60_000);
  it('has a name that is a file of the folder and nothing else', async () => {
    for (const name of ['../evil', 'a/b', 'Mine', '.x', 'con.ts', 'x'.repeat(41)])
      expect(await refusal('custom.save', { name, source: source('mine') }), name).toBe('custom-node-name');
  });
});

it('types of the API come with the template', async () => {
  const { files, template } = await at.call('custom.types', {});
  expect(template).toBe(TEMPLATE);
  expect(files['index.d.ts']).toContain('engine/sandbox/vm/api');
  expect(files['engine/ir/build.d.ts']).toContain('matmul');
});

it('a document keeps a node that is not known byte for byte, and has it back when it is', async () => {
  const made = await at.call('project.new', { name: 'kept', from: { kind: 'backbone', backbone: 'starter' } });
  const file = join(at.folders.workspace, 'strange.espalier.json');
  await at.call('project.save', { project: made.project });
  const text = readFileSync(join(at.folders.workspace, 'kept.espalier.json'), 'utf8');
  const own = '"own":   { "type": "custom.later",  "version": 1, "params": {"size":  7} }';
  writeFileSync(file, text.replace(/"tokens": \{/, `${own},\n        "tokens": {`));
  const opened = await at.call('project.open', { path: 'strange.espalier.json' });
  const raw = Object.values(opened.document.models)[0]?.nodes['own' as never];
  expect(raw).toMatchObject({ type: 'custom.later', raw: expect.stringContaining('{"size":  7}') as string });
  await at.call('project.save', { project: opened.project });
  expect(readFileSync(file, 'utf8')).toContain(own.slice(own.indexOf('{')));
  await at.call('custom.save', { name: 'later', source: source('later') });
  const now = await at.call('project.get', { project: opened.project });
  const node = Object.values(now.document.models)[0]?.nodes['own' as never] as object;
  expect(node).toMatchObject({ type: 'custom.later', params: { size: 7 } });
  expect('raw' in node).toBe(false);
}, 60_000);
