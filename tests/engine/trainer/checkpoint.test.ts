/** Checkpoints under faults: every call of the file system fails once, leftovers are swept, damage is noticed. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError, type Diagnostic } from '../../../engine/base/errors.ts';
import { newestStepFolder, readStepFolder, writeStepFolder } from '../../../engine/trainer/checkpointFolder.ts';
import { fileSystem, type CheckpointIo } from '../../../engine/trainer/checkpointIo.ts';
import type { TrainHooks } from '../../../engine/trainer/job.ts';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { nodeFileTree } from '../../support/fileTree.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { smallJob } from './smallModel.ts';

const folder = temporaryFolder();
const parent = (): string => join(folder(), 'checkpoints');
const run = (): string => join(folder(), 'run');

const content = (text: string): ReadonlyMap<string, readonly Uint8Array[]> =>
  new Map([
    ['a.bin', [Buffer.from(text.slice(0, 1)), Buffer.from(text.slice(1))]],
    ['state.json', [Buffer.from(`{"of":"${text}"}`)]],
  ]);
const textOf = ({ folder }: { readonly folder: string }): string => readFileSync(join(folder, 'a.bin'), 'utf8');
const nothingDamaged = (path: string, reason: string): void => {
  throw new Error(`${path} is damaged: ${reason}`);
};

class SystemFault extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A file system whose calls fail when `fails` says so; `half` writes a part of the file first, as a full disk does. */
function faulty(fails: (call: string, path: string) => string | undefined, half = false): CheckpointIo {
  const check = (call: string, path: string, parts?: Iterable<Uint8Array>): void => {
    const code = fails(call, path);
    if (code === undefined) return;
    if (half && parts) writeFileSync(path, Buffer.concat([...parts]).subarray(0, 3));
    throw new SystemFault(code);
  };
  return {
    freeBytes: (path) => (check('freeBytes', path), fileSystem.freeBytes(path)),
    makeFolder: (path) => (check('makeFolder', path), fileSystem.makeFolder(path)),
    writeFile: (path, parts) => (check('writeFile', path, parts), fileSystem.writeFile(path, parts)),
    syncFolder: (path) => (check('syncFolder', path), fileSystem.syncFolder(path)),
    rename: (from, to) => (check('rename', from), fileSystem.rename(from, to)),
    remove: (path) => (check('remove', path), fileSystem.remove(path)),
    list: (path) => (check('list', path), fileSystem.list(path)),
    readFile: (path, take) => (check('readFile', path), fileSystem.readFile(path, take)),
  };
}

describe('a checkpoint folder', () => {
  it('replaces the one before it', () => {
    expect(writeStepFolder(parent(), 3, content('three'), fileSystem)).toMatchObject({ ok: true });
    expect(writeStepFolder(parent(), 7, content('seven'), fileSystem)).toMatchObject({ ok: true });
    expect(readdirSync(parent())).toEqual(['step-7']);
    const newest = newestStepFolder(parent(), fileSystem, nothingDamaged);
    expect(newest?.step).toBe(7);
    expect(textOf(newest!)).toBe('seven');
  });

  it('of the same step never takes the place of a committed one before it is whole', () => {
    writeStepFolder(parent(), 3, content('first'), fileSystem);
    writeStepFolder(parent(), 3, content('second'), fileSystem);
    expect(readdirSync(parent())).toEqual(['step-3-2']);
    const newest = newestStepFolder(parent(), fileSystem, nothingDamaged);
    expect(textOf(newest!)).toBe('second');
  });

  // Every call of a write, in turn, fails with every code; the older checkpoint, or the new one, can always be read.
  const codes = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'];
  it.each(codes.flatMap((code) => [false, true].map((half) => ({ code, half }))))(
    'survives $code at every call (a part of a file written: $half)',
    ({ code, half }) => {
      let calls = Infinity;
      for (let at = 0; at < calls; at++) {
        const place = join(parent(), `${at}`);
        writeStepFolder(place, 3, content('old'), fileSystem);
        let count = 0;
        const failing = faulty(() => (count++ === at ? code : undefined), half);
        const result = writeStepFolder(place, 4, content('new'), failing);
        if (count <= at) calls = at;
        const newest = newestStepFolder(place, fileSystem, nothingDamaged);
        const text = textOf(newest!);
        expect(text === 'old' || text === 'new', `call ${at} gives ${text}`).toBe(true);
        if (result.ok) expect(text).toBe('new');
        expect(readdirSync(place).some((name) => name.endsWith('.espalier-tmp'))).toBe(false);
        // After the fault the next attempt succeeds and leaves one checkpoint.
        expect(writeStepFolder(place, 5, content('next'), fileSystem).ok).toBe(true);
        expect(readdirSync(place)).toEqual(['step-5']);
      }
      expect(calls).toBeGreaterThan(10);
    },
  );

  it('is not begun without room', () => {
    const full = { ...fileSystem, freeBytes: () => 20 };
    expect(writeStepFolder(parent(), 3, content('three'), full)).toEqual({
      ok: false,
      reason: '20 bytes are free, 23 needed',
    });
    expect(readdirSync(parent())).toEqual([]);
  });

  it('that a crash left unfinished is swept, whatever part of it was there', () => {
    writeStepFolder(parent(), 3, content('old'), fileSystem);
    mkdirSync(join(parent(), 'step-9.0badc0de.espalier-tmp'));
    writeFileSync(join(parent(), 'step-9.0badc0de.espalier-tmp', 'a.bin'), 'x');
    mkdirSync(join(parent(), 'step-8'));
    writeFileSync(join(parent(), 'step-8', 'a.bin'), 'x');
    expect(newestStepFolder(parent(), fileSystem, nothingDamaged)?.step).toBe(3);
    expect(readdirSync(parent())).toEqual(['step-3']);
  });

  it('that is damaged is passed over with a warning, and left alone', () => {
    writeStepFolder(parent(), 3, content('old'), fileSystem);
    cpSync(join(parent(), 'step-3'), join(parent(), 'step-5'), { recursive: true });
    writeFileSync(join(parent(), 'step-5', 'a.bin'), 'oLd');
    cpSync(join(parent(), 'step-3'), join(parent(), 'step-6'), { recursive: true });
    writeFileSync(join(parent(), 'step-6', 'COMMIT'), '{"files":[{"name":"../../a","bytes":1,"sha256":""}]}');
    const damaged: string[] = [];
    const newest = newestStepFolder(parent(), fileSystem, (_path, reason) => damaged.push(reason));
    expect(newest?.step).toBe(3);
    expect(damaged).toEqual(['COMMIT is missing or broken', 'a.bin has changed']);
    expect(readdirSync(parent())).toEqual(['step-3', 'step-5', 'step-6']);
    expect(readStepFolder(join(parent(), 'step-5'), fileSystem)).toEqual({ ok: false, reason: 'a.bin has changed' });
  });
});

describe('a run whose disk is full', () => {
  const settings = { epochs: 2, checkpoint: { kind: 'steps', steps: 1 } } as const;
  const writes = (call: string): boolean => call === 'writeFile';

  it('goes on with a warning, and writes the next checkpoint', async () => {
    let left = 2;
    const io = faulty((call) => (writes(call) && left-- > 0 ? 'ENOSPC' : undefined), true);
    const warnings: Diagnostic[] = [];
    const result = await runTraining(smallJob(run(), settings), {
      io,
      onEvent: (e) => {
        if (e.kind === 'warning') warnings.push(e.diagnostic);
      },
    });
    expect(warnings.map((w) => w.code)).toEqual(['checkpoint-failed', 'checkpoint-failed']);
    expect(warnings[1]!.found).toBe('ENOSPC (failure 2 in a row)');
    expect(result).toMatchObject({ ended: 'finished', warnings });
    expect(readdirSync(join(run(), 'checkpoints'))).toEqual(['step-10']);
    const calm = join(folder(), 'calm');
    await runTraining(smallJob(calm, settings));
    expect(nodeFileTree(run())).toEqual(nodeFileTree(calm));
  });

  const stopped = async (hooks: TrainHooks): Promise<UserError> => {
    const error: unknown = await runTraining(smallJob(run(), settings), hooks).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  };

  it('stops after three failures in a row, with the last good checkpoint in place; resumed, it is as if nothing had been', async () => {
    let commits = 0;
    const io = faulty((call, path) => {
      if (writes(call) && path.endsWith('COMMIT')) commits += 1;
      return writes(call) && commits > 4 ? 'ENOSPC' : undefined;
    });
    const events: TrainEvent[] = [];
    const error = await stopped({ io, onEvent: (e) => events.push(e) });
    expect(error.diagnostics[0]).toMatchObject({ code: 'checkpoint-given-up', found: 'ENOSPC' });
    expect(error.message).toContain('stopped after step 7');
    expect(error.message).toContain('The checkpoint of step 4 stays.');
    const states = events.flatMap((e) => (e.kind === 'state' ? [e.state] : []));
    expect(states).toContainEqual({ kind: 'stopped', step: 7, reason: 'storage' });
    expect(readdirSync(join(run(), 'checkpoints'))).toEqual(['step-4']);
    const resumed = await runTraining(smallJob(run(), settings, undefined, { resume: true }));
    expect(resumed).toMatchObject({ ended: 'finished', warnings: [] });
    const calm = join(folder(), 'calm');
    await runTraining(smallJob(calm, settings));
    expect(nodeFileTree(run())).toEqual(nodeFileTree(calm));
  });

  it('keeps its state in memory while the listener makes room', async () => {
    let full = true;
    let asked = 0;
    const io = faulty((call) => (writes(call) && full ? 'ENOSPC' : undefined));
    const result = await runTraining(smallJob(run(), settings), {
      io,
      onStorageFailure: async (problem) => {
        expect(problem.code).toBe('checkpoint-given-up');
        full = ++asked < 3;
        return 'retry';
      },
    });
    expect(asked).toBe(3);
    expect(result.ended).toBe('finished');
    expect(readParameters(result.adapterFile!).size).toBe(4);
    const lines = readFileSync(join(run(), 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(12);
  });
});
