/** What the router asks of every provider of models, local or API. */
import type { ApiProvider } from '@deed/config/api-providers'
import type { ModelText } from './find-plan.ts'
import type { Usage } from './price-of.ts'
import type { ChatMessage } from './prompt.ts'

export interface OfferedModel {
  /** As in execution.yaml: `qwen3:8b`, `anthropic/claude-sonnet-4-5`. */
  readonly name: string
  readonly provider: 'ollama' | ApiProvider
  /** Size of the weights; 0 if it is not known, as with an API. */
  readonly bytes: number
}

export interface ModelAnswer extends ModelText {
  /** The answer reached the token limit, so it is incomplete. */
  readonly cut?: true
  readonly usage: Usage
}

export interface Question {
  /** Of an offered model. */
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** JSON schema of the answer. A provider may ignore it, so every answer is validated again. */
  readonly schema: object
  /** Aborts the call at once. */
  readonly signal: AbortSignal
}

export interface ModelProvider {
  /** @throws {DeedError} model_failed if it cannot be reached, or not be used */
  list(signal: AbortSignal): Promise<OfferedModel[]>
  /**
   * @throws {DeedError} model_failed with the cause. Its details: `not_taken_up` if the provider did no work for the call,
   *   `pause_ms` if it need not be asked again before
   */
  ask(question: Question): Promise<ModelAnswer>
}
