import type { Handler } from '@deed/mesh/bus'
import type { processTask as contract } from '@deed/proto/agent'
import type { Sentences } from '../learning/tenant-sentences.ts'
import { understandFor } from '../learning/understand-for.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'

interface Dependencies {
  rules: RulesInForce
  sentences: Sentences
}

export function processTask({ rules, sentences }: Dependencies): Handler<typeof contract> {
  return async ({ explain, ...task }, { principal: { tenant }, setAttribute }) => {
    const { reply, learnedId } = await understandFor(sentences, rules.current, tenant, { task, explain })
    if (learnedId !== undefined && !explain) sentences.use(tenant, learnedId)
    setAttribute('deed.outcome', reply.outcome)
    if (reply.outcome === 'handled') setAttribute('deed.rule', reply.solution.rule ?? '')
    return reply
  }
}
