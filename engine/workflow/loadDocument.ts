/** A document from its file: strict parsing, then every check that needs no other file. Nothing is run. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Diagnostic } from '../base/errors.ts';
import type { NodeRegistry } from '../compile/registry.ts';
import { STACK_TYPE } from '../compile/resolve.ts';
import type { Document } from '../protocol/document.ts';
import { parseDocumentBytes } from '../protocol/parse.ts';
import { checkStructure } from '../protocol/structure.ts';
import * as messages from './messages.ts';
import { checkWorkflow } from './readStep.ts';
import { FOR_EACH, stepType } from './stepTypes.ts';

export interface LoadedDocument {
  /** As it was given. */
  readonly file: string;
  /** The folder that paths of the document are relative to; absolute. */
  readonly folder: string;
  readonly document: Document;
}

export interface Loaded {
  /** There when the file could be read as a document, also when `diagnostics` has errors. */
  readonly loaded?: LoadedDocument;
  /** Whether the structure holds, so that the workflow can be unfolded and models compiled in spite of other mistakes. */
  readonly sound: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

const LARGEST = 256 * 2 ** 20;

/** Whether this program knows a type of node or step. */
export const knowsType =
  (registry: NodeRegistry) =>
  (type: string): boolean =>
    type === STACK_TYPE || type === FOR_EACH || registry.get(type) !== undefined || stepType(type) !== undefined;

export function loadDocument(file: string, registry: NodeRegistry): Loaded {
  let bytes: Uint8Array;
  try {
    const size = statSync(file).size;
    if (size > LARGEST)
      return { sound: false, diagnostics: [messages.unreadableDocument(file, `${size} bytes, more than ${LARGEST}`)] };
    bytes = readFileSync(file);
  } catch (error) {
    return {
      sound: false,
      diagnostics: [messages.unreadableDocument(file, (error as NodeJS.ErrnoException).code ?? String(error))],
    };
  }
  const { document, diagnostics } = parseDocumentBytes(bytes, file, { knows: knowsType(registry) });
  if (!document) return { sound: false, diagnostics };
  const loaded = { file, folder: dirname(resolve(file)), document };
  return { loaded, ...examineDocument(document, file) };
}

/** Findings about structure and workflow; the models are checked by compiling them. */
export const checkDocument = (document: Document, file: string): readonly Diagnostic[] =>
  examineDocument(document, file).diagnostics;

export function examineDocument(document: Document, file: string): Omit<Loaded, 'loaded'> {
  const structure = checkStructure(document);
  const found = [...structure, ...checkWorkflow(document)];
  return {
    sound: !structure.some((d) => d.severity === 'error'),
    diagnostics: found.map((d) => ({ ...d, where: { file, ...d.where } })),
  };
}
