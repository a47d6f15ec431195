/**
 * Anchors: about once a second, the heads of the changed chains become one row, whose hash covers the previous row. What the
 * console refused belongs to no execution, and is a row between them.
 *
 * An execution's row holds the head of its own chain, so anyone who can write that row can truncate both. With anchors,
 * that requires rewriting all later rows. Nothing is read for them: the heads are those that this replica has
 * committed.
 */
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import type { AuditedRefusal } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { isoTime } from '../execution/iso-time.ts'
import {
  type Anchor,
  type Head,
  type Heads,
  insertAnchor,
  readLastAnchor,
  readRecentHeads,
} from '../store/audit-anchors.ts'
import type { Clock } from '../store/clock.ts'
import type { Database } from '../store/schema.ts'

const EVERY_MS = 1_000
/** The maximum number of heads in one row; more go into the next. */
const HEADS_MAX = 5_000
/** Of replicas that write concurrently, one wins and the others retry. */
const TRIES_MAX = 20

export interface Anchors extends AsyncDisposable {
  /** Called with every head once it is durable. */
  moved(head: Head): void
  /** Resolves once it is durable. @returns the number of the row */
  refused(tenant: string, refusals: readonly AuditedRefusal[]): Promise<number>
}

/** Disposing writes the pending heads. */
export function openAnchors({ db, log, clock }: { db: Database; log: Log; clock: Clock }): Anchors {
  const waiting = new Map<string, Map<ExecutionId, Head>>()
  const last = new Map<string, Pick<Anchor, 'number' | 'hash'>>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const moved = (head: Head): void => {
    const { tenant, execution_id: id, audit_seq: seq } = head
    const heads = waiting.get(tenant) ?? new Map<ExecutionId, Head>()
    waiting.set(tenant, heads)
    if (seq >= (heads.get(id)?.audit_seq ?? 0)) {
      heads.set(id, { tenant, execution_id: id, audit_seq: seq, audit_hash: head.audit_hash })
    }
    timer ??= setTimeout(() => {
      writing = writeAll()
    }, EVERY_MS)
  }

  const writeAll = async (): Promise<void> => {
    timer = undefined
    for (const [tenant, heads] of waiting) {
      waiting.delete(tenant)
      const all = [...heads.values()]
      for (let start = 0; start < all.length; start += HEADS_MAX) {
        try {
          await appendHeads(tenant, all.slice(start, start + HEADS_MAX))
        } catch (error) {
          log.warn({ err: error, tenant }, 'writing an audit anchor failed; the next run will retry')
          for (const head of all.slice(start)) moved(head)
          break
        }
      }
    }
  }

  const appendHeads = (tenant: string, latest: readonly Head[]): Promise<number> => {
    const heads: Heads = Object.fromEntries(
      latest.map(({ execution_id: id, audit_seq: seq, audit_hash: hash }) => [id, { seq, hash }]),
    )
    return append(tenant, { heads, refusals: null })
  }

  const append = async (tenant: string, content: Pick<Anchor, 'heads' | 'refusals'>): Promise<number> => {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const before = last.get(tenant) ?? (await readLastAnchor(db, tenant))
      const row = { number: before.number + 1, at: isoTime(clock.now()), ...content }
      const anchor = { ...row, hash: anchorHash(before.hash, row) }
      if (await insertAnchor(db, tenant, anchor)) {
        last.set(tenant, { number: anchor.number, hash: anchor.hash })
        return anchor.number
      }
      // Another replica has written that number.
      last.delete(tenant)
    }
    throw new Error(`other replicas wrote anchors first ${TRIES_MAX} times in a row`)
  }

  // Heads that a killed replica had not anchored yet.
  writing = readRecentHeads(db).then(
    (heads) => {
      for (const head of heads) moved(head)
    },
    (error: unknown) => log.warn({ err: error }, 'reading the recent heads of the audit log failed'),
  )

  return {
    moved,
    refused: (tenant, refusals) => append(tenant, { heads: {}, refusals: [...refusals] }),
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await writing
      clearTimeout(timer)
      await writeAll()
      clearTimeout(timer)
    },
  }
}

/** @param before the hash of the previous row; empty for the first */
export const anchorHash = (before: string, { number, at, heads, refusals }: Omit<Anchor, 'hash'>): string =>
  sha256(before + canonicalJson({ number, at, heads, ...(refusals === null ? {} : { refusals }) }))
