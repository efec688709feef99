/** The words of everything that custom nodes are refused for, in one place. */
import type { Diagnostic, Place } from '../base/errors.ts';

/** What a person reads of a custom node that failed: what was found and what to do; `line` is of the source, from 1. */
export interface NodeProblem {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly line?: number;
}

const problem = (code: string, message: string, fix: string, line?: number): NodeProblem => ({
  code,
  message,
  fix,
  ...(line === undefined ? {} : { line }),
});

export const diagnosticOf = (file: string, p: NodeProblem, where: Place = {}): Diagnostic => ({
  code: p.code,
  severity: 'error',
  message: p.message,
  fix: p.fix,
  where: { ...where, file, ...(p.line === undefined ? {} : { row: p.line }) },
});

export const syntax = (message: string, line: number): NodeProblem =>
  problem('custom-node-syntax', `${message.replace(/\.$/, '')}.`, 'Correct the line.', line);
export const foreignImport = (name: string, line: number): NodeProblem =>
  problem(
    'custom-node-import',
    `A custom node cannot import "${name}".`,
    'Import from "espalier" only, which has all that a node may use.',
    line,
  );
export const failed = (message: string, fix: string | undefined, line: number | undefined): NodeProblem =>
  problem('custom-node-failed', message, fix ?? 'Correct the source of the node.', line);
export const tooLong = (seconds: number): NodeProblem =>
  problem(
    'custom-node-time',
    `The node did not answer within ${seconds} seconds and was stopped.`,
    'Only describe the computation; loops over data belong into tensors.',
  );
export const tooMuchMemory = (): NodeProblem =>
  problem(
    'custom-node-memory',
    'The node used more memory than a description needs, and was stopped.',
    'Keep no arrays of data in the node; use parameters and tensors.',
  );
export const tooDeep = (line: number | undefined): NodeProblem =>
  problem('custom-node-depth', 'The node calls itself too deeply.', 'Use a loop instead of recursion.', line);
export const broken = (): NodeProblem =>
  problem('custom-node-stopped', 'The node brought its virtual machine down.', 'Simplify the source of the node.');
export const notAnAnswer = (what: string): NodeProblem =>
  problem(
    'custom-node-answer',
    `The node gives something that is no part of a model: ${what}.`,
    'Use the node API only.',
  );
export const tooLarge = (what: string, found: number, most: number): NodeProblem =>
  problem(
    'custom-node-size',
    `The node has ${found.toLocaleString('en')} ${what}; at most ${most.toLocaleString('en')} are allowed.`,
    'Make the node smaller.',
  );
export const wrongType = (type: string, wanted: string): NodeProblem =>
  problem('custom-node-type', `The node has the type "${type}".`, `Name it "${wanted}", as its file is called.`);
export const notAllowed = (what: string, fix: string): NodeProblem =>
  problem('custom-node-refused', `A custom node cannot ${what}.`, fix);
export const badName = (name: string): NodeProblem =>
  problem(
    'custom-node-name',
    `"${name.slice(0, 60)}" cannot be the name of a node.`,
    'Begin with a small letter and use letters, digits and hyphens, at most 40.',
  );
export const tooLongSource = (bytes: number, most: number): NodeProblem =>
  problem('custom-node-source', `The source has ${bytes} bytes; at most ${most} are read.`, 'Shorten the source.');
export const notTrusted = (type: string): { readonly message: string; readonly fix: string } => ({
  message: `The custom node "${type}" has not been allowed on this machine.`,
  fix: 'Open Code, Custom nodes, read its source and allow it.',
});
export const doesNotLoad = (type: string, p: NodeProblem): { readonly message: string; readonly fix: string } => ({
  message: `The custom node "${type}" does not load: ${p.message}`,
  fix: p.line === undefined ? p.fix : `${p.fix} See line ${p.line} of its source.`,
});
export const noSuchNode = (name: string, folder: string): NodeProblem =>
  problem('custom-node-missing', `There is no custom node "${name}".`, `Put its source into ${folder}.`);
export const otherHash = (hash: string): NodeProblem =>
  problem(
    'custom-node-changed',
    `The source has another hash: ${hash}.`,
    'Read the source as it is now, then allow it.',
  );
export const runsUntrusted = (): NodeProblem =>
  problem('custom-node-untrusted', 'This source has not been allowed on this machine.', 'Read it and allow it first.');
