/** Paths and grants: nothing leads out of the workspace, and a grant is good for what was chosen alone. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createGrants } from '../../../engine/service/files/grants.ts';
import { copyBeside } from '../../../engine/service/files/copyBeside.ts';
import { outsideAssets } from '../../../engine/service/files/documentAssets.ts';
import {
  isPlainName,
  openWorkspace,
  readRegularFile,
  type Workspace,
} from '../../../engine/service/files/workspace.ts';
import type { GrantId } from '../../../engine/protocol/api/fields.ts';
import { emptyDocument, type Document } from '../../../engine/protocol/document.ts';
import { bankId, modelId, nodeId, recordOf } from '../../../engine/protocol/ids.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let workspace: Workspace;
let outside: string;
beforeEach(() => {
  outside = join(realpathSync(folder()), 'outside');
  mkdirSync(join(outside, 'inner'), { recursive: true });
  writeFileSync(join(outside, 'secret.csv'), 'secret');
  workspace = openWorkspace(join(folder(), 'workspace'));
  mkdirSync(join(workspace.folder, 'data'));
  writeFileSync(join(workspace.folder, 'data', 'a.csv'), 'a');
});

describe('the workspace', () => {
  it('gives its files and folders', () => {
    expect(workspace.file('data/a.csv')).toBe(join(workspace.folder, 'data', 'a.csv'));
    expect(workspace.list('data').map((e) => e.path)).toEqual(['data/a.csv']);
    expect(workspace.list('').map((e) => [e.path, e.folder])).toEqual([['data', true]]);
  });
  it.each([
    '../outside/secret.csv',
    'data/../../outside/secret.csv',
    './data/a.csv',
    'data//a.csv',
    '/etc/passwd',
    'C:/secret.csv',
    'data\\a.csv',
    'data/a.csv\0',
    '..',
    '.',
    'nothing.csv',
    `${'a/'.repeat(3000)}a`,
  ])('refuses %j', (path) => {
    expect(() => workspace.file(path)).toThrow(/outside of what the app may use/);
  });
  it('follows links and refuses those that lead out', () => {
    symlinkSync(join(outside, 'secret.csv'), join(workspace.folder, 'link.csv'));
    symlinkSync(outside, join(workspace.folder, 'folder'));
    symlinkSync('data/a.csv', join(workspace.folder, 'inner.csv'));
    expect(() => workspace.file('link.csv')).toThrow();
    expect(() => workspace.file('folder/secret.csv')).toThrow();
    expect(() => workspace.list('folder')).toThrow();
    expect(() => workspace.place('folder', 'new.json')).toThrow();
    expect(workspace.file('inner.csv')).toBe(join(workspace.folder, 'data', 'a.csv'));
    expect(workspace.list('').map((e) => e.name)).toEqual(['data', 'inner.csv']);
  });
  it('refuses folders, pipes and devices where a file is wanted, and never waits on them', () => {
    execFileSync('mkfifo', [join(workspace.folder, 'pipe.csv')]);
    symlinkSync('/dev/zero', join(workspace.folder, 'zero.csv'));
    expect(() => workspace.file('data')).toThrow();
    expect(() => workspace.file('pipe.csv')).toThrow();
    expect(() => workspace.file('zero.csv')).toThrow();
    expect(() => readRegularFile(join(workspace.folder, 'pipe.csv'), 1000)).toThrow();
    expect(workspace.list('').map((e) => e.name)).toEqual(['data']);
  });
  it.each(['a/b', '..', '.hidden', 'a\0', 'a\n', 'con', 'LPT1.txt', 'a:b', 'a ', '', 'x'.repeat(300), 'a\\b'])(
    'writes no file named %j',
    (name) => {
      expect(isPlainName(name)).toBe(false);
      expect(() => workspace.place('', name)).toThrow();
    },
  );
  it.each(["l'été.json", '数据.csv', 'a b (2).json', 'x…y.json'])('may write %s', (name) => {
    expect(isPlainName(name)).toBe(true);
  });
});

describe('grants', () => {
  const unknown = 'x'.repeat(24) as GrantId;

  it('are good for one file, whose path they keep to themselves', () => {
    const grants = createGrants();
    const { id, name } = grants.add(join(outside, 'secret.csv'), 'file');
    expect(name).toBe('secret.csv');
    expect(grants.file(id)).toBe(join(outside, 'secret.csv'));
    expect(() => grants.folder(id)).toThrow(/not known/);
    expect(() => grants.save(id)).toThrow(/not known/);
    expect(() => grants.file(unknown)).toThrow(/not known/);
  });
  it('end when a link is put in the place of the file', () => {
    const grants = createGrants();
    const { id } = grants.add(join(outside, 'secret.csv'), 'file');
    renameSync(join(outside, 'secret.csv'), join(outside, 'other.csv'));
    expect(() => grants.file(id)).toThrow();
    symlinkSync('/etc/passwd', join(outside, 'secret.csv'));
    expect(() => grants.file(id)).toThrow();
  });
  it('of a place to save do not follow a link that is put there', () => {
    const grants = createGrants();
    const { id } = grants.add(join(outside, 'new.json'), 'save');
    expect(grants.save(id)).toBe(join(outside, 'new.json'));
    symlinkSync(join(outside, 'secret.csv'), join(outside, 'new.json'));
    expect(() => grants.save(id)).toThrow();
    rmSync(join(outside, 'new.json'));
    mkdirSync(join(outside, 'new.json'));
    expect(() => grants.save(id)).toThrow();
  });
  it('are not given for devices, folders as files, and what is not there', () => {
    const grants = createGrants();
    expect(() => grants.add('/dev/zero', 'file')).toThrow();
    expect(() => grants.add(outside, 'file')).toThrow();
    expect(() => grants.add(join(outside, 'secret.csv'), 'folder')).toThrow();
    expect(() => grants.add(join(outside, 'nothing'), 'file')).toThrow();
    expect(() => grants.add(join(outside, 'nothing', 'new.json'), 'save')).toThrow();
  });
});

describe('copies beside a document', () => {
  it('never write over another file, and one with the same content serves', () => {
    const from = join(outside, 'secret.csv');
    expect(copyBeside(from, workspace.folder)).toBe('secret.csv');
    expect(copyBeside(from, workspace.folder)).toBe('secret.csv');
    writeFileSync(from, 'changed');
    expect(copyBeside(from, workspace.folder)).toBe('secret 2.csv');
    expect(readFileSync(join(workspace.folder, 'secret.csv'), 'utf8')).toBe('secret');
    expect(existsSync(join(workspace.folder, 'secret 3.csv'))).toBe(false);
  });
});

describe('what a document names', () => {
  const documentWith = (backbone: string, file: string, asset?: string): Document => ({
    ...emptyDocument('t'),
    workflow: {
      nodes: recordOf([
        [
          nodeId('model'),
          { type: 'model', version: 1, model: modelId('main'), params: recordOf([['backbone', backbone]]) },
        ],
        [nodeId('source'), { type: 'adapter.file', version: 1, params: recordOf([['file', file]]) }],
      ]),
      edges: [],
    },
    models: recordOf([[modelId('main'), { nodes: recordOf([]), edges: [] }]]),
    banks: recordOf(asset === undefined ? [] : [[bankId('b'), { sources: [{ name: 's', artifact: { asset } }] }]]),
  });
  const found = (document: Document): readonly (string | undefined)[] =>
    outsideAssets(document, join(workspace.folder, 'data'), workspace.folder).map((d) => d.found);

  it('may lie in its folder and the workspace', () => {
    expect(found(documentWith('starter', 'a.csv'))).toEqual([]);
    expect(found(documentWith('./a.csv', '../data/a.csv'))).toEqual([]);
    expect(found(documentWith('./nothing', 'nothing'))).toEqual([]);
  });
  it('may not lead out, by steps upwards or by a link', () => {
    symlinkSync(join(outside, 'secret.csv'), join(workspace.folder, 'data', 'link.csv'));
    expect(found(documentWith('../../outside/inner', '../../outside/secret.csv', 'link.csv'))).toEqual([
      '../../outside/inner',
      '../../outside/secret.csv',
      'link.csv',
    ]);
    expect(found(documentWith('/etc', 'a.csv'))).toEqual(['/etc']);
  });
});
