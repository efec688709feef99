/** Sentences about edits that are refused. */
import { IDENTIFIER_RULE } from '../ids.ts';
import { cycleWords, list, type Words } from './words.ts';

/** Why an edit is refused; the document stays as it was. */
export const editMessages = {
  'edit-name': (a: { name: string }): Words => ({
    message: 'This is not a valid name.',
    found: JSON.stringify(a.name),
    fix: `Use ${IDENTIFIER_RULE}.`,
  }),
  'edit-graph-missing': (a: { graph: string }): Words => ({
    message: 'There is no such graph in the document.',
    found: a.graph,
    fix: 'Name the workflow, a model, or a container inside one of them.',
  }),
  'edit-node-missing': (a: { node: string; near: readonly string[] }): Words => ({
    message: 'There is no such node.',
    found: a.near.length === 0 ? a.node : `${a.node}; nodes are ${list(a.near)}`,
    fix: 'Correct the name of the node.',
  }),
  'edit-node-ambiguous': (a: { node: string; matches: readonly string[] }): Words => ({
    message: `"${a.node}" names several nodes.`,
    found: list(a.matches),
    fix: 'Write the whole path of the node.',
  }),
  'edit-node-exists': (a: { node: string }): Words => ({
    message: 'A node of this name exists already.',
    found: a.node,
    fix: 'Choose another name.',
  }),
  'edit-node-kept': (a: { type: string }): Words => ({
    message: `The node has type "${a.type}", which this Espalier does not know; its text is kept as it is.`,
    fix: 'Edit it with the version that knows the type, or remove the node.',
  }),
  'edit-edge-missing': (a: { edge: string }): Words => ({
    message: 'There is no such wire.',
    found: a.edge,
    fix: 'Name a wire that exists.',
  }),
  'edit-edge-cycle': (a: { edge: string; cycle: readonly string[] }): Words => ({
    message: 'The wire would close a cycle.',
    found: `${a.edge} in ${cycleWords(a.cycle)}`,
    fix: 'Remove another wire of the cycle first.',
  }),
  'edit-set-syntax': (a: { text: string }): Words => ({
    message: 'The setting cannot be read.',
    found: a.text,
    fix: 'Write node.parameter=value, or node.parameter@layers=value for some layers of a stack.',
  }),
  'edit-value': (a: { expected: string; found: string }): Words => ({
    message: `The value must be ${a.expected}.`,
    found: a.found,
    fix: `Write ${a.expected}.`,
  }),
  'edit-layers': (a: { reason: string }): Words => ({
    message: `The layers cannot be used: ${a.reason}.`,
    fix: 'Name layers of the stack that holds the node.',
  }),
  'edit-layers-of-list': (a: { param: string }): Words => ({
    message: `"${a.param}" is a list, and lists have no overrides per layer.`,
    fix: 'Set the list for all layers.',
  }),
  'edit-layers-no-base': (a: { param: string }): Words => ({
    message: `"${a.param}" has no value for all layers yet, so there is nothing to depart from.`,
    fix: 'Set it for all layers first.',
  }),
  'edit-no-recipe': (a: { node: string }): Words => ({
    message: 'The node has no recipe of its own to be cut from.',
    found: a.node,
    fix: 'Choose a node that uses a recipe.',
  }),
  'edit-not-stack': (a: { node: string }): Words => ({
    message: 'The node is no stack.',
    found: a.node,
    fix: 'Choose a stack of layers.',
  }),
  'edit-split-layer': (a: { layer: number; range: string }): Words => ({
    message: `The stack cannot be split before layer ${a.layer}, because ${a.range}.`,
    fix: 'Choose a layer after the first and up to the last.',
  }),
  'edit-split-collect': (a: { port: string }): Words => ({
    message: `The collect port "${a.port}" is wired, and its values would come in two pieces.`,
    fix: 'Give a node type that joins them, or disconnect the port first.',
  }),
  'edit-split-promoted': (a: { port: string }): Words => ({
    message: `The port "${a.port}" of the stack is promoted, and one promoted port cannot serve two stacks.`,
    fix: 'Remove the promoted port first.',
  }),
  'edit-split-relative': (a: { owner: string; selection: string }): Words => ({
    message: `${a.owner} counts layers from the end ("${a.selection}") and is used outside this stack too.`,
    fix: 'Write the layer numbers, or make the nodes of this stack independent.',
  }),
  'edit-join': (a: { reason: string }): Words => ({
    message: `The stacks cannot be joined: ${a.reason}.`,
    fix: 'Join two neighbouring parts whose settings, bodies and wires agree.',
  }),
} as const;
