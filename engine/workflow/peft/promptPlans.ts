/** The plans of soft prompts and prefixes. */
import { fail, ok, type Result } from '../../base/result.ts';
import type { PromptLearningConfig } from '../../checkpoints/peft/config.ts';
import { PROMPT_TENSOR } from '../../checkpoints/peft/names.ts';
import { activeNodes, attachedTo, type ActiveNode, type Level } from './levels.ts';
import { whole, type Affine, type PeftPlan, type PlanContext, type TensorSource } from './plan.ts';

interface Attention {
  readonly level: Level;
  readonly at: ActiveNode;
}

const attentions = (context: PlanContext): readonly Attention[] =>
  context.levels.flatMap((level) =>
    activeNodes(context, level).flatMap((at) => (at.node.type === 'layer.attention' ? [{ level, at }] : [])),
  );

/** What PEFT writes of the backbone into the configuration of prompts. */
function backboneFields(context: PlanContext): {
  readonly width: number;
  readonly layerCount: number;
  readonly heads: number;
} {
  const all = attentions(context);
  const heads = Number(all[0]?.at.params['heads'] ?? 0);
  return { width: heads * Number(all[0]?.at.params['headWidth'] ?? 0), layerCount: all.length, heads };
}

export function planPrompt(context: PlanContext): Result<PeftPlan> {
  const top = context.levels.slice(0, 1);
  const nodes = top.flatMap((level) => activeNodes(context, level));
  const [prompt, second] = nodes.filter((n) => n.node.type === 'peft.prompt');
  if (!prompt || second) return fail('PEFT has one soft prompt for the whole model');
  const size = Number(prompt.params['size']);
  if (context.task === 'TOKEN_CLS')
    return fail('with a soft prompt PEFT labels its vectors too, here only the text is');
  const late = nodes.find((n) => n.node.type === 'layer.firstToken' && n.params['from'] !== 'all');
  if (late) {
    return fail('the head reads the first word, in PEFT it reads the first vector of the prompt: choose pool=first');
  }
  const config: PromptLearningConfig = {
    type: 'PROMPT_TUNING',
    task: context.task,
    baseModel: context.baseModel,
    virtualTokens: size,
    ...backboneFields(context),
  };
  return ok({ config, tensors: [whole(context, PROMPT_TENSOR, `${prompt.id}/embedding`)] });
}

/** The module that gives one layer its prefix. */
interface Prefixed {
  readonly level: Level;
  readonly module: ActiveNode;
}

/** A prefix in every layer. One that an MLP makes is written as what the MLP gives. */
export function planPrefix(context: PlanContext): Result<PeftPlan> {
  const found: Prefixed[] = [];
  for (const { level, at } of attentions(context)) {
    const [module] = attachedTo(context, level, at.id, 'prefix');
    if (!module) return fail(`layer ${level.at?.layer ?? 0} has no prefix, PEFT has one in every layer`);
    found.push({ level, module });
  }
  const [first] = found;
  if (!first) return fail('no layer has an attention for the prefix');
  const virtualTokens = Number(first.module.params['size']);
  const { type } = first.module.node;
  if (found.some((f) => f.module.params['size'] !== virtualTokens)) {
    return fail('the prefix is longer in some layers, PEFT has one length for all');
  }
  if (found.some((f) => f.module.node.type !== type)) return fail('an MLP makes the prefix of some layers only');
  const fields = backboneFields(context);
  const config: PromptLearningConfig = {
    type: 'PREFIX_TUNING',
    task: context.task,
    baseModel: context.baseModel,
    virtualTokens,
    ...fields,
  };
  const shape = [virtualTokens, 2 * fields.width * found.length];
  const source = type === 'peft.prefixMlp' ? mlpSource(found, first) : flatSource(found);
  return ok({ config, tensors: [{ name: PROMPT_TENSOR, shape, source }] });
}

const flatSource = (found: readonly Prefixed[]): TensorSource => ({
  kind: 'columns',
  paths: found.flatMap(({ level, module }) => ['keys', 'values'].map((t) => `${level.prefix}${module.id}/${t}`)),
});

/** The vectors and the first layer of the MLP belong to the whole stack, the second layer to each layer of the model. */
function mlpSource(found: readonly Prefixed[], first: Prefixed): TensorSource {
  const affine = (path: string): Affine => ({ weight: `${path}.weight`, bias: `${path}.bias` });
  const shared = `${first.level.stackPrefix}${first.module.id}`;
  return {
    kind: 'prefixMlp',
    embedding: `${shared}/embedding`,
    inner: affine(`${shared}/in`),
    layers: found.map(({ level, module }) => affine(`${level.prefix}${module.id}/out`)),
  };
}
