/**
 * The one policy for text that becomes code: scripts and workers are loaded from the page's own origin, and nothing else is
 * ever turned into markup or code. Browsers without Trusted Types have the content security policy alone.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

/** Whether a script may be loaded from the address: same origin, or a worker that the page itself put together. */
export const isOwnScript = (url: string, base: string): boolean => {
  try {
    return new URL(url, base).origin === new URL(base).origin && !url.startsWith('data:');
  } catch {
    return false;
  }
};

export function installPolicy(): void {
  const factory = (globalThis as { readonly trustedTypes?: PolicyFactory }).trustedTypes;
  factory?.createPolicy('default', {
    createScriptURL: (url) => {
      if (!isOwnScript(url, location.href)) throw new TypeError(`a script of another origin was refused: ${url}`);
      return url;
    },
  });
}
