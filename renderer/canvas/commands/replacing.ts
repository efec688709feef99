/** Replacing the value of a parameter in all nodes that a search found. */
import type { ParamInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Scalar } from '../../../engine/protocol/document.ts';
import { setParam, type EditResult } from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import type { Editor } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { indexCatalog } from '../model/catalog.ts';
import type { Found } from '../model/query.ts';
import { because } from '../model/refuse.ts';

export function replaceParam(editor: Editor, found: readonly Found[], param: string, text: string): void {
  const { catalog } = editor.store.getState();
  if (!catalog) return;
  const types = indexCatalog(catalog);
  const having = found.filter((f) => types.node(f.value.type)?.params[param] !== undefined);
  editor.edit(`Set ${param} of ${having.length} nodes`, (document): EditResult => {
    let next: EditResult = ok(document);
    for (const f of having) {
      const spec = types.node(f.value.type)?.params[param];
      const at = addressOf(f.graph);
      const value = spec && readValue(spec, text);
      if (!next.ok || !spec || !at) continue;
      if (value === undefined) return because(`"${text}" is no value of "${param}".`, wordsOf(spec));
      next = setParam(next.value, { graph: at, node: f.node }, param, value);
    }
    return next;
  });
}

function readValue(spec: ParamInfo, text: string): Scalar | undefined {
  switch (spec.kind) {
    case 'int':
    case 'number': {
      const value = Number(text);
      const isFine =
        text.trim() !== '' &&
        value >= spec.min &&
        value <= spec.max &&
        (spec.kind === 'number' || Number.isInteger(value));
      return isFine ? value : undefined;
    }
    case 'bool':
      return text === 'yes' || text === 'true' ? true : text === 'no' || text === 'false' ? false : undefined;
    case 'choice':
      return spec.choices.includes(text) ? text : undefined;
    case 'list':
      return undefined;
    case 'text':
    case 'path':
    case 'backbone':
      return text;
  }
}

function wordsOf(spec: ParamInfo): string {
  switch (spec.kind) {
    case 'int':
      return `Give a whole number from ${spec.min} to ${spec.max}.`;
    case 'number':
      return `Give a number from ${spec.min} to ${spec.max}.`;
    case 'bool':
      return 'Give yes or no.';
    case 'choice':
      return `Choose one of ${spec.choices.join(', ')}.`;
    case 'list':
    case 'text':
    case 'path':
    case 'backbone':
      return 'Set it in the inspector.';
  }
}
