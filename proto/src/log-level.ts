/** The level of a service's log while it runs. */
import { z } from 'zod'
import { type RequestContract, request, SERVICES, type ServiceName } from './contract.ts'

/** From the most lines to none. */
export const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
export type LogLevel = z.output<typeof LogLevel>

const DAY_MS = 86_400_000

/** Without a level nothing changes. */
const Input = z.strictObject({
  level: LogLevel.optional(),
  /** How long, in milliseconds; then the level is again that of LOG_LEVEL. Absent: until the service restarts. */
  for_ms: z.int().min(1_000).max(DAY_MS).optional(),
})

const Output = z.object({
  level: LogLevel,
  /** When it ends; null: when the service restarts. */
  until: z.iso.datetime().nullable(),
})

export type LogLevelContract = RequestContract<typeof Input, typeof Output>

const contractOf = (service: ServiceName): LogLevelContract =>
  request({
    subject: `log.level.${service}`,
    owner: service,
    summary: `Read or change the level of the log of ${service}.`,
    timeoutMs: 5_000,
    idempotent: true,
    each: true,
    input: Input,
    output: Output,
  })

/** By service. */
export const logLevel = Object.fromEntries(SERVICES.map((service) => [service, contractOf(service)])) as Record<
  ServiceName,
  LogLevelContract
>
