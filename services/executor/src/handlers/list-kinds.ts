/** The kinds that this executor has of its own, as data. */
import type { Handler } from '@deed/mesh/bus'
import type { listKinds as contract, KindListing } from '@deed/proto/action'
import type { JsonObject } from '@deed/proto/json'
import { z } from 'zod'
import type { Kind, World } from '../kinds/kind.ts'
import { KINDS } from '../kinds/kinds.ts'

interface Dependencies {
  world: World
}

export function listKinds({ world }: Dependencies): Handler<typeof contract> {
  const kinds = [...KINDS.values()].map((kind) => listingOf(kind, world)).sort((a, b) => a.name.localeCompare(b.name))
  return async () => ({ kinds })
}

function listingOf(kind: Kind, world: World): KindListing {
  const example = kind.input.parse(kind.example)
  return {
    name: kind.name,
    version: kind.version,
    effect: kind.effectOf(example, world),
    reversibility: kind.reversibility(example, { state: 'unknown' }),
    idempotent: kind.idempotent,
    summary: kind.summary(example),
    input: z.toJSONSchema(kind.input, { io: 'input', unrepresentable: 'any' }) as JsonObject,
    example: kind.example,
  }
}
