/** The exported PyTorch code of a model of an open project. */
import { UserError } from '../../base/errors.ts';
import { emitTorch } from '../../backends/torch/emit.ts';
import type { CommandResult } from '../../protocol/api/commands.ts';
import type { ModelId } from '../../protocol/ids.ts';
import { Checker } from '../../workflow/check.ts';
import { examineDocument } from '../../workflow/loadDocument.ts';
import type { ServiceContext } from '../context.ts';
import { userProblem } from '../problems.ts';
import type { ProjectSession } from './session.ts';

export function modelCode(
  { toolkit, home }: Pick<ServiceContext, 'toolkit' | 'home'>,
  { document, file, folder }: Pick<ProjectSession, 'document' | 'file' | 'folder'>,
  name: string,
): CommandResult<'project.code'> {
  const model = name as ModelId;
  if (!Object.hasOwn(document.models, model)) {
    throw userProblem('model-missing', 'The document has no such model.', 'Choose another model.', { found: name });
  }
  const { sound, diagnostics } = examineDocument(document, file);
  if (!sound) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
  const { compiled, diagnostics: found } = new Checker({ file, folder, document }, toolkit, { home }).compile(
    model,
    true,
  );
  if (!compiled) throw new UserError(found.filter((d) => d.severity === 'error'));
  const { firstPosition } = toolkit.textLimits(document, model);
  return { text: emitTorch(compiled, { firstPosition })['model.py'], spans: [] };
}
