/** The index of a sharded checkpoint, `model.safetensors.index.json`: which tensor lies in which shard. */
import { JsonCursor, SPACES } from './jsonCursor.ts';
import { readSmallFile } from './jsonFile.ts';
import { CHECKPOINT_PROBLEMS as problems } from './checkpointMessages.ts';
import { printName, refuse } from './refusal.ts';

/** A map of 100,000 names takes about 10 MB. */
const LARGEST_INDEX = 64 * 1024 * 1024;
const PLAIN_SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.safetensors$/;

/**
 * Reads and checks an index: strict JSON, one `weight_map`, shard names that are plain file names.
 *
 * @returns shard name -> the tensors that the index places in it, both in the order of the file.
 */
export function readShardIndex(path: string): ReadonlyMap<string, ReadonlySet<string>> {
  return parseShardIndex(readSmallFile(path, 'index', LARGEST_INDEX), path);
}

export function parseShardIndex(bytes: Uint8Array, path: string): ReadonlyMap<string, ReadonlySet<string>> {
  const shards = new Map<string, Set<string>>();
  const cursor = new JsonCursor(bytes, path, 'index');
  cursor.object('the index', (key) => {
    if (key !== 'weight_map') {
      cursor.skip(printName(key));
      return;
    }
    cursor.object('"weight_map"', (tensor) => {
      const shard = cursor.string('a shard name');
      if (!PLAIN_SHARD_NAME.test(shard) || shard.includes('..')) refuse({ file: path }, problems.shardName(shard));
      const names = shards.get(shard);
      if (names === undefined) shards.set(shard, new Set([tensor]));
      else names.add(tensor);
    });
  });
  cursor.end(SPACES, 'the index');
  if (shards.size === 0) refuse({ file: path }, problems.indexShape());
  return shards;
}
