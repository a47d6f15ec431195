/** The kinds of action that need no provider, and the types of target that `input.target` of each may name. */

const SERVICE: readonly string[] = ['process', 'systemd', 'docker', 'kubernetes']

export const KINDS: Readonly<Record<string, readonly string[]>> = {
  'file.write': [],
  'file.patch': [],
  'file.move': [],
  'file.delete': [],
  'dir.create': [],
  'code.generate': [],
  'command.run': [],
  'test.run': [],
  'git.branch': [],
  'git.commit': [],
  'git.apply': [],
  'wait.until': [],
  'human.task': [],
  'service.start': SERVICE,
  'service.stop': SERVICE,
  'service.restart': SERVICE,
  'service.status': SERVICE,
  'kubernetes.scale': ['kubernetes'],
  'kubernetes.rollout': ['kubernetes'],
  'sql.query': ['sql'],
  'sql.execute': ['sql'],
  'nats.request': ['nats'],
  'nats.publish': ['nats'],
  'mcp.call': ['mcp'],
  'http.request': ['http', 'process'],
}
