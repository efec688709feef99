/** From `espalier run` to the first training step, as a person waits for it: the second run, with everything built and encoded. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HOME, median, ROOT, round, say, withFolder, type Bench } from './bench.ts';
import { LORA, writeDocument } from './documents.ts';

/** Seconds until the first step of a run is done; the run is then stopped. */
async function untilFirstStep(document: string, out: string): Promise<number> {
  const env = { ...process.env, ESPALIER_HOME: HOME };
  const from = performance.now();
  const child = spawn(
    process.execPath,
    [join(ROOT, 'build', 'espalier.mjs'), 'run', document, '--out', out, '--json'],
    {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let seconds: number | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    said += line;
    if (seconds !== undefined || (JSON.parse(line) as { event: string }).event !== 'step') continue;
    seconds = (performance.now() - from) / 1000;
    child.kill('SIGKILL');
  }
  await ended;
  if (seconds === undefined) throw new Error(`the run made no step:\n${said.slice(-3000)}`);
  return seconds;
}

export const STARTUP: Bench = {
  name: 'startup',
  help: 'from `espalier run` to the first step done, second run (goal: 5 s)',
  usual: true,
  run: (options) =>
    withFolder(async (folder) => {
      const document = writeDocument({
        file: join(folder, 'startup.json'),
        model: options.model,
        data: join(options.data, 'sst2', 'train.tsv'),
        method: 'lora',
        params: LORA,
        training: { threads: options.threads },
      });
      const seconds: number[] = [];
      for (let i = 0; i < 4; i++) seconds.push(await untilFirstStep(document, join(folder, `out-${i}`)));
      const later = seconds.slice(1);
      say(`\nstartup: ${round(median(later), 2)} s to the first step (first run ${round(seconds[0] ?? NaN, 2)} s)`);
      return {
        first_run_s: round(seconds[0] ?? NaN),
        later_runs_s: later.map((s) => round(s)),
        median_s: round(median(later)),
      };
    }),
};
