/**
 * The events and alerts of a tenant, and that something happened in its organization, subscribed to once for all live
 * connections of its people. Many events in a short time are one message, encoded once: what a busy mesh does costs each page
 * the same, and a page that nobody sees next to nothing.
 */
import type { Bus } from '@deed/mesh/bus'
import { readPayload } from '@deed/mesh/read-payload'
import { alert } from '@deed/proto/alert'
import { HEARD, type Heard } from '@deed/proto/console'
import { decisionEvent } from '@deed/proto/decision'
import { executionEvent } from '@deed/proto/execution'
import { messageEvent } from '@deed/proto/organization-notes'
import { type ExecutionEvent, gather } from './gather.ts'
import { messageBytes } from './message-text.ts'

export interface Listener {
  /** What it is sent besides alerts. */
  readonly hears: Heard
  onEvent(event: ExecutionEvent): void
  /** @param message for the page, with so many events */
  onEvents(message: Buffer, events: number): void
  /** @param message an alert, or that something happened in the organization */
  onNotice(message: Buffer): void
}

/** So long what happens in the organization is gathered into one notice. */
const NOTICE_MS = 100
const ORGANIZATION = messageBytes({ type: 'organization' })
const IS_HEARD: Readonly<Record<Heard, (event: ExecutionEvent) => boolean>> = {
  inbox: ({ type }) => /^(?:approval|person)\./.test(type) || type === 'execution.waiting',
  executions: ({ type }) => !type.startsWith('task.'),
  everything: () => true,
}

export interface TenantFeeds extends Disposable {
  /** Until the result is disposed. */
  listen(tenant: string, listener: Listener): Disposable
  /** How much has happened so far that who hears this alone was not told. */
  missedBy(tenant: string, hears: Heard): number
}

interface Feed {
  listeners: Set<Listener>
  missed: Record<Heard, number>
  end(): void
}

export function openTenantFeeds({ nc }: Pick<Bus, 'nc'>): TenantFeeds {
  const feeds = new Map<string, Feed>()
  const open = (tenant: string): Feed => {
    const listeners = new Set<Listener>()
    const missed = { inbox: 0, executions: 0, everything: 0 }
    const gathered = HEARD.map((kind) => ({
      kind,
      ...gather((together) => {
        const readers = [...listeners].filter(({ hears }) => hears === kind)
        if (readers.length === 0) return
        const message = messageBytes({ type: 'events', events: together })
        for (const reader of readers) reader.onEvents(message, together.length)
      }),
    }))
    const events = nc.subscribe(executionEvent.subject.replace('*', tenant), {
      callback: (error, message) => {
        const event = readPayload(executionEvent, error, message)
        if (event === undefined) return
        for (const listener of listeners) listener.onEvent(event)
        for (const { kind, add } of gathered)
          if (IS_HEARD[kind](event)) add(event)
          else missed[kind] += 1
      },
    })
    const alerts = nc.subscribe(alert.subject.replace('*', tenant), {
      callback: (error, message) => {
        const raised = readPayload(alert, error, message)
        if (raised === undefined) return
        const bytes = messageBytes({ type: 'alert', alert: raised })
        for (const listener of listeners) listener.onNotice(bytes)
      },
    })
    let notice: NodeJS.Timeout | undefined
    const organization = [decisionEvent, messageEvent].map(({ subject }) =>
      nc.subscribe(subject.replace('*', tenant), {
        callback: () => {
          notice ??= setTimeout(() => {
            notice = undefined
            missed.inbox += 1
            for (const { hears, onNotice } of listeners) if (hears !== 'inbox') onNotice(ORGANIZATION)
          }, NOTICE_MS)
        },
      }),
    )
    const feed: Feed = {
      listeners,
      missed,
      end() {
        feeds.delete(tenant)
        for (const one of gathered) one[Symbol.dispose]()
        clearTimeout(notice)
        if (nc.isClosed()) return
        for (const subscription of [events, alerts, ...organization]) subscription.unsubscribe()
      },
    }
    feeds.set(tenant, feed)
    return feed
  }
  return {
    listen(tenant, listener) {
      const feed = feeds.get(tenant) ?? open(tenant)
      feed.listeners.add(listener)
      return {
        [Symbol.dispose]() {
          feed.listeners.delete(listener)
          if (feed.listeners.size === 0 && feeds.get(tenant) === feed) feed.end()
        },
      }
    },
    missedBy: (tenant, hears) => feeds.get(tenant)?.missed[hears] ?? 0,
    [Symbol.dispose]() {
      for (const feed of feeds.values()) feed.end()
    },
  }
}
