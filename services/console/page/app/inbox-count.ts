/** How much waits for a person, for the badge in the navigation and in the tab's title. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { call } from './call.ts'
import { useResource } from './resource.ts'
import { may } from './session.ts'

const COUNTED_MAX = 100

/** `more`: there are more than that. undefined: not known. */
export const inboxCount = signal<{ count: number; more: boolean } | undefined>(undefined)

export function useInboxCount(): void {
  const { value } = useResource(
    'inbox count',
    async (signal) => {
      if (!may('approval.list')) return undefined
      const page = await call('approval.list', { status: 'pending', limit: COUNTED_MAX }, { signal })
      return {
        count: page.approvals.length + page.tasks.length,
        more: page.next_cursor !== null || page.next_tasks_cursor !== null,
      }
    },
    {
      on: ({ type }) => type.startsWith('approval.') || type.startsWith('person.') || type === 'execution.waiting',
      everyMs: 60_000,
      // The badge is in the title, which is what is seen of a tab behind others.
      unseen: true,
    },
  )
  useEffect(() => {
    inboxCount.value = value
  }, [value])
}
