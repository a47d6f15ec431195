/** What a task needs of a model, and what a model is good at. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { AgentTask } from '@deed/proto/agent'
import type { ModelCategory } from '@deed/proto/model'
import type { OfferedModel } from './model-provider.ts'

/** By name, unless execution.yaml says otherwise. */
const BY_NAME: readonly (readonly [RegExp, readonly ModelCategory[]])[] = [
  [/embed|bge-|minilm|e5-|rerank/i, ['embedding']],
  [/code|coder|starcoder|codestral/i, ['code']],
  [/(?:^|[-_:/.])(?:r1|qwq|o\d)(?:$|[-_:.])|think|reason|opus/i, ['reasoning', 'code', 'general']],
  [/mini|nano|flash|haiku|lite|tiny|small/i, ['fast', 'general']],
]
/** Weights of a model that answers fast on a usual machine. */
const FAST_BYTES_MAX = 3_000_000_000

export function categoryOf({ language, target_file, complexity }: AgentTask): ModelCategory {
  if (language !== undefined || target_file !== undefined) return 'code'
  if (complexity === 'complex') return 'reasoning'
  return complexity === 'simple' ? 'fast' : 'general'
}

export function categoriesOf(
  { name, provider, bytes }: OfferedModel,
  { categories }: Pick<ExecutionConfig['models'], 'categories'>,
): readonly ModelCategory[] {
  const configured = Object.hasOwn(categories, name) ? categories[name] : undefined
  if (configured) return configured
  const named = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? ['general']
  const fast = provider === 'ollama' && bytes < FAST_BYTES_MAX && !named.includes('embedding')
  return fast ? [...new Set<ModelCategory>([...named, 'fast'])] : named
}
