/**
 * The spans of statements. They carry the statement's name and never its text or values: the text is long and in the
 * source, the values belong to users. A statement that serves several traces has a span in each.
 */
import * as names from '@deed/telemetry/names'
import { activeSpans, nowMs, recordSpan, type SpanAttributes } from '@deed/telemetry/span'

/** @param url of the database */
export function addressOf(url: string, schema: string): SpanAttributes {
  const { hostname, port, pathname } = new URL(url)
  return {
    [names.DB_SYSTEM_NAME]: 'postgresql',
    [names.DB_NAMESPACE]: `${pathname.slice(1)}|${schema}`,
    [names.SERVER_ADDRESS]: hostname,
    [names.SERVER_PORT]: Number(port || 5432),
  }
}

/** Runs a statement, as a child of each open span that it is run for. */
export async function inStatement<T>(name: string, address: SpanAttributes, run: () => Promise<T>): Promise<T> {
  const spans = activeSpans()
  if (spans.length === 0) return run()
  const startMs = nowMs()
  let failure: { error: unknown } | undefined
  try {
    return await run()
  } catch (error) {
    failure = { error }
    throw error
  } finally {
    const attributes = {
      ...address,
      [names.DB_QUERY_SUMMARY]: name,
      ...(spans.length > 1 ? { [names.DB_OPERATION_BATCH_SIZE]: spans.length } : {}),
    }
    for (const { trace } of spans) recordSpan(name, { parent: trace, kind: 'client', startMs, attributes, ...failure })
  }
}
