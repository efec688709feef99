/** Time, speed and memory of a run, for people: nothing here enters what a run computes or keeps. */

interface Done {
  readonly at: number;
  readonly examples: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** Speeds are told over this many steps. */
const WINDOW = 20;

export class Progress {
  readonly #begun = performance.now();
  #loopBegun = performance.now();
  readonly #recent: Done[] = [];
  #rss = { at: -Infinity, bytes: 0 };
  #steps = 0;
  #examples = 0;
  #trainingSeconds = 0;

  /** Preparation is over: what follows is steps and evaluations. */
  begin(): void {
    this.#loopBegun = performance.now();
  }

  /** Counts a step that began at `from` (of `performance.now`). */
  step(from: number, examples: number, tokens: number): void {
    const at = performance.now();
    const seconds = (at - from) / 1000;
    this.#steps += 1;
    this.#examples += examples;
    this.#trainingSeconds += seconds;
    this.#recent.push({ at, examples, tokens, seconds });
    if (this.#recent.length > WINDOW) this.#recent.shift();
  }

  #rate(of: 'examples' | 'tokens'): number {
    const seconds = this.#recent.reduce((n, d) => n + d.seconds, 0);
    return seconds === 0 ? 0 : this.#recent.reduce((n, d) => n + d[of], 0) / seconds;
  }

  get examplesPerSecond(): number {
    return this.#rate('examples');
  }

  get tokensPerSecond(): number {
    return this.#rate('tokens');
  }

  /** Seconds for so many more steps, evaluations among them, as they went so far. */
  secondsFor(steps: number): number {
    const seconds = (performance.now() - this.#loopBegun) / 1000;
    return this.#steps === 0 ? 0 : (seconds / this.#steps) * steps;
  }

  /** The resident size, read at most twice a second: asking the system costs as much as a small step. */
  get rssBytes(): number {
    const now = performance.now();
    if (now - this.#rss.at > 500) this.#rss = { at: now, bytes: process.memoryUsage.rss() };
    return this.#rss.bytes;
  }

  /** Seconds since the run began in this process. */
  get seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Examples per second of training alone. */
  get overallExamplesPerSecond(): number {
    return this.#trainingSeconds === 0 ? 0 : this.#examples / this.#trainingSeconds;
  }
}

/** The largest resident size that this process ever had. */
export const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024;
