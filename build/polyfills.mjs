/**
 * What today's page needs and Chromium 83 lacks. It is part of the page for the tests of the shell alone (`page.mjs
 * --compatible`), as a script before the page's own and before those of its workers; products have no trace of it.
 */
import 'core-js/stable';

const scope = /** @type {any} */ (globalThis);

// Nothing is ever collected here, which is allowed and enough for a test.
scope.WeakRef ??= class {
  /** @param {object} target */
  constructor(target) {
    this.target = target;
  }

  deref() {
    return this.target;
  }
};
scope.FinalizationRegistry ??= class {
  register() {}

  unregister() {
    return false;
  }
};

if (scope.crypto !== undefined && scope.crypto.randomUUID === undefined) {
  scope.crypto.randomUUID = () => {
    const bytes = scope.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((/** @type {number} */ b) => b.toString(16).padStart(2, '0')).join('');
    return [0, 8, 12, 16, 20].map((at, i) => hex.slice(at, [8, 12, 16, 20, 32][i])).join('-');
  };
}

for (const name of ['Element', 'Document', 'DocumentFragment']) {
  const prototype = scope[name]?.prototype;
  if (prototype === undefined || prototype.replaceChildren !== undefined) continue;
  prototype.replaceChildren = function replaceChildren(/** @type {any[]} */ ...nodes) {
    while (this.lastChild) this.removeChild(this.lastChild);
    this.append(...nodes);
  };
}

if (scope.AbortSignal !== undefined && scope.AbortSignal.timeout === undefined) {
  scope.AbortSignal.timeout = (/** @type {number} */ milliseconds) => {
    const controller = new scope.AbortController();
    scope.setTimeout(() => controller.abort(), milliseconds);
    return controller.signal;
  };
}

if (scope.Element !== undefined && scope.Element.prototype.checkVisibility === undefined) {
  scope.Element.prototype.checkVisibility = function checkVisibility() {
    return this.isConnected && this.getClientRects().length > 0;
  };
}

// A selector that is not known throws; what has the focus is near enough to what shows it.
if (scope.document !== undefined) {
  let known = true;
  try {
    scope.document.querySelector(':focus-visible');
  } catch {
    known = false;
  }
  const prototype = scope.Element.prototype;
  for (const name of known ? [] : ['matches', 'closest', 'querySelector', 'querySelectorAll']) {
    const native = prototype[name];
    prototype[name] = function withOldSelectors(/** @type {string} */ selector) {
      return native.call(this, String(selector).replace(/:focus-visible/g, ':focus'));
    };
  }
}
