/** The migrations of the schema `orchestrator`, in order. Once merged, one stands. */
import type { Migration } from 'kysely/migration'
import * as executions from './migrations/001-executions.ts'
import * as people from './migrations/002-people.ts'
import * as plans from './migrations/003-plans.ts'
import * as standing from './migrations/004-standing.ts'
import * as operations from './migrations/005-operations.ts'
import * as manifests from './migrations/006-manifests.ts'
import * as resourceKeys from './migrations/007-resource-keys.ts'
import * as waitingLists from './migrations/008-waiting-lists.ts'
import * as fewerIndexes from './migrations/010-fewer-indexes.ts'
import * as taskVerified from './migrations/012-task-verified.ts'
import * as answersOutside from './migrations/015-answers-outside.ts'
import * as intakes from './migrations/016-intakes.ts'
import * as writtenTargets from './migrations/020-written-targets.ts'
import * as boundGrants from './migrations/021-bound-grants.ts'
import * as unconfirmedReads from './migrations/030-unconfirmed-reads.ts'

export const migrations: Record<string, Migration> = {
  '001-executions': executions,
  '002-people': people,
  '003-plans': plans,
  '004-standing': standing,
  '005-operations': operations,
  '006-manifests': manifests,
  '007-resource-keys': resourceKeys,
  '008-waiting-lists': waitingLists,
  '010-fewer-indexes': fewerIndexes,
  '012-task-verified': taskVerified,
  '015-answers-outside': answersOutside,
  '016-intakes': intakes,
  '020-written-targets': writtenTargets,
  '021-bound-grants': boundGrants,
  '030-unconfirmed-reads': unconfirmedReads,
}
