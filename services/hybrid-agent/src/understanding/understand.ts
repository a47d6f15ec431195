/**
 * Understands the words of a task, in stages: exact patterns, what a tenant has taught, the nearest rule by similarity,
 * a question. Words that nobody understands get suggestions. Understanding has no side effects.
 */
import type { AgentReply, AgentTask } from '@deed/proto/agent'
import { decideBy, findRuleBy, outcomeOf } from '../rules/decide.ts'
import { operationOf, oppositeIn } from '../rules/operation-of.ts'
import type { CompiledRule, RulePack } from '../rules/rule-pack.ts'
import { NO_RUNBOOKS, type Runbooks } from '../rules/runbooks.ts'
import { type Sentence, tokenize } from '../rules/tokenize.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'
import { asksAmong, asksBetween } from './ask.ts'
import {
  cleanSentence,
  distinct,
  hasWord,
  namesAreNames,
  onlyAsks,
  textOf,
  variantsOf,
  withOnlyNoun,
  withoutPronoun,
} from './clean-sentence.ts'
import { explained, type Seen } from './explain.ts'
import { alternativeIn, BARRING, type Bar, barOf, GUARDING, isQuestion, isValue } from './guards.ts'
import { hasHiddenText } from './hidden-text.ts'
import { intentsOf } from './intents.ts'
import { loneClauses } from './lone-clauses.ts'
import { mayBar, otherTexts, respellingsOf } from './misspelt.ts'
import { namesOf } from './names.ts'
import { normalise } from './normalise.ts'
import { reworded } from './other-words.ts'
import { isCorrected, type Part, partsOf } from './parts.ts'
import { acts, changes, declined, isFinal, read } from './replies.ts'
import { type Candidate, candidatesFor, onlyNounOf } from './similar.ts'
import { suggestBy } from './suggestions.ts'
import { withContentQuoted } from './unquoted.ts'

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
const ACT = { read: 0.7, change: 0.8 }
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
  const ruleIds = new Set(rules.map(({ id }) => id))
  const find = findRuleBy(rules, ({ patterns, paraphrases }) => [...patterns, ...paraphrases], vocabulary)
  const respeltExactly = new WeakSet<AgentReply>()
  const suggest = suggestBy(packs, vocabulary, decide)
  const onlyNoun = onlyNounOf(vocabulary)

  return (task, { learned, explain = false } = {}) => {
    const exact = decide(task)
    const seen: Seen = { exact }
    const reply = isFinal(exact)
      ? saidWhereDescribed(spelledRight(exact, task), task)
      : heldToWords(certain(beyondPatterns(task, learned, exact, seen) ?? exact, task), task)
    return explain ? { ...reply, explanation: explained(seen, reply, task, vocabulary) } : reply
  }

  /** A misspelt sentence of one rule may be one of another, which searches for the misspelt word: "whas in notes.txt". */
  function spelledRight(exact: AgentReply, task: AgentTask): AgentReply {
    if (exact.outcome !== 'handled' || changes(exact)) return exact
    const sentence = tokenize(task.description)
    if (!sentence || sentence.tokens.length > WORDS_MAX) return exact
    const found = new Map<string, AgentReply>()
    for (const { text: description, written, meant } of respellingsOf(sentence, intents.words, names, GUARDING)) {
      if (!isValue(written, exact.solution)) continue
      const reply = decide({ ...task, description })
      if (reply.outcome !== 'handled' || changes(reply)) continue
      // Another word may be searched for just so.
      if (reply.solution.rule === exact.solution.rule && isValue(meant, reply.solution)) continue
      found.set(JSON.stringify(reply.solution.actions), reply)
    }
    const [only, ...more] = found.values()
    return only && more.length === 0 ? read(only, 'similarity', RESPELT) : exact
  }

  /** "notes.txt should say "x"" may be an order: what is understood is said, though a pattern has the words. */
  function saidWhereDescribed(exact: AgentReply, { description }: AgentTask): AgentReply {
    if (exact.outcome !== 'handled' || !changes(exact) || !ruleIds.has(exact.solution.rule ?? '')) return exact
    const sentence = tokenize(description)
    if (!sentence || intents.firstWords.has(sentence.tokens[0]!.word) || sentence.tokens.length > WORDS_MAX)
      return exact
    const { parts } = normalise(partsOf(sentence, vocabulary, names, intents.words))
    return parts.length === 0 ? read(exact, 'similarity', CLEAN) : exact
  }

  /**
   * No change follows where the words leave a choice, or where an unknown word may be one that forbids it; a sentence that
   * has it in place was read so.
   */
  function certain(reply: AgentReply, { description }: AgentTask): AgentReply {
    if (reply.outcome !== 'handled' || !changes(reply) || reply.solution.reading?.by === 'learned') return reply
    const sentence = tokenize(description)
    const left = sentence && alternativeIn(sentence, reply.solution)
    if (left) return declined('no_instruction', `nothing is done, because "${left}" leaves a choice; say which one`, [])
    if (!sentence || respeltExactly.has(reply) || !mayBar(sentence, intents.words, names, BARRING)) return reply
    return declined('needs_model', 'a word is unknown, and may be one that forbids or restricts it', [])
  }

  /** Words that clearly say one operation on a service are no other one: "turn it down, then up" is a restart. */
  function heldToWords(reply: AgentReply, { description }: AgentTask): AgentReply {
    if (reply.outcome !== 'handled') return reply
    const operations = reply.solution.actions.filter(({ action }) => OPERATIONS.has(action.kind))
    if (operations.length === 0) return reply
    const done = new Set(operations.map(({ action }) => action.kind))
    const opposite = done.size > 1 || done.has('service.restart') ? undefined : oppositeIn(description, [...done][0]!)
    if (opposite !== undefined)
      return declined('needs_model', `"${opposite}" asks for something else, and no rule reads it so`, [])
    const said = operationOf(description, vocabulary.world)
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
    if (!sentence || sentence.tokens.length > WORDS_MAX) return undefined
    const all = partsOf(sentence, vocabulary, names, intents.words)
    const rulesOf = (candidates: readonly Candidate[]): CompiledRule[] => candidates.map(({ intent }) => intent.rule)
    const suggestions = (near: readonly Candidate[] = []): string[] => (corrected ? [] : suggest(rulesOf(near), all))
    if (hasHiddenText(description)) {
      return exact.outcome === 'refused'
        ? undefined
        : declined(
            'needs_model',
            'the text has hidden characters, or letters of another alphabet among its own',
            suggestions(),
          )
    }
    const {
      parts: said,
      clauses,
      withReasons,
      reasons,
      asksTo,
    } = normalise(all, /\b(?:please|pls|plz|kindly)\b/i.test(description))
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
    // A misspelt clause may be another order.
    const lone = corrected ? [] : loneClauses(clauses, reasons, intents)
    // "the disk seems full, please check"
    const forms = onlyAsks(parts) ? [withReasons, parts] : [parts, withReasons]
    const words = [...(parts.length === withReasons.length ? [parts] : forms), ...lone]
    let ranked: Candidate[] | undefined
    const candidates = (): Candidate[] => {
      ranked ??= rank(sentence, words, withReasons, bar?.bars === 'changes', task)
      return ranked
    }
    seen.candidates = candidates
    if (parts.length > 0 && intents.declined.has(withReasons.map(({ word }) => word).join(' ')))
      return declined('needs_model', 'a rule leaves these words to a model', suggestions(candidates()))
    const written = bar === undefined && runbookFor(sentence, parts, asks, task)
    if (written) return written
    // Of a state that is described, only a rule's own sentence makes an order.
    const variants =
      parts.length === 0 ? [withReasons] : [...variantsOf(parts), withReasons, ...lone.flatMap(variantsOf)]
    // A rule may have the courtesy in its own sentence: "I need "x" in notes.txt".
    if (parts.length > 0 && all.length > withReasons.length) variants.unshift(all)
    const named = withOnlyNoun(parts, onlyNoun)
    if (named) variants.push(named)
    const clean = cleaned(sentence, variants, asks, task, bar)
    if (clean) return corrected ? clean : spelledRight(clean, task)
    const respelled = corrected ? undefined : misspelt(sentence, task, bar)
    if (respelled) return respelled
    if (parts.length === 0)
      return declined('no_instruction', 'the words describe a state and ask for nothing', suggestions(candidates()))
    const synonymous = [parts, ...lone].flatMap((form) => reworded(form, intents.words))
    const otherwise = inOtherWords(sentence, synonymous, asks, REWORDED, task, bar)
    if (otherwise && !(changes(otherwise) && isOther(otherwise, candidates()))) return otherwise
    if (bar && bar.bars !== 'changes') return refusal(bar, candidates())
    const acted = act(candidates(), withReasons, task)
    if (acted) return acted
    // Of a corrected sentence only an action is of use, or why nothing is done.
    if (corrected && !bar) return undefined
    const asked = asksAmong(candidates(), task, vocabulary)
    if (asked) return asked
    if (exact.outcome === 'refused') return undefined
    const content = bar ? undefined : withContentQuoted(parts, sentence)
    const askedFor = content && asksAmong(rank(sentence, [content], content, false, task), task, vocabulary)
    if (askedFor) return askedFor
    if (!bar) return declined('needs_model', 'no rule knows these words', suggestions(candidates()))
    const likely = rank(sentence, words, withReasons, false, task)
    const near = (likely[0]?.confidence ?? 0) >= BARRED || withReasons.some(({ word }) => intents.words.verbs.has(word))
    return near ? refusal(bar, likely) : declined('needs_model', 'no rule knows these words', suggestions(likely))

    function refusal({ bars, why }: Bar, near: readonly Candidate[]): AgentReply {
      return bars === 'condition'
        ? declined('needs_model', `no rule plans for conditions: ${why}`, suggestions(near))
        : declined('no_instruction', barred({ why }), suggestions(near))
    }
  }

  /** The runbook whose words remain without courtesy and reasons, as they are written. */
  function runbookFor(
    { text, tokens }: Sentence,
    parts: readonly Part[],
    asks: boolean,
    task: AgentTask,
  ): AgentReply | undefined {
    const left = new Set(parts.flatMap(({ first, last }) => tokens.slice(first, last + 1)))
    const solution = runbooks({ text, asks, tokens: [...left] }, task)
    if (!solution) return undefined
    const reading = { text: textOf(parts), by: 'similarity' as const }
    return { outcome: 'handled', method: 'autonomous', solution: { ...solution, confidence: CLEAN, reading } }
  }

  /** What the text means with one word of it spelled as it may be meant, if that is one thing alone. */
  function misspelt(sentence: Sentence, task: AgentTask, bar: Bar | undefined): AgentReply | undefined {
    const found = new Map<string, AgentReply>()
    let reports = false
    for (const respelled of respellingsOf(sentence, intents.words, names, GUARDING)) {
      const { text: description, guarded, alone } = respelled
      const said = { ...task, description }
      const exact = decide(said)
      const reply = isFinal(exact) ? exact : beyondPatterns(said, undefined, exact, { exact }, true)
      // "I restartd it" may report: then it is no order. "Would yo restart it?" doubts with or without the word.
      if (reply?.outcome === 'declined' && reply.reason === 'no_instruction')
        reports ||= bar === undefined || reply.message !== barred(bar)
      if (!reply || !acts(reply) || (guarded && changes(reply)) || !(alone || reply === exact)) continue
      if (changes(reply) && otherTexts(sentence, respelled, intents.words).some(isOtherChange(reply, task))) continue
      const key = reply.outcome === 'handled' ? JSON.stringify(reply.solution.actions) : ''
      const respelt = read(reply, 'similarity', RESPELT)
      // The pattern has the word in its place.
      if (reply === exact) respeltExactly.add(respelt)
      if (!found.has(key)) found.set(key, respelt)
    }
    const [only, ...more] = found.values()
    return more.length > 0 || (only && reports && changes(only)) ? undefined : only
  }

  /** "doon" may be "soon", and is as near to "down": nothing is changed by a guess between opposites. */
  function isOtherChange(reply: AgentReply, task: AgentTask): (description: string) => boolean {
    const done = reply.outcome === 'handled' ? JSON.stringify(reply.solution.actions) : ''
    return (description) => {
      const other = decide({ ...task, description })
      return other.outcome === 'handled' && changes(other) && JSON.stringify(other.solution.actions) !== done
    }
  }

  /** A pattern or paraphrase that covers the sentence without its courtesy, reasons and errors. */
  function cleaned(
    sentence: Sentence,
    variants: readonly (readonly Part[])[],
    asks: boolean,
    task: AgentTask,
    bar: Bar | undefined,
  ): AgentReply | undefined {
    for (const parts of distinct(variants)) {
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

  function act(candidates: readonly Candidate[], parts: readonly Part[], task: AgentTask): AgentReply | undefined {
    const [best, second] = candidates
    const threshold = best?.intent.rule.changes ? ACT.change : ACT.read
    if (!best || best.confidence < threshold || best.obstacle !== undefined || best.filled.missing.length > 0)
      return undefined
    if (second && best.confidence - second.confidence < MARGIN) return undefined
    // "statr" may be "state": what is only like a rule's sentence changes nothing by a corrected verb.
    if (best.intent.rule.changes && parts.some((part) => isCorrected(part) && intents.words.verbs.has(part.word)))
      return undefined
    const { slots, pattern } = best.filled
    const reply = outcomeOf({ rule: best.intent.rule, pattern, slots }, task, vocabulary)
    return reply.outcome === 'declined' ? undefined : read(reply, 'similarity', best.confidence)
  }
}

const barred = ({ why }: Pick<Bar, 'why'>): string => `nothing is done, because ${why}`

const OPERATIONS = new Set(['service.start', 'service.stop', 'service.restart'])
/** The confidence in a rule's own words, found after the sentence was cleaned. */
const CLEAN = 0.99
/** The same, with a word that could have been another one. */
const RESPELT = 0.985
/** The same, with a synonym. */
const REWORDED = 0.88
const OTHER_WORDS_MAX = 24
/** Whether the words are nearer to another rule, which then is asked about. */
const isOther = (reply: AgentReply, [best]: readonly Candidate[]): boolean =>
  best !== undefined &&
  reply.outcome === 'handled' &&
  best.intent.rule.id !== reply.solution.rule &&
  best.confidence >= ACT.read
