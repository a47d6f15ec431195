import type { Handler } from '@deed/mesh/bus'
import type { explainPlan as contract } from '@deed/proto/task'
import { decompose } from '../decomposing/decompose.ts'
import type { Methods } from '../methods/method-pack.ts'

interface Dependencies {
  methods: Methods
}

export function explainPlan({ methods }: Dependencies): Handler<typeof contract> {
  return async ({ task, ...asked }) => decompose({ goal: task, ...asked }, methods)
}
