/** The graph of tasks. The list beside it has the same, and is what a screen reader is given. */

import { exposedLine } from '@deed/text/exposed-text'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { Sign } from '../../components/sign.tsx'
import { statusWords } from '../../text/status-words.ts'
import { count } from '../../text/times.ts'
import type { Graph, GraphNode } from './fold-tasks.ts'
import { type Direction, layOut, NODE_HEIGHT, NODE_WIDTH, neighbour } from './graph-layout.ts'

const TITLE_CHARS_MAX = 22

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

export function GraphView({
  graph,
  current,
  onSelect,
  onFold,
}: {
  graph: Graph
  /** The key of the node that is selected. */
  current: string | undefined
  onSelect: (taskId: string, options?: { replace: boolean }) => void
  /** Lists the tasks of a folded node. */
  onFold: (key: string) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const layout = useMemo(() => layOut(graph), [graph])
  const place = current === undefined ? undefined : layout.boxes.get(current)
  useEffect(() => {
    const view = box.current
    if (!view || !place) return
    const { x, y } = place
    if (x < view.scrollLeft || x + NODE_WIDTH > view.scrollLeft + view.clientWidth) {
      view.scrollLeft = x - (view.clientWidth - NODE_WIDTH) / 2
    }
    if (y < view.scrollTop || y + NODE_HEIGHT > view.scrollTop + view.clientHeight) {
      view.scrollTop = y - (view.clientHeight - NODE_HEIGHT) / 2
    }
  }, [place?.x, place?.y])

  const choose = ({ key, task_ids: ids }: GraphNode, replace = false): void => {
    const [only] = ids
    if (ids.length === 1 && only !== undefined) onSelect(only, { replace })
    else onFold(key)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = ARROWS[event.key]
    if (!direction) return
    event.preventDefault()
    const to = neighbour(layout, current ?? '', direction)
    const node = graph.nodes.find(({ key }) => key === to)
    if (node) choose(node, true)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: the arrow keys work in the whole box
    <div
      class="graph"
      ref={box}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the arrow keys would reach nobody
      tabIndex={0}
      aria-label="graph of tasks: the arrow keys select; the list has the same tasks"
      onKeyDown={onKeyDown}
    >
      <svg width={layout.width} height={layout.height} aria-hidden="true">
        {graph.edges.map(({ from, to }, index) => (
          <path
            key={`${from} ${to}`}
            class={from === current || to === current ? 'edge near' : 'edge'}
            d={layout.paths[index]}
          />
        ))}
        {graph.nodes.map((node) => {
          const at = layout.boxes.get(node.key)
          return (
            at && (
              <Node
                key={node.key}
                node={node}
                x={at.x}
                y={at.y}
                current={node.key === current}
                onClick={(one) => choose(one)}
              />
            )
          )
        })}
      </svg>
      {graph.edgesOmitted > 0 && (
        <p class="quiet">{count(graph.edgesOmitted)} more arrows are not drawn; each task names what it waits for.</p>
      )}
    </div>
  )
}

function Node({
  node,
  x,
  y,
  current,
  onClick,
}: {
  node: GraphNode
  x: number
  y: number
  current: boolean
  onClick: (node: GraphNode) => void
}) {
  const { word, sign, meaning } = statusWords(node.status)
  const folded = node.task_ids.length > 1
  const title = exposedLine(node.title)
  return (
    // The box around it has the keys.
    // biome-ignore lint/a11y/noStaticElementInteractions: the list is the accessible form
    <g
      class={`node ${meaning}${current ? ' current' : ''}`}
      transform={`translate(${x} ${y})`}
      onClick={() => onClick(node)}
    >
      {folded && <rect class="behind" x="4" y="4" width={NODE_WIDTH} height={NODE_HEIGHT} rx="6" />}
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx="6" />
      <Sign of={sign} at={{ x: 10, y: 6 }} />
      <text x="30" y="17">
        {title.length > TITLE_CHARS_MAX ? `${title.slice(0, TITLE_CHARS_MAX)}…` : title}
      </text>
      <text class="word" x="30" y="32">
        {word}
      </text>
      <title>{`${title}: ${word}`}</title>
    </g>
  )
}
