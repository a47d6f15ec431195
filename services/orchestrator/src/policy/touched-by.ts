/**
 * What the actions of a plan change. So the effect of an earlier action is not mistaken for a precondition of a later
 * one, and two actions that change the same thing run in sequence.
 */
import { dirname, resolve } from 'node:path'
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Action } from '@deed/proto/action'
import { ANY_TARGET } from '../store/written-targets.ts'
import { effectOf, type Policy } from './policy.ts'

export type Workspaces = Pick<ExecutionConfig, 'workspaces' | 'default_workspace'>

/** What an action changes: names, or anything. File names are absolute, as `file:/srv/app/a.txt`. */
export type Touched = 'anything' | readonly string[]

const FILE = 'file:'

export function touchedBy(policy: Policy, workspaces: Workspaces, action: Action): Touched {
  if (effectOf(policy, action.kind, action.input) === 'read') return []
  const known = policy.kinds[action.kind]
  const touches = known?.touches ?? (known?.creates === undefined ? undefined : { paths: ['path'] })
  if (touches === undefined) return 'anything'
  const { input } = action
  const said = (field: string): string[] => (typeof input[field] === 'string' ? [input[field]] : [])
  return [
    ...(touches.paths ?? []).flatMap(said).map((path) => `${FILE}${placeOf(workspaces, action, path)}`),
    ...(touches.names ?? []).flatMap((field) => said(field).map((name) => `${field}:${name}`)),
  ]
}

/** Sandbox layers that leave a program the network, and with it every target. */
const UNCONFINED = new Set([undefined, 'allow-list', 'none'])

/** What an action may change of the targets that cached answers were read from. Files are not cached. */
export function targetsWritten(policy: Policy, workspaces: Workspaces, action: Action): readonly string[] {
  const touched = touchedBy(policy, workspaces, action)
  if (touched !== 'anything') return touched.filter((name) => name.startsWith('target:'))
  const [layer] = action.expect_sandbox?.split('+') ?? []
  const { allow_hosts: hosts = [] } = action.input
  const confined = !UNCONFINED.has(layer) && Array.isArray(hosts) && hosts.length === 0
  return confined ? [] : [ANY_TARGET]
}

/** Absolute; links are not followed, as no kind that names paths follows them. */
export function placeOf({ workspaces, default_workspace }: Workspaces, action: Action, path = '.'): string {
  const named = action.workspace ?? default_workspace ?? ''
  return resolve(workspaces[named]?.root ?? `/${named}`, path)
}

/**
 * The outermost workspace that contains the action's own: programs in two workspaces that share files share it, too.
 */
export function groundOf(workspaces: Workspaces, action: Action): string {
  const place = placeOf(workspaces, action)
  const roots = Object.values(workspaces.workspaces).map(({ root }) => root)
  const above = roots.filter((root) => place === root || place.startsWith(`${root}/`))
  return above.sort((a, b) => a.length - b.length)[0] ?? place
}

/** Everything that the actions so far may change. */
export interface Footprint {
  /** Whether the current state is the action's precondition, whatever the actions before it do. */
  meetsWhatIs(touched: Touched, creates: boolean): boolean
  /** @param creates it only creates what did not exist, so nothing below its name changes */
  add(touched: Touched, creates: boolean): void
}

export function footprint(): Footprint {
  let anything = false
  const changed = new Set<string>()
  const created = new Set<string>()
  const above = new Set<string>()
  return {
    meetsWhatIs(touched, creates) {
      if (anything) return false
      if (touched === 'anything') return changed.size + created.size === 0
      return !touched.some(
        (name) => created.has(name) || pathTo(name).some((one) => changed.has(one)) || (!creates && above.has(name)),
      )
    },
    add(touched, creates) {
      if (touched === 'anything') anything = true
      else
        for (const name of touched) {
          ;(creates ? created : changed).add(name)
          for (const one of pathTo(name).slice(1)) above.add(one)
        }
    },
  }
}

/** The name itself, then the folders above it. */
function pathTo(name: string): string[] {
  const names = [name]
  if (!name.startsWith(FILE)) return names
  for (let path = name.slice(FILE.length); path !== dirname(path); ) {
    path = dirname(path)
    names.push(`${FILE}${path}`)
  }
  return names
}
