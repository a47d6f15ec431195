/** The process of many open pages of the console: each has its live connection, and some of them read nothing. */
import { request } from 'node:http'
import type { SignedIn } from './console-client.ts'

export type PagesJob =
  /** Answers `opened`. It hears what such a page does. A visible one reads the newest executions again after what happens, at most once a second; every five where most of them were new. */
  | { type: 'open'; people: SignedIn[]; pages: number; paused: number; visible: boolean }
  /** Answers `closed`. */
  | { type: 'close' }

export type PagesMessage = { type: 'opened' } | { type: 'closed'; messages: number; bytes: number; reads: number }

const REREAD_MS = { usual: 1_000, busy: 5_000 }
/** As the page: where more than half of the rows were new. */
const HEAD_ROWS = 100

interface Page {
  close(): void | Promise<void>
}

let open: Page[] = []
const counted = { messages: 0, bytes: 0, reads: 0 }
const tell = (message: PagesMessage): void => void process.send?.(message)

process.on('message', async (job: PagesJob) => {
  if (job.type === 'close') {
    await Promise.all(open.map((page) => page.close()))
    open = []
    tell({ type: 'closed', ...counted })
    Object.assign(counted, { messages: 0, bytes: 0, reads: 0 })
    return
  }
  const { people, pages, paused, visible } = job
  open = await Promise.all(
    Array.from({ length: pages }, (_, index) => {
      const person = people[index % people.length] as SignedIn
      return index < paused ? openPaused(person) : openPage(person, visible)
    }),
  )
  tell({ type: 'opened' })
})
process.once('disconnect', () => process.exit(0))

/** It reads all that it is sent, as a browser does. */
async function openPage(person: SignedIn, visible: boolean): Promise<Page> {
  const headers = { cookie: person.cookie, origin: person.base }
  const url = `${person.base.replace('http', 'ws')}/api/live`
  // Node takes headers here, which browsers do not know.
  const socket = new WebSocket(url, { headers } as never)
  let readAt = performance.now()
  let pauseMs = REREAD_MS.usual
  let newest: string | undefined
  socket.onmessage = ({ data }) => {
    counted.messages++
    counted.bytes += String(data).length
    if (!visible || performance.now() - readAt < pauseMs) return
    readAt = performance.now()
    void readList(person).then((ids) => {
      const known = newest === undefined ? 0 : ids.indexOf(newest)
      pauseMs = known < 0 || known > HEAD_ROWS / 2 ? REREAD_MS.busy : REREAD_MS.usual
      newest = ids[0]
    })
  }
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'hear', what: visible ? 'executions' : 'inbox' }))
      resolve()
    }
    socket.onerror = (event) =>
      reject(new Error(`the console refused a live connection: ${(event as ErrorEvent).message}`))
  })
  return {
    close: () =>
      new Promise((resolve) => {
        socket.onclose = () => resolve()
        socket.close()
      }),
  }
}

/** Its socket is open, and nothing is taken from it. */
function openPaused({ base, cookie }: SignedIn): Promise<Page> {
  const headers = {
    ...{ cookie, origin: base, connection: 'Upgrade', upgrade: 'websocket' },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64') },
  }
  return new Promise((resolve, reject) => {
    request(`${base}/api/live`, { headers })
      .on('upgrade', (_response, socket) => {
        socket.pause().on('error', () => undefined)
        resolve({ close: () => void socket.destroy() })
      })
      .on('response', ({ statusCode }) => reject(new Error(`the console refused a live connection: ${statusCode}`)))
      .on('error', reject)
      .end()
  })
}

/** @returns the ids, newest first */
async function readList({ base, cookie, csrf }: SignedIn): Promise<string[]> {
  const headers = { cookie, origin: base, 'x-deed-csrf': csrf, 'content-type': 'application/json' }
  const answer = await fetch(`${base}/api/call/execution.list`, {
    method: 'POST',
    headers,
    body: `{"limit":${HEAD_ROWS}}`,
  })
  const text = await answer.text()
  counted.reads++
  return [...text.matchAll(/"execution_id":"([^"]+)"/g)].map(([, id = '']) => id)
}
