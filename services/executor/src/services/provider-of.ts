/** Who runs a service: a process of this host, systemd, Docker or Kubernetes. */
import type { Target } from '@deed/config/targets'
import type { World } from '../kind/kind.ts'
import { targetOf } from '../kind/target-of.ts'
import { dockerContainer } from './docker-container.ts'
import { kubernetesService } from './kubernetes-service.ts'
import type { ServiceProvider } from './service-provider.ts'
import { supervisedProcess } from './supervised-process.ts'
import { systemdUnit } from './systemd-unit.ts'

/** The programs that run services, by the type of their targets. */
export const SERVICE_TYPES = ['process', 'systemd', 'docker', 'kubernetes'] as const satisfies readonly Target['type'][]

/** @throws {DeedError} `unknown_target` */
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
