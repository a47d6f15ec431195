/** deed doctor: what of a mesh is not as it should be, and what to change. */
import { counted } from '@deed/config/counted'
import type { Check } from '@deed/proto/doctor'
import type { Command } from 'commander'
import { shellOf } from '../connect/shell.ts'
import { checkMachine } from '../doctor/check-machine.ts'
import { checkMesh } from '../doctor/check-mesh.ts'
import { EXIT } from '../terminal/exit-code.ts'
import type { Paint } from '../terminal/paint.ts'
import { plainText } from '../terminal/plain-text.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('examine mesh and machine, and say what to change')
    .description('Examine the mesh and this machine, and say what to change.')
    .addHelpText(
      'after',
      `
Examples:
  deed doctor
  deed doctor --json

Every instance of a service is examined. It changes nothing, and works without a
mesh, too. How often a NATS server elsewhere syncs is read at its monitoring
port, DEED_NATS_MONITORING_URL.

Exit code: 0 no problems; 1 a problem.`,
    )
    .action(async (_: object, command: Command) => {
      const shell = shellOf(command)
      const busy = shell.out.busy('examining')
      const checks = [...(await checkMachine(shell)), ...(await checkMesh(shell))]
      busy[Symbol.dispose]()
      const problems = checks.filter(({ status }) => status === 'problem').length
      const warnings = checks.filter(({ status }) => status === 'warning').length
      shell.out.document({ ok: problems === 0, problems, warnings, checks })
      shell.out.print(doctorText(checks, shell.out.paint))
      process.exitCode = problems === 0 ? EXIT.success : EXIT.failed
    })
}

const COLOUR = { ok: 'green', warning: 'yellow', problem: 'red' } as const

const whose = (ids: readonly string[]): string => plainText(`of ${ids.join(', ')}`)

export function doctorText(checks: readonly Check[], paint: Paint): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, status, message, advice, instances }) => [
    `${paint(COLOUR[status], status.padEnd(8))} ${name.padEnd(width)}  ${plainText(message)}`,
    ...(instances === undefined ? [] : [`${' '.repeat(width + 11)}${whose(instances)}`]),
    ...(advice === undefined ? [] : [`${' '.repeat(width + 11)}${plainText(advice)}`]),
  ])
  const count = (wanted: Check['status']) => checks.filter(({ status }) => status === wanted).length
  const sum = `${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}`
  return [...lines, sum].join('\n')
}
