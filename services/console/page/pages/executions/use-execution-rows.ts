/** The list of executions while it is on the page. */
import { call } from '../../app/call.ts'
import type { Input } from '../../app/contracts.ts'
import { type Listing, useLiveRows } from '../../app/live-rows.ts'
import { type ExecutionRows, withEvents, withHead, withPage } from './execution-rows.ts'

export type ListFilter = Omit<Input<'execution.list'>, 'limit' | 'cursor'>
export type ExecutionList = Listing<ExecutionRows>

const EMPTY: ExecutionRows = { rows: [], cursor: null }

/**
 * @param filterAt makes the filter at the time of each request, since "the last hour" moves; `key` names it
 * @param all it lets everything through, so that events alone say which rows there are
 */
export const useExecutionRows = (key: string, filterAt: () => ListFilter, all: boolean): ExecutionList =>
  useLiveRows(key, EMPTY, {
    read: (limit, cursor, signal) =>
      call('execution.list', { ...filterAt(), limit, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    keyOf: ({ execution_id: id }) => id,
    withHead,
    withPage,
    withEvents: (known, events) => withEvents(known, events, all),
    // How it ended is in no event.
    on: ({ type, user }) =>
      type === 'execution.ended' || (type.startsWith('execution.') && (!all || user === undefined)),
  })
