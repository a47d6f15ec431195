/** The services that get a NATS user and a database role of their own. */
import type { ServiceName } from '@deed/proto/contract'

export const SERVICES = [
  'orchestrator',
  'template-optimizer',
  'task-decomposer',
  'hybrid-agent',
  'executor',
  'semantic-cache',
] as const satisfies readonly ServiceName[]
