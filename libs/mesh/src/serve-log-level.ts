/** Lets an operator read and change the level of a service's log while it runs. */
import type { ServiceName } from '@deed/proto/contract'
import { LogLevel, logLevel } from '@deed/proto/log-level'
import { configuredLevel, logLevelOf, setLogLevel } from '@deed/telemetry/logger'
import type { Bus } from './bus.ts'

/** Answers `log.level.<service>`, for this process alone. */
export function serveLogLevel(bus: Bus, service: ServiceName): void {
  let until: string | null = null
  let ending: NodeJS.Timeout | undefined
  bus.serve(logLevel[service], async ({ level, for_ms: forMs }) => {
    if (level !== undefined) {
      clearTimeout(ending)
      setLogLevel(service, level)
      until = forMs === undefined ? null : new Date(Date.now() + forMs).toISOString()
      if (forMs !== undefined)
        ending = setTimeout(() => {
          setLogLevel(service, configuredLevel())
          until = null
        }, forMs).unref()
    }
    return { level: LogLevel.parse(logLevelOf(service)), until }
  })
}
