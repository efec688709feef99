/**
 * Edits of documents: pure functions from a document to a new one, or to the reasons why not. The command line uses them
 * now and the editor's commands will; undo, selection and saving are not theirs.
 */
export {
  findNode,
  formatGraphAddress,
  formatNodeAddress,
  freeNodeId,
  graphAt,
  inModel,
  inWorkflow,
  nodeAt,
  replaceGraph,
  replaceNode,
  stackAt,
  type EditResult,
  type GraphAddress,
  type ModelAddress,
  type ModelNodeAddress,
  type NodeAddress,
  type WorkflowAddress,
} from './edit/address.ts';
export { addNode, addStep, connect, disconnect, removeNode } from './edit/graph.ts';
export { joinStacks } from './edit/join.ts';
export {
  coerce,
  resetParamForLayers,
  setParam,
  setParamForLayers,
  setParamText,
  unsetParam,
  type ParamDefault,
} from './edit/params.ts';
export { makeIndependent } from './edit/recipes.ts';
export { splitStack, unrollStack, type Collector } from './edit/split.ts';
