import { createApplication } from '../create-gateway.js';
import { OpenApiDocument } from './openapi-document.js';

/** The description of the interface as it is kept in docs/; needs no server. */
export const openApiText = async (): Promise<string> => {
  const application = await createApplication('nats://127.0.0.1:4222', false);
  return `${JSON.stringify(application.get(OpenApiDocument).document, null, 2)}\n`;
};
