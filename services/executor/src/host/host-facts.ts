/** host.facts: what the kernel says of the host that the executor runs on, as numbers; nothing is parsed that is for people. */
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { HostFact } from '@deed/proto/kinds'
import { z } from 'zod'
import type { Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { READERS } from './read-host.ts'

const Input = z
  .strictObject({
    facts: z.array(HostFact).min(1).max(HostFact.options.length),
    /** Of the listening ports, only this one. */
    port: z.int().min(1).max(65_535).optional(),
  })
  .refine(({ facts, port }) => port === undefined || facts.includes('ports'), {
    path: ['port'],
    error: 'goes with the fact "ports"',
  })
export type HostFacts = z.output<typeof Input>

export const hostFacts: Kind<HostFacts> = {
  ...readingOnly,
  name: 'host.facts',
  version: 1,
  input: Input,
  example: { facts: ['memory', 'disk'] },
  summary: ({ facts, port }) =>
    `read ${facts.join(', ')} of this host${port === undefined ? '' : `, of port ${port} alone`}`,
  async before() {
    if (!existsSync('/proc/meminfo'))
      throw new DeedError('unavailable', 'facts of the host are read from /proc, which this system does not have')
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  execute: read,
  async again(input, _, first) {
    const second = await read(input)
    const same = isDeepStrictEqual(first.facts, second.facts)
    if (!same) Object.assign(first, second)
    const observed = same
      ? `a second reading agrees in what does not move, ${JSON.stringify(second.facts)}, and says now: ${second.claimed}`
      : `a second reading differs: ${second.claimed}`
    return { outcome: same ? 'verified' : 'failed', same, observed, facts: second.facts ?? {} }
  },
}

async function read({ facts, port }: HostFacts): Promise<Effect> {
  const data: JsonObject = {}
  const fixed: JsonObject = {}
  const texts: string[] = []
  for (const fact of new Set(facts)) {
    const found = await READERS[fact](port)
    data[fact] = found.data
    Object.assign(fixed, found.fixed)
    texts.push(found.text)
  }
  const text = texts.join('\n')
  return { claimed: text, result: { text, data }, facts: fixed }
}
