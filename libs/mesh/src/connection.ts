/** The bus settings of a process, from its environment. */
import { z } from 'zod'

/** Spread into the schema of a service's environment. */
export const BusEnvironment = {
  NATS_URL: z.string().optional(),
  NATS_HOST: z.string().default('127.0.0.1'),
  NATS_PORT: z.coerce.number().int().min(1).max(65_535).default(4222),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  /** Refuse a server with another name: a client may reach a foreign server on a shared port. */
  NATS_SERVER_NAME: z.string().optional(),
}

export interface BusAddress {
  url: string
  user?: string | undefined
  password?: string | undefined
  serverName?: string | undefined
}

export function busAddress(env: {
  NATS_URL?: string | undefined
  NATS_HOST: string
  NATS_PORT: number
  NATS_USER?: string | undefined
  NATS_PASSWORD?: string | undefined
  NATS_SERVER_NAME?: string | undefined
}): BusAddress {
  return {
    url: env.NATS_URL ?? `nats://${env.NATS_HOST}:${env.NATS_PORT}`,
    user: env.NATS_USER,
    password: env.NATS_PASSWORD,
    serverName: env.NATS_SERVER_NAME,
  }
}
