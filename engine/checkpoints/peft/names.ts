/** How PEFT names its tensors. Modules keep their names in the model behind a prefix; prompts stand alone. */

/** The parts of a low-rank update: factors `A` and `B`, and DoRA's magnitude. */
export type LoraPart = 'A' | 'B' | 'm';

const LORA_SUFFIX: { readonly [K in LoraPart]: string } = {
  A: 'lora_A.weight',
  B: 'lora_B.weight',
  m: 'lora_magnitude_vector',
};

export const loraTensor = (module: string, part: LoraPart): string => `base_model.model.${module}.${LORA_SUFFIX[part]}`;
export const ia3Tensor = (module: string): string => `base_model.model.${module}.ia3_l`;
export const lnTuningTensor = (module: string, part: 'weight' | 'bias'): string =>
  `base_model.model.${module}.ln_tuning_layers.${part}`;

/** The prompt, or a prefix as `[P, 2 L d]`: keys and values of layer 0, of layer 1, ... */
export const PROMPT_TENSOR = 'prompt_embeddings';

/** A tensor of the head. Prompts wrap the model once, the other methods twice. */
export const headTensor = (module: string, part: 'weight' | 'bias', isPrompt: boolean): string =>
  `${isPrompt ? 'base_model' : 'base_model.model'}.${module}.${part}`;
