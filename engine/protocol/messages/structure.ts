/** Sentences about wiring and references. */
import { cycleWords, list, type Words } from './words.ts';

/** What is wrong with the wiring and the references, as far as no node type is needed to see it. */
export const structureMessages = {
  'edge-dangling': (a: { edge: string; end: string }): Words => ({
    message: `A wire ${a.end} a node that does not exist.`,
    found: a.edge,
    fix: 'Remove the wire, or add the node.',
  }),
  'edge-duplicate': (a: { edge: string }): Words => ({
    message: 'Two wires join the same two ports.',
    found: a.edge,
    fix: 'Remove one of them.',
  }),
  'edge-self': (a: { edge: string }): Words => ({
    message: 'A wire leads from a node to itself.',
    found: a.edge,
    fix: 'Remove the wire; to feed an output back layer by layer, use a carry port of a stack.',
  }),
  'edge-order-duplicate': (a: { order: number; edges: readonly string[] }): Words => ({
    message: `Two wires into one port have the same order ${a.order}.`,
    found: a.edges.join('; '),
    fix: 'Give each wire into this port its own order.',
  }),
  'graph-cycle': (a: { cycle: readonly string[] }): Words => ({
    message: 'The wires form a cycle.',
    found: cycleWords(a.cycle),
    fix: 'Remove one wire of the cycle.',
  }),
  'workflow-recursion': (a: { cycle: readonly string[] }): Words => ({
    message: 'A source bank needs an artifact that is made from the bank itself.',
    found: cycleWords(a.cycle),
    fix: 'Take the source out of the bank, or train it from another model.',
  }),
  'workflow-too-large': (a: { limit: number }): Words => ({
    message: `For-each steps inside each other make more than ${a.limit} steps.`,
    fix: 'Use fewer items, or fewer for-each steps inside each other.',
  }),
  'wall-outside-body': (a: { edge: string }): Words => ({
    message: '"$in" and "$out" exist only inside the body of a container.',
    found: a.edge,
    fix: 'Wire to a node of this graph instead.',
  }),
  'wall-direction': (a: { edge: string }): Words => ({
    message: 'A wire runs the wrong way through the wall: "$in" only gives and "$out" only takes.',
    found: a.edge,
    fix: 'Take values from "$in" and hand results to "$out".',
  }),
  'wall-port-unknown': (a: { edge: string; wall: string; ports: readonly string[] }): Words => ({
    message: `"${a.wall}" has no such port.`,
    found: `${a.edge}; ports are ${list(a.ports)}`,
    fix: 'Use one of the ports of the stack, or add a carry, broadcast or collect port to it.',
  }),
  'wall-port-unwired': (a: { port: string }): Words => ({
    message: `Nothing is wired to port "${a.port}" of "$out" inside the body.`,
    fix: `Wire a value to "$out" port "${a.port}", or remove the port from the container.`,
  }),
  'wall-port-unfed': (a: { port: string }): Words => ({
    message: `The body uses port "${a.port}" of "$in", but nothing is wired to that port of the container.`,
    fix: `Wire something to port "${a.port}" of the container.`,
  }),
  'wall-port-many': (a: { edges: readonly string[] }): Words => ({
    message: 'A port of "$out" takes one wire only.',
    found: a.edges.join('; '),
    fix: 'Keep one of the wires, or join the values with an add node first.',
  }),
  'wall-passthrough': (a: { edge: string }): Words => ({
    message: 'A for-each body hands its input straight to its output.',
    found: a.edge,
    fix: 'Wire past the container instead.',
  }),
  'stack-port-unknown': (a: { edge: string; ports: readonly string[] }): Words => ({
    message: 'The stack has no such port.',
    found: `${a.edge}; ports are ${list(a.ports)}`,
    fix: 'Use one of these ports, or add a carry, broadcast or collect port to the stack.',
  }),
  'stack-port-duplicate': (a: { port: string }): Words => ({
    message: `Two ports of the stack are named "${a.port}".`,
    fix: 'Give each carry, broadcast and collect port its own name.',
  }),
  'stack-parts-overlap': (a: { name: string; parts: readonly string[] }): Words => ({
    message: `Two stacks named "${a.name}" hold the same layer numbers, so their parameters would have the same names.`,
    found: a.parts.join(' and '),
    fix: 'Give one of them another name or another first layer.',
  }),
  'body-without-container': (a: { needs: string }): Words => ({
    message: `The node has a body but no ${a.needs}, so it is no container.`,
    fix: `Add ${a.needs}, or remove the body.`,
  }),
  'container-without-body': (a: { has: string }): Words => ({
    message: `The node has ${a.has} but no body.`,
    fix: 'Add a body with nodes and edges.',
  }),
  'item-duplicate': (a: { name: string }): Words => ({
    message: `Two items of the for-each step are named "${a.name}".`,
    fix: 'Give each item its own name.',
  }),
  'item-node-missing': (a: { item: string; node: string; nodes: readonly string[] }): Words => ({
    message: `Item "${a.item}" sets parameters of a step that the body does not have.`,
    found: `"${a.node}"; steps of the body are ${list(a.nodes)}`,
    fix: 'Correct the name of the step.',
  }),
  'recipe-missing': (a: { recipe: string }): Words => ({
    message: 'The node uses a recipe that does not exist.',
    found: a.recipe,
    fix: 'Add the recipe, or make the node independent.',
  }),
  'recipe-type': (a: { recipe: string; has: string; needs: string }): Words => ({
    message: `The recipe "${a.recipe}" is for another type or version of node.`,
    found: `node ${a.has}, recipe ${a.needs}`,
    fix: 'Use a recipe of the same type and version.',
  }),
  'shared-missing': (a: { shared: string }): Words => ({
    message: 'The node shares parameters through a set that does not exist.',
    found: a.shared,
    fix: 'Add the set to "sharedSets", or remove the sharing.',
  }),
  'shared-type': (a: { shared: string; types: readonly string[] }): Words => ({
    message: `Nodes of different types share the parameter set "${a.shared}".`,
    found: list(a.types),
    fix: 'Share only between nodes of one type and version.',
  }),
  'bank-missing': (a: { bank: string }): Words => ({
    message: 'The node uses a source bank that does not exist.',
    found: a.bank,
    fix: 'Add the bank to "banks".',
  }),
  'bank-source-duplicate': (a: { bank: string; name: string }): Words => ({
    message: `Two sources of bank "${a.bank}" are named "${a.name}".`,
    fix: 'Give each source its own name.',
  }),
  'model-missing': (a: { model: string; models: readonly string[] }): Words => ({
    message: 'The step names a model that the document does not have.',
    found: `${a.model}; models are ${list(a.models)}`,
    fix: 'Correct the name of the model.',
  }),
  'step-missing': (a: { bank: string; source: string; step: string }): Words => ({
    message: `Source "${a.source}" of bank "${a.bank}" comes from a workflow step that does not exist.`,
    found: a.step,
    fix: 'Correct the name of the step, or remove the source.',
  }),
  'step-item': (a: { bank: string; source: string; step: string; problem: string }): Words => ({
    message: `Source "${a.source}" of bank "${a.bank}" names step "${a.step}" wrongly: ${a.problem}.`,
    fix: 'Name an item and an output of a for-each step, and no item of any other step.',
  }),
  'promoted-missing': (a: { bank: string; source: string; port: string }): Words => ({
    message: `Source "${a.source}" of bank "${a.bank}" arrives at a promoted port that no model with this bank has.`,
    found: a.port,
    fix: 'Promote a port of that name in the model, or name the artifact in another way.',
  }),
  'promoted-node-missing': (a: { name: string; node: string }): Words => ({
    message: `The promoted port "${a.name}" belongs to a node that does not exist.`,
    found: a.node,
    fix: 'Correct the node, or remove the promoted port.',
  }),
  'promoted-duplicate': (a: { name: string }): Words => ({
    message: `The name "${a.name}" of a promoted port is taken by another port.`,
    fix: 'Give each promoted port a name of its own.',
  }),
  'layers-out-of-range': (a: { field: string; reason: string }): Words => ({
    message: `"${a.field}" does not fit the stack: ${a.reason}.`,
    fix: 'Name layers that the stack has.',
  }),
  'layers-outside-stack': (a: { field: string }): Words => ({
    message: `"${a.field}" selects layers, but the node is in no stack.`,
    fix: 'Remove the selection, or move the node into the body of a stack.',
  }),
  'override-overlap': (a: { first: string; second: string; layers: string }): Words => ({
    message: `Two overrides give a value for the same layers (${a.layers}).`,
    found: `"${a.first}" and "${a.second}"`,
    fix: 'Let each layer stand in one override only.',
  }),
} as const;
