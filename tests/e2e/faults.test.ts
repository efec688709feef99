/** Processes killed while a person types and a run trains; `npm run test:soak` does it thirty times each. */
import { expect, it } from 'vitest';
import { expectHarmless, makeFaults } from './faults.ts';
import { useApp } from './harness/index.ts';
import { smallProject } from './training.ts';

const app = useApp();
const SETTINGS = { maxSteps: 400, maxLength: 16, batch: 8, epochs: 1000, evaluateEvery: 100, checkpointEvery: 20 };

it('page, service and run are killed: nothing is lost, nothing happens twice, the run is the same in every bit [file.run-killed, file.page-killed, file.crash-recovery]', async () => {
  smallProject(app.surroundings, 'killed', { train: SETTINGS });
  smallProject(app.surroundings, 'calm', { train: SETTINGS });
  const faults = await makeFaults(app, 'killed', 'calm', ['run', 'run', 'service', 'page', 'page', 'service'], 5);
  expectHarmless(faults, 2);
  expect(faults.metrics).toEqual(faults.calm);
}, 600_000);
