/**
 * Thirty kills each of page, service and run while a person types and a run trains; `ESPALIER_ROUNDS` asks for another
 * number.
 */
import { expect, it } from 'vitest';
import { expectHarmless, makeFaults, type Fault } from '../e2e/faults.ts';
import { useApp } from '../e2e/harness/index.ts';
import { smallProject } from '../e2e/training.ts';

const app = useApp();
const ROUNDS = Number(process.env['ESPALIER_ROUNDS'] ?? 30);
const SETTINGS = {
  maxSteps: 250 * ROUNDS,
  maxLength: 16,
  batch: 8,
  epochs: 10_000,
  evaluateEvery: 1000,
  checkpointEvery: 100,
};

it(`${3 * ROUNDS} kills lose no edit older than two seconds, run no command twice and change no bit of the run`, async () => {
  smallProject(app.surroundings, 'killed', { train: SETTINGS });
  smallProject(app.surroundings, 'calm', { train: SETTINGS });
  const order = Array.from({ length: ROUNDS }, (): Fault[] => ['run', 'service', 'page']).flat();
  const faults = await makeFaults(app, 'killed', 'calm', order, 11);
  const lost = faults.rounds.map((r) => r.lostMilliseconds).sort((a, b) => a - b);
  process.stdout.write(`edits lost: at most ${lost.at(-1)} ms before the kill\n`);
  expectHarmless(faults, ROUNDS);
  expect(faults.metrics).toEqual(faults.calm);
}, 7_200_000);
