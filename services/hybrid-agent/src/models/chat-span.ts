/** The span of a model call: `chat <model>`. What was asked and answered is not in it, since both may be confidential. */
import * as names from '@deed/telemetry/names'
import { inSpan } from '@deed/telemetry/span'
import type { Trace } from '@deed/telemetry/trace-context'
import type { ModelAnswer, OfferedModel } from './model-provider.ts'

/** @param ask makes the call */
export const traceChat = (trace: Trace, model: OfferedModel, ask: () => Promise<ModelAnswer>): Promise<ModelAnswer> =>
  inSpan(`chat ${model.name}`, { parent: trace, kind: 'client', attributes: attributesOf(model) }, async (span) => {
    const answer = await ask()
    const { promptTokens, answerTokens, unknown } = answer.usage
    span.setAttribute(names.GEN_AI_RESPONSE_FINISH_REASONS, [answer.cut ? 'length' : 'stop'])
    if (unknown) return answer
    span.setAttribute(names.GEN_AI_USAGE_INPUT_TOKENS, promptTokens)
    span.setAttribute(names.GEN_AI_USAGE_OUTPUT_TOKENS, answerTokens)
    return answer
  })

const attributesOf = ({ name, provider }: OfferedModel) => ({
  [names.GEN_AI_OPERATION_NAME]: 'chat',
  [names.GEN_AI_PROVIDER_NAME]: provider === 'google' ? 'gcp.gemini' : provider,
  [names.GEN_AI_REQUEST_MODEL]: name,
  [names.GEN_AI_RESPONSE_MODEL]: name,
})
