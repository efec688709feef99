/** The values that parameters have where a document does not say them, so that `--set` reads texts as the right type. */
import type { NodeRegistry } from '../compile/registry.ts';
import type { ParamDefault } from '../protocol/edit.ts';
import { stepType } from '../workflow/stepTypes.ts';

export const stepParamDefault =
  (registry: NodeRegistry): ParamDefault =>
  (node, param) => {
    const params = stepType(node.type)?.params ?? registry.get(node.type)?.params;
    return params !== undefined && Object.hasOwn(params, param) ? params[param]?.default : undefined;
  };
