/** What the code view works out: places of nodes, JSON edits, names, and that its themes are readable. */
import { expect, it } from 'vitest';
import { emptyDocument } from '../../../engine/protocol/document.ts';
import type { ModelId, NodeId } from '../../../engine/protocol/ids.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { withDraft } from '../../../renderer/code/actions.ts';
import { codeCommands } from '../../../renderer/code/commands.ts';
import {
  freeNodeName,
  nodeAtLine,
  readJson,
  selectedLines,
  selectionOf,
  sourceFromTemplate,
  spanPath,
  titleOf,
} from '../../../renderer/code/model.ts';
import { hexColour, themeOf } from '../../../renderer/code/monaco/theme.ts';

const code = {
  text: '',
  spans: [
    { node: 'layers', from: 1, to: 40 },
    { node: 'layers/*/query', from: 5, to: 6 },
    { node: 'layers/*/query', from: 20, to: 20 },
    { node: 'head', from: 50, to: 60 },
  ],
};

it('nodes and lines find each other', () => {
  expect(spanPath('main:layers', 'query' as NodeId)).toBe('layers/*/query');
  expect(spanPath('main:', 'head' as NodeId)).toBe('head');
  const selection = selectionOf('main' as ModelId, 'layers/*/query');
  expect(selection).toEqual({ graph: 'main:layers', nodes: ['query'], edges: [] });
  expect(selectedLines(code, selection)).toEqual([
    { from: 5, to: 6 },
    { from: 20, to: 20 },
  ]);
  expect(nodeAtLine(code, 6)).toBe('layers/*/query');
  expect(nodeAtLine(code, 7)).toBe('layers');
  expect(nodeAtLine(code, 45)).toBeUndefined();
});

it('an edited text is read as a document, or refused with the line', () => {
  const now = emptyDocument('before');
  const text = printDocument(now);
  expect(readJson(text, now, 'document', undefined)).toMatchObject({ changes: 0, diagnostics: [] });
  const after = readJson(text.replace('before', 'after'), now, 'document', undefined);
  expect(after.document?.title).toBe('after');
  expect(after.changes).toBe(1);
  const broken = readJson(text.replace('"version": 1,', '"version": 1,,'), now, 'document', undefined);
  expect(broken.document).toBeUndefined();
  expect(broken.diagnostics[0]?.where.row).toBe(3);
  expect(readJson('[]', now, 'document', undefined).document).toBeUndefined();
});

it('new nodes have names and titles of their own', () => {
  expect(freeNodeName('my-node', [{ name: 'my-node' }], ['my-node-2'])).toBe('my-node-3');
  expect(titleOf('gatedMlp-two')).toBe('Gated mlp two');
  expect(sourceFromTemplate("type: 'custom.NAME', title: 'TITLE'", 'my-node')).toBe(
    "type: 'custom.my-node', title: 'My node'",
  );
  expect([...withDraft(new Map([['a', '1']]), 'b', '2').keys()]).toEqual(['a', 'b']);
  expect([...withDraft(new Map([['a', '1']]), 'a', undefined).keys()]).toEqual([]);
});

it('colours of the page become colours of the editor', () => {
  expect(hexColour(' #FFF ')).toBe('#FFFFFF');
  expect(hexColour('rgba(27, 35, 48, 0.06)')).toBe('#1b23300f');
  expect(hexColour('#1d5fbf')).toBe('#1d5fbf');
  const theme = themeOf('vs', () => '#123456');
  for (const colour of Object.values(theme.colors)) expect(colour).toMatch(/^#[0-9a-f]{6}(?:[0-9a-f]{2})?$/);
  for (const rule of theme.rules) expect(rule.foreground).toMatch(/^[0-9a-f]{6}$/);
});

it('every deed has a command with a name of its own', () => {
  const ids = codeCommands.map((c) => c.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const command of codeCommands) expect(command.title).toMatch(/^[A-Z]/);
});
