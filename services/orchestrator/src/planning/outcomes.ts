/** The outcomes of actions as far as their inputs state them: the resulting state by path or target. */
import { sha256 } from '@deed/json/canonical-json'
import type { Action } from '@deed/proto/action'
import { factsOf } from '@deed/proto/kinds'
import { placeOf, type Workspaces } from '../policy/touched-by.ts'

/** `file:/srv/app/motd.txt` -> `sha256:...`, `there`, `a folder` or `absent`; `service:api` -> `running`; `replicas:api` -> `3`. */
export type Outcomes = ReadonlyMap<string, string>

export interface Contradiction {
  /** A key of `Outcomes`. */
  what: string
  one: string
  other: string
}

const FILE = 'file:'
const ABSENT = 'absent'
const THERE = 'there'

/** If two actions change the same thing, the later one counts. */
export function outcomesOf(workspaces: Workspaces, actions: readonly Action[]): Outcomes {
  const found = new Map<string, string>()
  for (const action of actions) {
    const { kind, input } = action
    const { path, from, target, content, replicas } = input
    const file = (named: unknown, state: string): void => {
      if (typeof named === 'string') found.set(`${FILE}${placeOf(workspaces, action, named)}`, state)
    }
    // More is known of some kinds than what the table of kinds says.
    const { effect, touches } = factsOf(kind) ?? {}
    for (const field of touches?.paths ?? []) file(input[field], effect === 'delete' ? ABSENT : THERE)
    switch (kind) {
      case 'file.write':
      case 'code.generate':
        if (typeof content === 'string') file(path, `sha256:${sha256(content)}`)
        break
      case 'dir.create':
        file(path, 'a folder')
        break
      case 'file.move':
        file(from, ABSENT)
        break
      case 'service.start':
      case 'service.restart':
      case 'service.stop':
        found.set(`service:${target}`, kind === 'service.stop' ? 'stopped' : 'running')
        break
      case 'kubernetes.scale':
        found.set(`replicas:${target}`, String(replicas))
        found.set(`service:${target}`, replicas === 0 ? 'stopped' : 'running')
        break
    }
  }
  return found
}

/** The first contradiction between the two. */
export function contradictionOf(one: Outcomes, other: Outcomes): Contradiction | undefined {
  for (const [what, state] of one) {
    const wanted = other.get(what)
    if (wanted !== undefined && !agree(state, wanted)) return { what, one: state, other: wanted }
  }
  return absentAbove(one, other) ?? flipped(absentAbove(other, one))
}

/** The outcomes that both share. */
export const sharedBy = (one: Outcomes, other: Outcomes): string[] =>
  [...one].flatMap(([what, state]) => {
    const wanted = other.get(what)
    return wanted !== undefined && agree(state, wanted) ? [what] : []
  })

/** For people: `/srv/app/motd.txt`, `the service api`. */
export const thingOf = (what: string): string =>
  what.startsWith(FILE)
    ? what.slice(FILE.length)
    : `the ${what.slice(0, what.indexOf(':'))} of ${what.slice(what.indexOf(':') + 1)}`

/** A file that is only known to exist is compatible with any content. */
const agree = (one: string, other: string): boolean =>
  one === other || (one === THERE && other !== ABSENT) || (other === THERE && one !== ABSENT)

/** An absent folder contains nothing. */
function absentAbove(one: Outcomes, other: Outcomes): Contradiction | undefined {
  for (const [what, state] of one) {
    if (state !== ABSENT) continue
    const inside = [...other].find(([place, wanted]) => wanted !== ABSENT && place.startsWith(`${what}/`))
    if (inside) return { what: inside[0], one: ABSENT, other: inside[1] }
  }
  return undefined
}

const flipped = (found: Contradiction | undefined): Contradiction | undefined =>
  found && { what: found.what, one: found.other, other: found.one }
