/** The rules for people: what each one does, and sentences for this world. */
import { basename } from 'node:path'
import { AgentTask } from '@deed/proto/agent'
import type { PackView, RuleView } from '@deed/proto/rules'
import { findRuleBy } from '../rules/decide.ts'
import type { Pattern } from '../rules/pattern.ts'
import type { CompiledRule, RulePack } from '../rules/rule-pack.ts'
import { tokenize } from '../rules/tokenize.ts'
import { isOfType, type Vocabulary, type World } from '../rules/vocabulary.ts'
import type { RuleSet } from './rules-in-force.ts'

const EXAMPLES_MAX = 2

/** @param only the id of one rule, which is shown with its patterns */
export function describeRules({ packs, own, rules, vocabulary }: RuleSet, only?: string): PackView[] {
  const find = findRuleBy([...rules.values()], ({ patterns }) => patterns, vocabulary)
  const isHandledBy = (say: string, id: string): boolean => {
    const sentence = tokenize(say)
    const found = sentence && find(sentence, AgentTask.parse({ description: say }))
    return found?.best.rule.id === id && found.rival === undefined
  }
  return packs.flatMap((pack): PackView[] => {
    const shown = pack.rules.filter(({ id }) => only === undefined || id === only)
    if (shown.length === 0) return []
    const views = shown.map((rule): RuleView => {
      const examples = examplesOf(rule, pack, vocabulary).filter((say) => isHandledBy(say, rule.id))
      const view = {
        id: rule.id,
        does: doesOf(rule),
        effect: effectOf(rule),
        examples: examples.slice(0, EXAMPLES_MAX),
      }
      return only === undefined
        ? view
        : {
            ...view,
            match: rule.patterns.map(({ source }) => source),
            paraphrases: rule.paraphrases.map(withoutTypes),
            examples,
          }
    })
    const { name, version, description, file } = pack
    return [{ pack: name, version, description, file: basename(file), own: own.has(name), rules: views }]
  })
}

function doesOf({ actions, generate, refuse }: CompiledRule): string {
  if (generate) return 'generate code from a template'
  if (refuse) return `refuse what is no target of type ${refuse.type}`
  return (actions ?? [])
    .map(({ title, for_each: each = 'each' }) =>
      title.replaceAll(/\{\{\s*([a-z0-9_]+)[^}]*\}\}/g, (_, slot: string) => `{${slot === 'each' ? each : slot}}`),
    )
    .join(', then ')
}

/** As it is written in the pack. */
const withoutTypes = ({ source }: Pattern): string => source.replaceAll(/\{\s*(\w+)\s*:[^{}]*\}/g, '{$1}')

const effectOf = ({ refuse, changes }: CompiledRule): RuleView['effect'] =>
  refuse ? 'refuse' : changes ? 'change' : 'read'

/** The sentences of the rule's tests, with this world's names for those of the pack. */
function examplesOf({ tests }: CompiledRule, { world }: RulePack, vocabulary: Vocabulary): string[] {
  const names = namesFor(world, vocabulary)
  return [
    ...new Set(
      tests.flatMap(({ say, with: more, refuses, declines }) =>
        refuses === undefined && declines === undefined && more === undefined ? [withNames(say, names)] : [],
      ),
    ),
  ]
}

/** For each name of the pack's world, one of this world that is alike. */
function namesFor({ targets }: World, { world }: Vocabulary): Map<string, string> {
  const names = new Map<string, string>()
  for (const [name, target] of Object.entries(targets)) {
    const here = Object.entries(world.targets)
    const alike =
      here.find(([, { type }]) => type === target.type) ??
      here.find(([, { type }]) => isOfType(type, 'service') && isOfType(target.type, 'service'))
    if (!alike) continue
    names.set(name.toLowerCase(), alike[0])
    if (target.type !== 'sql' || alike[1].type !== 'sql') continue
    const nouns = Object.entries(alike[1].entities)
    for (const [noun, { label_column, name_column, singular }] of Object.entries(target.entities)) {
      const [other, entity] =
        nouns.find(([, one]) => !one.label_column === !label_column && !one.name_column === !name_column) ?? []
      if (other === undefined) continue
      names.set(noun.toLowerCase(), other)
      if (singular !== undefined && entity?.singular !== undefined) names.set(singular.toLowerCase(), entity.singular)
    }
  }
  return names
}

function withNames(say: string, names: ReadonlyMap<string, string>): string {
  // The longest first: "virtual machines" before "machines".
  const known = [...names.keys()].sort((a, b) => b.length - a.length).map((name) => name.replaceAll(/[^\w\s]/g, '\\$&'))
  if (known.length === 0) return say
  const name = new RegExp(`(?<![\\w.-])(?:${known.join('|')})(?![\\w-]|\\.\\w)`, 'gi')
  return say.replaceAll(name, (found) => names.get(found.toLowerCase()) ?? found)
}
