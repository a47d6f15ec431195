/** The kinds that this executor has of its own, and those that people and the organization do, as data. */
import type { Handler } from '@deed/mesh/bus'
import type { listKinds as contract, KindListing } from '@deed/proto/action'
import { DECISION_TASK, DecisionTaskInput } from '@deed/proto/decision-task'
import type { JsonObject } from '@deed/proto/json'
import { HUMAN_TASK, HumanTaskInput } from '@deed/proto/person'
import { z } from 'zod'
import type { Kind, World } from '../kind/kind.ts'
import { KINDS } from '../kinds/kinds.ts'

interface Dependencies {
  world: World
}

export function listKinds({ world }: Dependencies): Handler<typeof contract> {
  const kinds = [...[...KINDS.values()].map((kind) => listingOf(kind, world)), humanTask, decisionTask]
  kinds.sort((a, b) => a.name.localeCompare(b.name))
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
    done_by: 'executor',
    summary: kind.summary(example),
    input: schemaOf(kind.input),
    example: kind.example,
  }
}

const schemaOf = (input: z.ZodType): JsonObject =>
  z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as JsonObject

/** Not of this executor: it is listed, so that there is one list of all that can be planned. */
const humanTask: KindListing = {
  name: HUMAN_TASK,
  version: 1,
  effect: 'read',
  reversibility: 'reversible',
  idempotent: true,
  done_by: 'person',
  summary: 'a person is asked to check the seals of pump 3',
  input: schemaOf(HumanTaskInput),
  example: { ask: 'check the seals of pump 3' },
}

const decisionTask: KindListing = {
  name: DECISION_TASK,
  version: 1,
  effect: 'create',
  reversibility: 'irreversible',
  idempotent: true,
  done_by: 'organization',
  summary: 'the cto proposes the standard "tests first"',
  input: schemaOf(DecisionTaskInput),
  example: { by: 'cto', type: 'standard', subject: { name: 'tests first' }, rationale: 'two regressions in a week' },
}
