// A history by chance on a whole mesh, against a model of what may come of it. MODEL_STEPS sets how long it is, and
// MODEL_SEED which one: that of a run that failed, for one.
import { randomInt } from 'node:crypto'
import { faultMesh } from '@deed/drill/harness/fault-mesh'
import { randomFrom } from '@deed/drill/harness/random'
import { runModel } from '@deed/drill/model'
import { describe, expect, it } from 'vitest'

const SEED = Number(process.env.MODEL_SEED ?? randomInt(2 ** 31))
const STEPS = Number(process.env.MODEL_STEPS ?? 25)

describe('a whole mesh', () => {
  it(
    'keeps to the model, whatever people and faults do to it',
    async () => {
      await using mesh = await faultMesh()
      console.log(`seed ${SEED}`)
      const { steps, wrong } = await runModel(mesh, randomFrom(SEED), STEPS)
      expect({ wrong }, `seed ${SEED}\n${steps.join('\n')}`).toEqual({ wrong: [] })
    },
    120_000 + STEPS * 4_000,
  )
})
