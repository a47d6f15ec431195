/**
 * Which models to ask, in order: those that are preferred, then those that cost nothing, and of these first the ones whose
 * name says that they fit.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { AgentTask } from '@deed/proto/agent'
import type { LocalModel } from './ollama.ts'

/** At most this many models are tried for one task. */
export const MODELS_MAX = 3

const EMBEDS = /embed|bge-|minilm|e5-|rerank/i
const CODES = /code|coder|starcoder|codestral/i

type Settings = Pick<ExecutionConfig['models'], 'preferred_local' | 'fallback_to_api' | 'prices'>

/** @returns at most three; models that only embed are none, nor are those that cost something where none may be paid */
export function chooseModels(
  models: readonly LocalModel[],
  { preferred_local: preferred, fallback_to_api: mayPay, prices }: Settings,
  task: AgentTask,
): string[] {
  const able = models.filter(({ name }) => !EMBEDS.test(name) && (mayPay || !Object.hasOwn(prices, name)))
  const code = task.language !== undefined || task.target_file !== undefined
  const rank = ({ name }: LocalModel): number => {
    // `qwen3` means `qwen3:latest`, as in Ollama.
    const place = preferred.findIndex((wanted) => wanted === name || `${wanted}:latest` === name)
    if (place >= 0) return place
    return preferred.length + (code && !CODES.test(name) ? 1 : 0) + (Object.hasOwn(prices, name) ? 2 : 0)
  }
  return able
    .toSorted((a, b) => rank(a) - rank(b) || b.bytes - a.bytes || a.name.localeCompare(b.name))
    .slice(0, MODELS_MAX)
    .map(({ name }) => name)
}
