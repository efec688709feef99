/**
 * The import checker: every file may import only from lower layers, and files never import each other in a circle. The
 * tables below are the rule; ARCHITECTURE.md explains it. Imports are read with the TypeScript parser. It leaves out
 * whether an imported name exists, which the type checker knows.
 *
 * Type-only imports (`import type`) must keep the layers too, but make no circle, since nothing of them is left at run time.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readImports } from './imports.mjs';
import { root as projectRoot } from './setup.mjs';

/** Folders of engine/ and their numbers: a file imports from lower numbers and from its own folder. */
const engineLayers = new Map([
  ['base', 0],
  ['protocol', 1],
  ['ir', 2],
  ['ops', 3],
  ['tracing', 4],
  ['autodiff', 5],
  ['passes', 5],
  ['backends', 6],
  ['checkpoints', 6],
  ['tokenizers', 6],
  ['data', 6],
  ['metrics', 6],
  ['nodekit', 7],
  ['compile', 8],
  ['sandbox', 8],
  ['trainer', 9],
  ['workflow', 10],
  ['service', 11],
  ['cli', 12],
]);

/**
 * What lies outside engine/: the areas a file may import (`engine/x` is one folder of the engine, its own area always is
 * allowed), whether Node's own modules are, and whether packages are. First match wins.
 * @type {readonly { files: RegExp, areas: readonly string[], builtins: boolean, packages: boolean }[]}
 */
const outside = [
  {
    files: /^nodes\//,
    areas: ['engine/nodekit', 'engine/ops', 'engine/tracing', 'engine/ir', 'engine/protocol', 'engine/base'],
    builtins: false,
    packages: false,
  },
  { files: /^renderer\//, areas: ['engine/protocol', 'engine/base'], builtins: false, packages: true },
  {
    files: /^electron\/engineHost\.ts$/,
    areas: ['engine/protocol', 'engine/base', 'engine/service', 'engine/backends', 'nodes'],
    builtins: true,
    packages: true,
  },
  { files: /^electron\//, areas: ['engine/protocol', 'engine/base'], builtins: true, packages: true },
  {
    files: /^tests\//,
    areas: ['engine/*', 'nodes', 'renderer', 'electron', 'build', 'the root folder'],
    builtins: true,
    packages: true,
  },
  {
    files: /^(build\/|[^/]+$)/,
    areas: ['engine/*', 'nodes', 'renderer', 'electron', 'build', 'the root folder'],
    builtins: true,
    packages: true,
  },
];

/** The command line is where engine and nodes are put together, so it alone of the engine may import the list of nodes. */
const compositionRoots = [{ files: /^engine\/cli\//, imports: /^nodes\/index\.ts$/ }];

/** These run in a browser window: nothing they load, directly or not, may be one of Node's own modules. */
const browserFiles = /^(renderer|engine\/protocol)\//;

const sourceFolders = ['engine', 'nodes', 'renderer', 'electron', 'tests', 'build'];
const sourceFile = /\.(ts|tsx|mts|js|mjs|cjs)$/;

/**
 * @typedef {{ file: string, line: number, message: string }} Problem
 * @typedef {{ file: string, line: number, specifier: string, typeOnly: boolean, target: Target }} Edge
 * @typedef {{ kind: 'file', path: string } | { kind: 'builtin' } | { kind: 'package', name: string }
 *   | { kind: 'refused', reason: string }} Target
 */

/**
 * @param {string} root folder that holds engine/, nodes/ and the others
 * @returns {{ files: number, imports: number, problems: readonly Problem[] }} problems in order of file and line
 */
export function checkLayers(root) {
  const files = listSources(root);
  const declared = declaredPackages(root);
  /** @type {Problem[]} */
  const problems = [];
  /** @type {Map<string, Edge[]>} */
  const edges = new Map();
  for (const file of files) {
    const out = readImports(file, readFileSync(join(root, file), 'utf8')).map((i) => ({
      file,
      line: i.line,
      specifier: i.specifier ?? '',
      typeOnly: i.typeOnly,
      target: resolveTarget(root, file, i.specifier),
    }));
    edges.set(file, out);
    const place = placeProblem(file);
    if (place !== undefined) problems.push({ file, line: 1, message: place });
    for (const edge of out) {
      const message = judge(edge, declared);
      if (message !== undefined) problems.push({ file, line: edge.line, message });
    }
  }
  problems.push(...browserProblems(edges), ...circles(edges));
  problems.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
  return { files: files.length, imports: [...edges.values()].reduce((n, e) => n + e.length, 0), problems };
}

/**
 * @param {string} root
 * @param {string} file
 * @param {string | undefined} specifier undefined when it is computed
 * @returns {Target}
 */
function resolveTarget(root, file, specifier) {
  if (specifier === undefined) {
    return {
      kind: 'refused',
      reason: 'imports a computed name, which cannot be checked. Write the name as a literal.',
    };
  }
  if (/^(\/|file:|[A-Za-z]:[\\/])/.test(specifier)) {
    return { kind: 'refused', reason: `imports the absolute path ${specifier}. Use a relative path.` };
  }
  if (isBuiltin(specifier)) return { kind: 'builtin' };
  if (specifier.startsWith('#')) {
    return {
      kind: 'refused',
      reason: `imports the alias ${specifier}. Aliases are not used here; use a relative path.`,
    };
  }
  if (!/^\.\.?(\/|$)/.test(specifier)) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    return { kind: 'package', name };
  }
  const bare = specifier.replace(/[?#].*$/, '');
  const path = posix.normalize(posix.join(posix.dirname(file), bare));
  if (path.startsWith('..')) {
    return { kind: 'refused', reason: `imports ${specifier}, which lies outside the project.` };
  }
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    const reason = `imports ${specifier}, but there is no file ${path}. Name the file with its extension.`;
    return { kind: 'refused', reason };
  }
  return { kind: 'file', path };
}

/**
 * @param {string} file
 * @returns {string | undefined} what is wrong with the place of the file itself
 */
function placeProblem(file) {
  const [top, folder, rest] = file.split('/');
  if (top !== 'engine' || folder === undefined) return undefined;
  if (rest === undefined) return 'lies directly in engine/, which has no layer. Move it into one of its folders.';
  if (engineLayers.has(folder)) return undefined;
  return `lies in engine/${folder}, which has no layer. Give the folder a number in build/layers.mjs.`;
}

/**
 * @param {Edge} edge
 * @param {ReturnType<typeof declaredPackages>} declared
 * @returns {string | undefined} why the import is refused
 */
function judge({ file, specifier, typeOnly, target }, declared) {
  const rule = outside.find((r) => r.files.test(file));
  switch (target.kind) {
    case 'refused':
      return isFree(file) ? undefined : target.reason;
    case 'builtin':
      return rule?.builtins === false
        ? `imports ${specifier}, but ${areaOf(file)} does no input or output.`
        : undefined;
    case 'package':
      if (rule?.packages === false) return `imports the package ${target.name}, but ${areaOf(file)} imports none.`;
      return packageProblem(file, target.name, typeOnly, declared);
    case 'file':
      return rule === undefined ? judgeEngine(file, target.path) : judgeOutside(file, target.path, rule.areas);
  }
}

/**
 * @param {string} file
 * @param {string} path
 * @param {readonly string[]} areas
 */
function judgeOutside(file, path, areas) {
  const from = areaOf(file);
  const to = areaOf(path);
  if (from === to || areas.includes(to) || (to.startsWith('engine/') && areas.includes('engine/*'))) return undefined;
  return `imports ${path}, but ${from} may import only ${areas.join(', ')}.`;
}

/**
 * @param {string} file
 * @param {string} path
 */
function judgeEngine(file, path) {
  if (compositionRoots.some((r) => r.files.test(file) && r.imports.test(path))) return undefined;
  const from = areaOf(file);
  const to = areaOf(path);
  if (from === 'engine/backends' && to === from) return judgeBackends(file, path);
  if (from === to) return undefined;
  const a = engineLayers.get(from.slice('engine/'.length));
  const b = to.startsWith('engine/') ? engineLayers.get(to.slice('engine/'.length)) : undefined;
  if (b === undefined) return `imports ${path}, but engine never imports ${to}.`;
  if (a === undefined || b < a) return undefined;
  const relation = a === b ? 'sideways' : 'upwards';
  return `imports ${path} ${relation}: ${from} has layer ${a} and ${to} has layer ${b}. Import only from lower layers.`;
}

/**
 * A backend sees its own folder and the files directly in engine/backends, which in turn see no backend's folder: the
 * interface is a leaf, so backends can't reach each other through it.
 * @param {string} file
 * @param {string} path
 */
function judgeBackends(file, path) {
  /** @param {string} p */
  const backend = (p) => (p.split('/').length > 3 ? p.split('/')[2] : undefined);
  const from = backend(file);
  const to = backend(path);
  if (to === undefined || from === to) return undefined;
  return from === undefined
    ? `imports ${path}, but the shared files of engine/backends import no backend.`
    : `imports ${path}, but a backend never imports another backend.`;
}

/** @param {string} file  */
function areaOf(file) {
  const [top = '', folder = ''] = file.split('/');
  if (!file.includes('/')) return 'the root folder';
  return top === 'engine' ? `engine/${folder}` : top;
}

/**
 * Tests, build scripts and configuration, which may import anything (but build scripts no tests).
 * @param {string} file
 */
function isFree(file) {
  return !/^(engine|nodes|renderer|electron)\//.test(file);
}

/**
 * What the product imports must be installed with it: packages under `dependencies`, types under any.
 * @param {string} file
 * @param {string} name
 * @param {boolean} typeOnly
 * @param {ReturnType<typeof declaredPackages>} declared
 */
function packageProblem(file, name, typeOnly, declared) {
  if (declared === undefined || declared.runtime.has(name)) return undefined;
  // The window is bundled when the app is built, and Electron itself is the run time, so there both lists count.
  const bundled = isFree(file) || typeOnly || /^(renderer|electron)\//.test(file);
  if (bundled && declared.all.has(name)) return undefined;
  return `imports the package ${name}, which package.json does not list under dependencies.`;
}

/** @param {string} root */
function declaredPackages(root) {
  const file = join(root, 'package.json');
  if (!existsSync(file)) return undefined;
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const runtime = new Set(Object.keys(manifest.dependencies ?? {}));
  return { runtime, all: new Set([...runtime, ...Object.keys(manifest.devDependencies ?? {})]) };
}

/**
 * Node's own modules that a browser file loads through other files.
 * @param {ReadonlyMap<string, readonly Edge[]>} edges
 * @returns {Problem[]}
 */
function browserProblems(edges) {
  /** @type {Problem[]} */
  const problems = [];
  for (const start of edges.keys()) {
    if (!browserFiles.test(start)) continue;
    /** @type {{ file: string, line: number, path: readonly string[] }[]} */
    const queue = [{ file: start, line: 0, path: [start] }];
    const seen = new Set([start]);
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const edge of edges.get(at.file) ?? []) {
        if (edge.typeOnly) continue;
        const line = at.line === 0 ? edge.line : at.line;
        if (edge.target.kind === 'builtin' && !(at.path.length === 1 && start.startsWith('renderer/'))) {
          const way = [...at.path, edge.specifier].join(' -> ');
          problems.push({
            file: start,
            line,
            message: `runs in a browser window but loads one of Node's modules: ${way}.`,
          });
        }
        if (edge.target.kind !== 'file' || seen.has(edge.target.path)) continue;
        seen.add(edge.target.path);
        queue.push({ file: edge.target.path, line, path: [...at.path, edge.target.path] });
      }
    }
  }
  return problems;
}

/**
 * One problem for each group of files that import each other in a circle, with a shortest circle through its first file.
 * @param {ReadonlyMap<string, readonly Edge[]>} edges
 * @returns {Problem[]}
 */
function circles(edges) {
  /** @type {Map<string, { to: string, line: number }[]>} */
  const graph = new Map();
  for (const [file, list] of edges) {
    graph.set(
      file,
      list.flatMap((e) => (e.target.kind === 'file' && !e.typeOnly ? [{ to: e.target.path, line: e.line }] : [])),
    );
  }
  /** @type {Problem[]} */
  const problems = [];
  const told = new Set();
  for (const start of [...graph.keys()].sort()) {
    if (told.has(start)) continue;
    const circle = shortestCircle(graph, start);
    if (circle === undefined) continue;
    for (const file of circle) told.add(file);
    const line = graph.get(start)?.find((e) => e.to === (circle[1] ?? start))?.line ?? 1;
    const message = `import circle: ${[...circle, start].join(' -> ')}. Move what both need into a file below them.`;
    problems.push({ file: start, line, message });
  }
  return problems;
}

/**
 * @param {ReadonlyMap<string, readonly { to: string }[]>} graph
 * @param {string} start
 * @returns {string[] | undefined} the files of a shortest circle from `start`, without the return to it
 */
function shortestCircle(graph, start) {
  /** @type {Map<string, string>} */
  const cameFrom = new Map();
  const queue = [start];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const { to } of graph.get(at) ?? []) {
      if (to === start) {
        const path = [at];
        for (let p = cameFrom.get(at); p !== undefined; p = cameFrom.get(p)) path.unshift(p);
        return path;
      }
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, at);
      queue.push(to);
    }
  }
  return undefined;
}

/**
 * @param {string} root
 * @returns {string[]} source files relative to root, with `/`, sorted
 */
function listSources(root) {
  const files = readdirSync(root).filter((f) => sourceFile.test(f));
  for (const folder of sourceFolders) {
    if (!existsSync(join(root, folder))) continue;
    for (const f of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = relative(root, resolve(root, folder, f))
        .split(sep)
        .join('/');
      if (sourceFile.test(path) && !/(^build\/out|(^|\/)node_modules)\//.test(path) && dirname(path) !== 'build/out') {
        files.push(path);
      }
    }
  }
  return files.sort();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { files, imports, problems } = checkLayers(resolve(process.argv[2] ?? projectRoot));
  for (const p of problems) process.stdout.write(`${p.file}:${p.line}: ${p.message}\n`);
  process.stdout.write(`layers: ${files} files, ${imports} imports, ${problems.length} problems\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
