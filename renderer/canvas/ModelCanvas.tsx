/** The graph of a model: stacks, layers, modules, wires. */
export function ModelCanvas() {
  return null;
}
