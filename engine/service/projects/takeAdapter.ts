/**
 * A Hugging Face adapter folder that a person brings: its modules as a patch of the document, its trained values as a file
 * beside the document, from which training begins.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import type { CommandParams } from '../../protocol/api/commands.ts';
import { diff } from '../../protocol/api/patch.ts';
import type { Proposal } from '../../protocol/api/project.ts';
import type { Document } from '../../protocol/document.ts';
import { addStep, connect, freeNodeId, inWorkflow } from '../../protocol/edit.ts';
import { nodeId, portId, recordOf, type ModelId } from '../../protocol/ids.ts';
import { unfoldWorkflow } from '../../protocol/steps.ts';
import { openBackbone } from '../../workflow/backbone.ts';
import { paramsOf } from '../../workflow/check.ts';
import { examineDocument } from '../../workflow/loadDocument.ts';
import { writeImported } from '../../workflow/peftContainer.ts';
import { importPeft } from '../../workflow/peftImport.ts';
import type { ServiceContext } from '../context.ts';
import { copyBeside } from '../files/copyBeside.ts';
import { current, modelOf, plural } from './propose.ts';
import type { ProjectSession } from './session.ts';

export function takeAdapter(
  { toolkit, home, grants }: ServiceContext,
  project: ProjectSession,
  { revision, model: name, grant }: CommandParams<'project.takeAdapter'>,
): Proposal {
  const document = current(project, revision);
  const model = modelOf(document, name);
  const { sound, diagnostics } = examineDocument(document, project.file);
  if (!sound) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
  const step = unfoldWorkflow(document).find((i) => i.step.type === 'model' && i.step.model === model);
  const reference = step ? paramsOf(step, 'model').backbone : 'starter';
  const backbone = openBackbone(reference, project.folder, home);
  const imported = importPeft({ folder: grants.folder(grant), document, model, backbone, toolkit });
  const { config, parameters } = imported;
  const temporary = mkdtempSync(join(tmpdir(), 'espalier-adapter-'));
  try {
    const container = join(temporary, `${config.type.toLowerCase().replaceAll('_', '-')}-adapter.safetensors`);
    writeImported(container, imported, model, backbone, toolkit);
    const file = copyBeside(container, project.folder);
    const next = startingFrom(imported.document, model, file);
    const numbers = [...parameters.values()].reduce((n, p) => n + p.data.length, 0).toLocaleString('en');
    return {
      patch: diff(document, next ?? imported.document),
      revision,
      notes: [
        `Read ${config.type} with ${plural(parameters.size, 'tensor')} and ${numbers} numbers, kept in ${file} beside the document.`,
        next
          ? 'Training begins with them: the step "Adapter" of the workflow gives them to the training step.'
          : 'To begin training with them, connect an adapter step with this file to "start" of a training step.',
      ],
    };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The file as a step whose values the model's training begins with; undefined when no training step waits for them. */
function startingFrom(document: Document, model: ModelId, file: string): Document | undefined {
  const { nodes, edges } = document.workflow;
  const wired = (to: string, port: string): string | undefined =>
    edges.find((e) => e.to.node === to && e.to.port === port)?.from.node;
  const training = Object.entries(nodes).find(([id, step]) => {
    const from = step.type === 'train' ? wired(id, 'model') : undefined;
    return from !== undefined && nodes[nodeId(from)]?.model === model && wired(id, 'start') === undefined;
  });
  if (!training) return undefined;
  const id = freeNodeId(document.workflow, 'adapter');
  const step = { type: 'adapter.file', version: 1, params: recordOf([['file', file]] as [string, string][]) };
  const added = addStep(document, inWorkflow(), id, step);
  if (!added.ok) return undefined;
  const connected = connect(added.value, inWorkflow(), {
    from: { node: id, port: portId('adapter') },
    to: { node: nodeId(training[0]), port: portId('start') },
  });
  return connected.ok ? connected.value : undefined;
}
