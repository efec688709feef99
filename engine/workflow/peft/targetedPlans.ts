/** The plans of methods that change modules of the backbone: LoRA and DoRA, (IA)3, tuning of norms. */
import { fail, ok, type Result } from '../../base/result.ts';
import type { Ia3Config, LnTuningConfig, LoraConfig } from '../../checkpoints/peft/config.ts';
import { adaptedModules, chooseNames, isFeedforward, patternValue } from '../../checkpoints/peft/modules.ts';
import { ia3Tensor, lnTuningTensor, loraTensor } from '../../checkpoints/peft/names.ts';
import { attachedTo, isConnected, type ActiveNode, type Dock } from './levels.ts';
import { dockedPath, mostCommon, whole, type PeftPlan, type PlanContext, type PlannedTensor } from './plan.ts';

/** A place and the one module on it. */
interface Docked {
  readonly dock: Dock;
  readonly module: ActiveNode;
}

const number = (module: ActiveNode, param: string): number => Number(module.params[param]);

/** All places that have a module. A place with two fails. */
function dockedOn(context: PlanContext, kind: Dock['kind'], port: string): Result<readonly Docked[]> {
  const found: Docked[] = [];
  for (const dock of context.docks) {
    if (dock.kind !== kind) continue;
    const [module, second] = attachedTo(context, dock.level, dock.at.id, port);
    if (second) return fail(`two modules stand on ${dock.name}, and PEFT has one for each`);
    if (module) found.push({ dock, module });
  }
  return ok(found);
}

const names = (docked: readonly Docked[]): string[] => docked.map((d) => d.dock.name);

/** LoRA, rsLoRA and DoRA. */
export function planLora(context: PlanContext): Result<PeftPlan> {
  const found = dockedOn(context, 'linear', 'transforms');
  if (!found.ok) return found;
  const docked = found.value;
  const gated = docked.find(({ dock, module }) => isConnected(context, dock.level, module.id, 'gate'));
  if (gated) return fail(`a gate scales the update of ${gated.dock.name}, which no field of PEFT says`);
  const rslora = docked.filter((d) => d.module.params['rslora'] === true).length;
  if (rslora > 0 && rslora < docked.length) {
    return fail('some modules are rsLoRA and others LoRA, and PEFT has one field for all');
  }
  const dora = docked.filter((d) => d.module.node.type === 'peft.dora').length;
  if (dora > 0 && dora < docked.length)
    return fail('some modules are DoRA and others LoRA, and PEFT has one field for all');
  const chosen = chooseNames(names(docked), context.modules, true);
  const rank = mostCommon(docked.map((d) => number(d.module, 'rank')));
  const alpha = mostCommon(docked.map((d) => number(d.module, 'alpha')));
  const config: LoraConfig = {
    type: 'LORA',
    task: context.task,
    baseModel: context.baseModel,
    targets: { kind: 'names', names: chosen.names },
    exclude: undefined,
    layers: chosen.layers,
    layerWords: [],
    rank,
    alpha,
    dropout: mostCommon(docked.map((d) => number(d.module, 'dropout'))),
    rslora: rslora > 0,
    dora: dora > 0,
    rankPattern: departures(docked, 'rank', rank),
    alphaPattern: departures(docked, 'alpha', alpha),
  };
  const isRead = ({ dock, module }: Docked): boolean =>
    patternValue(config.rankPattern, dock.name, config.rank) === module.params['rank'] &&
    patternValue(config.alphaPattern, dock.name, config.alpha) === module.params['alpha'];
  const parts = dora > 0 ? (['A', 'B', 'm'] as const) : (['A', 'B'] as const);
  const tensors = docked.flatMap(({ dock, module }) =>
    parts.map((part) => whole(context, loraTensor(dock.name, part), dockedPath(dock, module, part))),
  );
  return exactly(config, docked, context, isRead, tensors);
}

/** Names of modules with another value than the general one. */
const departures = (docked: readonly Docked[], param: string, general: number): ReadonlyMap<string, number> =>
  new Map(
    docked.flatMap(({ dock, module }) => {
      const value = number(module, param);
      return value === general ? [] : [[dock.name.slice(dock.name.indexOf('.') + 1), value] as const];
    }),
  );

/**
 * The plan, when the configuration means the docked modules and no others: PEFT would start the others at random. It always
 * does in a plain backbone; in a changed graph two places may have one name.
 */
function exactly(
  config: LoraConfig | Ia3Config | LnTuningConfig,
  docked: readonly Docked[],
  context: PlanContext,
  isRead: (docked: Docked) => boolean,
  tensors: readonly PlannedTensor[],
): Result<PeftPlan> {
  const meant = adaptedModules(config, context.modules).map((m) => m.name);
  const isSame = meant.sort().join() === names(docked).sort().join();
  const wrong = docked.find((d) => !isRead(d));
  if (isSame && !wrong) return ok({ config, tensors });
  return fail(
    `PEFT would read other modules than these: ${(wrong ? [wrong.dock.name] : meant).slice(0, 4).join(', ')}`,
  );
}

/** (IA)3: a column for outputs, a row for inputs. */
export function planIa3(context: PlanContext): Result<PeftPlan> {
  const found = dockedOn(context, 'linear', 'transforms');
  if (!found.ok) return found;
  const docked = found.value;
  const onInput = (d: Docked): boolean => d.module.params['on'] === 'input';
  const inputs = chooseNames(names(docked.filter(onInput)), context.modules, false).names;
  const outputs = chooseNames(names(docked.filter((d) => !onInput(d))), context.modules, false).names;
  const config: Ia3Config = {
    type: 'IA3',
    task: context.task,
    baseModel: context.baseModel,
    targets: { kind: 'names', names: [...outputs, ...inputs] },
    exclude: undefined,
    feedforward: { kind: 'names', names: inputs },
  };
  const tensors = docked.map((d) =>
    whole(context, ia3Tensor(d.dock.name), dockedPath(d.dock, d.module, 'l'), (own) =>
      onInput(d) ? [1, ...own] : [...own, 1],
    ),
  );
  return exactly(config, docked, context, (d) => isFeedforward(config.feedforward, d.dock) === onInput(d), tensors);
}

export function planLnTuning(context: PlanContext): Result<PeftPlan> {
  const found = dockedOn(context, 'norm', 'affine');
  if (!found.ok) return found;
  const docked = found.value;
  const partly = docked.find((d) => d.module.params['train'] !== 'both');
  if (partly)
    return fail(
      `only the ${String(partly.module.params['train'])} of ${partly.dock.name} is trained, PEFT trains both`,
    );
  const other = docked.find((d) => d.module.params['epsilon'] !== d.dock.at.params['epsilon']);
  if (other) return fail(`the module on ${other.dock.name} has another epsilon than the norm`);
  const config: LnTuningConfig = {
    type: 'LN_TUNING',
    task: context.task,
    baseModel: context.baseModel,
    targets: { kind: 'names', names: chooseNames(names(docked), context.modules, false).names },
    exclude: undefined,
  };
  const tensors = docked.flatMap(({ dock, module }): PlannedTensor[] => {
    const path = `${dock.level.prefix}${module.id}/`;
    return [
      whole(context, lnTuningTensor(dock.name, 'weight'), `${path}gamma`),
      whole(context, lnTuningTensor(dock.name, 'bias'), `${path}beta`),
    ];
  });
  return exactly(config, docked, context, () => true, tensors);
}
