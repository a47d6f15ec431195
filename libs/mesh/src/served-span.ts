/**
 * The span of a request that is answered. With a trace of the caller it is the caller's child; what begins an execution
 * begins a trace. Anything else, such as a heartbeat or a list, is not traced, unless its handler joins an execution.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { LINK_KIND } from '@deed/telemetry/names'
import { linkTo, nowMs, type Span, type SpanOptions, startSpan } from '@deed/telemetry/span'
import { executionIn, newTraceId, type Trace } from '@deed/telemetry/trace-context'

const requests = new AsyncLocalStorage<ServedSpan>()

/** When the request that is being answered was received, in milliseconds since 1970. */
export const requestedAt = (): number | undefined => requests.getStore()?.startMs

export class ServedSpan {
  readonly #name: string
  readonly #options: SpanOptions
  /** In milliseconds since 1970. */
  readonly startMs = nowMs()
  #span: Span | undefined
  #traceId: string | undefined

  /** @param begins whether it begins a trace if the caller has none */
  constructor(name: string, options: SpanOptions, begins: boolean) {
    this.#name = name
    this.#options = options
    if (begins || options.parent !== undefined) this.#span = startSpan(name, options)
  }

  /** Undefined while it is not traced. */
  get span(): Span | undefined {
    return this.#span
  }

  /** Empty while it is not traced. */
  get trace(): Trace {
    return this.#span?.trace ?? ''
  }

  /** For log lines: there is one also without a trace. */
  get traceId(): string {
    this.#traceId ??= this.#span?.traceId ?? newTraceId()
    return this.#traceId
  }

  /** Runs the handler of the request. */
  run<T>(work: () => T): T {
    return this.#span === undefined ? requests.run(this, work) : this.#span.run(work)
  }

  /** Makes it a part of the execution's trace: a child, or linked if the caller has a trace of its own. */
  join(execution: Trace): void {
    if (this.#span === undefined) this.#start({ parent: execution })
    else this.#linked(execution)
  }

  /** Makes it a trace that is linked to the execution's. */
  link(execution: Trace): void {
    if (this.#span === undefined) this.#start({})
    this.#linked(execution)
  }

  #start(options: SpanOptions): void {
    this.#span = startSpan(this.#name, { ...this.#options, ...options, startMs: this.startMs })
  }

  #linked(execution: Trace): void {
    const link = linkTo(execution, { [LINK_KIND]: 'execution' })
    if (link !== undefined) this.#span?.addLink(link)
    const id = executionIn(execution)
    if (id !== undefined) this.#span?.setExecution(id)
  }
}
