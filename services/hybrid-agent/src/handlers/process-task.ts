import type { Handler } from '@deed/mesh/bus'
import type { AgentReply, AgentTask, processTask as contract } from '@deed/proto/agent'
import type { Sentences } from '../learning/tenant-sentences.ts'
import { understandFor } from '../learning/understand-for.ts'
import { checkCriteria } from '../models/checks-of.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'
import type { World } from '../rules/vocabulary.ts'

interface Dependencies {
  rules: RulesInForce
  sentences: Sentences
  world: World
}

export function processTask({ rules, sentences, world }: Dependencies): Handler<typeof contract> {
  return async ({ explain, checks, ...task }, { principal: { tenant }, setAttribute }) => {
    if (checks) return checksReply(task, world)
    const { reply, learnedId } = await understandFor(sentences, rules.current, tenant, { task, explain })
    if (learnedId !== undefined && !explain) sentences.use(tenant, learnedId)
    setAttribute('deed.outcome', reply.outcome)
    if (reply.outcome === 'handled') setAttribute('deed.rule', reply.solution.rule ?? '')
    return reply
  }
}

function checksReply(task: AgentTask, world: World): AgentReply {
  const { solution, unchecked } = checkCriteria(task, world)
  if (solution) return { outcome: 'handled', method: 'autonomous', solution, unchecked }
  return { outcome: 'declined', reason: 'no_instruction', message: 'no rule can observe these criteria' }
}
