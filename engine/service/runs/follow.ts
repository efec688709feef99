/**
 * What a run's process said, line by line, made into points of its curve and the figures of its summary. The same lines
 * give the same points, so that a service which starts while a run goes on knows as much as the one before it.
 *
 * Points are only ever added. A run that was resumed says its steps after the checkpoint again; a later point of a step
 * replaces the earlier one.
 */
import { formatDiagnostic, type Diagnostic } from '../../base/errors.ts';
import type { RunPoint, RunState } from '../../protocol/api/runs.ts';
import { diagnosticSchema, EMPTY_DIGEST, type Digest } from './record.ts';
import { basename } from 'node:path';

/** How the process ended, in its own words; undefined while it goes on or when it was killed. */
export type RunEnd = 'done' | 'stopped' | 'error' | 'internal';

export interface Progressed {
  readonly what: string;
  readonly done: number;
  readonly of: number;
}

/** What an earlier run of the same step said, for steps that are known and not run again. */
export interface EarlierStep {
  readonly points: readonly RunPoint[];
  readonly digest: Digest;
}
export type LookUp = (folder: string) => EarlierStep | undefined;

type Line = Readonly<Record<string, unknown>>;

const text = (x: unknown): string => (typeof x === 'string' ? x : '');
const number = (x: unknown): number => (typeof x === 'number' && Number.isFinite(x) ? x : 0);
const figureOf = (x: unknown): number | null => (typeof x === 'number' && Number.isFinite(x) ? x : null);

function figures(x: unknown): Record<string, number | null> {
  if (typeof x !== 'object' || x === null) return {};
  return Object.fromEntries(Object.entries(x).map(([name, value]) => [name, figureOf(value)]));
}

const finite = (all: Readonly<Record<string, number | null>>): Record<string, number> =>
  Object.fromEntries(Object.entries(all).flatMap(([name, x]) => (x === null ? [] : [[name, x] as const])));

/** An entry left out when it is no number. */
const maybe = <K extends string>(key: K, x: number | null | undefined): { readonly [P in K]?: number } =>
  x === null || x === undefined ? {} : ({ [key]: x } as { readonly [P in K]: number });

export class RunFollower {
  digest: Digest;
  state: Extract<RunState, 'preparing' | 'training'> = 'preparing';
  end: RunEnd | undefined;
  /** Errors and warnings of the newest process. */
  diagnostics: readonly Diagnostic[] = [];
  message = '';
  progress: Progressed | undefined;
  readonly points: RunPoint[] = [];
  readonly #earlier: LookUp;
  /** The step that was begun last. */
  #current = '';
  /** Seconds of the processes before this one. */
  #before = 0;
  #baselines = new Map<string, { readonly primary: string; readonly majority?: number; readonly untrained?: number }>();

  /** `sizes`: what was known of the model before its process said so. */
  constructor(earlier: LookUp, sizes: Pick<Digest, 'trainable' | 'backbone' | 'head'>) {
    this.#earlier = earlier;
    const { trainable, backbone, head } = sizes;
    this.digest = { ...EMPTY_DIGEST, trainable, backbone, ...maybe('head', head) };
  }

  /** Takes one line; what is no line of ours is passed over. */
  take(line: string): void {
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch {
      return;
    }
    if (typeof event === 'object' && event !== null && !Array.isArray(event)) this.#event(event as Line);
  }

  #change(change: Partial<Digest>): void {
    this.digest = { ...this.digest, ...change };
  }

  #log(at: string, words: string, diagnostic?: Diagnostic): void {
    const { seconds } = this.digest;
    this.points.push({ kind: 'log', at, seconds, text: words, ...(diagnostic ? { diagnostic } : {}) });
  }

  #event(e: Line): void {
    const at = text(e['step']);
    if (typeof e['elapsed'] === 'number') this.#change({ seconds: this.#before + e['elapsed'] });
    switch (e['event']) {
      case 'process':
        return this.#process();
      case 'begin':
        return this.#begin(at, e);
      case 'sizes':
        return this.#change({
          trainable: number(e['trainable']),
          backbone: number(e['backbone']),
          steps: number(e['of']),
        });
      case 'baseline':
        return this.#baseline(at, e);
      case 'state':
        return this.#state(at, e['state'] as Line | undefined);
      case 'progress':
        this.progress = { what: text(e['what']), done: number(e['done']), of: number(e['of']) };
        return;
      case 'step':
        return this.#step(at, e);
      case 'evaluation':
        return this.#evaluation(at, e);
      case 'checkpoint':
        this.#change({ checkpointStep: number(e['done']) });
        return this.#log(at, `Checkpoint of step ${number(e['done'])}`);
      case 'resumed':
        this.#change({ checkpointStep: number(e['done']) });
        return this.#log(at, `Goes on after step ${number(e['done'])}`);
      case 'finding':
        return this.#finding(at, e['diagnostic']);
      case 'end':
        return this.#stepEnd(at, e);
      case 'done':
        this.#change({ peakRssBytes: Math.max(this.digest.peakRssBytes, number(e['peak_rss_bytes'])) });
        this.end = 'done';
        return this.#log('', 'Done');
      case 'stopped':
        this.end = 'stopped';
        return this.#log('', 'Stopped');
      case 'error':
        this.end = 'error';
        for (const d of Array.isArray(e['diagnostics']) ? (e['diagnostics'] as readonly unknown[]) : [])
          this.#finding('', d);
        return;
      case 'internal-error':
        this.end = 'internal';
        this.message = text(e['message']);
        return this.#log('', `Internal error: ${this.message}`);
    }
  }

  #process(): void {
    this.#before = this.digest.seconds;
    this.end = undefined;
    this.state = 'preparing';
    this.diagnostics = [];
    this.progress = undefined;
    this.#log('', this.points.length === 0 ? 'The run begins' : 'The run begins again');
  }

  #begin(at: string, e: Line): void {
    const folder = basename(text(e['folder']));
    const type = text(e['type']);
    // What this run has done itself before it was resumed stays its own.
    const own = this.digest.folders.some((f) => f.step === at && f.folder === folder && f.done && !f.known);
    const others = this.digest.folders.filter((f) => f.step !== at);
    const fresh = { step: at, type, folder, known: false, done: false };
    if (!own) this.#change({ folders: [...others, fresh] });
    // A step that is begun again after a pause stands where it stood.
    if (this.#current !== at) {
      const { secondsLeft: _old, checkpointStep: _other, ...rest } = this.digest;
      this.digest = { ...rest, step: 0, steps: 0, epoch: 0 };
    }
    this.#current = at;
    this.state = type === 'train' ? 'preparing' : 'training';
    this.#log(at, `Step ${number(e['number'])} of ${number(e['of'])}: ${at}`);
  }

  #baseline(at: string, e: Line): void {
    const primary = text(e['primary']);
    const majority = figures(e['majority'])[primary];
    const untrained = figures(e['untrained'])[primary];
    const found = { primary, ...maybe('majority', majority), ...maybe('untrained', untrained) };
    this.#baselines.set(at, found);
    const { majority: _m, untrained: _u, ...rest } = this.digest;
    this.digest = { ...rest, metric: primary, ...maybe('majority', majority), ...maybe('untrained', untrained) };
    const words = [
      ...(majority === undefined || majority === null ? [] : [`always the commonest answer: ${majority.toFixed(4)}`]),
      ...(untrained === undefined || untrained === null ? [] : [`untrained: ${untrained.toFixed(4)}`]),
    ];
    if (words.length > 0) this.#log(at, `To compare with, ${primary}: ${words.join(', ')}`);
  }

  #state(at: string, state: Line | undefined): void {
    const kind = text(state?.['kind']);
    if (kind === 'training' || kind === 'evaluating') this.state = 'training';
    if (kind === 'training') this.progress = undefined;
    if (kind !== 'preparing') return;
    this.state = 'preparing';
    this.progress = { what: text(state?.['what']), done: 0, of: 0 };
    this.#log(at, `Prepares ${text(state?.['what'])}`);
  }

  #step(at: string, e: Line): void {
    this.state = 'training';
    this.progress = undefined;
    const [step, epoch, rssBytes] = [number(e['done']), number(e['epoch']), number(e['rss_bytes'])];
    const examplesPerSecond = number(e['examples_per_second']);
    this.#change({
      step,
      epoch,
      steps: number(e['of']),
      examplesPerSecond,
      secondsLeft: number(e['seconds_left']),
      peakRssBytes: Math.max(this.digest.peakRssBytes, rssBytes),
    });
    this.points.push({
      kind: 'step',
      at,
      step,
      epoch,
      seconds: this.digest.seconds,
      examples: number(e['examples']),
      loss: figureOf(e['loss']),
      rate: number(e['rate']),
      gradientNorm: figureOf(e['gradient_norm']),
      examplesPerSecond,
      rssBytes,
      taps: figures(e['taps']),
    });
  }

  #evaluation(at: string, e: Line): void {
    const metrics = figures(e['metrics']);
    const best = e['best'] === true;
    this.points.push({
      kind: 'evaluation',
      at,
      step: number(e['done']),
      epoch: number(e['epoch']),
      seconds: this.digest.seconds,
      loss: figureOf(e['loss']),
      metrics,
      best,
    });
    // The figure of the best state so far is what the run would end with.
    const metric = this.#baselines.get(at)?.primary ?? text(e['primary']);
    if (best && metric !== '') this.#change({ metric, metrics: finite(metrics), ...maybe('figure', metrics[metric]) });
  }

  #finding(at: string, found: unknown): void {
    const read = diagnosticSchema.safeParse(found);
    if (!read.success) return;
    const diagnostic = read.data;
    this.diagnostics = [...this.diagnostics, diagnostic];
    this.#log(at, formatDiagnostic(diagnostic), diagnostic);
  }

  #stepEnd(at: string, e: Line): void {
    const folder = basename(text(e['folder']));
    const own = this.digest.folders.some((f) => f.step === at && f.folder === folder && f.done && !f.known);
    const known = e['known'] === true && !own;
    const folders = this.digest.folders.map((f) => (f.step === at ? { ...f, known, done: true, folder } : f));
    this.#change({ folders });
    const train = folders.some((f) => f.step === at && f.type === 'train');
    if (known) this.#log(at, 'Known from an earlier run: not run again');
    if (known && train) this.#copyEarlier(at, folder);
    const metrics = finite(figures(e['metrics']));
    if (Object.keys(metrics).length === 0) return;
    const metric = text(e['primary']);
    this.#conclude(at, metric, metrics);
  }

  /** The figures that count at the end: those of the last step that measured. */
  #conclude(at: string, metric: string, metrics: Readonly<Record<string, number>>): void {
    const base = this.#baselines.get(at);
    const same = base?.primary === metric ? base : undefined;
    const constant = metric === 'accuracy' ? metrics['majority_baseline'] : undefined;
    const { majority: _m, untrained: _u, figure: _f, metric: _n, ...rest } = this.digest;
    this.digest = {
      ...rest,
      metrics: { ...metrics },
      ...(metric === '' ? {} : { metric }),
      ...maybe('figure', metrics[metric]),
      ...maybe('majority', same?.majority ?? constant),
      ...maybe('untrained', same?.untrained),
    };
  }

  #copyEarlier(at: string, folder: string): void {
    const earlier = this.#earlier(folder);
    if (!earlier) return;
    const { digest, points } = earlier;
    for (const point of points) if (point.kind !== 'log') this.points.push({ ...point, at });
    this.#change({
      trainable: digest.trainable,
      backbone: digest.backbone,
      step: digest.step,
      steps: digest.steps,
      epoch: digest.epoch,
      examplesPerSecond: digest.examplesPerSecond,
      peakRssBytes: Math.max(this.digest.peakRssBytes, digest.peakRssBytes),
    });
    const { metric, majority, untrained } = digest;
    if (metric !== undefined)
      this.#baselines.set(at, { primary: metric, ...maybe('majority', majority), ...maybe('untrained', untrained) });
  }
}
