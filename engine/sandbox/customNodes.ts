/**
 * The custom nodes of a workspace: `custom-nodes/NAME.ts`, one node a file. A source runs only when its hash is among those
 * that the person has allowed; the list of hashes is kept by the app, never by a document or beside the sources. A node is
 * compiled and asked for its definition when something first asks for its type.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurable } from '../base/durable.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { AnyNode } from '../nodekit/node.ts';
import { compileSource, MOST_SOURCE_BYTES } from './compileSource.ts';
import { defineCustom } from './definition.ts';
import { NodeMachine } from './machine.ts';
import * as messages from './messages.ts';
import { Refused } from './refused.ts';
import { SandboxThread, type SandboxLimits } from './thread.ts';

export const CUSTOM_FOLDER = 'custom-nodes';
export const CUSTOM_PREFIX = 'custom.';
export const CUSTOM_NAME = /^[a-z][A-Za-z0-9-]{0,39}$/;

export interface CustomSource {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
  readonly trusted: boolean;
}

/** A source that has become a node, or why not. */
export type Loaded = Result<AnyNode, readonly messages.NodeProblem[]>;

export const sourceHash = (source: string): string => createHash('sha256').update(source).digest('hex');
export const customType = (name: string): string => `${CUSTOM_PREFIX}${name}`;

export interface CustomNodesOptions {
  /** The folder that holds the sources; it need not exist. */
  readonly folder: string;
  /** Hashes of the sources that may run, as they are now. */
  readonly trusted: () => readonly string[];
  readonly limits?: SandboxLimits;
}

/** Files and trust are looked at again after this time, so that every process sees at once what another one has changed. */
export const FRESH_MILLISECONDS = 10;

export class CustomNodes {
  readonly folder: string;
  readonly #thread: SandboxThread;
  readonly #trusted: () => readonly string[];
  #sources: ReadonlyMap<string, CustomSource> = new Map();
  #readAt = -Infinity;
  readonly #loaded = new Map<string, Loaded>();

  constructor({ folder, trusted, limits }: CustomNodesOptions) {
    this.#thread = new SandboxThread(limits);
    this.folder = folder;
    this.#trusted = trusted;
  }

  /** All sources of the folder in the order of their names, trusted or not. */
  list(): readonly CustomSource[] {
    return [...this.#all().values()];
  }

  /** The nodes that may run and load. */
  nodes(): readonly AnyNode[] {
    return this.list().flatMap((s) => {
      const loaded = s.trusted ? this.load(s.name, s.source) : undefined;
      return loaded?.ok ? [loaded.value] : [];
    });
  }

  get(type: string): AnyNode | undefined {
    const source = this.#sourceOf(type);
    if (!source?.trusted) return undefined;
    const loaded = this.load(source.name, source.source);
    return loaded.ok ? loaded.value : undefined;
  }

  /** Why a type of the folder is not there. */
  absent(type: string): { readonly message: string; readonly fix: string } | undefined {
    const source = this.#sourceOf(type);
    if (!source) return undefined;
    if (!source.trusted) return messages.notTrusted(type);
    const loaded = this.load(source.name, source.source);
    const problem = loaded.ok ? undefined : loaded.error[0];
    return problem && messages.doesNotLoad(type, problem);
  }

  /** Runs a source in the sandbox, whether it is trusted or not: the caller has asked the person. */
  load(name: string, source: string): Loaded {
    const key = `${name} ${sourceHash(source)}`;
    const known = this.#loaded.get(key);
    if (known) return known;
    const loaded = this.#compile(name, source);
    this.#loaded.set(key, loaded);
    return loaded;
  }

  #compile(name: string, source: string): Loaded {
    if (!CUSTOM_NAME.test(name)) return fail([messages.badName(name)]);
    const file = `${name}.ts`;
    const compiled = compileSource(file, source);
    if (!compiled.ok) return compiled;
    try {
      const machine = new NodeMachine(this.#thread, file, compiled.value);
      return ok(defineCustom(machine, customType(name), sourceHash(source)));
    } catch (error) {
      if (error instanceof Refused) return fail([error.problem]);
      throw error;
    }
  }

  /** Reads the folder and what is trusted again now. */
  refresh(): void {
    this.#readAt = -Infinity;
  }

  save(name: string, source: string): void {
    mkdirSync(this.folder, { recursive: true });
    writeFileDurable(join(this.folder, `${name}.ts`), source);
    this.refresh();
  }

  remove(name: string): void {
    rmSync(join(this.folder, `${name}.ts`), { force: true });
    this.refresh();
  }

  /** Starts the thread of the virtual machine ahead of the first node. */
  warm(): void {
    this.#thread.start();
  }

  /** Ends the thread of the virtual machine. */
  close(): void {
    this.#thread.close();
  }

  #sourceOf(type: string): CustomSource | undefined {
    return type.startsWith(CUSTOM_PREFIX) ? this.#all().get(type.slice(CUSTOM_PREFIX.length)) : undefined;
  }

  #all(): ReadonlyMap<string, CustomSource> {
    if (performance.now() - this.#readAt > FRESH_MILLISECONDS) {
      this.#sources = new Map(this.#read().map((s) => [s.name, s]));
      this.#readAt = performance.now();
    }
    return this.#sources;
  }

  #read(): CustomSource[] {
    let names: readonly string[] = [];
    try {
      names = readdirSync(this.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const trusted = new Set(names.length === 0 ? [] : this.#trusted());
    return names
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && CUSTOM_NAME.test(file.slice(0, -3)))
      .sort()
      .flatMap((file) => {
        const path = join(this.folder, file);
        const info = statSync(path, { throwIfNoEntry: false });
        if (info?.isFile() !== true || info.size > MOST_SOURCE_BYTES) return [];
        const source = readFileSync(path, 'utf8');
        const hash = sourceHash(source);
        return [{ name: file.slice(0, -3), source, hash, trusted: trusted.has(hash) }];
      });
  }
}
