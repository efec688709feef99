/**
 * Python identifiers. Names of documents, parameters and checkpoints become an `Ident` here or nowhere: the printer takes no
 * other text as a name. What comes out holds ASCII letters, digits and underscores only, is no keyword, hides no builtin
 * and nothing that the module imports, and stands once in its scope.
 */
import { freeName } from '../../../base/freeName.ts';
import type { Brand } from '../../../base/brand.ts';
import { BugError } from '../../../base/errors.ts';

export type Ident = Brand<string, 'PythonIdent'>;

const SHAPE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LONGEST = 40;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const KEYWORDS = words(`
  False None True and as assert async await break case class continue def del elif else except finally for from global if
  import in is lambda match nonlocal not or pass raise return try type while with yield
`);

const BUILTINS = words(`
  abs all any bool breakpoint bytes callable chr classmethod compile complex copyright credits delattr dict dir divmod
  enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int isinstance
  issubclass iter len license list locals map max memoryview min next object oct open ord pow print property quit range
  repr reversed round self set setattr slice sorted staticmethod str sum super tuple vars zip ascii bin bytearray
`);

/** What the emitted module imports or defines itself. */
const MODULE = words(`
  torch nn functional math Tensor NamedTuple PathLike checkpoint load_file Model ModelOutput Attention PRETRAINED TRAINABLE SOURCES
  ROW_NORMS SAMPLED_ROWS tie copy_tensors expand load_pretrained load_source load_adapter token_mask annotations
`);

/** Attributes of `nn.Module` that an attribute of ours must not replace. */
const MODULE_ATTRIBUTES = words(`
  T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
  extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
  named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
  register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
  register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
  register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
  state_dict to to_empty train training type xpu zero_grad
`);

/** Letters that are easily taken for digits; PEP 8 asks not to use them as variables. */
const AMBIGUOUS = words('l I O');

const RESERVED: ReadonlySet<string> = new Set([...KEYWORDS, ...BUILTINS, ...MODULE]);
const RESERVED_LOCALS: ReadonlySet<string> = new Set([...RESERVED, ...AMBIGUOUS]);
const RESERVED_ATTRIBUTES: ReadonlySet<string> = new Set([...RESERVED, ...MODULE_ATTRIBUTES]);

/** A name that the emitter itself chose: a mistake in it is ours. */
export function own(text: string): Ident {
  if (!SHAPE.test(text) || (KEYWORDS.includes(text) && !['False', 'None', 'True'].includes(text)))
    throw new BugError(`"${text}" is no Python name`);
  return text as Ident;
}

/** ASCII words of a foreign text: `typeIds`, `query/lora-A` and `Layer norm` become words. */
function wordsOf(text: string): string[] {
  const separated = text.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2');
  return separated.split(/[^A-Za-z0-9]+/).filter((w) => w !== '');
}

const startingWithLetter = (text: string): string => (/^[0-9]/.test(text) ? `n${text}` : text);

/** `snake_case`, at most 40 characters; `value` where nothing is left. A single capital letter (`A`) may stay one. */
function snake(text: string, keepCapital: boolean): string {
  const parts = wordsOf(text);
  const joined = parts.map((w) => (keepCapital && /^[A-Z]$/.test(w) ? w : w.toLowerCase())).join('_');
  return startingWithLetter(joined.slice(0, LONGEST).replace(/_+$/, '')) || 'value';
}

/** `PascalCase`. */
function pascal(text: string): string {
  const joined = wordsOf(text)
    .map((w) => w.slice(0, 1).toUpperCase() + w.slice(1))
    .join('');
  return startingWithLetter(joined.slice(0, LONGEST)).replace(/^n(?=[0-9])/, 'N') || 'Block';
}

export type NameKind = 'local' | 'attribute' | 'class';

/** The names of one scope: everything it mints is different from everything it minted or was told before. */
export class Namer {
  readonly #kind: NameKind;
  readonly #taken = new Set<string>();
  readonly #minted = new Map<string, Ident>();

  constructor(kind: NameKind, taken: Iterable<string> = []) {
    this.#kind = kind;
    for (const name of taken) this.#taken.add(name);
  }

  /** The name that `hint` becomes while nothing else has it. */
  wish(hint: string): string {
    const text = this.#kind === 'class' ? pascal(hint) : snake(hint, this.#kind === 'attribute');
    const reserved = { attribute: RESERVED_ATTRIBUTES, local: RESERVED_LOCALS, class: RESERVED }[this.#kind];
    return reserved.has(text) ? `${text}${this.#kind === 'class' ? 'Block' : '_'}` : text;
  }

  /** The name that `hint` became when it was minted first. */
  minted(hint: string): Ident | undefined {
    return this.#minted.get(this.wish(hint));
  }

  /** A new name close to `hint`. */
  mint(hint: string): Ident {
    const wished = this.wish(hint);
    const join = this.#kind === 'class' || /[0-9]$/.test(wished) === false ? '' : '_';
    const name = freeName(wished, (n) => this.#taken.has(n), join);
    this.#taken.add(name);
    const made = own(name);
    this.#minted.set(name, made);
    return made;
  }
}
