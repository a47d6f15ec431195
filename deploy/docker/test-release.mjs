/** `helm test`: as a client from outside, a task is done and verified, and what only an approver may do is refused. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const DEED = fileURLToPath(new URL('../../libs/cli/bin/deed.mjs', import.meta.url))
const deed = (...args) => spawnSync(process.execPath, [DEED, '--json', ...args], { encoding: 'utf8' })

const done = deed('run', 'How much memory does this host have?')
const { status, verification = [] } = JSON.parse(done.stdout || '{}')
const verified = verification.length > 0 && verification.every(({ outcome }) => outcome === 'verified')
check(status === 'done' && verified, 'a task is done and verified', done)

const refused = deed('get', 'approvals')
check(refused.status !== 0, 'a client may not see what only an approver may', refused)

function check(holds, sentence, { stdout, stderr }) {
  console.log(`${holds ? 'ok' : 'FAILED'}: ${sentence}`)
  if (holds) return
  console.error(stdout, stderr)
  process.exitCode = 1
}
