/** The steps of the workflow as a graph. */
export function WorkflowCanvas() {
  return null;
}
