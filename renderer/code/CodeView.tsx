/** Code: the exported module, the JSON of the document, custom nodes. */
export function CodeView() {
  return null;
}
