/** What the process answers that works with models. Questions come from our own service, which has checked what pages sent. */
import { resolve } from 'node:path';
import { UserError } from '../../../base/errors.ts';
import { loadDocument } from '../../../workflow/loadDocument.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import type {
  DraftPlace,
  DryQuestion,
  PredictFileQuestion,
  ProbeQuestion,
  RunPlace,
  TryQuestion,
} from '../questions.ts';
import { dryRun } from './dry.ts';
import { estimate } from './estimate.ts';
import { mergeSources } from './merge.ts';
import { Predictor } from './predictions.ts';
import { probe } from './probe.ts';
import { results } from './results.ts';
import { DoneSteps } from './steps.ts';
import { weights } from './weights.ts';

export function modelOperations(
  toolkit: ImportToolkit,
  home: string,
): ReadonlyMap<string, (payload: unknown) => unknown> {
  const predictor = new Predictor(toolkit, home);
  const stepsOf = (payload: unknown): DoneSteps => {
    const { document, folder, steps } = payload as RunPlace;
    const { loaded, diagnostics } = loadDocument(document, toolkit.registry);
    if (!loaded) throw new UserError(diagnostics);
    return new DoneSteps({ ...loaded, folder: resolve(folder) }, toolkit, new Map(steps), home);
  };
  return new Map<string, (payload: unknown) => unknown>([
    ['results', (payload) => results(stepsOf(payload), toolkit, home)],
    ['weights', (payload) => weights(stepsOf(payload), toolkit, home)],
    ['merge', (payload) => mergeSources(stepsOf(payload), toolkit, home)],
    ['try', (payload) => predictor.try(stepsOf(payload), payload as TryQuestion)],
    ['file', (payload) => predictor.file(stepsOf(payload), payload as PredictFileQuestion)],
    ['estimate', (payload) => estimate(payload as DraftPlace, toolkit, home)],
    ['dry', (payload) => dryRun(payload as DryQuestion, toolkit, home)],
    ['probe', (payload) => probe(payload as ProbeQuestion, toolkit, home)],
  ]);
}
