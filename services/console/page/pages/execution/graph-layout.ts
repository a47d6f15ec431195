/** A layered layout: each node right of those that it waits for, neighbours near each other. */
import type { Graph, GraphEdge } from './fold-tasks.ts'

export interface Box {
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly boxes: ReadonlyMap<string, Box>
  /** As SVG path data, in the order of the edges. */
  readonly paths: readonly string[]
  readonly width: number
  readonly height: number
}

export const NODE_WIDTH = 176
export const NODE_HEIGHT = 40
const GAP_X = 44
const GAP_Y = 12
const GAP_COLUMN = 16
const MARGIN = 8
/** A layer of more nodes is several columns wide. */
const ROWS_MAX = 10
const SWEEPS = 4

export function layOut({ nodes, edges }: Graph): Layout {
  const layers = orderedLayers(nodes, edges)
  const boxes = new Map<string, Box>()
  const tallest = Math.min(ROWS_MAX, Math.max(0, ...layers.map(rowsOf)))
  let x = MARGIN
  for (const layer of layers) {
    const rows = rowsOf(layer)
    const top = MARGIN + ((tallest - rows) * (NODE_HEIGHT + GAP_Y)) / 2
    for (const [index, key] of layer.entries()) {
      const column = Math.floor(index / rows)
      boxes.set(key, {
        x: x + column * (NODE_WIDTH + GAP_COLUMN),
        y: top + (index % rows) * (NODE_HEIGHT + GAP_Y),
      })
    }
    const columns = Math.ceil(layer.length / rows)
    x += columns * NODE_WIDTH + (columns - 1) * GAP_COLUMN + GAP_X
  }
  return {
    boxes,
    paths: edges.map(({ from, to }) => pathOf(boxes.get(from), boxes.get(to))),
    width: Math.max(0, x - GAP_X + MARGIN),
    height: tallest * (NODE_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN,
  }
}

const rowsOf = (layer: readonly string[]): number =>
  Math.ceil(layer.length / Math.max(1, Math.ceil(layer.length / ROWS_MAX)))

/** Each layer in an order in which its nodes are near their neighbours. */
function orderedLayers(nodes: Graph['nodes'], edges: readonly GraphEdge[]): string[][] {
  const byLayer = Map.groupBy(nodes, ({ layer }) => layer)
  let layers = [...byLayer.keys()]
    .sort((a, b) => a - b)
    .map((layer) => (byLayer.get(layer) ?? []).map(({ key }) => key))
  const before = Map.groupBy(edges, ({ to }) => to)
  const after = Map.groupBy(edges, ({ from }) => from)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0
    const places = new Map<string, number>()
    const place = (layer: readonly string[]): void => {
      for (const [index, key] of layer.entries()) places.set(key, (index + 0.5) / layer.length)
    }
    layers.forEach(place)
    const neighbours = (key: string): string[] =>
      forward ? (before.get(key) ?? []).map(({ from }) => from) : (after.get(key) ?? []).map(({ to }) => to)
    const ordered = (forward ? layers : layers.toReversed()).map((layer) => {
      const wanted = new Map(
        layer.map((key) => [key, mean(neighbours(key).map((one) => places.get(one) ?? 0.5)) ?? places.get(key) ?? 0]),
      )
      const sorted = layer.toSorted((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0))
      place(sorted)
      return sorted
    })
    layers = forward ? ordered : ordered.toReversed()
  }
  return layers
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length

function pathOf(from: Box | undefined, to: Box | undefined): string {
  if (!from || !to) return ''
  const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2, to.x, to.y + NODE_HEIGHT / 2]
  // Within one stage an edge leaves and enters on the outer sides.
  const bend = x2 > x1 ? (x2 - x1) / 2 : 40
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/** The node that an arrow key leads to: the nearest one on that side. @returns the same one if there is none */
export function neighbour({ boxes }: Pick<Layout, 'boxes'>, key: string, direction: Direction): string {
  const here = boxes.get(key)
  if (!here) return boxes.keys().next().value ?? key
  const sideways = direction === 'left' || direction === 'right'
  const sign = direction === 'right' || direction === 'down' ? 1 : -1
  let best = key
  let distance = Number.POSITIVE_INFINITY
  for (const [other, box] of boxes) {
    const along = sign * (sideways ? box.x - here.x : box.y - here.y)
    const across = Math.abs(sideways ? box.y - here.y : box.x - here.x)
    if (along <= 0 || (!sideways && across > 0)) continue
    const cost = along + 2 * across
    if (cost < distance) [best, distance] = [other, cost]
  }
  return best
}
