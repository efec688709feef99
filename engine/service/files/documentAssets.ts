/**
 * Whether everything that a document names lies where it may: below its own folder or the workspace, after all links are
 * followed. Asked before anything that a document names is opened, since a document may come from anybody.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic, Place } from '../../base/errors.ts';
import type { Document } from '../../protocol/document.ts';
import { unfoldWorkflow } from '../../protocol/steps.ts';
import { isAbsolute } from '../../workflow/readStep.ts';
import { stepType } from '../../workflow/stepTypes.ts';
import { problem } from '../problems.ts';
import { isInside } from './workspace.ts';

interface Named {
  readonly path: string;
  readonly where: Place;
}

/** Paths of the document; its structure must have been checked. Names of models in the store are no paths. */
function namedIn(document: Document): readonly Named[] {
  const found: Named[] = [];
  for (const { id, step } of unfoldWorkflow(document)) {
    for (const [param, spec] of Object.entries(stepType(step.type)?.params ?? {})) {
      const value = (step.params as Readonly<Record<string, unknown>>)[param];
      if (typeof value !== 'string' || value === '') continue;
      const isPath = spec.kind === 'path' || (spec.kind === 'backbone' && (value.startsWith('.') || isAbsolute(value)));
      if (isPath) found.push({ path: value, where: { node: id, param } });
    }
  }
  for (const bank of Object.values(document.banks)) {
    for (const { artifact, name } of bank.sources) {
      if ('asset' in artifact) found.push({ path: artifact.asset, where: { node: name } });
    }
  }
  return found;
}

/** Findings about paths that lead outside; one that leads nowhere is told by whoever opens it. */
export function outsideAssets(document: Document, folder: string, workspace: string): readonly Diagnostic[] {
  const roots = [folder, workspace].map((root) => realpathSync(root));
  return namedIn(document).flatMap(({ path, where }): readonly Diagnostic[] => {
    const found = realOf(resolve(folder, path));
    if (found === undefined || roots.some((root) => isInside(found, root))) return [];
    const message = 'The file lies outside of the folders that this document may use.';
    return [problem('file-outside', message, 'Copy it beside the document.', { where, found: path })];
  });
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
