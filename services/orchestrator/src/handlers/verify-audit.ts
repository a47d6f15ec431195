import type { Bus, Handler } from '@deed/mesh/bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import type { verifyAudit as contract } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import { anchorHash } from '../audit/anchor-heads.ts'
import { brokenAt } from '../audit/check-chain.ts'
import { type Anchor, firstContradiction, readAnchors } from '../store/audit-anchors.ts'
import { readChainsBefore } from '../store/audit-log.ts'
import type { Database } from '../store/schema.ts'

/** Chains in memory at once. */
const PAGE = 200
/** Anchors in memory at once. */
const ANCHORS_PAGE = 100
/**
 * The maximum clock skew between replicas, plus the time that a head may wait for its anchor during an outage of the
 * database.
 */
const SLACK_MS = 60_000

interface Dependencies {
  db: Database
  bus: Pick<Bus, 'announce'>
}

export function verifyAudit({ db, bus }: Dependencies): Handler<typeof contract> {
  const tell = (tenant: string, what: string, why: string): void =>
    raiseAlert(bus, {
      name: 'audit-broken',
      severity: 'critical',
      tenant,
      message: `the audit log was changed: ${what}: ${why}`,
      cause: what,
    })
  return async ({ execution_id: executionId, limit, cursor }, { principal: { tenant } }) => {
    const sum = {
      executions: 0,
      rows: 0,
      anchors: 0,
      anchor: null,
      next_cursor: null,
      broken: null,
      broken_anchor: null,
    }
    let before = cursor
    let more = true
    while (more && sum.executions < limit) {
      const page = Math.min(PAGE, limit - sum.executions)
      const chains = await readChainsBefore(db, tenant, { executionId, before, limit: page })
      for (const chain of chains) {
        sum.executions++
        sum.rows += chain.rows.length
        const broken = brokenAt(chain)
        if (broken) {
          tell(tenant, `execution ${chain.execution_id}, row ${broken.seq}`, broken.why)
          return { ...sum, broken: { execution_id: chain.execution_id, ...broken } }
        }
      }
      before = chains.at(-1)?.execution_id ?? before
      more = chains.length === page && executionId === undefined
    }
    const next_cursor = more ? (before ?? null) : null
    // Anchors since the oldest of these executions, except those that earlier pages have checked.
    const from = next_cursor === null && executionId === undefined ? 0 : timeOf(before) - SLACK_MS
    const until = cursor === undefined ? undefined : timeOf(cursor) - SLACK_MS
    const anchored = await checkAnchors(db, tenant, { executionId, from, before: until })
    const { broken, broken_anchor: brokenAnchor } = anchored
    if (broken) tell(tenant, `execution ${broken.execution_id}, row ${broken.seq}`, broken.why)
    if (brokenAnchor) tell(tenant, `anchor ${brokenAnchor.number}`, brokenAnchor.why)
    return { ...sum, ...anchored, next_cursor: anchored.broken || anchored.broken_anchor ? null : next_cursor }
  }
}

async function checkAnchors(
  db: Database,
  tenant: string,
  { executionId, from, before }: { executionId: ExecutionId | undefined; from: number; before: number | undefined },
) {
  let last: Anchor | undefined
  let anchors = 0
  for (;;) {
    const range = { from, before, after: last?.number ?? 0, limit: ANCHORS_PAGE }
    const page = await readAnchors(db, tenant, range)
    for (const anchor of page) {
      const why = unlike(last, anchor, from === 0)
      if (why !== undefined) {
        return { anchors, anchor: null, broken: null, broken_anchor: { number: anchor.number, why } }
      }
      anchors++
      last = anchor
    }
    const numbers = page.map(({ number }) => number)
    const found = page.length === 0 ? undefined : await firstContradiction(db, tenant, numbers, executionId)
    if (found) {
      const { number, ...row } = found
      const broken = { ...row, why: `row ${row.seq} is missing, or differs from the one in anchor ${number}` }
      return { anchors, anchor: null, broken, broken_anchor: null }
    }
    if (page.length < ANCHORS_PAGE) break
  }
  const anchor = last === undefined || before !== undefined ? null : { number: last.number, hash: last.hash }
  return { anchors, anchor, broken: null, broken_anchor: null }
}

/** @returns why an anchor cannot follow the previous one; the first of a range has none, except number 1 */
function unlike(before: Anchor | undefined, anchor: Anchor, fromTheFirst: boolean): string | undefined {
  if (before === undefined && anchor.number !== 1) {
    return fromTheFirst ? `anchors before ${anchor.number} are missing` : undefined
  }
  if (before !== undefined && anchor.number !== before.number + 1) {
    return `anchors between ${before.number} and ${anchor.number} are missing`
  }
  return anchor.hash === anchorHash(before?.hash ?? '', anchor) ? undefined : 'the anchor or its hash was changed'
}

/** Milliseconds since 1970, as a UUIDv7 has it. */
const timeOf = (id: ExecutionId | undefined): number =>
  id === undefined ? 0 : Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
