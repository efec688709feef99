/** The devices that a run may use. Compiled sessions get a work folder on the disk of the checkpoint, so that weights are linked. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { WeightSource } from '../backends/executable.ts';
import { onnxCapabilities } from '../backends/onnx/capabilities.ts';
import { compileOnnx } from '../backends/onnx/compile.ts';
import { espalierHome } from '../checkpoints/home.ts';
import type { TrainerBackend } from '../trainer/backend.ts';
import * as messages from './messages.ts';

export const DEVICES = ['auto', 'onnx:cpu'] as const;
export type DeviceName = (typeof DEVICES)[number];

export function deviceName(text: string): DeviceName {
  const found = DEVICES.find((d) => d === text);
  if (found === undefined) throw new UserError(messages.unknownDevice(text, DEVICES));
  return found;
}

export interface Device {
  readonly backend: TrainerBackend;
  /** Removes the work folder; the executables must have been disposed. */
  close(): void;
}

export interface DeviceRequest {
  readonly weights: ReadonlyMap<string, WeightSource>;
  /** A folder of the checkpoint, to find the same disk. */
  readonly near: string;
  readonly home?: string;
  /** 0: as many as the machine has cores. */
  readonly threads: number;
  /** Programs write a profile of their nodes to files that begin with this path. */
  readonly profilePrefix?: string;
}

/** The only device at present is ONNX Runtime on the CPU; `auto` chooses it. */
export function openDevice(request: DeviceRequest): Device {
  const threads = request.threads > 0 ? request.threads : onnxCapabilities().threads;
  const folder = workFolder(request.near, request.home ?? espalierHome());
  const { profilePrefix } = request;
  const profile = profilePrefix === undefined ? {} : { profilePrefix };
  const options = { weights: request.weights, workFolder: folder, threads, ...profile };
  return {
    backend: {
      identity: `${onnxCapabilities().identity}, ${threads} threads`,
      compile: (program) => compileOnnx(program, options),
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const WORK = /^espalier-(\d+)-/;

/** A new folder on the disk of `near`: in the home when that is there, else where temporary files go. */
function workFolder(near: string, home: string): string {
  const own = join(home, 'work');
  mkdirSync(own, { recursive: true });
  const disk = statSync(near).dev;
  const folder = [own, tmpdir()].find((c) => statSync(c).dev === disk) ?? own;
  sweepWork(folder);
  return mkdtempSync(join(folder, `espalier-${process.pid}-`));
}

/** Removes the work folders of processes that were killed. */
function sweepWork(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = WORK.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
