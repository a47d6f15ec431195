/** A schedule from what was typed. Pure. */
import type { Input } from '../../app/contracts.ts'
import { spanMs } from '../../text/spans.ts'

/** `times` is a span, or an expression of cron. */
export function scheduleOf(values: Readonly<Record<string, string>>): Input<'schedule.put'> {
  const { name = '', task = '', times = '', timezone = '', overlap, catch_up } = values
  const everyMs = spanMs(times)
  return {
    name,
    request: { task },
    ...(everyMs === undefined ? { cron: times, timezone: timezone || 'UTC' } : { every_ms: everyMs }),
    overlap: overlap === 'queue' || overlap === 'replace' ? overlap : 'skip',
    catch_up: catch_up === 'none' || catch_up === 'all' ? catch_up : 'last',
  }
}
