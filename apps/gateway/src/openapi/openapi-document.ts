import type { OpenAPIObject } from '@nestjs/swagger';

/** The description of the interface, once it was made from the running application's routes. */
export class OpenApiDocument {
  #document: OpenAPIObject | null = null;

  get document(): OpenAPIObject {
    if (this.#document === null) throw new Error('the interface is not described yet');
    return this.#document;
  }

  /** Templates of paths with their operations by method. */
  get paths(): Readonly<Record<string, object>> {
    // The description leaves itself out.
    return { ...this.document.paths, '/openapi.json': { get: {} } };
  }

  describe(document: OpenAPIObject): void {
    this.#document = document;
  }
}
