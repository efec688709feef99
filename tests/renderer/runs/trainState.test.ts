/** What the Train button says in each state of a run. */
import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import type { EditorState } from '../../../renderer/state/editor.ts';
import { belongs, liveRun, shownRun } from '../../../renderer/runs/live.ts';
import { defaultTarget, targetsOf, trainView } from '../../../renderer/runs/trainState.ts';
import { smallDocument, someRun } from './fixtures.ts';

const document = smallDocument();
const state = (change: Partial<EditorState> = {}): EditorState =>
  ({
    connected: true,
    document,
    revision: 4,
    pending: 0,
    check: { revision: 4, phase: 'findings', milliseconds: 10, diagnostics: [], models: [] },
    runs: [],
    run: undefined,
    runDocuments: new Map([['r1' as RunId, structuredClone(document)]]),
    viewing: undefined,
    ...change,
  }) as unknown as EditorState;

describe('Train button', () => {
  it('is ready when the check is fresh and waits otherwise', () => {
    expect(trainView(state(), undefined).kind).toBe('ready');
    expect(trainView(state({ pending: 1 }), undefined)).toEqual({
      kind: 'waiting',
      reason: 'Edits are on their way to the engine.',
    });
    expect(trainView(state({ revision: 5 }), undefined).kind).toBe('waiting');
    expect(trainView(state({ connected: false }), undefined).kind).toBe('waiting');
  });

  it('lists what is missing', () => {
    const bare = { ...document, workflow: { nodes: {}, edges: [] } };
    const view = trainView(state({ document: bare }), undefined);
    expect(view.kind === 'missing' && view.reasons).toHaveLength(3);
    const wrong = { code: 'x', severity: 'error', message: 'No head.', where: {}, fix: 'Add one.' } as const;
    const errors = trainView(
      state({ check: { revision: 4, phase: 'findings', milliseconds: 1, diagnostics: [wrong], models: [] } }),
      undefined,
    );
    expect(errors).toEqual({ kind: 'missing', reasons: ['No head. Add one.'] });
  });

  it('says what a run prepares, how far it is, and what came out', () => {
    const preparing = someRun({ state: 'preparing', step: 0, steps: 0 });
    expect(trainView(state({ runs: [preparing] }), { what: 'load weights', done: 2, of: 4 })).toMatchObject({
      kind: 'preparing',
      text: 'Preparing - load weights 2 of 4',
    });
    const training = someRun({ state: 'training', step: 43, steps: 100, epoch: 1.29, secondsLeft: 72 });
    expect(trainView(state({ runs: [training] }), undefined)).toMatchObject({
      kind: 'training',
      text: 'epoch 2/3 43 % 1:12 left',
    });
    expect(trainView(state({ runs: [someRun()] }), undefined)).toMatchObject({
      kind: 'finished',
      text: '0.866 accuracy (+36 over majority)',
    });
    const diagnostic = { code: 'x', severity: 'error', message: 'loss not finite', where: {}, fix: '' } as const;
    const failed = someRun({ state: 'failed', step: 312, diagnostics: [diagnostic] });
    expect(trainView(state({ runs: [failed] }), undefined)).toMatchObject({
      text: 'Stopped at step 312: loss not finite',
    });
  });

  it('forgets the result once the graph is another one', () => {
    const edited = smallDocument({ rank: 16 });
    expect(trainView(state({ runs: [someRun()], document: edited }), undefined).kind).toBe('ready');
  });

  it('offers the steps of the workflow as targets', () => {
    expect(targetsOf(document)).toEqual([{ step: 'train', title: 'train', type: 'Train' }]);
    expect(defaultTarget(document)).toBe('train');
  });
});

describe('live figures', () => {
  it('belong to an equal draft and to a variant in steps, not to another graph', () => {
    const run = someRun({ state: 'training' });
    expect(belongs(state(), run)).toBe(true);
    expect(belongs(state({ document: smallDocument({ train: { lr: 1, epochs: 3, seed: 1 } }) }), run)).toBe(true);
    expect(belongs(state({ document: smallDocument({ rank: 2 }) }), run)).toBe(false);
    expect(belongs(state({ runDocuments: new Map() }), run)).toBe(false);
    expect(liveRun(state({ runs: [run] }))).toBe(run);
  });

  it("shows the chosen run, else the one at work, and a run's own graph belongs to it", () => {
    const one = someRun();
    const two = someRun({ run: 'r2' as RunId, number: 2, state: 'training' });
    expect(shownRun(state({ runs: [one, two] }))).toBe(two);
    expect(shownRun(state({ runs: [one, two], run: one.run }))).toBe(one);
    expect(belongs(state({ viewing: { run: one.run, draft: smallDocument({ rank: 2 }) } }), one)).toBe(true);
  });
});
