import type { PipeTransform } from '@nestjs/common';
import type { Schedule } from '#libs/contracts';
import { requestInvalid } from '../problem-details/refusals.js';
import { requestValidation } from '../requests/request-validation.js';
import { CronSchedule, IntervalSchedule, UnknownSchedule } from './schedule.dto.js';

/** Checks a schedule by the rules of its kind, which class-validator cannot choose by itself. */
export class SchedulePipe implements PipeTransform<unknown, Promise<Schedule>> {
  readonly #validation = requestValidation();

  async transform(body: unknown): Promise<Schedule> {
    const kind = kindOf(body);
    if (kind === 'interval') return this.#valid(IntervalSchedule, body);
    if (kind === 'cron') return this.#valid(CronSchedule, body);
    await this.#valid(UnknownSchedule, { kind });
    throw requestInvalid([{ field: 'kind', message: 'is not known' }]);
  }

  async #valid<Dto extends object>(type: new () => Dto, body: unknown): Promise<Dto> {
    const checked: unknown = await this.#validation.transform(body, { type: 'body', metatype: type });
    if (checked instanceof type) return checked;
    throw requestInvalid([{ field: '', message: 'must be an object' }]);
  }
}

const kindOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'kind' in body ? body.kind : undefined;
