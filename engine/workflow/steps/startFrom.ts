/** Values that training begins with, taken from modules that were trained before. */
import { UserError, type Diagnostic, type Place } from '../../base/errors.ts';
import type { HostTensor } from '../../backends/executable.ts';
import type { EntryParameter } from '../../compile/model.ts';
import { evaluateDim } from '../../ir/dim.ts';
import type { Backbone } from '../backbone.ts';
import type { Container } from '../container.ts';
import * as messages from '../messages.ts';

/**
 * Every trainable parameter that the container has a tensor for, by the same path and with the same shape; the others begin
 * with values of their own, which is reported. Throws a `UserError` for another backbone, and when no module fits.
 */
export function startValues(
  container: Container,
  parameters: readonly EntryParameter[],
  backbone: Backbone,
  where: Place,
  report: (d: Diagnostic) => void,
): ReadonlyMap<string, HostTensor> {
  if (container.backbone.hash !== backbone.hash) throw new UserError(messages.otherBackbone(where));
  const values = new Map<string, HostTensor>();
  const anew: string[] = [];
  for (const { name, role, type } of parameters) {
    if (role !== 'trainable') continue;
    const shape = type.shape.map((d) => evaluateDim(d, new Map()));
    if (container.file.tensors.get(name)?.shape.join() !== shape.join()) anew.push(name);
    else values.set(name, { dtype: 'f32', shape, data: container.read(name) });
  }
  const isOfModule = ofModules(container);
  if (![...values.keys()].some((name) => container.modules.length === 0 || isOfModule(name)))
    throw new UserError(messages.nothingToStartFrom(where));
  if (anew.length > 0) report(messages.startsAnew(where, values.size, anew));
  return values;
}

/** Whether a parameter is one of a module's: its path names the module's node, or the set that modules share. */
function ofModules({ modules }: Container): (path: string) => boolean {
  const nodes = new Set(modules.map(({ node }) => node.slice(node.lastIndexOf('/') + 1)));
  const shared = modules.map(({ prefix }) => prefix).filter((prefix) => prefix.startsWith('shared/'));
  return (path) => path.split('/').some((part) => nodes.has(part)) || shared.some((prefix) => path.startsWith(prefix));
}
