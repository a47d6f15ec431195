/** Runs the tests inside a rule pack. */
import { isDeepStrictEqual } from 'node:util'
import { type AgentReply, AgentTask, processTask } from '@deed/proto/agent'
import type { Json } from '@deed/proto/json'
import type { PackFault } from '@deed/proto/rules'
import { decideBy } from './decide.ts'
import type { RulePack, RuleTest } from './rule-pack.ts'
import { vocabularyOf } from './vocabulary.ts'

/**
 * @param packs the active packs, including the tested one: a pack must pass alone and together with the others
 * @returns one fault per failing test
 */
export function checkRulePack(pack: RulePack, packs: readonly RulePack[] = [pack]): PackFault[] {
  const decide = decideBy(packs, vocabularyOf(pack.world))
  return pack.rules.flatMap((rule) =>
    rule.tests.flatMap((test) => {
      const task = AgentTask.parse({ ...test.with, description: test.say })
      // A reply that violates the contract is a fault of the rule.
      const reply = processTask.output.safeParse(decide(task))
      const fault = reply.success
        ? faultOf(test, rule.id, reply.data)
        : `the reply is not valid: ${reply.error.message}`
      if (fault === undefined) return []
      return [{ file: pack.file, line: test.line, reason: `rule "${rule.id}": "${test.say}": ${fault}` }]
    }),
  )
}

function faultOf(test: RuleTest, rule: string, reply: AgentReply): string | undefined {
  const got = JSON.stringify(reply)
  if (test.refuses !== undefined) {
    return reply.outcome === 'refused' && reply.error.code === test.refuses
      ? undefined
      : `is not refused as ${test.refuses}: ${got}`
  }
  if (test.declines !== undefined) {
    // Patterns alone do not know why a sentence is no instruction.
    const expected = test.declines === 'no_instruction' ? 'needs_model' : test.declines
    return reply.outcome === 'declined' && reply.reason === expected
      ? undefined
      : `is not declined as ${test.declines}: ${got}`
  }
  if (reply.outcome !== 'handled') return `is not handled: ${got}`
  if (reply.solution.rule !== rule) return `is handled by ${reply.solution.rule}`
  const actions = reply.solution.actions.map(({ action }) => action)
  const expected = test.actions
  if (expected === undefined) return undefined
  const all =
    actions.length === expected.length && expected.every((part, index) => contains(actions[index] as Json, part))
  return all ? undefined : `has other actions: ${JSON.stringify(actions)}`
}

/** Whether every field of `part` is in `whole`; lists and values must be equal. */
function contains(whole: Json | undefined, part: Json): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return isDeepStrictEqual(whole, part)
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
  return Object.entries(part).every(([key, value]) => contains(whole[key], value))
}
