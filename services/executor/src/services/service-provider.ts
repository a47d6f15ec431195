/** A service, whatever runs it: a process of this host, systemd, Docker or Kubernetes. */
import type { Target } from '@deed/config/execution-config'
import type { World } from '../kinds/kind.ts'
import { supervisedProcess } from '../processes/supervised-process.ts'
import { targetOf } from '../target-of.ts'
import { dockerContainer } from './docker-container.ts'
import { kubernetesService } from './kubernetes-service.ts'
import { systemdUnit } from './systemd-unit.ts'

/** What runs of a service. */
export interface Running {
  /** In the words of `Action.expect_before`; another one after every restart. */
  readonly state: string
  /** As in `process 42`. */
  readonly text: string
  readonly pid?: number
}

export interface ServiceState {
  /** Absent when nothing runs. */
  readonly running?: Running
  /** Absent when nothing runs, or nobody can say how it is. */
  readonly health?: { readonly ok: boolean; readonly text: string }
}

export interface ServiceProvider {
  readonly environment: string | undefined
  state(signal: AbortSignal): Promise<ServiceState>
  /** Starts it where it does not run, and waits for a while until it is healthy. Whether it is, an observation says. */
  start(signal: AbortSignal): Promise<void>
  stop(signal: AbortSignal): Promise<void>
  /** Where it is more than stopping and starting. */
  restart?(signal: AbortSignal): Promise<void>
}

/** Whoever runs services, by the type of their targets. */
export const SERVICE_TYPES = ['process', 'systemd', 'docker', 'kubernetes'] as const satisfies readonly Target['type'][]

/** @throws {DeedError} `unknown_target`, `unavailable` when the target's system is not on this host */
export function serviceProvider(world: World, name: string): ServiceProvider {
  const target = targetOf(world.config.targets, name, SERVICE_TYPES, 'a service')
  switch (target.type) {
    case 'process':
      return supervisedProcess(world, name, target)
    case 'systemd':
      return systemdUnit(world, target)
    case 'docker':
      return dockerContainer(world, target)
    case 'kubernetes':
      return kubernetesService(world, target)
  }
}

export const stateText = ({ running }: ServiceState): string => running?.state ?? 'stopped'
