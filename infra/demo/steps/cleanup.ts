/** What has to be undone, last first; everything is tried, whatever fails. */
export class Cleanup {
  readonly #undo: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#undo.push({ what, undo });
  }

  /** @returns what could not be undone, one line each; a second call has nothing left to do */
  async run(): Promise<readonly string[]> {
    const failures: string[] = [];
    for (const { what, undo } of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  }
}
