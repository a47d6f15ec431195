/** Breaks a goal down, or checks the graph that the caller proposes. */
import type { Handler } from '@deed/mesh/bus'
import type { decomposeTask as contract } from '@deed/proto/task'
import { decompose } from '../decomposing/decompose.ts'
import type { Methods } from '../methods/method-pack.ts'

interface Dependencies {
  methods: Methods
}

export function decomposeTask({ methods }: Dependencies): Handler<typeof contract> {
  return async (goal, scope) => {
    const graph = decompose(goal, methods)
    scope.setAttribute('deed.decomposition.method', graph.method)
    scope.setAttribute('deed.decomposition.nodes', graph.nodes.length)
    return graph
  }
}
