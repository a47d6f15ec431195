/** The list of tasks while it is on the page. */
import { call } from '../../app/call.ts'
import { type Listing, useLiveRows } from '../../app/live-rows.ts'
import type { TaskFilter } from './filter.ts'
import { type TaskRows, withEvents, withHead, withPage } from './task-rows.ts'

const EMPTY: TaskRows = { rows: [], cursor: null }

/** @param key names the filter */
export const useTaskRows = (key: string, { input, wanted }: TaskFilter): Listing<TaskRows> =>
  useLiveRows(key, EMPTY, {
    read: (limit, cursor, signal) =>
      call('task.list', { ...input, limit, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    keyOf: ({ task_id: id }) => id,
    withHead,
    withPage,
    withEvents: (known, events) => withEvents(known, events, wanted),
    tasks: true,
    on: ({ type }) => type.startsWith('task.') || type === 'execution.planned',
  })
