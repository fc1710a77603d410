import { Controller, type MessageEvent, Param, Sse } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Observable } from 'rxjs';
import type { CallOrigin } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { MigrationTaskPath } from '../migration-tasks/migration-task-path.dto.js';
import { Question } from '../openapi/answers.decorator.js';
import { Origin } from '../requests/origin.decorator.js';
import { ProgressStreams } from './progress-streams.js';

/** A listener that does not read is dropped when this much waits for it. */
const MAX_PENDING_CHARACTERS = 1024 * 1024;

const STREAM_DESCRIPTION = [
  'Server-sent events, each with JSON data:',
  '- `snapshot`, first: MigrationTaskDocument',
  '- `task`, whenever it changed: MigrationTaskDocument',
  '- `progress`, about twice a second while a round or verification runs: EndpointProgress; may be lost.',
  '  Both ends tell of a round: the agent, and the restore environment as `serving`, which goes on while the agent cannot be reached.',
  '',
  'A comment comes every 15 seconds. The stream ends after the document of a completed or cancelled task, and when the gateway stops.',
].join('\n');

@Controller(`${API_ROOT}/migration-tasks/:taskId/progress`)
@ApiTags('progress')
export class ProgressController {
  constructor(private readonly streams: ProgressStreams) {}

  @Sse('', { maxPendingDataLength: MAX_PENDING_CHARACTERS })
  @Question('Follow a task', ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'], STREAM_DESCRIPTION)
  @ApiResponse({
    status: 200,
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  async followMigrationTask(
    @Param() { taskId }: MigrationTaskPath,
    @Origin() origin: CallOrigin,
  ): Promise<Observable<MessageEvent>> {
    return this.streams.open(taskId, origin);
  }
}
