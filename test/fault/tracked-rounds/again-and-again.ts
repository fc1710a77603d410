/** Does one thing again and again until it is stopped. */
export class AgainAndAgain {
  private going: Promise<void> | null = null;
  private isWanted = false;

  constructor(private readonly step: () => Promise<void>) {}

  start(): void {
    this.isWanted = true;
    this.going = this.keepGoing();
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.isWanted = false;
    await this.going;
    this.going = null;
  }

  private async keepGoing(): Promise<void> {
    while (this.isWanted) await this.step();
  }
}
