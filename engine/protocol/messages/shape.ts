/** Sentences about the text of a file and the shape of a document. */
import { IDENTIFIER_RULE } from '../ids.ts';
import { SELECTION_RULE } from '../selection.ts';
import { quoted, type Words } from './words.ts';

/** What is wrong with the text of a file, before it is a document. */
export const textMessages = {
  'json-encoding': (a: { offset: number }): Words => ({
    message: 'The file is not UTF-8 text.',
    found: `a wrong byte at or after offset ${a.offset}`,
    fix: 'Save the file as UTF-8.',
  }),
  'json-syntax': (a: { found: string }): Words => ({
    message: 'The file is not valid JSON, and reading stops here.',
    found: a.found,
    fix: 'Correct the text at this line.',
  }),
  'json-too-deep': (a: { found: string }): Words => ({
    message: 'Values are nested too deep, and reading stops here.',
    found: a.found,
    fix: 'Remove levels of nesting.',
  }),
  'json-too-long': (a: { found: string; limit: number }): Words => ({
    message: `The file is longer than ${a.limit} characters.`,
    found: a.found,
    fix: 'Keep data in files beside the document; a document names them only.',
  }),
  'json-duplicate-key': (a: { found: string }): Words => ({
    message: 'A key stands twice in one object.',
    found: a.found,
    fix: 'Rename or remove one of the two.',
  }),
  'json-forbidden-key': (a: { found: string }): Words => ({
    message: 'A key has a name that documents may not use.',
    found: a.found,
    fix: 'Choose another name.',
  }),
  'json-number-inexact': (a: { found: string }): Words => ({
    message: 'An integer is too large to be kept exactly.',
    found: a.found,
    fix: 'Use an integer between -9007199254740991 and 9007199254740991, or write it as text.',
  }),
  'json-number-too-large': (a: { found: string }): Words => ({
    message: 'A number is too large for a double.',
    found: a.found,
    fix: 'Use a number below 1.8e308.',
  }),
  'more-problems': (a: { limit: number }): Words => ({
    message: `Only the first ${a.limit} problems are listed.`,
    fix: 'Correct these first, then check again.',
  }),
} as const;

/** What is wrong with the shape of a document. `field` is the place inside the file, such as `banks.b.sources[2].name`. */
export const shapeMessages = {
  'document-format': (a: { found: string }): Words => ({
    message: 'The file is no Espalier document: "format" is not "espalier".',
    found: a.found,
    fix: 'Open a document that Espalier saved, or make one with "espalier new".',
  }),
  'document-version': (a: { found: string }): Words => ({
    message: 'The document does not say its schema version as a positive integer.',
    found: a.found,
    fix: 'Write "version": 1.',
  }),
  'document-newer': (a: { version: number; current: number }): Words => ({
    message: `The document was saved by a newer Espalier; this one reads versions up to ${a.current}.`,
    found: `version ${a.version}`,
    fix: 'Update Espalier. The file was not changed.',
  }),
  'document-older': (a: { version: number; first: number }): Words => ({
    message: `The document is older than version ${a.first}, the oldest that can be read.`,
    found: `version ${a.version}`,
    fix: 'Open and save it with an older Espalier first.',
  }),
  'document-migration-failed': (a: { step: string; to: number; reason: string }): Words => ({
    message: `The document could not be brought to version ${a.to} (step "${a.step}").`,
    found: a.reason,
    fix: 'Check the file with the Espalier version that wrote it. The file was not changed.',
  }),
  'document-too-many-nodes': (a: { count: number; limit: number }): Words => ({
    message: `The document has more than ${a.limit} nodes.`,
    found: `${a.count} nodes`,
    fix: 'Use stacks instead of copies of layers, or divide the document.',
  }),
  'field-missing': (a: { field: string; expected: string }): Words => ({
    message: `"${a.field}" is missing; it must be ${a.expected}.`,
    fix: `Add "${a.field}".`,
  }),
  'field-unknown': (a: { field: string }): Words => ({
    message: `"${a.field}" is not a field that documents have.`,
    fix: 'Remove it, or correct its name.',
  }),
  'field-type': (a: { field: string; expected: string; found: string }): Words => ({
    message: `"${a.field}" must be ${a.expected}.`,
    found: a.found,
    fix: `Write ${a.expected}.`,
  }),
  'field-range': (a: { field: string; rule: string; found: string }): Words => ({
    message: `"${a.field}" must be ${a.rule}.`,
    found: a.found,
    fix: `Write a value that is ${a.rule}.`,
  }),
  'field-name': (a: { field: string; found: string }): Words => ({
    message: `"${a.field}" is not a valid name.`,
    found: a.found,
    fix: `Use ${IDENTIFIER_RULE}.`,
  }),
  'field-choice': (a: { field: string; choices: readonly string[]; found: string }): Words => ({
    message: `"${a.field}" must be one of ${quoted(a.choices)}.`,
    found: a.found,
    fix: 'Choose one of these.',
  }),
  'field-text': (a: { field: string; expected: string; found: string }): Words => ({
    message: `"${a.field}" must be ${a.expected}.`,
    found: a.found,
    fix: `Write ${a.expected}.`,
  }),
  'selection-text': (a: { field: string; found: string }): Words => ({
    message: `"${a.field}" is no layer selection.`,
    found: a.found,
    fix: `Write ${SELECTION_RULE}.`,
  }),
  'param-value': (a: { field: string; found: string }): Words => ({
    message: `"${a.field}" is no parameter value.`,
    found: a.found,
    fix: 'Write a number, true, false, a text, a list of these, or {"all": value, "at": {"4-5": value}}.',
  }),
  'artifact-ref': (a: { field: string; found: string }): Words => ({
    message: `"${a.field}" does not name an artifact.`,
    found: a.found,
    fix: 'Write one of {"step": id}, {"promoted": port}, {"hash": 64 hexadecimal digits} or {"asset": relative path}.',
  }),
  'asset-path': (a: { field: string; problem: string; found: string }): Words => ({
    message: `"${a.field}" is not a path that a document may hold: ${a.problem}.`,
    found: a.found,
    fix: 'Write a path relative to the folder of the document, with "/" between folders.',
  }),
} as const;
