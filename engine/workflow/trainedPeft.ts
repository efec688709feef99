/** A model whose modules come from a folder of Hugging Face PEFT, ready to be used like one that was trained here. */
import { must, UserError } from '../base/errors.ts';
import { openPeftFolder } from '../checkpoints/peft/folder.ts';
import { emptyDocument } from '../protocol/document.ts';
import { modelId, recordOf } from '../protocol/ids.ts';
import { openBackbone } from './backbone.ts';
import * as messages from './messages.ts';
import { dataOfPeft } from './peftContainer.ts';
import { importPeft, taskOfPeft, type ImportToolkit } from './peftImport.ts';
import { openParts, type TrainedModel } from './trained.ts';

export interface PeftRequest {
  readonly folder: string;
  /** Instead of the base model that the folder names. */
  readonly backbone?: string;
  readonly toolkit: ImportToolkit;
  readonly home?: string;
  readonly threads: number;
}

const MAIN = modelId('main');

/** Opens a PEFT folder on its base model. */
export function openTrainedPeft(request: PeftRequest): TrainedModel {
  const { folder, toolkit, home } = request;
  const { config } = openPeftFolder(folder);
  const reference = request.backbone ?? config.baseModel;
  if (reference === undefined) throw new UserError(messages.noBaseModel({ file: folder }));
  const backbone = openBackbone(reference, folder, home);
  const task = taskOfPeft(folder);
  const facts = { config: backbone.checkpoint.config, tensorNames: new Set(backbone.aliases.keys()) };
  const plain = toolkit.plainGraph(facts, task);
  if (!plain.ok) throw new UserError(plain.error);
  const document = { ...emptyDocument(folder), models: recordOf([[MAIN, plain.value]]) };
  const imported = importPeft({ folder, document, model: MAIN, backbone, toolkit });
  return openParts(
    {
      document: imported.document,
      model: MAIN,
      backbone,
      sources: [],
      parameter: (path) => must(imported.parameters.get(path), path),
      data: dataOfPeft(task, toolkit.textLimits(imported.document, MAIN).longest),
      primary: '',
      file: folder,
    },
    request,
  );
}
