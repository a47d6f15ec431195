import type { Bus } from './bus.ts'

/** Asks the NATS server for a sign of life. @returns why a process cannot work with it; undefined if it can */
export const natsProbe =
  ({ nc }: Pick<Bus, 'nc'>) =>
  async (): Promise<string | undefined> => {
    try {
      await nc.rtt()
      return undefined
    } catch (error) {
      return `NATS is not connected: ${error instanceof Error ? error.message : error}`
    }
  }
