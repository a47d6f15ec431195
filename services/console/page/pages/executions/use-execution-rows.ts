/** The list of executions while it is on the page. */
import { call } from '../../app/call.ts'
import type { Input } from '../../app/contracts.ts'
import { type Listing, useLiveRows } from '../../app/live-rows.ts'
import { type ExecutionRows, withEvent, withHead, withPage } from './execution-rows.ts'

export type ListFilter = Omit<Input<'execution.list'>, 'limit' | 'cursor'>
export type ExecutionList = Listing<ExecutionRows>

const EMPTY: ExecutionRows = { rows: [], cursor: null }

/** @param filterAt makes the filter at the time of each request, since "the last hour" moves; `key` names it */
export const useExecutionRows = (key: string, filterAt: () => ListFilter): ExecutionList =>
  useLiveRows(key, EMPTY, {
    read: (limit, cursor, signal) =>
      call('execution.list', { ...filterAt(), limit, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    keyOf: ({ execution_id: id }) => id,
    withHead,
    withPage,
    withEvent,
    on: ({ type }) => type.startsWith('execution.'),
  })
