/** The tables of the orchestrator, for occasional queries. */
import type { Json } from '@deed/proto/json'
import type { Store } from '@deed/store/database'
import type { Generated } from 'kysely'
import type { ApprovalRow, ExecutionRow } from '../execution/snapshot.ts'

export interface Schema {
  executions: Omit<ExecutionRow, 'created_at' | 'finished_at'> & {
    created_at: Date
    finished_at: Date | null
    updated_at: Date
  }
  waiters: { waiter_id: Generated<string>; tenant: string; execution_id: string; reply_to: string; due_at: Date }
  approvals: Omit<ApprovalRow, 'expires_at'> & { expires_at: Date }
  audit_log: {
    tenant: string
    execution_id: string
    seq: number
    type: string
    at: Date
    task_id: string | null
    data: Json
    hash: string
  }
}

export type Database = Store<Schema>
