/**
 * Understands the words of a task, in stages: exact patterns, what a tenant has taught, the nearest rule by similarity,
 * a question. Words that nobody understands get suggestions. Understanding has no side effects.
 */
import type { AgentReply, AgentTask } from '@deed/proto/agent'
import { mayChange } from '@deed/proto/kinds'
import { decideBy, findRuleBy, type Meant, outcomeOf } from '../rules/decide.ts'
import { operationOf } from '../rules/operation-of.ts'
import type { RulePack } from '../rules/rule-pack.ts'
import { NO_RUNBOOKS, type Runbooks } from '../rules/runbooks.ts'
import { type Sentence, tokenize } from '../rules/tokenize.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'
import { asksAmong, asksBetween, readingOf } from './ask.ts'
import { cleanSentence, textOf, variantsOf, withoutPronoun } from './clean-sentence.ts'
import { explained, type Seen } from './explain.ts'
import { BARRING, type Bar, barOf, GUARDING } from './guards.ts'
import { hasHiddenText } from './hidden-text.ts'
import { intentsOf } from './intents.ts'
import { mayBar, respellingsOf } from './misspelt.ts'
import { namesOf } from './names.ts'
import { normalise } from './normalise.ts'
import { reworded } from './other-words.ts'
import { type Part, partsOf } from './parts.ts'
import { type Candidate, candidatesFor } from './similar.ts'
import { suggestBy } from './suggestions.ts'
import { FILLERS } from './words.ts'

/**
 * What a tenant has taught about a sentence.
 *
 * @param sentence without spelling errors, and with names in full
 * @param mayChange whether the words instruct, rather than doubt, suppose, report or ask
 */
export type Learned = (sentence: Sentence, mayChange: boolean) => AgentReply | undefined

export interface UnderstandOptions {
  /** Asked only for a sentence that no pattern decides, and that forbids nothing. */
  readonly learned?: Learned | undefined
  /** Adds what each stage made of the words. */
  readonly explain?: boolean
}

export type Understand = (task: AgentTask, options?: UnderstandOptions) => AgentReply

/** From here on a reading is acted on; a change is approved by a person all the same. */
const ACT = { read: 0.65, change: 0.8 }
/** By how much the second best reading must be less likely. */
const MARGIN = 0.2
/** From here on a reading that the words forbid or doubt is said to be the reason why nothing is done. */
const BARRED = 0.15
/** Longer texts are for patterns and models. */
const CHARS_MAX = 2_000
const WORDS_MAX = 80
const HELP =
  /^(?:help(?: me)?(?: please)?|what (?:can|could|do|should) (?:you|i|we|deed) (?:do|ask|say|type)(?: here)?|what (?:are|is) (?:your|the) (?:commands?|options|capabilities|features)|commands|usage|examples?|show (?:me )?(?:some )?(?:examples|commands|help)|how (?:do i use|does) (?:this|it|you|deed)(?: work)?|what is possible(?: here)?|man|info)$/

/** Trains on the packs, which takes a moment; deciding takes microseconds. */
export function understanding(
  packs: readonly RulePack[],
  vocabulary: Vocabulary,
  runbooks: Runbooks = NO_RUNBOOKS,
): Understand {
  const decide = decideBy(packs, vocabulary, runbooks)
  const intents = intentsOf(packs)
  const names = namesOf(vocabulary)
  const rules = intents.all.map(({ rule }) => rule)
  const find = findRuleBy(rules, ({ patterns, paraphrases }) => [...patterns, ...paraphrases], vocabulary)
  const respeltExactly = new WeakSet<AgentReply>()
  const suggest = suggestBy(packs, vocabulary, decide)

  return (task, { learned, explain = false } = {}) => {
    const exact = decide(task)
    const seen: Seen = { exact }
    const reply = isFinal(exact)
      ? exact
      : heldToWords(certain(beyondPatterns(task, learned, exact, seen) ?? exact, task), task)
    return explain ? { ...reply, explanation: explained(seen, reply, task, vocabulary) } : reply
  }

  /** No change follows where an unknown word may be one that forbids it; a sentence that has it in place was read so. */
  function certain(reply: AgentReply, { description }: AgentTask): AgentReply {
    if (reply.outcome !== 'handled' || !changes(reply) || reply.solution.reading?.by === 'learned') return reply
    const sentence = tokenize(description)
    if (!sentence || respeltExactly.has(reply) || !mayBar(sentence, intents.words, names, BARRING)) return reply
    return declined('needs_model', 'a word is unknown, and may be one that forbids or restricts it', [])
  }

  /** Words that clearly say one operation on a service are no other one: "turn it down, then up" is a restart. */
  function heldToWords(reply: AgentReply, { description }: AgentTask): AgentReply {
    if (reply.outcome !== 'handled') return reply
    const operations = reply.solution.actions.filter(({ action }) => OPERATIONS.has(action.kind))
    const said = operations.length === 0 ? undefined : operationOf(description, vocabulary.world)
    if (!said || operations.some(({ action }) => action.kind === `service.${said.name}`)) return reply
    const meant = `${said.name} ${said.target}`
    return declined('needs_model', `the words say to ${meant}, and no rule reads them so`, [meant])
  }

  function beyondPatterns(
    task: AgentTask,
    learned: Learned | undefined,
    exact: AgentReply,
    seen: Seen,
    corrected = false,
  ): AgentReply | undefined {
    const { description } = task
    const sentence = description.length > CHARS_MAX ? undefined : tokenize(description)
    if (!sentence || sentence.tokens.length > WORDS_MAX || task.template) return undefined
    const all = partsOf(sentence, vocabulary, names, intents.words)
    const suggestions = (candidates: readonly Candidate[] = []): string[] =>
      suggest(
        candidates.map(({ intent }) => intent.rule),
        all,
      )
    if (hasHiddenText(description)) {
      return exact.outcome === 'refused'
        ? undefined
        : declined(
            'needs_model',
            'the text has hidden characters, or letters of another alphabet among its own',
            suggestions(),
          )
    }
    const { parts: said, clauses, withReasons, reasons, asksTo } = normalise(all)
    const asks = !asksTo && (sentence.asks || isQuestion(said))
    const parts = withoutPronoun(said, reasons)
    const text = textOf(parts)
    Object.assign(seen, { text: text === '' ? textOf(withReasons) : text })
    if (HELP.test(text)) return declined('no_instruction', 'Deed does what its rules know', suggestions())

    const bar = barOf(said, reasons, asks)
    if (bar === undefined || bar.bars === 'changes') {
      const taught = learned?.(cleanSentence(sentence, all, asks), bar === undefined)
      if (taught) {
        seen.learned = taught
        return taught
      }
    }
    const lone = loneClauses(clauses, reasons)
    const words = [parts, ...(parts.length === withReasons.length ? [] : [withReasons]), ...lone]
    let ranked: Candidate[] | undefined
    const candidates = (): Candidate[] => {
      ranked ??= rank(sentence, words, withReasons, bar?.bars === 'changes', task)
      return ranked
    }
    seen.candidates = candidates
    if (parts.length > 0 && intents.declined.has(withReasons.map(({ word }) => word).join(' ')))
      return declined('needs_model', 'a rule leaves these words to a model', suggestions(candidates()))
    const clean =
      parts.length === 0
        ? undefined
        : cleaned(sentence, [...variantsOf(parts), withReasons, ...lone.flatMap(variantsOf)], asks, task, bar)
    if (clean) return clean
    const respelled = corrected ? undefined : misspelt(sentence, task)
    if (respelled) return respelled
    if (parts.length === 0)
      return declined('no_instruction', 'the words describe a state and ask for nothing', suggestions(candidates()))
    const forms = [parts, ...lone]
    const synonymous = forms.flatMap((form) => reworded(form, intents.words))
    const otherwise = inOtherWords(sentence, synonymous, asks, REWORDED, task, bar)
    if (otherwise && !(changes(otherwise) && isOther(otherwise, candidates()))) return otherwise
    if (bar && bar.bars !== 'changes') return refusal(bar, candidates())
    const acted = act(candidates(), task)
    if (acted) return acted
    const asked = asksAmong(candidates(), task, vocabulary)
    if (asked) return asked
    if (exact.outcome === 'refused') return undefined
    if (!bar) return declined('needs_model', 'no rule knows these words', suggestions(candidates()))
    const likely = rank(sentence, words, withReasons, false, task)
    const near = (likely[0]?.confidence ?? 0) >= BARRED || withReasons.some(({ word }) => intents.words.verbs.has(word))
    return near ? refusal(bar, likely) : declined('needs_model', 'no rule knows these words', suggestions(likely))

    function refusal({ bars, why }: Bar, near: readonly Candidate[]): AgentReply {
      return bars === 'condition'
        ? declined('needs_model', `no rule plans for conditions: ${why}`, suggestions(near))
        : declined('no_instruction', `nothing is done, because ${why}`, suggestions(near))
    }
  }

  /** What the text means with one word of it spelled as it may be meant, if that is one thing alone. */
  function misspelt(sentence: Sentence, task: AgentTask): AgentReply | undefined {
    const found = new Map<string, AgentReply>()
    for (const { text: description, guarded, alone } of respellingsOf(sentence, intents.words, names, GUARDING)) {
      const said = { ...task, description }
      const exact = decide(said)
      const reply = isFinal(exact) ? exact : beyondPatterns(said, undefined, exact, { exact }, true)
      if (!reply || !acts(reply) || (guarded && changes(reply)) || !(alone || reply === exact)) continue
      const key = reply.outcome === 'handled' ? JSON.stringify(reply.solution.actions) : ''
      const respelt = read(reply, 'similarity', RESPELT)
      // The pattern has the word in its place.
      if (reply === exact) respeltExactly.add(respelt)
      if (!found.has(key)) found.set(key, respelt)
    }
    const [only, ...more] = found.values()
    return more.length === 0 ? only : undefined
  }

  /** A pattern or paraphrase that covers the sentence without its courtesy, reasons and errors. */
  function cleaned(
    sentence: Sentence,
    variants: readonly (readonly Part[])[],
    asks: boolean,
    task: AgentTask,
    bar: Bar | undefined,
  ): AgentReply | undefined {
    for (const parts of variants) {
      const found = find(cleanSentence(sentence, parts, asks), task)
      if (
        !found ||
        (bar && found.best.rule.changes && !hasWord(found.best, bar.word)) ||
        !namesAreNames(found.best, parts, intents.words.verbs)
      )
        continue
      const tied = found.rival && asksBetween([found.best, found.rival], task, vocabulary)
      if (tied) return tied
      if (found.rival) continue
      const reply = outcomeOf(found.best, task, vocabulary)
      if (reply.outcome !== 'declined' || reply.reason === 'needs_template') return read(reply, 'similarity', CLEAN)
    }
    return undefined
  }

  /** The reading that the patterns leave of a sentence in other words, if it is one alone. */
  function inOtherWords(
    sentence: Sentence,
    others: readonly (readonly Part[])[],
    asks: boolean,
    confidence: number,
    task: AgentTask,
    bar: Bar | undefined,
  ): AgentReply | undefined {
    const found = new Map<string, AgentReply>()
    for (const parts of others.slice(0, OTHER_WORDS_MAX)) {
      const reply = cleaned(sentence, [parts], asks, task, bar)
      if (reply?.outcome === 'asks') return undefined
      if (reply?.outcome === 'handled')
        found.set(JSON.stringify(reply.solution.actions), read(reply, 'similarity', confidence))
    }
    const [only, ...more] = found.values()
    return more.length === 0 ? only : undefined
  }

  /** Whether a clause may be another order: it begins as sentences of rules do, or follows another one. */
  function mayInstruct(clause: readonly Part[]): boolean {
    return clause.some(
      ({ word }, at) =>
        (at < VERB_WITHIN && intents.firstWords.has(word)) ||
        intents.words.verbs.has(word) ||
        (at === 0 && word === 'then'),
    )
  }

  /** Of several clauses, the one that instructs, if the others ask for nothing and name nothing else. */
  function loneClauses(
    clauses: readonly (readonly Part[])[],
    reasons: readonly (readonly Part[])[],
  ): (readonly Part[])[] {
    if (clauses.length < 2) return []
    return clauses.flatMap((clause, index) => {
      const others = [...clauses.filter((_, at) => at !== index), ...reasons]
      if (clauses.some((other, at) => at !== index && mayInstruct(other))) return []
      const whole = withoutPronoun(clause, others)
      const named = new Set(whole.map(({ value }) => value))
      return others.flat().every((part) => part.kind === 'word' || part.kind === 'number' || named.has(part.value))
        ? [whole]
        : []
    })
  }

  /** @param variants the words in several forms; the first that is likely enough is taken */
  function rank(
    sentence: Sentence,
    variants: readonly (readonly Part[])[],
    all: readonly Part[],
    readsOnly: boolean,
    task: AgentTask,
  ): Candidate[] {
    let best: Candidate[] = []
    for (const parts of variants) {
      const found = candidatesFor(intents, parts, { all, sentence, readsOnly, task, vocabulary })
      if ((found[0]?.confidence ?? 0) > (best[0]?.confidence ?? -1)) best = found
      if ((best[0]?.confidence ?? 0) >= ACT.change) break
    }
    return best
  }

  function act(candidates: readonly Candidate[], task: AgentTask): AgentReply | undefined {
    const [best, second] = candidates
    const threshold = best?.intent.rule.changes ? ACT.change : ACT.read
    if (!best || best.confidence < threshold || best.obstacle !== undefined || best.filled.missing.length > 0)
      return undefined
    if (second && best.confidence - second.confidence < MARGIN) return undefined
    const { slots, pattern } = best.filled
    const reply = outcomeOf({ rule: best.intent.rule, pattern, slots }, task, vocabulary)
    return reply.outcome === 'declined' ? undefined : read(reply, 'similarity', best.confidence)
  }
}

const OPERATIONS = new Set(['service.start', 'service.stop', 'service.restart'])
/** The confidence in a rule's own words, found after the sentence was cleaned. */
const CLEAN = 0.97
/** The same, with a word that could have been another one. */
const RESPELT = 0.96
/** The same, with a synonym. */
const REWORDED = 0.88
const OTHER_WORDS_MAX = 24
/** The verb of an order is among its first words. */
const VERB_WITHIN = 3

const acts = (reply: AgentReply): boolean =>
  reply.outcome === 'handled' || (reply.outcome === 'declined' && reply.reason === 'needs_template')

const changes = (reply: AgentReply): boolean =>
  reply.outcome !== 'handled' || reply.solution.actions.some(({ action }) => mayChange(action.kind, action.input))

/** Whether the words are nearer to another rule, which then is asked about. */
const isOther = (reply: AgentReply, [best]: readonly Candidate[]): boolean =>
  best !== undefined &&
  reply.outcome === 'handled' &&
  best.intent.rule.id !== reply.solution.rule &&
  best.confidence >= ACT.read

/** Whether the rule's own sentence has the word, as in "scale it down to nothing". */
const hasWord = ({ pattern }: Meant, word: string): boolean =>
  word !== '' && pattern.source.split(/[\s()|?{}]+/).includes(word)

/**
 * "restart all" does not name a target that is called all, and "search your feelings" does not search for "your": words of
 * the language and of the rules are values only in the rules' own sentences.
 */
function namesAreNames({ pattern, slots }: Meant, parts: readonly Part[], verbs: ReadonlySet<string>): boolean {
  const named = new Set(parts.filter(({ kind }) => kind === 'target').map(({ value }) => value))
  return Object.entries(slots).every(
    ([slot, value]) =>
      !/^(?:targets?|word|name|path)$/.test(pattern.slotsPossible.get(slot) ?? '') ||
      [value]
        .flat()
        .every((name) => typeof name === 'string' && (named.has(name) || !(FILLERS.has(name) || verbs.has(name)))),
  )
}

/** Patterns alone decide; only an unknown name may be a misspelt one. */
const isFinal = (exact: AgentReply): boolean =>
  exact.outcome === 'handled' ||
  (exact.outcome === 'refused' && exact.error.code !== 'unknown_target') ||
  (exact.outcome === 'declined' && exact.reason === 'needs_template')

const QUESTION_WORDS = new Set(
  'is are was were do does did has have can could should would will may might which who whom whose where when why how what'.split(
    ' ',
  ),
)

/** "do a restart" asks for one, "do we restart it" does not. */
const isQuestion = ([first, second]: readonly Part[]): boolean =>
  first?.kind === 'word' &&
  QUESTION_WORDS.has(first.word) &&
  !(
    first.word === 'do' &&
    (second === undefined || second.word === 'a' || second.word === 'an' || second.word === 'the')
  )

function read(reply: AgentReply, by: 'similarity' | 'learned', confidence: number): AgentReply {
  if (reply.outcome !== 'handled') return reply
  const { solution } = reply
  const text = readingOf(solution)
  return {
    ...reply,
    solution: { ...solution, confidence: Math.round(confidence * 1_000) / 1_000, reading: { text, by } },
  }
}

function declined(reason: 'needs_model' | 'no_instruction', message: string, suggestions: string[]): AgentReply {
  return { outcome: 'declined', reason, message, ...(suggestions.length === 0 ? {} : { suggestions }) }
}
