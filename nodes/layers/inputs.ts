/** Where data enters a model, and the embeddings of the BERT family. */
import { add, broadcastTo, cast, concat, constant, dimension, gather, iota, reshape } from '../../engine/ir/build.ts';
import { addDims, type Dim } from '../../engine/ir/dim.ts';
import { tensorType } from '../../engine/ir/types.ts';
import { defineNode, tensor } from '../../engine/nodekit/node.ts';
import { choice, int, text } from '../../engine/nodekit/params.ts';
import { batchOf, lengthOf, type TokensWire } from '../../engine/nodekit/wires.ts';

export const tokensInput = defineNode({
  type: 'input.tokens',
  version: 1,
  docs: { title: 'Tokens', family: 'input', help: 'The tokenised batch.' },
  inputs: {},
  outputs: { tokens: { kind: 'tokens', doc: 'ids, types, positions and lengths' } },
  params: {},
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope }) => {
    const { batch, length } = scope.context.symbols;
    const padded = tensorType('i32', [batch, length]);
    const tokens: TokensWire = {
      kind: 'tokens',
      ids: scope.global('batch/ids', padded),
      typeIds: scope.global('batch/typeIds', padded),
      positions: scope.global('batch/positions', padded),
      lengths: scope.global('batch/lengths', tensorType('i32', [batch])),
    };
    return { tokens };
  },
});

export const labelsInput = defineNode({
  type: 'input.labels',
  version: 1,
  docs: { title: 'Labels', family: 'input', help: 'The gold labels of the batch.' },
  inputs: {},
  outputs: { labels: { kind: 'tensor', doc: 'class [B], number [B], flags [B, C] or tags [B, T]' } },
  params: {
    task: choice(['classification', 'regression', 'multilabel', 'tokens'], 'classification', 'What the labels are.'),
    classes: int(2, 'Number of classes.', { min: 1 }),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, params }) => {
    const { batch, length } = scope.context.symbols;
    const type = {
      classification: tensorType('i32', [batch]),
      regression: tensorType('f32', [batch]),
      multilabel: tensorType('f32', [batch, params.classes]),
      tokens: tensorType('i32', [batch, length]),
    }[params.task];
    return { labels: tensor(scope.global('batch/labels', type)) };
  },
});

export const bertEmbeddings = defineNode({
  type: 'bert.embeddings',
  version: 1,
  docs: {
    title: 'Embeddings',
    family: 'layer',
    help: 'Word, position and type embeddings. A soft prompt goes before the words.',
    equation: 'e = E_{w} + E_{p} + E_{t}',
    paper: 'Devlin et al. 2019',
  },
  inputs: {
    tokens: { kind: 'tokens', doc: 'the batch' },
    prompt: { kind: 'tensor', optional: true, doc: 'soft prompt [P, d] set before the words' },
  },
  outputs: {
    hidden: { kind: 'tensor', doc: 'states [B, P + T, d]' },
    tokens: { kind: 'tokens', doc: 'the batch, longer by the prompt' },
  },
  params: {
    prefix: text('', 'Name prefix of the embedding tables in the checkpoint.'),
    vocabulary: int(30522, 'Rows of the word table.', { min: 1 }),
    positions: int(512, 'Rows of the position table.', { min: 1 }),
    types: int(2, 'Rows of the type table.', { min: 1 }),
    width: int(768, 'Width d.', { min: 1 }),
    firstPosition: int(0, 'Row of the first position: 0 for BERT, 2 for RoBERTa.'),
  },
  bypass: { kind: 'none' },
  build: ({ scope, inputs, params }) => {
    const tokens = inputs.tokens('tokens');
    const d = params.width;
    const table = (name: string, rows: number) =>
      scope.weight(`${name}.weight`, [rows, d], { artifact: 'backbone', tensor: `${params.prefix}${name}.weight` });
    const words = gather(table('word_embeddings', params.vocabulary), tokens.ids);
    const positionTable = table('position_embeddings', params.positions);
    const typeTable = table('token_type_embeddings', params.types);
    const prompt = inputs.optionalTensor('prompt');
    const batch = batchOf(tokens);
    const length = lengthOf(tokens);
    let hidden = add(add(words, gather(positionTable, tokens.positions)), gather(typeTable, tokens.typeIds));
    let longer = tokens;
    if (prompt) {
      const size = prompt.type.shape[0] as Dim;
      const total = addDims(size, length);
      const repeated = broadcastTo(reshape(prompt, [1, size, d]), [batch, size, d]);
      const shifted = add(iota(prompt, total), constant(prompt, 'i32', [], params.firstPosition));
      const types = concat([constant(prompt, 'i32', [batch, size], 0), tokens.typeIds], -1);
      hidden = add(add(concat([repeated, words], -2), gather(positionTable, shifted)), gather(typeTable, types));
      const promptLength = cast(dimension(prompt, size), 'i32');
      const ids = concat([constant(prompt, 'i32', [batch, size], 0), tokens.ids], -1);
      const positions = broadcastTo(reshape(shifted, [1, total]), [batch, total]);
      longer = { kind: 'tokens', ids, typeIds: types, positions, lengths: add(tokens.lengths, promptLength) };
    }
    return { hidden: tensor(hidden), tokens: longer };
  },
});

export const embedding = defineNode({
  type: 'layer.embedding',
  version: 1,
  docs: {
    title: 'Embedding',
    family: 'layer',
    help: 'Rows of a frozen table for the ids, positions or types of the tokens.',
    equation: 'e_t = E_{i_t}',
  },
  inputs: { tokens: { kind: 'tokens', doc: 'the batch' } },
  outputs: { y: { kind: 'tensor', doc: 'rows [B, T, d]' } },
  params: {
    of: choice(['ids', 'positions', 'typeIds'], 'ids', 'What the rows are looked up by.'),
    rows: int(50257, 'Rows of the table.', { min: 1 }),
    width: int(768, 'Width d.', { min: 1 }),
    weight: text('', 'Name of the table in the checkpoint.'),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const table = scope.weight('weight', [params.rows, params.width], { artifact: 'backbone', tensor: params.weight });
    return { y: tensor(gather(table, inputs.tokens('tokens')[params.of])) };
  },
});
