/** Tests rule packs alone and with others, and finds the sentences that two rules claim. */
import { AgentTask } from '@deed/proto/agent'
import type { PackFault, RulesTested } from '@deed/proto/rules'
import { checkRulePack } from '../rules/check-rule-pack.ts'
import { findRuleBy } from '../rules/decide.ts'
import { RulePackError } from '../rules/pack-fault.ts'
import { type PackFile, parseRulePack, type RulePack, type RuleTest } from '../rules/rule-pack.ts'
import { tokenize } from '../rules/tokenize.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'

/** @param others the packs that are in force besides; one with the name of a tested pack is replaced by it */
export function testPacks(files: readonly PackFile[], others: readonly RulePack[]): RulesTested {
  const tested: RulePack[] = []
  const faults: PackFault[] = []
  for (const { file, text } of files) {
    try {
      const pack = parseRulePack(text, file)
      const other = tested.find(({ name }) => name === pack.name)
      if (other) faults.push({ file, line: 1, reason: `${other.file} has the pack "${pack.name}", too; rename one` })
      else tested.push(pack)
    } catch (error) {
      if (!(error instanceof RulePackError)) throw error
      faults.push(...error.faults)
    }
  }
  const names = new Set(tested.map(({ name }) => name))
  const besides = others.filter(({ name }) => !names.has(name))
  const all = [...besides, ...tested]
  const collisions = tested.length === 0 ? [] : collisionsIn(all, new Set(tested.map(({ name }) => name)))
  const collided = new Set(collisions.map(({ sentence }) => sentence))
  for (const pack of tested) {
    const alone = checkRulePack(pack)
    const together = checkRulePack(pack, all)
    const known = new Set(alone.map(({ line }) => line))
    faults.push(...alone)
    for (const fault of together) {
      const { say } = testAt(pack, fault.line) ?? {}
      if (known.has(fault.line) || (say !== undefined && collided.has(say))) continue
      faults.push({ ...fault, reason: `${fault.reason} (together with the other packs)` })
    }
  }
  return {
    files: tested.map(({ file, rules }) => ({
      file,
      rules: rules.length,
      tests: rules.reduce((sum, { tests }) => sum + tests.length, 0),
    })),
    faults,
    collisions,
  }
}

const testAt = (pack: RulePack, line: number): RuleTest | undefined =>
  pack.rules.flatMap(({ tests }) => tests).find((test) => test.line === line)

/** Of the sentences in the tests of all packs, those that a tested pack and another rule match equally well. */
function collisionsIn(packs: readonly RulePack[], tested: ReadonlySet<string>): RulesTested['collisions'] {
  const isTested = (rule: string): boolean => tested.has(rule.split('/')[0] ?? '')
  const rules = packs.flatMap((pack) => pack.rules)
  return packs.flatMap((pack) => {
    const find = findRuleBy(rules, ({ patterns }) => patterns, vocabularyOf(pack.world))
    return pack.rules.flatMap(({ tests }) =>
      tests.flatMap(({ say, with: more, refuses, declines }) => {
        if (refuses !== undefined || declines !== undefined) return []
        const sentence = tokenize(say)
        const found = sentence && find(sentence, AgentTask.parse({ ...more, description: say }))
        if (!found?.rival) return []
        const claimed = [found.best.rule.id, found.rival.rule.id]
        return claimed.some(isTested) ? [{ sentence: say, rules: claimed }] : []
      }),
    )
  })
}
