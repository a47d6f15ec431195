/**
 * The events and alerts of a tenant, and that something happened in its organization, subscribed to once for all live connections of its people. Many events in a short time
 * are one message, encoded once: what a busy mesh does costs each page the same.
 */
import type { Bus } from '@deed/mesh/bus'
import { readPayload } from '@deed/mesh/read-payload'
import { alert } from '@deed/proto/alert'
import { decisionEvent } from '@deed/proto/decision'
import { executionEvent } from '@deed/proto/execution'
import { messageEvent } from '@deed/proto/organization-notes'
import { type ExecutionEvent, gather } from './gather.ts'
import { messageBytes } from './message-text.ts'

export interface Listener {
  onEvent(event: ExecutionEvent): void
  /** @param message for the page, with so many events */
  onEvents(message: Buffer, events: number): void
  /** @param message an alert, or that something happened in the organization */
  onNotice(message: Buffer): void
}

/** So long what happens in the organization is gathered into one notice. */
const NOTICE_MS = 100
const ORGANIZATION = messageBytes({ type: 'organization' })

export interface TenantFeeds extends Disposable {
  /** Until the result is disposed. */
  listen(tenant: string, listener: Listener): Disposable
}

interface Feed {
  listeners: Set<Listener>
  end(): void
}

export function openTenantFeeds({ nc }: Pick<Bus, 'nc'>): TenantFeeds {
  const feeds = new Map<string, Feed>()
  const open = (tenant: string): Feed => {
    const listeners = new Set<Listener>()
    const gathered = gather((together: readonly ExecutionEvent[]) => {
      const message = messageBytes({ type: 'events', events: together })
      for (const listener of listeners) listener.onEvents(message, together.length)
    })
    const events = nc.subscribe(executionEvent.subject.replace('*', tenant), {
      callback: (error, message) => {
        const event = readPayload(executionEvent, error, message)
        if (event === undefined) return
        for (const listener of listeners) listener.onEvent(event)
        gathered.add(event)
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
            for (const listener of listeners) listener.onNotice(ORGANIZATION)
          }, NOTICE_MS)
        },
      }),
    )
    const feed: Feed = {
      listeners,
      end() {
        feeds.delete(tenant)
        gathered[Symbol.dispose]()
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
    [Symbol.dispose]() {
      for (const feed of feeds.values()) feed.end()
    },
  }
}
