/**
 * Entries for similar words. The vector only proposes: guards refuse, labels certify, and a part is computed all the same.
 *
 * An answer is served where the scope's certificate is open; one wrong answer closes it. A solution needs none: it is approved, executed and verified
 * like any plan, and what came of it is reported to `judge`.
 */
import { randomInt } from 'node:crypto'
import type { CacheEntry, CacheValue } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { answerHash } from '../entry/answer-hash.ts'
import type { CacheKey } from '../entry/cache-key.ts'
import type { StoredEntry } from '../entry/entry.ts'
import { certificateOf } from '../proposing/certificate.ts'
import { judgeProposal, openProposal, readSolution, readTrackRecord, reportWrong } from '../store/proposals.ts'
import type { Embeddings } from './embeddings.ts'
import type { ExactTier } from './exact-tier.ts'
import type { FollowedIndex } from './followed-index.ts'
import { queriesInTime } from './in-time.ts'

/** A caller would rather compute than wait longer. */
const DECIDE_MS_MAX = 300
const JUDGE_MS_MAX = 1_500
/** One of so many would-be hits is computed all the same, and judged. */
const AUDIT_ONE_IN = 20

export interface Similar {
  readonly entry: StoredEntry
  readonly similar: NonNullable<CacheEntry['similar']>
}

export interface ProposalTier {
  /** An entry of other words that may be served for these. Failures of PostgreSQL are misses. */
  find(key: CacheKey): Promise<Similar | undefined>
  /** A value was computed for the words: it judges what had been proposed for them. */
  judgeBy(key: CacheKey, value: CacheValue): Promise<void>
  /** The plan that was proposed for the words held, or did not. One that held is kept for these words too. @returns whether one was judged */
  judgeSolution(key: CacheKey, held: boolean): Promise<boolean>
  /**
   * An entry that was served for similar words was wrong. Nothing is served in its scope from now on, until as many
   * judgements as at first certify it again.
   *
   * @throws {DeedError} unavailable if that cannot be stored
   */
  report(tenant: string, entryId: string, similar: ReportedHit): Promise<void>
}

/** As the reply said that served it. */
export interface ReportedHit {
  readonly scope: string
  readonly similarity: number
}

interface Options {
  exact: ExactTier
  index: FollowedIndex
  /** A question's vector by a model; absent: the lexical one alone is compared. */
  embed?: Embeddings['ofQuestion']
  store: Pick<Store<unknown>, 'pool'>
  log: Log
  /** Whether a would-be hit is audited; by chance, unless a test decides. */
  audits?: () => boolean
  /** How long a decision may take. */
  decideMsMax?: number
}

export function proposalTier({
  exact,
  index,
  embed,
  store,
  log,
  audits = () => randomInt(AUDIT_ONE_IN) === 0,
  decideMsMax = DECIDE_MS_MAX,
}: Options): ProposalTier {
  const { pool } = store
  const inTime = queriesInTime(log)

  const findOf = async (key: CacheKey, kind: CacheValue['kind']): Promise<Similar | undefined> => {
    const proposal = await index.propose(key, kind, embed)
    if (!proposal) return undefined
    const { entry: proposed, scope, way, similarity, vector } = proposal
    const entry = await exact.find(proposed.key)
    // It has expired, was invalidated, or another answer has replaced it since.
    if (entry?.value.kind !== kind || answerHash(entry.value) !== proposed.answerHash) return undefined
    const about = { scope, way, kind, proposedHash: proposed.key.hash }
    const { veto, ...labels } = await readTrackRecord(pool, key.tenant, about)
    if (veto !== null && similarity <= veto) return undefined
    const certificate = certificateOf(labels)
    const serves = kind === 'solution' || (certificate.open && !audits())
    // Every would-be hit that is not served is labelled by the answer that follows; a plan by what comes of it.
    if (!serves || kind === 'solution') {
      const certified = kind === 'answer' && certificate.open
      await openProposal(pool, key, { ...about, answerHash: proposed.answerHash, similarity, certified, vector })
    }
    const { judged, wrong, wrong_max } = certificate
    const certified = kind === 'answer' ? { judged, wrong, wrong_max } : null
    const similar = { text: proposed.key.text, way, similarity, certificate: certified, scope, vector }
    return serves ? { entry, similar } : undefined
  }

  return {
    find: (key) => inTime(async () => (await findOf(key, 'answer')) ?? (await findOf(key, 'solution')), decideMsMax),
    async judgeBy(key, value) {
      const judged = await inTime(() => judgeProposal(pool, key, value.kind, answerHash(value)), JUDGE_MS_MAX)
      if (judged?.wrong) log.info({ tenant: key.tenant, kind: value.kind }, 'a proposal would have been a wrong hit')
    },
    async judgeSolution(key, held) {
      const judged = await inTime(() => judgeProposal(pool, key, 'solution', held), JUDGE_MS_MAX)
      if (!judged) return false
      const kept = held
        ? await inTime(() => readSolution(pool, key.tenant, judged.proposedHash), JUDGE_MS_MAX)
        : undefined
      if (kept) await exact.keep(key, kept.value, kept.leftMs)
      return true
    },
    async report(tenant, entryId, similar) {
      const stored = await inTime(async () => {
        await reportWrong(pool, tenant, entryId, similar)
        return true
      }, JUDGE_MS_MAX)
      if (!stored) throw new DeedError('unavailable', "the cache's database does not answer; report it again")
    },
  }
}
