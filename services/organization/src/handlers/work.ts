/** The backlog, and reading what decisions led to. */
import { randomUUIDv7 } from 'node:crypto'
import type { Bus, Handler } from '@deed/mesh/bus'
import { DECISION_TYPES } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionDetail, getExecution } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { listRoles as listRolesContract } from '@deed/proto/organization'
import type * as proto from '@deed/proto/organization-work'
import { type Authority, ruleFor } from '../authority/authority.ts'
import { readAllocations } from '../store/allocations.ts'
import { finishItem, insertBacklog, linkExecution, readBacklog } from '../store/backlog.ts'
import type { Db } from '../store/decisions.ts'
import { readHolds, readMandates, readPermits, readStandards } from '../store/results.ts'
import { readRoles } from '../store/roles.ts'
import { asRole } from './as-role.ts'

interface Dependencies {
  store: Db
  bus: Pick<Bus, 'call'>
}

export const listRoles =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof listRolesContract> =>
  async (_, { principal: { tenant } }) => ({ roles: await readRoles(store, tenant) })

export const listAllocations =
  (store: Db, { total_usd }: Authority): Handler<typeof proto.listAllocations> =>
  async (_, { principal: { tenant } }) =>
    readAllocations(store, tenant, total_usd)

export const listStandards =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.listStandards> =>
  async (_, { principal: { tenant } }) => ({ standards: await readStandards(store, tenant) })

export const listPermits =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.listPermits> =>
  async (_, { principal: { tenant } }) => ({ permits: await readPermits(store, tenant) })

export const listHolds =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.listHolds> =>
  async (_, { principal: { tenant } }) => ({ holds: await readHolds(store, tenant) })

export const listMandates =
  (store: Db, authority: Authority): Handler<typeof proto.listMandates> =>
  async (_, { principal: { tenant } }) => {
    const mandates = new Map((await readMandates(store, tenant)).map((mandate) => [mandate.type, mandate]))
    const rules = DECISION_TYPES.flatMap((type): proto.DecisionRule[] => {
      const mandate = mandates.get(type)
      const rule = ruleFor(authority, type, mandate?.change)
      if (rule === undefined) return []
      const { by, mode, voters = [], require, person_environments } = rule
      return [
        {
          ...{ type, by, mode, voters, require, person_environments },
          quorum: rule.quorum ?? voters.length,
          superior: rule.superior ?? null,
          amount_max_usd: rule.amount_max_usd ?? null,
          needs: rule.needs ?? null,
          changed_by: mandate?.decision_id ?? null,
          changed_at: mandate?.since ?? null,
        },
      ]
    })
    return { authority_version: authority.version, rules }
  }

export const listBacklog =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.listBacklog> =>
  async (asked, { principal: { tenant } }) => ({ items: await readBacklog(store, tenant, asked) })

export const addBacklogItem = ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.addBacklogItem> =>
  asRole(store, async ({ tenant, role }, { criteria, ...item }) => {
    const id = randomUUIDv7() as proto.BacklogId
    const inserted = await insertBacklog(store, tenant, {
      ...item,
      ...{ backlog_id: id, proposed_by: role },
      criteria: criteria.map((criterion) => ({ ...criterion, execution_id: null })),
    })
    if (!inserted)
      throw new DeedError('duplicate_id', `${JSON.stringify(item.name)} is in the backlog already; see list_backlog`)
    return itemOf(store, tenant, id)
  })

export const linkCriterion = ({ store, bus }: Dependencies): Handler<typeof proto.linkCriterion> =>
  asRole(store, async ({ tenant, role }, { backlog_id: id, criterion, execution_id: executionId }, { signal }) => {
    // One that exists, of this tenant.
    await bus.call(getExecution, { execution_id: executionId }, { principal: { tenant, user: role }, signal })
    if (!(await linkExecution(store, tenant, { id, criterion, executionId })))
      throw new DeedError('not_found', 'there is no such open item, or no such criterion of it')
    return itemOf(store, tenant, id)
  })

export const acceptFeature = ({ store, bus }: Dependencies): Handler<typeof proto.acceptFeature> =>
  asRole(store, async ({ tenant, role }, { backlog_id: id }, { signal }) => {
    const item = await itemOf(store, tenant, id)
    const read = (one: ExecutionId) =>
      bus.call(getExecution, { execution_id: one }, { principal: { tenant, user: role }, signal })
    const unmet = await unmetOf(item, read)
    if (unmet.length === 0) await finishItem(store, tenant, item)
    const now = await itemOf(store, tenant, id)
    return { accepted: now.status === 'done', unmet, item: now }
  })

/** Sentences: each criterion that no verified execution shows. */
async function unmetOf(
  { criteria }: proto.BacklogItem,
  read: (id: ExecutionId) => Promise<ExecutionDetail>,
): Promise<string[]> {
  if (criteria.length === 0) return ['it has no acceptance criteria']
  const linked = criteria.map((criterion) => criterion.execution_id)
  const found = await Promise.all(
    criteria.map(async ({ text, checkable, execution_id: id }, index) => {
      if (!checkable) return `${text}: nothing can check it; make it checkable`
      if (id === null) return `${text}: no execution is linked`
      if (linked.indexOf(id) < index) return `${text}: its execution is that of another criterion`
      const { status, task_verified: verified } = await read(id)
      if (status !== 'done') return `${text}: its execution is ${status}`
      return verified ? undefined : `${text}: its execution is done, and not verified against its task`
    }),
  )
  return found.filter((one) => one !== undefined)
}

async function itemOf(store: Db, tenant: Principal['tenant'], id: proto.BacklogId): Promise<proto.BacklogItem> {
  const [item] = await readBacklog(store, tenant, { backlog_id: id, limit: 1 })
  if (item === undefined) throw new DeedError('not_found', 'there is no such item of the backlog')
  return item
}
