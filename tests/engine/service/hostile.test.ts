/**
 * Hostile texts in every text of a document, found by walking the document: each is taken and comes back the same from the
 * file, or is refused and changes nothing. And an adapter folder of Hugging Face becomes modules.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyPatch, diff } from '../../../engine/protocol/api/patch.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { modelId } from '../../../engine/protocol/ids.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { openBackbone } from '../../../engine/workflow/backbone.ts';
import { openContainer } from '../../../engine/workflow/container.ts';
import { writePeftFolder } from '../../../engine/workflow/peftExport.ts';
import { randomParameters, subjectOf, TOOLKIT } from '../../support/peft.ts';
import { makeFolders, newProject, runService, SHELL_SECRET, type Running } from './service.ts';

let running: Running;
beforeAll(async () => {
  running = await runService(await makeFolders());
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

const HOSTILE = [
  '</script><img src=x onerror=alert(1)>',
  '"},"x":{"y":"',
  'a\u0000\u202e\u001b]0;x\u0007\r\nb',
  '\ud800 __proto__ ../../etc/passwd $(rm -rf .)',
];

interface Leaf {
  /** To the nearest value that a patch can name: lists are replaced whole. */
  readonly path: readonly string[];
  readonly put: (text: string) => unknown;
}

/** Every text in plain data, and how the value around it would be with another one. */
function leaves(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  if (typeof value === 'string') return [{ path, put: (text) => text }];
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value)) return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  const list = value as readonly unknown[];
  return list.flatMap((item, i) =>
    inList(item).map((put): Leaf => ({ path, put: (text) => list.map((other, k) => (k === i ? put(text) : other)) })),
  );
}

/** Below a list, where no patch leads: all copies with one text replaced. */
function inList(value: unknown): readonly ((text: string) => unknown)[] {
  if (typeof value === 'string') return [(text) => text];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    return list.flatMap((item, i) =>
      inList(item).map((put) => (text: string) => list.map((o, k) => (k === i ? put(text) : o))),
    );
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    inList(inner).map((put) => (text: string) => ({ ...value, [key]: put(text) })),
  );
}

/** One in so many wires is enough: they are all alike. */
const thinned = (all: readonly Leaf[]): readonly Leaf[] =>
  all.filter((leaf, i) => leaf.path.at(-1) !== 'edges' || i % 17 === 0);

describe('hostile texts', () => {
  it('in every text of a document with sources, stacks, notes and a drawing', async () => {
    const opened = await running.call('project.new', {
      name: 'every',
      from: { kind: 'template', template: 'scalearn' },
    });
    const session = running.service.context.projects.get(opened.project);
    let key = 0;
    const edit = (path: readonly string[], value: unknown): string =>
      session.edit(session.revision, [{ path, value }], 'e', `hostile-key-${key++}`).kind;
    expect(edit(['notes'], 'notes')).toBe('done');
    expect(edit(['models', 'main', 'nodes', 'labels', 'notes'], 'notes')).toBe('done');
    const drawing = {
      graphs: {
        main: {
          notes: { n: { text: 't', x: 0, y: 0, width: 1, height: 1 } },
          groups: { g: { title: 't', nodes: ['a'] } },
        },
      },
    };
    expect(edit(['view'], drawing)).toBe('done');
    let taken = 0;
    let refused = 0;
    for (const text of HOSTILE) {
      for (const leaf of thinned(leaves(session.document))) {
        const before = session.document;
        const kind = edit(leaf.path, leaf.put(text));
        if (kind === 'refused') {
          refused += 1;
          expect(session.document).toBe(before);
          continue;
        }
        expect(kind, leaf.path.join('/')).toBe('done');
        taken += 1;
      }
      await running.call('project.save', { project: opened.project });
      const file = join(running.folders.workspace, opened.file);
      const back = parseDocument(readFileSync(file, 'utf8'), 'x');
      expect(back.diagnostics).toEqual([]);
      expect(diff(session.document, back.document)).toEqual([]);
      // A type that became another text is an unknown node now; checks say so and nothing fails.
      const view = await running.call('check.now', {
        project: opened.project,
        revision: session.revision,
        phase: 'findings',
      });
      expect(view.diagnostics.some((d) => d.code === 'check-failed')).toBe(false);
      expect(view.diagnostics.some((d) => d.severity === 'error')).toBe(true);
    }
    expect(taken).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(200);
  });
});

describe('an adapter folder', () => {
  const grantFolder = async (path: string): Promise<string> => {
    const { origin } = running.service;
    const reply = await running.raw({
      method: 'POST',
      path: '/api/grant',
      headers: { origin, 'content-type': 'application/json', authorization: `Bearer ${SHELL_SECRET}` },
      body: JSON.stringify({ path, kind: 'folder' }),
    });
    return (reply.json() as { result: { grant: string } }).result.grant;
  };
  it('of Hugging Face becomes modules, and one that does not fit is refused in words', async () => {
    const { folder, home, workspace } = running.folders;
    const plain = await running.call('project.new', { name: 'adapter', from: { kind: 'template', template: 'head' } });
    const lora = await newProject(running, 'made with LoRA');
    const backbone = openBackbone('starter', workspace, home);
    const target = join(folder, 'adapter');
    const document: Document = lora.document;
    const subject = {
      ...subjectOf(backbone, document),
      document,
      model: modelId('main'),
      toolkit: TOOLKIT,
      baseModel: 'owner/name',
    };
    const written = writePeftFolder(target, subject, randomParameters(document));
    if (!written.ok) throw new Error(written.error);
    const params = { project: plain.project, revision: 0, model: 'main', grant: (await grantFolder(target)) as never };
    const proposal = await running.call('project.takeAdapter', params);
    const next = applyPatch(plain.document, proposal.patch);
    expect(next.ok && JSON.stringify(next.value)).toContain('peft.lora');
    const { workflow } = next.ok ? (next.value as Document) : plain.document;
    expect(Object.values(workflow.nodes)).toContainEqual(
      expect.objectContaining({ type: 'adapter.file', params: { file: 'lora-adapter.safetensors' } }),
    );
    expect(workflow.edges).toContainEqual({
      from: { node: 'adapter', port: 'adapter' },
      to: { node: 'train', port: 'start' },
    });
    const kept = openContainer(join(workspace, 'lora-adapter.safetensors'), TOOLKIT.registry);
    const values = randomParameters(document);
    expect(kept.file.tensors.size).toBe(values.size);
    for (const [name, { data }] of values) expect(kept.read(name), name).toEqual(data);
    expect(proposal.notes[0]).toContain('LORA');
    const outcome = await running.call('project.edit', {
      project: plain.project,
      revision: 0,
      label: 'a',
      patch: proposal.patch as never,
    });
    expect(outcome.kind).toBe('done');
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const refused = await running.send('project.takeAdapter', {
      ...params,
      revision: 1,
      grant: await grantFolder(empty),
    });
    expect(refused).toMatchObject({ ok: false, status: 422 });
  });
});
