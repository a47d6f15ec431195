/** The parts of the organization, in the order they open. */
import { fileURLToPath } from 'node:url'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { every } from '@deed/process/every'
import { serveMetrics } from '@deed/process/serve-metrics'
import * as decision from '@deed/proto/decision'
import { listRoles as listRolesContract } from '@deed/proto/organization'
import * as note from '@deed/proto/organization-notes'
import * as work from '@deed/proto/organization-work'
import { openDatabase } from '@deed/store/database'
import { deleteInBatches } from '@deed/store/delete-in-batches'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger } from '@deed/telemetry/logger'
import { readAuthority } from './authority/authority.ts'
import type { Config } from './config.ts'
import { askPeople, hearAnswers } from './deciding/ask-people.ts'
import { closeVotes, type Deciding } from './deciding/decide.ts'
import { castVote, escalateDecision, getDecision, listDecisions, proposeDecision } from './handlers/decisions.ts'
import { listMessages, readInbox, recall, remember, sendMessage } from './handlers/notes.ts'
import {
  acceptFeature,
  addBacklogItem,
  linkCriterion,
  listAllocations,
  listBacklog,
  listHolds,
  listMandates,
  listPermits,
  listRoles,
  listStandards,
} from './handlers/work.ts'
import { publishEvents } from './publishing/publish-events.ts'
import { lateDecisions } from './store/decisions.ts'
import { pruneMessages } from './store/messages.ts'
import { migrations } from './store/migrations.ts'

const SHIPPED = fileURLToPath(new URL('../policy/authority.yaml', import.meta.url))
const POOL_MAX = 3
/** How often deadlines of votes are read. */
const DEADLINES_MS = 5_000
/** How often the answers of people are read in case the event of one was lost; questions and answers are taken at once. */
const ANSWERS_MS = 60_000
/** After a pass that failed, since the orchestrator did not answer. */
const RETRY_MS = 5_000
const PRUNE_MS = 6 * 3_600_000
const BATCH = 100

/** Starts the organization. Disposing it drains: running requests are answered, then it disconnects. */
export async function startOrganization(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('organization')
  const metrics = opened.use(await serveMetrics('organization', log, config))
  const authority = readAuthority(config.DEED_AUTHORITY ?? SHIPPED)
  const store = opened.use(
    await openDatabase({
      url: config.DATABASE_URL,
      ownerUrl: config.DATABASE_OWNER_URL,
      schema: 'organization',
      migrations,
      poolMax: POOL_MAX,
      log,
    }),
  )
  const bus = opened.use(await connectBus({ service: 'organization', ...busAddress(config), log }))
  const publishing = opened.use(publishEvents({ store, bus, log }))
  const deciding: Deciding = { store, authority, log, publish: publishing.again, askPeople: () => ask() }
  const ending = new AbortController()
  const answers = opened.use(hearAnswers(bus, () => ask()))
  const people = opened.use(
    every(
      ANSWERS_MS,
      async () => {
        try {
          await askPeople({ ...deciding, bus, hear: answers.hear }, ending.signal)
        } catch (error) {
          setTimeout(ask, RETRY_MS).unref()
          throw error
        }
      },
      { failed: 'asking people failed; retrying', log, firstMs: 0 },
    ),
  )
  // What happens during a pass may be about a decision that the pass is past already.
  const ask = (): void => people.again()
  opened.defer(() => ending.abort())
  opened.use(
    every(
      DEADLINES_MS,
      async () => {
        for (const { tenant, decision_id } of await lateDecisions(store, BATCH))
          await closeVotes(deciding, tenant, decision_id)
      },
      { failed: 'closing late votes failed; retrying', log },
    ),
  )
  opened.use(
    every(PRUNE_MS, () => deleteInBatches((limit) => pruneMessages(store, note.MESSAGE_DAYS, limit)), {
      failed: 'pruning old messages failed; the next run will retry',
      log,
    }),
  )
  metrics.readyIf({ nats: natsProbe(bus), ...storeProbes(store, migrations) })
  serveLogLevel(bus, 'organization')
  bus.serve(decision.proposeDecision, proposeDecision(deciding))
  bus.serve(decision.castVote, castVote(deciding))
  bus.serve(decision.escalateDecision, escalateDecision(deciding))
  bus.serve(decision.getDecision, getDecision(store))
  bus.serve(decision.listDecisions, listDecisions(store))
  bus.serve(note.sendMessage, sendMessage({ store, log, publishNow: publishing.now }))
  bus.serve(note.readInbox, readInbox({ store }))
  bus.serve(note.listMessages, listMessages({ store }))
  bus.serve(note.remember, remember({ store }))
  bus.serve(note.recall, recall({ store }))
  bus.serve(listRolesContract, listRoles({ store }))
  bus.serve(work.listAllocations, listAllocations(store, authority))
  bus.serve(work.listStandards, listStandards({ store }))
  bus.serve(work.listPermits, listPermits({ store }))
  bus.serve(work.listHolds, listHolds({ store }))
  bus.serve(work.listMandates, listMandates(store, authority))
  bus.serve(work.addBacklogItem, addBacklogItem({ store }))
  bus.serve(work.listBacklog, listBacklog({ store }))
  bus.serve(work.linkCriterion, linkCriterion({ store, bus }))
  bus.serve(work.acceptFeature, acceptFeature({ store, bus }))
  return opened.move()
}
