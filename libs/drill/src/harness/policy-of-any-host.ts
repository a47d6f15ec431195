/** The policy that is shipped, but for what raises a level where the host has a lesser sandbox: for tests of levels. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse, stringify } from 'yaml'

const SHIPPED = resolve(import.meta.dirname, '../../../../services/orchestrator/policy/default.yaml')

/**
 * @param file where it is written
 * @param changes replace keys of the policy
 * @returns `file`
 */
export function writePolicyOfAnyHost(file: string, changes: object = {}): string {
  const policy = parse(readFileSync(SHIPPED, 'utf8')) as { raises: { sandbox?: string[] }[] }
  const raises = policy.raises.filter(({ sandbox }) => sandbox === undefined)
  writeFileSync(file, stringify({ ...policy, raises, ...changes }))
  return file
}
