/** The parts of the module that are the same text in every export, and are written only where they are needed. */

export interface AttentionUses {
  readonly dropout: boolean;
  readonly prefix: boolean;
  readonly causal: boolean;
  readonly scale: boolean;
}

/** Multi-head attention with key lengths, and what else some attention of the model uses. */
export function attentionClass(uses: AttentionUses): string {
  const when = (used: boolean, lines: readonly string[]): readonly string[] => (used ? lines : []);
  const defaults = [
    ...when(uses.dropout, ['dropout: float = 0.0']),
    ...when(uses.prefix, ['prefix: int = 0']),
    ...when(uses.causal, ['causal: bool = False']),
    ...when(uses.scale, ['scale: float | None = None']),
  ];
  const parameters = ['self', 'heads: int', ...defaults].join(', ');
  const oneLine = `    def __init__(${parameters}) -> None:`;
  const split = ['    def __init__(', `        ${parameters}`, '    ) -> None:'];
  const sdpa = [
    'q, k, v',
    'attn_mask=visible',
    ...when(uses.dropout, ['dropout_p=self.dropout if self.training else 0.0']),
    ...when(uses.scale, ['scale=self.scale']),
  ];
  const call = `        context = functional.scaled_dot_product_attention(${sdpa.join(', ')})`;
  const more = [
    ...when(uses.prefix, ['    Every query also sees the `prefix` keys before them.']),
    ...when(uses.causal, ['    A causal one sees no key after its own position.']),
  ];
  const position = 'torch.arange(key.shape[1], device=key.device)';
  return [
    'class Attention(nn.Module):',
    `    """Multi-head attention over the first \`lengths\` keys of every example.${more.length === 0 ? '"""' : ''}`,
    ...(more.length === 0 ? [] : ['', ...more, '    """']),
    '',
    ...(oneLine.length <= 88 ? [oneLine] : split),
    '        super().__init__()',
    '        self.heads = heads',
    ...when(uses.dropout, ['        self.dropout = dropout']),
    ...when(uses.prefix, ['        self.prefix = prefix']),
    ...when(uses.causal, ['        self.causal = causal']),
    ...when(uses.scale, ['        self.scale = scale']),
    '',
    '    def split(self, x: Tensor) -> Tensor:',
    '        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)',
    '',
    '    def forward(',
    '        self, query: Tensor, key: Tensor, value: Tensor, lengths: Tensor',
    '    ) -> Tensor:',
    '        q, k, v = self.split(query), self.split(key), self.split(value)',
    `        position = ${position}${uses.prefix ? ' - self.prefix' : ''}`,
    '        visible = (position < lengths[:, None])[:, None, None]',
    ...when(uses.causal, [
      '        if self.causal:',
      '            own = torch.arange(query.shape[1], device=query.device)',
      '            visible = visible & (position <= own[:, None])',
    ]),
    ...(call.length <= 88
      ? [call]
      : ['        context = functional.scaled_dot_product_attention(', ...fitted(sdpa), '        )']),
    '        return context.transpose(1, 2).flatten(2)',
  ].join('\n');
}

const fitted = (args: readonly string[]): readonly string[] => {
  const one = `            ${args.join(', ')}`;
  return one.length <= 88
    ? [one]
    : args
        .join(', ')
        .split(', ')
        .map((a) => `            ${a},`);
};

export const EXPAND = `def expand(rows: dict[str, str], layers: Iterable[int] = (0,)) -> dict[str, str]:
    """Rows for the number of every layer (\`*\`), for weight and bias after a dot."""
    return {
        attribute.replace("*", str(i)) + part: name.replace("*", str(i)) + part
        for i in layers
        for attribute, name in rows.items()
        for part in (("weight", "bias") if attribute.endswith(".") else ("",))
    }`;

export const TIE = `def tie(model: nn.Module, first: str, *others: str) -> None:
    """Makes several parameters one."""
    for other in others:
        path, _, attribute = other.rpartition(".")
        setattr(model.get_submodule(path), attribute, model.get_parameter(first))`;

export const COPY_TENSORS = `def copy_tensors(
    model: nn.Module, names: dict[str, str], file: str | PathLike[str]
) -> None:
    """Copies tensors of a safetensors file; \`names\` says which go where."""
    tensors = load_file(file)
    for attribute, name in names.items():
        shape = model.get_parameter(attribute).shape
        if name not in tensors or tensors[name].shape != shape:
            raise ValueError(f"{file} has no tensor {name!r} of shape {tuple(shape)}")
    with torch.no_grad():
        for attribute, name in names.items():
            model.get_parameter(attribute).copy_(tensors[name])`;

export const ROW_NORMS = `    with torch.no_grad():
        for attribute, (weight, axis) in ROW_NORMS.items():
            norms = torch.linalg.vector_norm(model.get_parameter(weight), dim=axis)
            model.get_parameter(attribute).copy_(norms)`;

export const SAMPLED_ROWS = `    with torch.no_grad():
        for attribute, (table, among) in SAMPLED_ROWS.items():
            parameter = model.get_parameter(attribute)
            rows = torch.randperm(among)[: len(parameter)]
            parameter.copy_(model.get_parameter(table)[rows])`;

export const loadPretrained = (more: readonly string[]): string =>
  [
    'def load_pretrained(model: Model, file: str | PathLike[str]) -> None:',
    '    """Loads the checkpoint of the backbone; call it before `load_adapter`."""',
    '    copy_tensors(model, PRETRAINED, file)',
    ...more,
  ].join('\n');

export const LOAD_ADAPTER = `def load_adapter(model: Model, file: str | PathLike[str]) -> None:
    """Loads the trained parameters."""
    copy_tensors(model, TRAINABLE, file)`;

export const LOAD_SOURCE = `def load_source(model: Model, source: str, file: str | PathLike[str]) -> None:
    """Loads one frozen source of a bank."""
    copy_tensors(model, SOURCES[source], file)`;
