/** Who runs a service: a process of this host, systemd, Docker or Kubernetes. */
import { existsSync } from 'node:fs'
import type { Target } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kinds/kind.ts'
import { supervisedProcess } from '../processes/supervised-process.ts'
import { targetOf } from '../target-of.ts'
import { dockerContainer } from './docker-container.ts'
import { kubernetesService } from './kubernetes-service.ts'
import type { ServiceProvider } from './service-provider.ts'
import { systemdUnit } from './systemd-unit.ts'

/** Whoever runs services, by the type of their targets. */
export const SERVICE_TYPES = ['process', 'systemd', 'docker', 'kubernetes'] as const satisfies readonly Target['type'][]

/** What sd_booted(3) looks at. */
const BOOTED = '/run/systemd/system'

/** @throws {DeedError} `unknown_target`, `unavailable` when the target's system is not on this host */
export function serviceProvider(world: World, name: string): ServiceProvider {
  const target = targetOf(world.config.targets, name, SERVICE_TYPES, 'a service')
  switch (target.type) {
    case 'process':
      return supervisedProcess(world, name, target)
    case 'systemd':
      if (!existsSync(BOOTED)) throw new DeedError('unavailable', 'systemd does not run this host')
      return systemdUnit(world, target)
    case 'docker':
      return dockerContainer(world, target)
    case 'kubernetes':
      return kubernetesService(world, target)
  }
}
