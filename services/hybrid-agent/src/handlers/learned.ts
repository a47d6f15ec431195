/** Learning from verified executions, and what was learned. The tenant is that of the subject. */
import type { Handler } from '@deed/mesh/bus'
import type { AgentTask } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type * as proto from '@deed/proto/rules'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { exportPack } from '../learning/export-pack.ts'
import { generalise } from '../learning/generalise.ts'
import { isActive } from '../learning/is-active.ts'
import { learnSentence as learn } from '../learning/learn-sentence.ts'
import { hasFixedNames, type Said } from '../learning/recall.ts'
import type { Sentences } from '../learning/tenant-sentences.ts'
import type { RuleSet, RulesInForce } from '../packs/rules-in-force.ts'
import type { LearnedSentence } from '../store/learned-sentence.ts'
import { markVerified } from '../store/model-records.ts'

interface Dependencies {
  rules: RulesInForce
  sentences: Sentences
  log: Log
}

/** The sentence as understanding would look it up; undefined if it would not. */
function saidIn({ understand }: RuleSet, task: AgentTask): Said | undefined {
  let said: Said | undefined
  understand(task, {
    learned: (sentence, mayChange) => {
      said = { sentence, mayChange }
      return undefined
    },
  })
  return said
}

export function learnSentence({
  store,
  rules,
  sentences,
  log,
}: Dependencies & { store: Pick<Store<unknown>, 'query'> }): Handler<typeof proto.learnSentence> {
  return async ({ execution_id: executionId, ...lesson }, { principal: { tenant, user } }) => {
    if (lesson.source === 'model') await markVerified(store, tenant, executionId)
    const { current } = rules
    const said = saidIn(current, lesson.task)
    const taught = said ? learn(lesson, said, current) : { reason: 'a rule knows the words, or they forbid something' }
    if ('reason' in taught) {
      log.info({ execution_id: executionId, reason: taught.reason }, 'nothing was learned')
      return { id: null, reason: taught.reason }
    }
    const { learned } = taught
    await sentences.put({ tenant, user, executionId, learned })
    log.info({ execution_id: executionId, tenant, sentence: learned.sentence, reading: learned.reading }, 'learned')
    return { id: learned.id, reason: null }
  }
}

export function unlearnSentence({ rules, sentences, log }: Dependencies): Handler<typeof proto.unlearnSentence> {
  return async ({ execution_id: executionId, task }, { principal: { tenant } }) => {
    const said = saidIn(rules.current, task)
    const general = said && generalise(said.sentence, rules.current.vocabulary)
    if (!general) return { forgotten: 0 }
    const known: readonly LearnedSentence[] = (await sentences.load(tenant)).get(general.words) ?? []
    const meant = known.filter((learned) => hasFixedNames(learned, general.names))
    if (meant.length === 0) return { forgotten: 0 }
    const ids = meant.map(({ id }) => id)
    const forgotten = await sentences.disprove(tenant, { ids, executionId })
    log.info({ execution_id: executionId, tenant, ids }, 'what was learned has not held')
    return { forgotten }
  }
}

export function listLearned({ rules, sentences }: Omit<Dependencies, 'log'>): Handler<typeof proto.listLearned> {
  return async (_, { principal: { tenant } }) => {
    const rows = await sentences.list(tenant)
    return {
      sentences: rows.map((row) => {
        const { id, stage, proven, failed, sentence, reading, source, meaning, ...rest } = row
        const { execution_id, learned_by, learned_at, used_at, uses } = rest
        const rule = meaning.by === 'rule' ? meaning.rule : null
        const active = isActive(row, rules.current)
        const trust = { stage, proven, failed, active }
        return { id, ...trust, sentence, reading, source, rule, execution_id, learned_by, learned_at, used_at, uses }
      }),
    }
  }
}

export function forgetLearned({ sentences }: Pick<Dependencies, 'sentences'>): Handler<typeof proto.forgetLearned> {
  return async ({ id, all }, { principal: { tenant } }) => {
    if ((id === undefined) === (all === undefined)) {
      throw new DeedError('missing_field', 'give one of id and all', { path: '$.id' })
    }
    return { forgotten: await sentences.forget(tenant, id === undefined ? undefined : [id]) }
  }
}

export function exportLearned({ rules, sentences }: Omit<Dependencies, 'log'>): Handler<typeof proto.exportLearned> {
  return async (_, { principal: { tenant } }) => {
    const trusted = (await sentences.list(tenant)).filter(({ stage }) => stage === 'trusted')
    return exportPack(trusted, rules.current)
  }
}
