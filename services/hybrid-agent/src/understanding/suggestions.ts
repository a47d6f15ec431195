/**
 * What can be asked for here: a tested sentence of each rule, with this world's own names in place of those of the test.
 * Each is a sentence that the patterns understand.
 */
import { AgentTask } from '@deed/proto/agent'
import type { Decide } from '../rules/decide.ts'
import type { CompiledRule, RulePack, RuleTest } from '../rules/rule-pack.ts'
import { type Sentence, tokenize } from '../rules/tokenize.ts'
import { isOfType, type NamedTarget, type Vocabulary, vocabularyOf } from '../rules/vocabulary.ts'
import { namesOf } from './names.ts'
import { type Part, partsOf } from './parts.ts'

interface Suggestion {
  readonly rule: CompiledRule
  /** @param said what the task names, which replaces what the sentence names */
  readonly sentence: (said: Said) => string | undefined
}

interface Said {
  readonly target: NamedTarget | undefined
  readonly path: string | undefined
}

/** @returns at most three sentences: those of the given rules first */
export type Suggest = (near: readonly CompiledRule[], parts: readonly Part[]) => string[]

const CHARS_MAX = 120
const SUGGESTIONS_MAX = 3
/** Paths of tasks are endless. */
const REMEMBERED_MAX = 1_000

export function suggestBy(packs: readonly RulePack[], vocabulary: Vocabulary, decide: Decide): Suggest {
  const all = suggestionsOf(packs, vocabulary, decide)
  const byRule = new Map(all.map((one) => [one.rule, one]))
  let usual: readonly Suggestion[] | undefined
  return (near, parts) => {
    // One of each pack, packs of services first, since there is always something to see.
    usual ??= [...new Map(all.toReversed().map((one) => [one.rule.id.split('/')[0], one])).values()].toReversed()
    const target = parts.flatMap(({ targets }) => targets ?? [])[0]
    const path = parts.find(({ kind }) => kind === 'path')?.value
    const found = new Set<string>()
    for (const one of [...near.flatMap((rule) => byRule.get(rule) ?? []), ...usual]) {
      if (found.size === SUGGESTIONS_MAX) break
      const sentence = one.sentence({ target, path })
      if (sentence !== undefined) found.add(sentence)
    }
    return [...found]
  }
}

function suggestionsOf(packs: readonly RulePack[], vocabulary: Vocabulary, decide: Decide): Suggestion[] {
  return packs.flatMap(({ rules, world }) => {
    const own = vocabularyOf(world)
    const names = namesOf(own)
    return rules.flatMap((rule) => {
      const say = rule.refuse ? undefined : rule.tests.find(acts)?.say
      const sentence = say === undefined ? undefined : tokenize(say)
      if (!sentence) return []
      const parts = partsOf(sentence, own, names, undefined)
      const known = new Map<string, string | undefined>()
      return [
        {
          rule,
          sentence: (said: Said) => {
            const key = JSON.stringify(said)
            if (!known.has(key) && known.size < REMEMBERED_MAX)
              known.set(
                key,
                rule.changes && STATEMENT.test(sentence.text)
                  ? undefined
                  : inThisWorld(sentence, parts, vocabulary, decide, said),
              )
            return known.get(key)
          },
        },
      ]
    })
  })
}

const acts = ({ refuses, declines, with: given }: RuleTest): boolean =>
  refuses === undefined && declines === undefined && given?.template === undefined

function inThisWorld(
  { text, tokens }: Sentence,
  parts: readonly Part[],
  vocabulary: Vocabulary,
  decide: Decide,
  said: Said,
): string | undefined {
  // One name cannot stand for two: "move a to a".
  if (parts.filter(({ kind }) => kind === 'path').length > 1) return undefined
  let written = ''
  let at = tokens[0]?.start ?? 0
  for (const part of parts) {
    const name = part.kind === 'path' ? said.path : nameHere(part, vocabulary, said.target)
    // Names of the tests' world exist nowhere else.
    if (name === undefined && NAMED.has(part.kind)) return undefined
    if (name === undefined) continue
    written += text.slice(at, tokens[part.first]!.start) + name
    at = tokens[part.last]!.end
  }
  const sentence = withTableOf(plain(written + text.slice(at)), vocabulary)
  if (sentence === undefined || sentence.length > CHARS_MAX) return undefined
  const reply = decide(AgentTask.parse({ description: sentence }))
  return reply.outcome === 'handled' ? sentence : undefined
}

/** Its tables and columns are those of the tests' world. */
const STATEMENT = /\b(?:select|insert into|update|delete from)\s.*$/is

/** The sentence with a statement over a table that the named database has here; undefined where none is known. */
function withTableOf(sentence: string, { plurals }: Vocabulary): string | undefined {
  if (!STATEMENT.test(sentence)) return sentence
  const entities = [...plurals.values()].flat().flatMap(({ entities }) => entities)
  const known = entities.find(({ target }) => tokenize(sentence)?.tokens.some(({ value }) => value === target))
  return known && sentence.replace(STATEMENT, () => `select count(*) from ${known.table}`)
}

const NAMED: ReadonlySet<Part['kind']> = new Set(['target', 'noun', 'path', 'name'])

/** A name of this world of the same kind; undefined where there is none, or the part names nothing of a world. */
function nameHere(
  part: Part,
  { targets, plurals, singulars }: Vocabulary,
  wanted: NamedTarget | undefined,
): string | undefined {
  if (part.kind === 'noun') {
    const [nouns] = (part.word === '__nouns__' ? plurals : singulars).values()
    return nouns?.[0]?.words.join(' ')
  }
  const [type] = part.targets ?? []
  if (!type) return undefined
  const service = isOfType(type.type, 'service')
  const alike = (target: NamedTarget): boolean =>
    service ? isOfType(target.type, 'service') : target.type === type.type
  if (wanted && alike(wanted)) return wanted.name
  const known = [...targets.values()]
  // A sentence about a deployment is understood for a deployment alone, so the very type is the first choice.
  return (known.find((target) => target.type === type.type) ?? known.find(alike))?.name
}

/** As somebody types it: "restart demo-api". */
const plain = (sentence: string): string => {
  const text = sentence.trim().replace(/\.$/, '')
  return /^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text
}
