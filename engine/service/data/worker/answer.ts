/** What the process answers that reads data files. */
import type { ChecksQuestion, LookQuestion, PreviewQuestion } from '../questions.ts';
import { dataChecks } from './checks.ts';
import { look, preview } from './preview.ts';
import { Tables } from './tables.ts';

/** The questions come from our own service, which has checked what a page sent. */
export function dataOperations(home: string): ReadonlyMap<string, (payload: unknown) => unknown> {
  const tables = new Tables();
  return new Map<string, (payload: unknown) => unknown>([
    ['look', (payload) => look(tables, payload as LookQuestion)],
    ['preview', (payload) => preview(tables, payload as PreviewQuestion)],
    ['checks', (payload) => dataChecks(tables, home, payload as ChecksQuestion)],
  ]);
}
