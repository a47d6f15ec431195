/** What an execution cost: by what its answer was found, and what that took. */
import type { ExecutionDetail } from '@deed/proto/execution'

export interface ReceiptLine {
  readonly source: string
  /** Which one, or how: a rule's method, a template, a model. */
  readonly what: string
  readonly tokens: number
  readonly usd: number
}

type Priced = Pick<ExecutionDetail, 'method' | 'template_used' | 'model_used' | 'metrics'>

/** The sources that were used; those that were not cost nothing and are not listed. */
export function receiptOf({ method, template_used: template, model_used: model, metrics }: Priced): ReceiptLine[] {
  const free = { tokens: 0, usd: 0 }
  const { tokens_used: tokens, cost_usd: usd } = metrics
  return [
    ...(metrics.cache_hit || method === 'cached' ? [{ source: 'cache', what: 'an earlier answer', ...free }] : []),
    ...(method === 'autonomous' ? [{ source: 'rule', what: 'the words are known; no model was asked', ...free }] : []),
    ...(template === null ? [] : [{ source: 'template', what: template, ...free }]),
    ...(model === null && tokens === 0 && usd === 0
      ? []
      : [{ source: usd === 0 ? 'model, free of charge' : 'model over an API', what: model ?? 'a model', tokens, usd }]),
  ]
}
