/**
 * What the editor can do, by id: everything that the issue and section 1 of the design name. An end-to-end test ends its
 * title with the ids that it shows (`[canvas.drop-on-wire, stack.scrubber]`); `coverage.test.ts` fails on an id that no test
 * shows and on an id that is not here. The ids of `desktop` are shown by the tests of the shell in tests/electron.
 */
export const CAPABILITIES = {
  // Start and the guided first run.
  'start.doors': 'the first screen has three doors, never an empty canvas',
  'start.tune': '"Tune a text classifier" leads to a project that trains',
  'start.model-folder': '"Open a model folder" adds a backbone and opens it as a graph',
  'start.open-project': '"Open a project" opens a document',
  'start.recent': 'recent files open from Start',
  'start.templates': 'templates are offered on Start, at least eight, and each opens',
  'start.guided-run': 'the guided run leads in four steps on the real screen to a trained model',
  'start.do-it-for-me': 'each step of the guided run can be done for the person',
  'start.leave-guide': 'Escape leaves the guided run at any moment and keeps the work',

  // Workflow level.
  'workflow.strip': 'the workflow is a strip of pills with their states, a pill opens its form',
  'workflow.canvas': 'the workflow as a canvas, by W and by the breadcrumb',
  'workflow.edit': 'steps are added, wired and configured on the workflow canvas',
  'workflow.target': 'the Train button names its target and offers the others',
  'workflow.promoted-ports': 'the Model step has a named port per promoted thing, a click on it jumps across levels',

  // Canvas of a model.
  'canvas.add-from-palette': 'a module is dragged from the palette onto the canvas',
  'canvas.palette-taxonomy': 'the palette sorts modules by taxonomy, with equation, paper and one line of help',
  'canvas.add-to-selection': 'A adds a module to everything that is selected',
  'canvas.wire': 'a wire is drawn between ports that fit',
  'canvas.refuse-wire': 'a wire that does not fit is refused with the reason',
  'canvas.typed-ports': 'ports show their kind by colour and shape, and light up where a dragged wire fits',
  'canvas.drop-on-wire': 'a node dropped on a lit wire is spliced in; Alt never splices',
  'canvas.drop-on-linear': 'a module dropped on a linear layer is docked on it',
  'canvas.drop-in-void': 'a wire dropped in the void offers what fits, and nothing else',
  'canvas.series-parallel': 'over a sublayer two halves are offered, parallel makes the add node',
  'canvas.move': 'nodes are moved by mouse and by arrow keys',
  'canvas.multi-select': 'many nodes are selected by Shift-click, by frame and by query',
  'canvas.select-by-query': '`site:attn.q,attn.v` selects sites in all layers',
  'canvas.align': 'selected nodes are aligned and distributed',
  'canvas.guides': 'guides appear while a node is dragged',
  'canvas.group': 'nodes are grouped, the group is named, collapsed and moved',
  'canvas.collapse': 'nodes and stacks are collapsed and opened',
  'canvas.mute': 'a module is muted and unmuted, and the figures follow',
  'canvas.notes': 'notes are written on the canvas, without raw HTML',
  'canvas.copy-paste': 'nodes are copied, cut and pasted as JSON, also between models',
  'canvas.duplicate': 'nodes are duplicated',
  'canvas.delete': 'nodes and wires are deleted; what is needed is refused with the reason',
  'canvas.rename': 'nodes are renamed',
  'canvas.layout': 'nodes are laid out by ELK in a worker, with progress, and it can be cancelled',
  'canvas.minimap': 'a minimap shows and moves the view',
  'canvas.zoom-fit': 'zoom to the whole, to the selection and to presets',
  'canvas.level-of-detail': 'faces get simpler when one zooms out',
  'canvas.find': 'Ctrl+F finds nodes by name, kind, parameter and trainable state',
  'canvas.context-menu': 'nodes, wires and the void have context menus',
  'canvas.words-first': 'faces speak in words first and show the formal name second',
  'canvas.live-shapes': 'shapes, parameters and memory follow each edit',
  'canvas.fresh-figures': 'old figures are dimmed until the new revision arrives; Train waits for it',
  'canvas.problems-inline': 'problems show at their node and as a list that leads there',
  'canvas.what-trains': 'T shows what trains',
  'canvas.drop-adapter': 'a folder of a Hugging Face adapter is dropped on the canvas and becomes modules',
  'canvas.probe': 'a probe on any wire shows shape, mean, deviation, histogram and NaN count on a pinned batch',

  // Stacks.
  'stack.scrubber': 'the scrubber shows all layers or one, differing values read "mixed"',
  'stack.override': 'an edit on one layer becomes an override with a dot and can be reset to the stack',
  'stack.layer-lists': 'layer lists show what they resolve to',
  'stack.ports': 'ports of a stack have glyphs for carry, broadcast and collect',
  'stack.wall': 'a wire through the wall elsewhere is refused with the reason',
  'stack.split': 'a stack is split at a layer',
  'stack.join': 'stacks are joined',
  'stack.unroll': 'a stack is unrolled',

  // Attachments, recipes, sharing.
  'chips.docked': 'transforms are chips docked on their target, with the generated line of what they compute',
  'chips.order': 'chips are put in another order by drag and by keyboard',
  'chips.as-wires': 'attachments are shown as wires on demand',
  'recipe.badge': 'a recipe badge tells its users; one edit reaches all',
  'recipe.independent': '"Make independent" cuts a recipe',
  'sharing.badge': 'a badge tells how many parameter sets there are, or that one is shared',
  'sharing.scope': 'sharing over layers is chosen in the inspector and shows in the figures',

  // Sources.
  'sources.for-each': '*For each source* is a container with a table of sources',
  'sources.bank': 'a source bank is one card with a table; problems of a row are shown in the row',
  'sources.thick-wire': 'fusion or ScaLearn takes the bank by one thick wire with its count',
  'sources.learnt-weights': 'after training the card shows the learnt weights per source',
  'sources.merge': '"Merge into one adapter" tells the measured difference',
  'sources.scalearn': 'ScaLearn over three sources is built by hand and trains',

  // Matrix.
  'matrix.view': 'M shows layers by sites: the same document, undo and selection',
  'matrix.paint': 'drag paints, Alt-drag erases',
  'matrix.headers': 'headers select all; a layer is copied to others',
  'matrix.maps': 'heat maps of parameters, memory, gradients, updates and the difference to a run',
  'matrix.keyboard': 'the matrix is an ARIA grid: arrows, Space',
  'matrix.large': '80 layers by 40 sites stay usable',

  // Inspector.
  'inspector.form': 'forms are generated from parameters, with units, ranges and help',
  'inspector.mixed': 'several selected nodes are edited at once, differing values read "mixed"',
  'inspector.shapes': 'shapes, parameters and memory of a node',
  'inspector.gradient-path': 'which way the gradient takes to a node, or why it gets none',
  'inspector.equation': 'the equation is rendered, the paper is named',
  'inspector.model-summary': 'nothing selected shows the summary and the table of parameters',
  'inspector.backbone-card': 'licence and card of each backbone',
  'share.one-definition':
    'the trainable share reads the same in status bar, chips, matrix, runs and exports, and is copied',

  // Undo, palette, keys.
  'edit.undo': 'undo and redo of everything; it jumps to the level and node that it changes',
  'edit.undo-not-runs': 'starting a run is not in undo; an edit of JSON is one step',
  'palette.commands': 'the command palette finds and runs every command',
  'palette.every-command': 'every row of the table of commands runs from the palette by keyboard',
  'keys.sheet': '? shows all shortcuts',
  'keys.focus-order': 'F6 cycles through the parts in order, Ctrl+\\ hides the panels',
  'keys.only': 'a keyboard-only script builds LoRA on q and v from Start to a trained result',
  'keys.letters': 'letter keys work on the canvas only, never while one types',

  // Code and custom nodes.
  'code.document': "the document's JSON is edited with its schema, an edit is one step of undo",
  'code.exported': 'the exported code follows the selection and is downloaded',
  'code.custom-node': 'a custom node is written in TypeScript with types, completion and diagnostics, and trains',
  'code.consent': 'unknown code of a document is shown for consent and lands as a placeholder until then',
  'code.custom-hostile': 'a custom node that loops or misbehaves is ended with a message',

  // Data.
  'data.preview': 'rows, columns and detected roles of a file are shown',
  'data.choose': 'file, text and label columns are chosen, by upload or from the workspace',
  'data.checks': 'class balance, duplicates, leaks and truncated share are shown',
  'data.relocate': 'a missing file is located',
  'data.problem-rows': 'rows that cannot be read are listed with file, line and reason',

  // Training.
  'train.start': 'Train starts a run; the button shows preparing, progress and time left',
  'train.charts': 'curves of loss, metrics, rate and gradient are drawn live',
  'train.pause-resume': 'a run is paused and resumed',
  'train.stop': 'a run is stopped and keeps its checkpoint',
  'train.live-overlay': 'chips and inspector show live gradient and update norms while the draft is what trains',
  'train.snapshot-bar': 'a draft that differs from the run is told, with ways to both',
  'train.edit-while': 'the document is edited while a run trains an earlier graph',
  'train.failure': 'a run that fails tells cause, place, what was kept and what to do',
  'train.queue': 'runs queue, are put in another order and cancelled',
  'train.dry-run': 'a dry run of one batch, and overfitting eight examples',
  'train.estimate': 'the time is estimated before Train, with why it is slow by node',
  'train.seeds': 'a run is repeated with several seeds and shown as mean and deviation',
  'train.sweep': 'a small sweep over a parameter',
  'train.baselines': 'majority class and untrained model stand beside every metric',
  'train.threads': 'threads are limited in the settings',
  'train.log': 'the log shows the lines of the run and leads to the line of an error',
  'train.end-notice': 'the end of a run is told',

  // Runs and results.
  'runs.table': 'runs as a table with recipe, trainable, metric, time, memory, seed and status',
  'runs.compare': 'curves of runs are overlaid over steps, examples or seconds; a pinned baseline gives deltas',
  'runs.changed-settings': 'only the settings that differ are compared',
  'runs.matrix-diff': 'the matrix shows the difference of two runs',
  'runs.disagree': 'examples on which two runs disagree',
  'runs.restore': "a run's graph is restored as draft",
  'runs.cli-command': 'a run is copied as a command line',
  'runs.rename-delete': 'runs are renamed and deleted',
  'results.confusion': 'the confusion matrix, with the examples of a cell',
  'results.by-loss': 'examples by loss',
  'results.try-it': 'texts are tried on the trained model',
  'results.predict-file': 'a file is predicted to csv',
  'results.update-map': 'heat map of updates per layer and site',
  'results.source-weights': 'learnt ScaLearn and fusion weights as a map',
  'results.export': 'adapter, PEFT folder and code are exported',

  // The window.
  'window.themes': 'light and dark, by the system or by choice',
  'window.zoom': 'the interface is zoomed to 200 %',
  'window.sizes': 'no panels overlap and nothing is clipped at 1024x700, 1280x800 and 1920x1080',
  'window.accessible': 'axe has no serious finding on any named view in either theme',
  'window.named-screens': 'the ten named screens, as pictures',
  'window.status-bar': 'trainable share, memory, time, check, queue and zoom in the status bar',
  'window.drawer': 'the drawer has its six tabs, by mouse and by the keys 1 to 6, and keeps its height',
  'window.settings': 'settings are changed and kept',
  'window.rebind-keys': 'shortcuts are changed and kept',
  'window.problem-report': 'a report of a problem is made, without secrets',
  'window.disk': 'disk use is shown and cleaned up',

  // Files and faults.
  'file.autosave': 'edits are saved by themselves',
  'file.save-as': 'a document is saved under another name',
  'file.new': 'a document is made from a template, a backbone or a text',
  'file.unknown-nodes': 'a document with unknown nodes opens with placeholders and keeps them byte for byte',
  'file.crash-recovery': 'after a crash of the service the edits are back, and a notice says so',
  'file.page-killed': 'after a crash of the page the edits are there',
  'file.engine-lost': 'while the engine is gone a banner says so, edits go on, and it comes back',
  'file.run-killed': 'a run whose process was killed is told and resumes',
  'file.two-windows': 'two windows on one file join; edits of both are in both',
  'templates.all': 'every template opens without problems and trains',

  // Safety.
  'safety.hostile-strings': 'hostile strings in every field of the document run nothing and break no policy',
  'safety.session': 'the address works once; without a session the page shows how to get one',
  'safety.no-foreign-requests': 'the page asks no other origin for anything',

  // The shell.
  'desktop.launch': 'the shell starts the engine and shows the page',
  'desktop.menu': 'menu entries run commands of the page',
  'desktop.dialogs': 'the open dialog gives the engine the path and the page a grant',
  'desktop.open-file': 'a file of the command line or the desktop opens; a second launch gives it to the first',
  'desktop.recent': 'recent files are in the menu',
  'desktop.edit': 'a node is dragged and wired in the shell',
  'desktop.train': 'a run trains in the shell',
  'desktop.quit-with-run': 'quitting with a run in progress asks: keep running, stop, cancel',
  'desktop.engine-killed': 'an engine that was killed is started again and the page goes on',
  'desktop.window-killed': 'a page that was killed is loaded again and nothing is lost',
  'desktop.window-state': 'size and place of the window are kept',
  'desktop.single-instance': 'the app runs once',
  'desktop.title': 'the window is named after the document',
  'desktop.hardened': "each of Electron's security points holds",
} as const;

export type CapabilityId = keyof typeof CAPABILITIES;

/** Built, but no end-to-end test shows them yet. The list gets shorter only: a test that names one of them takes it off. */
export const NOT_SHOWN_YET: readonly CapabilityId[] = [];
