/**
 * The worker that checks: a process of its own, so that tracing a large model never holds up the service. It keeps the
 * documents, what was traced and the opened backbones of a few projects, so that an edit costs what it changed.
 */
import { UserError } from '../../base/errors.ts';
import { newMemo, type CompileMemo } from '../../compile/model.ts';
import { applyPatch } from '../../protocol/api/patch.ts';
import type { CheckPhase, CheckView, ModelFigures } from '../../protocol/api/check.ts';
import type { Document } from '../../protocol/document.ts';
import type { Backbone } from '../../workflow/backbone.ts';
import { checkModels } from '../../workflow/check.ts';
import { findingFigures as figuresOf, type FigureMemo } from '../../workflow/checkFigures.ts';
import { examineDocument } from '../../workflow/loadDocument.ts';
import type { Toolkit } from '../../workflow/toolkit.ts';
import { outsideAssets } from '../files/documentAssets.ts';
import { bareJson } from '../projects/bare.ts';
import { modelCode } from '../projects/code.ts';
import { costFigures, findingFigures } from './figures.ts';
import type { CheckRequest, FromWorker, ModelCode, ToWorker } from './messages.ts';

interface Known {
  folder: string;
  document: Document;
  revision: number;
  memo: CompileMemo;
  backbones: Map<string, Backbone>;
}

/** Projects that are kept at the same time; each holds what was traced of its models. */
const MOST_PROJECTS = 6;
/** Traced parts beyond which the memory of a project begins anew: old versions of edited nodes stay in it. */
const MOST_TRACED = 20_000;

export interface CheckWorker {
  readonly receive: (message: ToWorker) => FromWorker | undefined;
}

export function createCheckWorker(toolkit: Toolkit): CheckWorker {
  const known = new Map<string, Known>();
  const figures: FigureMemo = new WeakMap();
  return {
    receive: (message) => {
      if (message.kind === 'forget') {
        for (const project of known.values()) project.backbones.clear();
        return undefined;
      }
      const { request } = message;
      const { id } = request;
      try {
        const project = bringUp(known, request);
        if (!project) return { kind: 'unknown', id };
        const { wanted } = request;
        if (wanted.kind === 'code') return { kind: 'code', id, code: codeOf(project, request, wanted.model, toolkit) };
        return { kind: 'checked', id, view: check(project, request, wanted.kind, toolkit, figures) };
      } catch (error) {
        if (error instanceof UserError) return { kind: 'refused', id, diagnostics: error.diagnostics };
        return { kind: 'failed', id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      }
    },
  };
}

/** The project with the document of the request, or undefined when the worker lacks what the patches build on. */
function bringUp(known: Map<string, Known>, { project, revision, content, folder }: CheckRequest): Known | undefined {
  const before = known.get(project);
  let document: unknown;
  if (content.kind === 'whole') document = bareJson(content.document);
  else {
    if (before?.revision !== content.from) return undefined;
    document = before.document;
    for (const patch of content.patches) {
      const next = applyPatch(document, bareJson(patch) as typeof patch);
      if (!next.ok) return undefined;
      document = next.value;
    }
  }
  const fresh = before === undefined || before.memo.traced.size > MOST_TRACED;
  const entry: Known = {
    document: document as Document,
    revision,
    memo: fresh ? newMemo() : before.memo,
    // Folders of models are named relative to the document, which may have moved.
    backbones: before?.folder === folder ? before.backbones : new Map<string, Backbone>(),
    folder,
  };
  known.delete(project);
  known.set(project, entry);
  const oldest = known.keys().next().value;
  if (known.size > MOST_PROJECTS && oldest !== undefined) known.delete(oldest);
  return entry;
}

function check(
  { document, memo, backbones }: Known,
  { file, folder, home, workspace, revision }: CheckRequest,
  phase: CheckPhase,
  toolkit: Toolkit,
  seen: FigureMemo,
): CheckView {
  const begun = performance.now();
  const { sound, diagnostics } = examineDocument(document, file);
  const outside = sound ? outsideAssets(document, folder, workspace) : [];
  const found = [...diagnostics, ...outside];
  let models: readonly ModelFigures[] = [];
  if (sound && outside.length === 0) {
    const quick: ModelFigures[] = [];
    try {
      const checked = checkModels({ file, folder, document }, toolkit, {
        home,
        memo,
        backbones,
        costs: phase === 'costs',
        onCompiled: (compiled, model, step) => {
          if (phase === 'findings') quick.push(findingFigures(document, figuresOf(compiled, model, step, seen)));
        },
      });
      found.push(...checked.diagnostics);
      models = phase === 'costs' ? checked.models.map((m) => costFigures(document, m)) : quick;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      found.push(...error.diagnostics);
    }
  }
  return {
    revision,
    phase,
    milliseconds: Math.round(10 * (performance.now() - begun)) / 10,
    diagnostics: found,
    models,
  };
}

/** The code of a model. Throws a `UserError` when there is none. */
function codeOf(
  { document }: Known,
  { file, folder, home, workspace }: CheckRequest,
  model: string,
  toolkit: Toolkit,
): ModelCode {
  return modelCode({ toolkit, home, workspace }, { document, file, folder }, model);
}

/** Serves requests of the parent process until it disconnects. */
export function serveChecks(toolkit: Toolkit): Promise<void> {
  const worker = createCheckWorker(toolkit);
  return new Promise((resolve) => {
    process.on('message', (message: ToWorker) => {
      const answer = worker.receive(message);
      if (answer) process.send?.(answer);
    });
    process.once('disconnect', resolve);
    process.send?.({ kind: 'ready' } satisfies FromWorker);
  });
}
