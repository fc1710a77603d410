import { Observable } from 'rxjs';
import type { ServiceBus, Unsubscribe } from '#libs/messaging';

/** News on a subject, as long as somebody listens. */
export const newsOf = (bus: ServiceBus, subject: string): Observable<unknown> =>
  new Observable((subscriber) => {
    let unsubscribe: Unsubscribe | null = null;
    bus
      .subscribeToNews(subject, (payload) => subscriber.next(payload))
      .then(
        (stop) => {
          if (subscriber.closed) stop();
          else unsubscribe = stop;
        },
        (error: unknown) => subscriber.error(error),
      );
    return () => unsubscribe?.();
  });
