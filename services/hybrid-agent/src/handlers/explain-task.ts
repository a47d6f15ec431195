import type { Handler } from '@deed/mesh/bus'
import type { explainTask as contract } from '@deed/proto/agent'
import type { Sentences } from '../learning/tenant-sentences.ts'
import { understandFor } from '../learning/understand-for.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'

interface Dependencies {
  rules: RulesInForce
  sentences: Sentences
}

export function explainTask({ rules, sentences }: Dependencies): Handler<typeof contract> {
  return async ({ task: description }, { principal: { tenant } }) => {
    const question = { task: { description }, explain: true }
    return (await understandFor(sentences, rules.current, tenant, question)).reply
  }
}
