/** The words of the compiler's diagnostics, in one place. */
import type { Diagnostic, Place, PlaceOfPort } from '../base/errors.ts';
import type { WireKind } from '../nodekit/wires.ts';

const error = (code: string, where: Place, message: string, fix: string, found?: string): Diagnostic => ({
  code,
  severity: 'error',
  message,
  where,
  fix,
  ...(found === undefined ? {} : { found }),
});

const KIND_WORDS: { readonly [K in WireKind]: string } = {
  tensor: 'a tensor',
  sources: 'the outputs of a source bank',
  tokens: 'a batch of tokens',
  transform: 'a transform of a linear layer',
  affine: 'the scale and shift of a norm',
  kv: 'keys and values',
  loss: 'a loss',
};

export const unknownType = (where: Place, type: string, known?: { message: string; fix: string }): Diagnostic =>
  error(
    'node-type-unknown',
    where,
    known?.message ?? `No node type is named "${type}".`,
    known?.fix ?? 'Install the node or remove it from the graph; the file keeps it unchanged.',
  );
/** A custom node that failed; the line is of its source. */
export const nodeRefused = (
  where: Place,
  refused: { readonly code: string; readonly message: string; readonly fix: string; readonly line: number | undefined },
): Diagnostic =>
  error(
    refused.code,
    where,
    refused.message,
    refused.line === undefined ? refused.fix : `${refused.fix} See line ${refused.line} of its source.`,
  );
export const newerNode = (where: Place, type: string, has: number, knows: number): Diagnostic =>
  error(
    'node-version-newer',
    where,
    `"${type}" is of version ${has}, this program knows version ${knows}.`,
    'Update Espalier.',
  );
export const unknownParam = (where: Place, known: readonly string[]): Diagnostic =>
  error(
    'param-unknown',
    where,
    'The node has no such parameter.',
    known.length === 0 ? 'Remove it: the node has no parameters.' : `Use one of ${known.join(', ')}.`,
  );
export const badParam = (where: Place, problem: string, fix: string, found: string): Diagnostic =>
  error('param-invalid', where, `The value ${problem}.`, fix, found);
export const unknownPort = (where: Place, side: 'input' | 'output', known: readonly string[]): Diagnostic =>
  error(
    'port-unknown',
    where,
    `The node has no such ${side}.`,
    known.length === 0 ? `It has no ${side}s.` : `Use one of ${known.join(', ')}.`,
  );
export const wrongKind = (where: Place, carries: WireKind, takes: WireKind): Diagnostic =>
  error(
    'wire-kind',
    where,
    `This port takes ${KIND_WORDS[takes]}, the wire carries ${KIND_WORDS[carries]}.`,
    'Connect a port of the same colour.',
  );
export const tooManyWires = (where: Place, count: number): Diagnostic =>
  error('port-single', where, `This port takes one wire, it has ${count}.`, 'Remove all but one.');
export const missingInput = (where: PlaceOfPort, doc: string): Diagnostic =>
  error('input-missing', where, `The input "${where.port}" is not connected.`, `Connect it: ${doc}`);
export const shapeRefused = (where: Place, message: string, fix: string): Diagnostic =>
  error('shape-refused', where, `${message}.`, fix);
export const transformThroughWall = (where: Place): Diagnostic =>
  error(
    'wall-transform',
    where,
    'A transform does not cross the wall of a stack.',
    'Put the module inside of the stack, beside the layer that it changes.',
  );
export const notDeclaredOnWall = (where: Place, known: readonly string[]): Diagnostic =>
  error(
    'wall-port',
    where,
    'The stack has no such port in its wall.',
    `Use one of its carry, broadcast and collect ports: ${known.join(', ')}.`,
  );
export const carryChanged = (where: Place, before: string, after: string): Diagnostic =>
  error(
    'carry-type',
    where,
    `A layer takes ${before} on this carry port and gives ${after}.`,
    'Give the next layer what it takes.',
  );
export const noLoss = (where: Place): Diagnostic =>
  error('loss-missing', where, 'The model has no loss.', 'Add a loss node and connect the head to it.');
export const nothingTrains = (where: Place): Diagnostic => ({
  ...error('nothing-trains', where, 'No parameter of the model is trainable.', 'Add a module or a head.'),
  severity: 'warning',
});
export const noCheckpointTensor = (where: Place): Diagnostic =>
  error(
    'weight-missing',
    where,
    'The checkpoint has no tensor of this name.',
    'Choose the checkpoint that this graph was made for.',
  );
export const weightShape = (where: Place, wants: string, has: string): Diagnostic =>
  error(
    'weight-shape',
    where,
    `The graph needs ${wants}, the checkpoint has ${has}.`,
    'Choose the checkpoint that this graph was made for.',
  );
export const emptyBank = (where: Place): Diagnostic =>
  error('bank-empty', where, 'The source bank has no source that is not muted.', 'Add an adapter to the bank.');
export const transformOrder = (where: Place, first: string, second: string): Diagnostic =>
  error(
    'transform-order',
    where,
    `A ${second} cannot follow a ${first} on one layer.`,
    'Move it before, or remove one of the two.',
  );
export const notReversible = (where: Place, reason: string): Diagnostic =>
  error(
    'not-reversible',
    where,
    `The layers of this stack cannot be recomputed from their outputs: ${reason}.`,
    'Wire each stream as y = scale * x + f(other streams), or choose "checkpoint".',
  );
