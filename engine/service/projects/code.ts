/** The exported PyTorch code of a model of an open project. */
import { UserError } from '../../base/errors.ts';
import { emitTorch } from '../../backends/torch/emit.ts';
import type { CommandResult } from '../../protocol/api/commands.ts';
import type { ModelId } from '../../protocol/ids.ts';
import { Checker } from '../../workflow/check.ts';
import { examineDocument, type LoadedDocument } from '../../workflow/loadDocument.ts';
import type { Toolkit } from '../../workflow/toolkit.ts';
import { outsideAssets } from '../files/documentAssets.ts';
import { userProblem } from '../problems.ts';
import { nodeSpans } from './spans.ts';

export interface CodeTools {
  readonly toolkit: Toolkit;
  readonly home: string;
  readonly workspace: string;
}

/** Throws a `UserError` when the document does not compile or names what it may not read. */
export function modelCode(
  { toolkit, home, workspace }: CodeTools,
  { document, file, folder }: LoadedDocument,
  name: string,
): CommandResult<'project.code'> {
  const model = name as ModelId;
  if (!Object.hasOwn(document.models, model)) {
    throw userProblem('model-missing', 'The document has no such model.', 'Choose another model.', { found: name });
  }
  const { sound, diagnostics } = examineDocument(document, file);
  if (!sound) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
  const outside = outsideAssets(document, folder, workspace);
  if (outside.length > 0) throw new UserError(outside);
  const { compiled, diagnostics: found } = new Checker({ file, folder, document }, toolkit, { home }).compile(
    model,
    true,
  );
  if (!compiled) throw new UserError(found.filter((d) => d.severity === 'error'));
  const { firstPosition } = toolkit.textLimits(document, model);
  const text = emitTorch(compiled, { firstPosition })['model.py'];
  const graph = document.models[model];
  return { text, spans: graph ? nodeSpans(text, graph) : [] };
}
